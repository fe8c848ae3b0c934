#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/limit/retention.h"

#define HOUR ((int64_t)3600 * 1000)
#define DAY  (24 * HOUR)
#define NOW  (20000 * DAY + 15 * HOUR)

#define OF(class) (1u << RETENTION_##class)

static void
names_are_found_and_others_are_not(void **state)
{
	enum retention_class c;

	(void)state;
	for (c = 0; c < RETENTION_CLASSES; c++)
		assert_int_equal(retention_by_name(slice_of(retention_name(c))),
		    c);
	assert_int_equal(retention_by_name(slice_of("usages")),
	    RETENTION_CLASSES);
	assert_int_equal(retention_by_name(slice_of("")), RETENTION_CLASSES);
}

static void
the_shorter_of_two_limits_counts(void **state)
{
	struct retention_terms mesh = { .keep_ms = { 0 } }, own = mesh, both;

	(void)state;
	mesh.keep_ms[RETENTION_USAGE] = 400 * DAY;
	own.keep_ms[RETENTION_USAGE] = 90 * DAY;
	mesh.keep_ms[RETENTION_EVENTS] = 10 * DAY;
	own.keep_ms[RETENTION_EVENTS] = 30 * DAY;
	own.keep_ms[RETENTION_RECEIPTS] = 50 * DAY;
	both = retention_both(&mesh, &own);
	assert_int_equal(both.keep_ms[RETENTION_USAGE], 90 * DAY);
	assert_int_equal(both.keep_ms[RETENTION_EVENTS], 10 * DAY);
	assert_int_equal(both.keep_ms[RETENTION_RECEIPTS], 50 * DAY);
	assert_int_equal(both.keep_ms[RETENTION_DECISIONS], 0);
}

static void
what_has_no_limit_is_never_past(void **state)
{
	struct retention_terms t = { .keep_ms = { 0 } };

	(void)state;
	t.keep_ms[RETENTION_USAGE] = 30 * DAY;
	assert_int_equal(retention_cut_ms(&t, RETENTION_USAGE, NOW),
	    NOW - 30 * DAY);
	assert_int_equal(retention_cut_ms(&t, RETENTION_EVENTS, NOW), 0);
	assert_int_equal(retention_cut_ms(&t, RETENTION_SUMS, NOW), 0);
	t.keep_ms[RETENTION_USAGE] = 30000 * DAY; /* before 1970 */
	assert_int_equal(retention_cut_ms(&t, RETENTION_USAGE, NOW), 0);
}

static bool
is_dropped(int64_t at, int64_t cut, const struct retention_hold *holds,
    size_t count)
{
	struct retention_span within = { 0, cut }, span;

	while (
	    retention_next_span(RETENTION_USAGE, within, holds, count, &span)) {
		assert_true(span.from_ms >= within.from_ms);
		assert_true(span.to_ms <= cut);
		if (at >= span.from_ms && at < span.to_ms)
			return true;
		within.from_ms = span.to_ms;
	}
	return false;
}

/* For each moment: it goes exactly when it is past and nobody holds it. */
static void
held_rows_are_never_dropped_and_others_always(void **state)
{
	enum { SPAN = 60, HOLDS = 5, ROUNDS = 3000 };
	struct retention_hold holds[HOLDS];
	size_t round, i;
	int64_t at, cut;

	(void)state;
	srandom(7);
	for (round = 0; round < ROUNDS; round++) {
		size_t count = (size_t)random() % (HOLDS + 1);

		for (i = 0; i < count; i++) {
			int64_t from = random() % SPAN;

			holds[i].span.from_ms = from;
			holds[i].span.to_ms = random() % 5 == 0
						  ? INT64_MAX
						  : from + random() % 20;
			holds[i].classes =
			    random() % 4 == 0 ? OF(EVENTS) : OF(USAGE);
		}
		cut = random() % SPAN;
		for (at = 0; at < SPAN; at++) {
			bool held = retention_held(RETENTION_USAGE,
			    (struct retention_span){ at, at }, holds, count);

			assert_int_equal(is_dropped(at, cut, holds, count),
			    at < cut && !held);
		}
	}
}

static void
what_only_touches_a_hold_is_held(void **state)
{
	const struct retention_hold hold = { .span = { 100, 200 },
		.classes = OF(RECEIPTS) };

	(void)state;
#define HELD(from, to)                                                         \
	retention_held(RETENTION_RECEIPTS,                                     \
	    (struct retention_span){ (from), (to) }, &hold, 1)
	assert_false(HELD(50, 99));
	assert_true(HELD(50, 100));
	assert_true(HELD(199, 500));
	assert_false(HELD(200, 500));
	assert_true(HELD(0, 1000));
	assert_false(retention_held(RETENTION_USAGE,
	    (struct retention_span){ 150, 150 }, &hold, 1));
}

static void
a_run_is_due_soon_or_in_the_night(void **state)
{
	int64_t due;
	uint32_t chance;

	(void)state;
	for (chance = 0; chance < 4000000; chance += 99991) {
		/* Never, long ago, and by a clock that was wrong. */
		due = retention_due_ms(NOW, 0, chance);
		assert_in_range(due - NOW, HOUR / 60, HOUR / 5);
		due = retention_due_ms(NOW, NOW - 3 * DAY, chance);
		assert_in_range(due - NOW, HOUR / 60, HOUR / 5);
		due = retention_due_ms(NOW, NOW + DAY, chance);
		assert_in_range(due - NOW, HOUR / 60, HOUR / 5);
		due = retention_due_ms(NOW, NOW - 10 * HOUR, chance);
		assert_in_range(due % DAY, 2 * HOUR, 5 * HOUR);
		assert_in_range(due - NOW, HOUR, DAY);
	}
	/* Just after it ran at night: not the same night once more. */
	due = retention_due_ms(20000 * DAY + 2 * HOUR, 20000 * DAY + 2 * HOUR,
	    3000000);
	assert_true(due > 20001 * DAY);
}

static void
the_classes_are_documented(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 16384);
	retention_docs(&out);
	assert_non_null(strstr(buf_text(&out), "| `receipts` |"));
	assert_non_null(strstr(buf_text(&out), "| `sums` |"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_found_and_others_are_not),
		cmocka_unit_test(the_shorter_of_two_limits_counts),
		cmocka_unit_test(what_has_no_limit_is_never_past),
		cmocka_unit_test(held_rows_are_never_dropped_and_others_always),
		cmocka_unit_test(what_only_touches_a_hold_is_held),
		cmocka_unit_test(a_run_is_due_soon_or_in_the_night),
		cmocka_unit_test(the_classes_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
