#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/slice.h"

static void
assert_parts(const char *list, const char *const *parts)
{
	struct slice rest = slice_of(list);

	for (; *parts != NULL; parts++) {
		assert_true(rest.len > 0);
		assert_true(slice_is(slice_cut(&rest, ','), *parts));
	}
	assert_int_equal(rest.len, 0);
}

static void
a_list_is_cut_at_each_comma(void **state)
{
	(void)state;
	assert_parts("a,bc,d", (const char *const[]){ "a", "bc", "d", NULL });
	assert_parts("a,,d", (const char *const[]){ "a", "", "d", NULL });
	assert_parts(",a", (const char *const[]){ "", "a", NULL });
	/* What would stand behind the last one is nothing. */
	assert_parts("a,", (const char *const[]){ "a", NULL });
	assert_parts("", (const char *const[]){ NULL });
	assert_parts(NULL, (const char *const[]){ NULL });
}

static void
what_is_beyond_the_slice_is_not_looked_at(void **state)
{
	struct slice rest = slice_make("ab,c", 2);

	(void)state;
	assert_true(slice_is(slice_cut(&rest, ','), "ab"));
	assert_int_equal(rest.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_cut_at_each_comma),
		cmocka_unit_test(what_is_beyond_the_slice_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
