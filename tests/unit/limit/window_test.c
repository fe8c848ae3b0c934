#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/limit/window.h"

#define SECOND ((int64_t)1000000)
#define START  (12345 * SECOND)

static uint32_t
chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* From 1 ms to about a quarter of an hour, each magnitude as likely. */
static int64_t
some_time(uint64_t *state)
{
	int64_t us = (int64_t)1000 << (chance(state) % 19);

	return us + chance(state) % us;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
is_near(int64_t seen, int64_t exact)
{
	assert_true((double)seen <= (double)exact * WINDOW_ERROR);
	assert_true((double)seen * WINDOW_ERROR >= (double)exact);
}

#define TIMES 1000

static void
quantiles_are_within_the_error(void **state)
{
	int64_t ttft[TIMES], total[TIMES];
	struct sight sight;
	uint64_t random = 1;
	size_t n, i, round;

	(void)state;
	for (round = 0; round < 50; round++) {
		struct window w = { 0 };

		n = 1 + chance(&random) % TIMES;
		for (i = 0; i < n; i++) {
			ttft[i] = some_time(&random);
			total[i] = some_time(&random);
			window_add(&w,
			    &(struct window_seen){ .ttft_us = ttft[i],
				.total_us = total[i] },
			    START);
		}
		qsort(ttft, n, sizeof(ttft[0]), by_size);
		qsort(total, n, sizeof(total[0]), by_size);
		window_look(&w, &sight, START);
		is_near(sight.ttft_p50_us, ttft[(n + 1) / 2 - 1]);
		is_near(sight.ttft_p95_us, ttft[(n * 95 + 99) / 100 - 1]);
		is_near(sight.total_p50_us, total[(n + 1) / 2 - 1]);
		is_near(sight.total_p95_us, total[(n * 95 + 99) / 100 - 1]);
	}
}

static void
the_fastest_and_the_slowest_fall_into_the_outer_bins(void **state)
{
	struct window w = { 0 };
	struct sight sight;

	(void)state;
	window_add(&w, &(struct window_seen){ .ttft_us = 1, .total_us = 1 },
	    START);
	window_look(&w, &sight, START);
	assert_in_range(sight.total_p50_us, 1000, 1330);
	w = (struct window){ 0 };
	window_add(&w, &(struct window_seen){ .total_us = INT64_MAX / 2 },
	    START);
	window_look(&w, &sight, START);
	assert_in_range(sight.total_p95_us, 600 * SECOND, 900 * SECOND);
}

#define SEEN_MAX 4096

struct model {
	size_t count;
	int64_t at_us[SEEN_MAX];
	struct window_seen seen[SEEN_MAX];
};

/* By the clock's minutes: all of the newest ten. */
static void
agrees(struct window *w, const struct model *m, int64_t now_us)
{
	int64_t oldest = now_us / WINDOW_SLICE_US - (WINDOW_SLICES - 1);
	int64_t attempts = 0, failures = 0, tokens = 0, output_us = 0;
	struct sight sight;
	size_t i;

	for (i = 0; i < m->count; i++) {
		const struct window_seen *s = &m->seen[i];

		if (m->at_us[i] / WINDOW_SLICE_US < oldest)
			continue;
		attempts++;
		failures += s->failed;
		if (s->failed || s->output_tokens == 0)
			continue;
		tokens += s->output_tokens;
		output_us += s->total_us - s->ttft_us;
	}
	window_look(w, &sight, now_us);
	assert_int_equal(sight.attempts, attempts);
	assert_int_equal(sight.failures, failures);
	assert_int_equal(w->sum.output_tokens, tokens);
	assert_int_equal(w->sum.output_us, output_us);
	assert_true((sight.total_p50_us > 0) == (attempts > failures));
}

static int64_t
some_step(uint64_t *random)
{
	switch (chance(random) % 20) {
	case 0:
		return 15 * 60 * SECOND + chance(random);
	case 1:
		return chance(random) % (5 * 60 * SECOND);
	case 2:
		return WINDOW_SLICE_US;
	default:
		return chance(random) % (3 * SECOND);
	}
}

static void
sums_are_those_of_a_simple_model(void **state)
{
	struct model *m = calloc(1, sizeof(*m));
	struct window w = { 0 };
	uint64_t random = 7;
	int64_t now_us = START;

	(void)state;
	assert_non_null(m);
	while (m->count < SEEN_MAX) {
		struct window_seen *s = &m->seen[m->count];

		now_us += some_step(&random);
		s->failed = chance(&random) % 4 == 0;
		s->ttft_us = 1 + chance(&random) % SECOND;
		s->total_us = s->ttft_us + 1 + chance(&random) % SECOND;
		s->output_tokens = chance(&random) % 100;
		m->at_us[m->count++] = now_us;
		window_add(&w, s, now_us);
		agrees(&w, m, now_us);
		now_us += some_step(&random);
		agrees(&w, m, now_us);
	}
	free(m);
}

static void
time_that_goes_back_loses_nothing(void **state)
{
	struct window w = { 0 };
	struct sight sight;

	(void)state;
	window_add(&w, &(struct window_seen){ .failed = true }, START);
	window_add(&w, &(struct window_seen){ .total_us = SECOND },
	    START - 100 * WINDOW_SLICE_US);
	window_look(&w, &sight, START - WINDOW_SLICE_US);
	assert_int_equal(sight.attempts, 2);
	assert_int_equal(sight.failures, 1);
	window_look(&w, &sight, START + WINDOW_SLICES * WINDOW_SLICE_US);
	assert_int_equal(sight.attempts, 0);
	assert_int_equal(sight.total_p50_us, 0);
}

/* 300 tokens in 2 s and 100 in 3 s; the failed and the unknown are left out. */
static void
speed_is_of_all_tokens_over_all_their_time(void **state)
{
	const struct window_seen seen[] = {
		{ .ttft_us = SECOND,
		    .total_us = 3 * SECOND,
		    .output_tokens = 300 },
		{ .ttft_us = SECOND,
		    .total_us = 4 * SECOND,
		    .output_tokens = 100 },
		{ .failed = true,
		    .ttft_us = SECOND,
		    .total_us = 9 * SECOND,
		    .output_tokens = 1 },
		{ .ttft_us = SECOND, .total_us = 9 * SECOND },
		{ .total_us = 9 * SECOND, .output_tokens = 5 },
	};
	struct window w = { 0 };
	struct sight sight;
	size_t i;

	(void)state;
	window_look(&w, &sight, START);
	assert_true(sight.tokens_per_s == 0);
	for (i = 0; i < count_of(seen); i++)
		window_add(&w, &seen[i], START);
	window_look(&w, &sight, START);
	assert_true(sight.tokens_per_s == 80);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_within_the_error),
		cmocka_unit_test(
		    the_fastest_and_the_slowest_fall_into_the_outer_bins),
		cmocka_unit_test(sums_are_those_of_a_simple_model),
		cmocka_unit_test(time_that_goes_back_loses_nothing),
		cmocka_unit_test(speed_is_of_all_tokens_over_all_their_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
