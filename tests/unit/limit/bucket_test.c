#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/limit/bucket.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define START  (12345 * SECOND + 1)

static struct bucket
bucket_of(int64_t per_minute, int64_t burst)
{
	struct bucket b = { 0 };

	bucket_set(&b, per_minute, burst, START);
	return b;
}

static void
a_burst_goes_at_once_whatever_the_rate(void **state)
{
	static const int64_t rates[] = { 1, 3, 7, 60, 61, 999, 1000003 };
	size_t i;
	int64_t n;

	(void)state;
	for (i = 0; i < count_of(rates); i++) {
		struct bucket b = bucket_of(rates[i], 97);

		for (n = 0; n < 97; n++) {
			assert_int_equal(bucket_left(&b, START), 97 - n);
			assert_int_equal(bucket_wait_us(&b, 1, START), 0);
			bucket_take(&b, 1, START);
		}
		assert_int_equal(bucket_left(&b, START), 0);
		/* The next when one has drained, to the microsecond. */
		assert_int_equal(bucket_wait_us(&b, 1, START),
		    (MINUTE + rates[i] - 1) / rates[i]);
		assert_int_equal(bucket_full_us(&b, START),
		    (97 * MINUTE + rates[i] - 1) / rates[i]);
	}
}

static void
a_wait_is_exact(void **state)
{
	struct bucket b = bucket_of(7, 7);
	int64_t wait_us;

	(void)state;
	bucket_take(&b, 7, START);
	wait_us = bucket_wait_us(&b, 3, START);
	assert_int_equal(wait_us, 25714286); /* 3/7 of a minute, and a bit */
	assert_int_equal(bucket_wait_us(&b, 3, START + wait_us), 0);
	assert_int_equal(bucket_wait_us(&b, 3, START + wait_us - 1), 1);
	assert_int_equal(bucket_left(&b, START + wait_us), 3);
	assert_int_equal(bucket_left(&b, START + wait_us - 1), 2);
	assert_int_equal(bucket_wait_us(&b, 0, START), 0);
	assert_int_equal(bucket_full_us(&b, START + MINUTE - 1), 1);
	assert_int_equal(bucket_full_us(&b, START + MINUTE), 0);
}

static void
what_is_larger_than_the_burst_waits_for_a_full_bucket_and_then_owes(
    void **state)
{
	struct bucket b = bucket_of(60, 10);

	(void)state;
	assert_int_equal(bucket_wait_us(&b, 100, START), 0);
	bucket_take(&b, 1, START);
	assert_int_equal(bucket_wait_us(&b, 100, START), SECOND);
	bucket_take(&b, 100, START + SECOND);
	assert_int_equal(bucket_left(&b, START + SECOND), -90);
	assert_int_equal(bucket_wait_us(&b, 1, START + SECOND), 91 * SECOND);
	assert_int_equal(bucket_wait_us(&b, 99, START + SECOND), 100 * SECOND);
}

static void
new_terms_keep_what_was_taken(void **state)
{
	struct bucket b = bucket_of(60, 60);

	(void)state;
	bucket_take(&b, 40, START);
	bucket_set(&b, 60, 60, START + 10 * SECOND);
	assert_int_equal(bucket_left(&b, START + 10 * SECOND), 30);
	bucket_set(&b, 600, 100, START + 10 * SECOND);
	assert_int_equal(bucket_left(&b, START + 10 * SECOND), 70);
	assert_int_equal(bucket_left(&b, START + 11 * SECOND), 80);
	bucket_set(&b, 60, 10, START + 11 * SECOND);
	assert_int_equal(bucket_left(&b, START + 11 * SECOND), -10);
	assert_int_equal(bucket_wait_us(&b, 1, START + 11 * SECOND),
	    11 * SECOND);
	bucket_set(&b, 0, 0, START + 11 * SECOND);
	assert_int_equal(bucket_wait_us(&b, INT64_MAX, START), 0);
	assert_int_equal(bucket_full_us(&b, START), 0);
	assert_true(bucket_left(&b, START) == INT64_MAX);
	bucket_take(&b, 1000, START);
	/* What nobody counted is not owed, and comes not back. */
	bucket_set(&b, 60, 60, START + 12 * SECOND);
	assert_int_equal(bucket_left(&b, START + 12 * SECOND), 60);
	bucket_take(&b, 5, START + 12 * SECOND);
	bucket_give(&b, 1000, START + 11 * SECOND);
	assert_int_equal(bucket_left(&b, START + 12 * SECOND), 55);
}

static void
an_emptied_one_fills_from_the_time_that_is_not_known(void **state)
{
	struct bucket b = bucket_of(60, 30), none = { 0 };

	(void)state;
	bucket_empty(&b, START - 10 * SECOND);
	assert_int_equal(bucket_left(&b, START), 10);
	assert_int_equal(bucket_wait_us(&b, 11, START), SECOND);
	/* Before the machine was started. */
	bucket_empty(&b, -5 * MINUTE);
	assert_int_equal(bucket_left(&b, START), 10);
	bucket_empty(&b, START);
	assert_int_equal(bucket_left(&b, START), 0);
	bucket_take(&b, 50, START);
	bucket_empty(&b, START + SECOND);
	assert_int_equal(bucket_left(&b, START + SECOND), -49);
	bucket_empty(&none, START);
	assert_int_equal(bucket_wait_us(&none, 1, START), 0);
}

static void
what_is_given_back_is_as_if_it_had_not_been_taken(void **state)
{
	struct bucket b = bucket_of(60, 30), before;

	(void)state;
	bucket_take(&b, 7, START);
	before = b;
	bucket_take(&b, 20, START);
	bucket_give(&b, 20, START);
	assert_memory_equal(&b, &before, sizeof(b));
	bucket_give(&b, 100, START);
	assert_int_equal(bucket_left(&b, START), 30);
}

/* It has come back by itself; those that came after have taken it. */
static void
what_has_come_back_already_is_not_given_again(void **state)
{
	struct bucket b = bucket_of(60, 30);

	(void)state;
	bucket_take(&b, 30, START);
	bucket_take(&b, 30, START + 30 * SECOND);
	bucket_give(&b, 30, START);
	assert_int_equal(bucket_left(&b, START + 30 * SECOND), 0);
}

static void
settled_as_it_was_taken_changes_nothing(void **state)
{
	struct bucket b = bucket_of(60, 30), before;

	(void)state;
	bucket_take(&b, 20, START);
	before = b;
	bucket_settle(&b, 20, START, 20, START + MINUTE);
	assert_memory_equal(&b, &before, sizeof(b));
	bucket_settle(&b, 20, START, 15, START + 5 * SECOND);
	assert_int_equal(bucket_left(&b, START + 5 * SECOND), 20);
	bucket_settle(&b, 15, START, 45, START + 5 * SECOND);
	assert_int_equal(bucket_left(&b, START + 5 * SECOND), -10);
}

static void
time_that_goes_back_gives_nothing(void **state)
{
	struct bucket b = bucket_of(60, 30);

	(void)state;
	bucket_take(&b, 30, START + SECOND);
	assert_int_equal(bucket_left(&b, START), 0);
	bucket_take(&b, 1, START);
	assert_int_equal(bucket_left(&b, START + SECOND), -1);
	assert_int_equal(bucket_left(&b, START + 2 * SECOND), 0);
}

static void
nothing_overflows(void **state)
{
	static const int64_t ends[] = { 1, 1000, INT64_MAX / 2, INT64_MAX };
	size_t r, u;
	int i;

	(void)state;
	for (r = 0; r < count_of(ends); r++)
		for (u = 0; u < count_of(ends); u++) {
			struct bucket b = bucket_of(ends[r], ends[u]);
			int64_t wait_us;

			for (i = 0; i < 1000; i++)
				bucket_take(&b, ends[u], START);
			wait_us = bucket_wait_us(&b, ends[u], START);
			assert_in_range(wait_us, 0, 366 * 24 * 60 * MINUTE);
			assert_true(bucket_left(&b, START) <= b.burst);
			assert_int_equal(bucket_left(&b, INT64_MAX), b.burst);
			assert_true(bucket_full_us(&b, START) >= 0);
			bucket_settle(&b, INT64_MAX, START, 0, START);
			assert_true(b.owed >= 0);
			bucket_settle(&b, -1, START, INT64_MAX, START);
			bucket_settle(&b, 0, START, INT64_MIN, START);
			bucket_empty(&b, START);
			bucket_set(&b, 1, 1, START);
			assert_true(bucket_wait_us(&b, 1, START) > 0);
		}
}

static uint32_t
chance(uint64_t *random, uint32_t of)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33) % of;
}

#define TAKEN 2000

/* Over any interval no more than the burst, what the rate gives, and the one
 * that may be larger; and who waits as told is let in. */
static void
over_any_interval_the_rate_and_one_burst(void **state)
{
	static int64_t at_us[TAKEN], sum[TAKEN + 1];
	uint64_t random = 11;
	int round;

	(void)state;
	for (round = 0; round < 10; round++) {
		int64_t rate = 1 + chance(&random, 100000);
		int64_t burst = 1 + chance(&random, 1000), largest = 0;
		struct bucket b = bucket_of(rate, burst);
		int64_t now_us = START, units, wait_us;
		size_t n = 0, from;

		while (n < TAKEN) {
			struct bucket before = b;

			units = 1 + chance(&random, (uint32_t)burst * 5 / 4);
			largest = max_i64(largest, units);
			wait_us = bucket_wait_us(&b, units, now_us);
			assert_memory_equal(&b, &before, sizeof(b));
			if (wait_us > 0 && chance(&random, 2) == 0) {
				now_us +=
				    1 + chance(&random,
					    (uint32_t)min_i64(wait_us, SECOND));
				continue;
			}
			now_us += wait_us;
			assert_int_equal(bucket_wait_us(&b, units, now_us), 0);
			bucket_take(&b, units, now_us);
			at_us[n] = now_us;
			sum[n + 1] = sum[n] + units;
			n++;
			if (chance(&random, 50) == 0)
				now_us += chance(&random, 1u << 30);
		}
		for (from = 0; from < TAKEN; from++)
			for (n = from; n < TAKEN; n++)
				assert_true(
				    (double)(sum[n + 1] - sum[from]) <=
				    (double)burst +
					(double)max_i64(largest - burst, 0) +
					(double)rate *
					    (double)(at_us[n] - at_us[from]) /
					    (double)MINUTE +
					1e-6);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_goes_at_once_whatever_the_rate),
		cmocka_unit_test(a_wait_is_exact),
		cmocka_unit_test(
		    what_is_larger_than_the_burst_waits_for_a_full_bucket_and_then_owes),
		cmocka_unit_test(new_terms_keep_what_was_taken),
		cmocka_unit_test(
		    an_emptied_one_fills_from_the_time_that_is_not_known),
		cmocka_unit_test(
		    what_is_given_back_is_as_if_it_had_not_been_taken),
		cmocka_unit_test(what_has_come_back_already_is_not_given_again),
		cmocka_unit_test(settled_as_it_was_taken_changes_nothing),
		cmocka_unit_test(time_that_goes_back_gives_nothing),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(over_any_interval_the_rate_and_one_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
