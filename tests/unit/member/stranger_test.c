#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/member/stranger.h"

static void
tell(struct strangers *s, const char *from, int64_t at)
{
	const struct audit_row row = { .at = at,
		.action = slice_of("call"),
		.from = slice_of(from),
		.why = slice_of("no token of ours"),
		.status = 401 };

	strangers_tell(s, &row);
}

static void
they_are_told_in_order(void **state)
{
	struct strangers *s = strangers_new();
	struct audit_row row;

	(void)state;
	assert_false(strangers_next(s, &row));
	tell(s, "10.0.0.1", 1);
	tell(s, "10.0.0.2", 2);
	assert_true(strangers_next(s, &row));
	assert_true(slice_is(row.from, "10.0.0.1"));
	assert_true(slice_is(row.action, "call"));
	assert_true(slice_is(row.outcome, "refused"));
	assert_true(slice_is(row.why, "no token of ours"));
	assert_int_equal(row.at, 1);
	assert_int_equal(row.status, 401);
	tell(s, "10.0.0.3", 3);
	assert_true(strangers_next(s, &row));
	assert_true(slice_is(row.from, "10.0.0.2"));
	assert_true(strangers_next(s, &row));
	assert_true(slice_is(row.from, "10.0.0.3"));
	assert_false(strangers_next(s, &row));
	strangers_free(s);
}

static void
none_is_lost_when_many_come(void **state)
{
	struct strangers *s = strangers_new();
	struct audit_row row;
	int64_t sum = 0;
	size_t rows = 0;
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		tell(s, "10.0.0.1", i);
	while (strangers_next(s, &row)) {
		rows++;
		sum += 1 + row.times;
	}
	assert_int_equal(rows, STRANGERS_MAX + 1);
	assert_int_equal(sum, 1000);
	assert_int_equal(row.at, 999);
	tell(s, "10.0.0.2", 2000);
	assert_true(strangers_next(s, &row));
	assert_int_equal(row.times, 0);
	assert_false(strangers_next(s, &row));
	strangers_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_told_in_order),
		cmocka_unit_test(none_is_lost_when_many_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
