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
		.outcome = slice_of("refused"),
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
	assert_true(slice_is(row.outcome, "refused"));
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

static struct audit_row
read_of(const char *actor, const char *what, int64_t at)
{
	return (struct audit_row){ .at = at,
		.actor = slice_of(actor),
		.role = slice_of("report-admin"),
		.action = slice_of("GET /admin/report"),
		.what = slice_of(what),
		.outcome = slice_of("done"),
		.from = slice_of("10.0.0.1"),
		.status = 200 };
}

/* Who read what, when first, when last and how often. */
static void
a_read_that_comes_again_is_told_whole(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row;
	int i;

	(void)state;
	for (i = 0; i < 60; i++) {
		row = read_of("finn", "by=group", START + i);
		assert_int_equal(flood_lets(f, &row), i == 0);
	}
	row = read_of("finn", "by=caller", START);
	assert_true(flood_lets(f, &row));
	row = read_of("ada", "by=group", START);
	assert_true(flood_lets(f, &row));
	assert_true(flood_next(f, START + FLOOD_WINDOW_US, &row));
	assert_true(slice_is(row.actor, "finn"));
	assert_true(slice_is(row.role, "report-admin"));
	assert_true(slice_is(row.action, "GET /admin/report"));
	assert_true(slice_is(row.what, "by=group"));
	assert_true(slice_is(row.outcome, "done"));
	assert_true(slice_is(row.from, "10.0.0.1"));
	assert_int_equal(row.status, 200);
	assert_int_equal(row.times, 59);
	assert_int_equal(row.since, START);
	assert_int_equal(row.at, START + 59);
	assert_false(flood_next(f, INT64_MAX, &row));
	flood_free(f);
}

/* Beyond what is told apart, each read is a row: none is made another's. */
static void
no_read_is_lumped(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row;
	char what[32];
	int i, round;

	(void)state;
	for (i = 0; i < 2 * FLOOD_KINDS; i++) {
		snprintf(what, sizeof(what), "request=%d", i);
		row = read_of("finn", what, START);
		assert_true(flood_lets(f, &row));
		assert_true(slice_is(row.what, what));
	}
	for (round = 0; round < 2; round++) {
		row = read_of("finn", what, START);
		assert_true(flood_lets(f, &row));
	}
	flood_free(f);
}

static void
what_was_not_written_is_let_again(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row = read_of("finn", "by=group", START);

	(void)state;
	assert_true(flood_lets(f, &row));
	flood_forget(f, &row);
	assert_true(flood_lets(f, &row));
	assert_false(flood_lets(f, &row));
	flood_free(f);
}

/* Texts that differ only where one ends and the next begins, do differ. */
static void
texts_do_not_run_together(void **state)
{
	struct flood *f = flood_new();
	struct audit_row row = read_of("ab", "c", START);

	(void)state;
	row.role = slice_of("");
	assert_true(flood_lets(f, &row));
	row.actor = slice_of("a");
	row.role = slice_of("b");
	assert_true(flood_lets(f, &row));
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
		cmocka_unit_test(a_read_that_comes_again_is_told_whole),
		cmocka_unit_test(no_read_is_lumped),
		cmocka_unit_test(what_was_not_written_is_let_again),
		cmocka_unit_test(texts_do_not_run_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
