#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"

static void
grows_to_its_maximum_and_not_beyond(void **state)
{
	struct buf b;
	int i;

	(void)state;
	buf_init(&b, 1000);
	for (i = 0; i < 1000; i++)
		buf_putc(&b, (char)i);
	assert_false(b.failed);
	assert_int_equal(b.len, 1000);
	for (i = 0; i < 1000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 1000);
	buf_fini(&b);
}

static void
failure_sticks_until_reset(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4);
	buf_puts(&b, "12345");
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	buf_puts(&b, "1");
	assert_int_equal(b.len, 0);
	assert_null(buf_room(&b, 1));
	buf_reset(&b);
	assert_false(b.failed);
	buf_puts(&b, "1234");
	assert_false(b.failed);
	assert_true(slice_is(buf_slice(&b), "1234"));
	buf_fini(&b);
}

static void
prints_up_to_the_last_byte(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	buf_printf(&b, "%s-%d", "ab", 123);
	assert_false(b.failed);
	assert_true(slice_is(buf_slice(&b), "ab-123"));
	buf_printf(&b, "%s", "");
	assert_false(b.failed);
	buf_printf(&b, "%c", 'x');
	assert_true(b.failed);
	buf_fini(&b);
}

static void
integers_are_in_decimals(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ -10, "-10" },
		{ 1700000000, "1700000000" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 20);
	for (i = 0; i < count_of(cases); i++) {
		buf_reset(&b);
		buf_put_int(&b, cases[i].n);
		assert_false(b.failed);
		assert_string_equal(buf_text(&b), cases[i].text);
	}
	buf_put_int(&b, 1);
	assert_true(b.failed);
	buf_fini(&b);
}

static void
gives_text_when_empty_and_when_full(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_string_equal(buf_text(&b), "");
	buf_puts(&b, "abc");
	assert_string_equal(buf_text(&b), "abc");
	assert_false(b.failed);
	assert_int_equal(b.len, 3);
	buf_fini(&b);
	buf_init(&b, 0);
	assert_string_equal(buf_text(&b), "");
	buf_put(&b, NULL, 0);
	assert_false(b.failed);
	buf_fini(&b);
}

static void
drops_from_the_front(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	buf_drop(&b, 5);
	buf_puts(&b, "abcdef");
	buf_drop(&b, 0);
	buf_drop(&b, 2);
	assert_true(slice_is(buf_slice(&b), "cdef"));
	buf_drop(&b, 99);
	assert_int_equal(b.len, 0);
	buf_fini(&b);
}

static void
room_is_counted_by_grow(void **state)
{
	struct buf b;
	uint8_t *room;

	(void)state;
	buf_init(&b, 200);
	buf_puts(&b, "x");
	room = buf_room(&b, 199);
	assert_non_null(room);
	memset(room, 'y', 199);
	assert_int_equal(b.len, 1);
	buf_grow(&b, 199);
	assert_int_equal(b.len, 200);
	assert_int_equal(b.data[199], 'y');
	assert_null(buf_room(&b, SIZE_MAX));
	buf_fini(&b);
	assert_int_equal(b.max, 200);
	assert_null(b.data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_to_its_maximum_and_not_beyond),
		cmocka_unit_test(failure_sticks_until_reset),
		cmocka_unit_test(prints_up_to_the_last_byte),
		cmocka_unit_test(integers_are_in_decimals),
		cmocka_unit_test(gives_text_when_empty_and_when_full),
		cmocka_unit_test(drops_from_the_front),
		cmocka_unit_test(room_is_counted_by_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
