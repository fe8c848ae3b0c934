#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"

static void
memory_is_zeroed_aligned_and_stays(void **state)
{
	struct arena a;
	uint8_t *p[300];
	size_t i, j;

	(void)state;
	arena_init(&a, 1 << 20);
	for (i = 0; i < count_of(p); i++) {
		p[i] = arena_alloc(&a, i * 7);
		assert_int_equal((uintptr_t)p[i] % 16, 0);
		for (j = 0; j < i * 7; j++)
			assert_int_equal(p[i][j], 0);
		memset(p[i], (int)i, i * 7);
	}
	for (i = 0; i < count_of(p); i++)
		for (j = 0; j < i * 7; j++)
			assert_int_equal(p[i][j], (uint8_t)i);
	arena_fini(&a);
	assert_int_equal(a.used, 0);
	assert_null(a.blocks);
}

static void
fits_tells_what_alloc_takes(void **state)
{
	struct arena a;

	(void)state;
	arena_init(&a, 64);
	assert_true(arena_fits(&a, 64));
	assert_false(arena_fits(&a, 65));
	assert_false(arena_fits(&a, SIZE_MAX));
	arena_alloc(&a, 33);
	assert_true(arena_fits(&a, 16));
	assert_false(arena_fits(&a, 17));
	arena_alloc(&a, 16);
	assert_false(arena_fits(&a, 1));
	arena_fini(&a);
	assert_true(arena_fits(&a, 64));
	arena_fini(&a);
}

static void
copies_end_in_nul(void **state)
{
	struct arena a;
	struct slice s = slice_make("a\0bcd", 4), copy;

	(void)state;
	arena_init(&a, 4096);
	copy = arena_copy(&a, s);
	assert_true(slice_eq(copy, s));
	assert_int_equal(copy.ptr[4], '\0');
	assert_string_equal(arena_text(&a, slice_make(NULL, 0)), "");
	assert_string_equal(arena_printf(&a, "%s=%d", "n", 7), "n=7");
	arena_fini(&a);
}

static void
one_allocation_may_be_larger_than_a_block(void **state)
{
	struct arena a;
	char *big, *small;

	(void)state;
	arena_init(&a, 10 << 20);
	small = arena_alloc(&a, 10);
	big = arena_alloc(&a, 5 << 20);
	memset(big, 1, 5 << 20);
	assert_int_equal(small[0], 0);
	arena_alloc(&a, 10);
	arena_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_aligned_and_stays),
		cmocka_unit_test(fits_tells_what_alloc_takes),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(one_allocation_may_be_larger_than_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
