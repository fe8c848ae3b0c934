#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/member/flood.h"

#define START 1000

static struct audit_row
refusal(const char *from, int64_t at)
{
	return (struct audit_row){ .at = at,
		.action = slice_of("GET /metrics"),
		.why = slice_of("no token"),
		.status = 401,
		.from = slice_of(from) };
}

static bool
lets(struct flood *f, const char *from, int64_t at)
{
	struct audit_row row = refusal(from, at);

	return flood_lets(f, &row);
}

static void
the_first_is_written_and_the_others_are_counted(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row;
	int i;

	(void)state;
	assert_true(lets(f, "10.0.0.1", START));
	for (i = 1; i <= 1000; i++)
		assert_false(lets(f, "10.0.0.1", START + i));
	assert_true(lets(f, "10.0.0.2", START));
	assert_false(flood_next(f, START + FLOOD_WINDOW_US - 1, &row));
	assert_true(flood_next(f, START + FLOOD_WINDOW_US, &row));
	assert_int_equal(row.times, 1000);
	assert_int_equal(row.since, START);
	assert_int_equal(row.at, START + 1000);
	assert_int_equal(row.status, 401);
	assert_true(slice_is(row.from, "10.0.0.1"));
	assert_true(slice_is(row.why, "no token"));
	assert_true(slice_is(row.action, "GET /metrics"));
	/* The second came once: there is nothing to tell. */
	assert_false(flood_next(f, INT64_MAX, &row));
	assert_true(lets(f, "10.0.0.1", START + FLOOD_WINDOW_US));
	flood_free(f);
}

static void
what_differs_is_told_apart(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row = refusal("10.0.0.1", START);

	(void)state;
	assert_true(flood_lets(f, &row));
	row.actor = slice_of("ann");
	assert_true(flood_lets(f, &row));
	row.status = 403;
	assert_true(flood_lets(f, &row));
	row.why = slice_of("without the role");
	assert_true(flood_lets(f, &row));
	row.action = slice_of("GET /admin/audit");
	assert_true(flood_lets(f, &row));
	assert_false(flood_lets(f, &row));
	flood_free(f);
}

static void
what_is_counted_can_be_told_at_any_time(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row;
	size_t first, second;

	(void)state;
	assert_true(lets(f, "10.0.0.1", START));
	assert_true(lets(f, "10.0.0.2", START));
	assert_false(lets(f, "10.0.0.1", START + 1));
	first = flood_place(f);
	assert_false(lets(f, "10.0.0.2", START + 2));
	second = flood_place(f);
	assert_int_not_equal(first, second);
	assert_false(lets(f, "10.0.0.1", START + 3));
	assert_int_equal(flood_place(f), first);
	flood_counted(f, &row);
	assert_int_equal(row.times, 2);
	assert_int_equal(row.since, START);
	assert_int_equal(row.at, START + 3);
	assert_true(slice_is(row.from, "10.0.0.1"));
	assert_true(flood_next(f, INT64_MAX, &row));
	assert_int_equal(flood_place(f), first);
	assert_int_equal(row.times, 2);
	assert_true(flood_next(f, INT64_MAX, &row));
	assert_int_equal(flood_place(f), second);
	flood_free(f);
}

/* However many come from however many places. */
static void
rows_are_bounded(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row;
	size_t written = 0, told = 0;
	int64_t times = 0;
	char from[32];
	int i, round;

	(void)state;
	for (round = 0; round < 3; round++)
		for (i = 0; i < 20000; i++) {
			snprintf(from, sizeof(from), "10.0.%d.%d", i / 250,
			    i % 250);
			written += lets(f, from, START + i);
		}
	assert_int_equal(written, FLOOD_KINDS);
	while (flood_next(f, INT64_MAX, &row)) {
		told++;
		times += row.times;
	}
	assert_int_equal(told, FLOOD_KINDS);
	/* None is lost. */
	assert_int_equal(times + (int64_t)written, 60000);
	flood_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    the_first_is_written_and_the_others_are_counted),
		cmocka_unit_test(what_differs_is_told_apart),
		cmocka_unit_test(what_is_counted_can_be_told_at_any_time),
		cmocka_unit_test(rows_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
