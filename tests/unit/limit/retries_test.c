#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limit/retries.h"

static void
the_reserve_is_there_at_the_start_and_no_more(void **state)
{
	struct retries r;
	int i;

	(void)state;
	retries_init(&r);
	for (i = 0; i < RETRIES_RESERVE; i++)
		assert_true(retries_take(&r));
	assert_false(retries_take(&r));
	for (i = 0; i < RETRIES_SHARE - 1; i++) {
		retries_earn(&r);
		assert_false(retries_take(&r));
	}
	retries_earn(&r);
	assert_true(retries_take(&r));
	assert_false(retries_take(&r));
}

static void
quiet_times_do_not_save_up_for_a_storm(void **state)
{
	struct retries r;
	int i, taken = 0;

	(void)state;
	retries_init(&r);
	for (i = 0; i < 100000; i++)
		retries_earn(&r);
	while (retries_take(&r))
		taken++;
	assert_int_equal(taken, RETRIES_RESERVE);
}

/* Every request is retried: a fifth of them may, in any stretch of time. */
static void
over_any_sequence_a_fifth_and_the_reserve(void **state)
{
	int earned = 0, taken = 0, step;
	uint32_t random = 3;
	struct retries r;

	(void)state;
	retries_init(&r);
	for (step = 0; step < 200000; step++) {
		random = random * 1103515245u + 12345u;
		if ((random >> 16) % 8 < (uint32_t)(step / 1000 % 8)) {
			retries_earn(&r);
			earned++;
		} else if (retries_take(&r)) {
			taken++;
		}
		assert_true(taken <= earned / RETRIES_SHARE + RETRIES_RESERVE);
		assert_in_range(atomic_load(&r.saved), 0,
		    RETRIES_RESERVE * RETRIES_SHARE);
	}
	assert_true(taken > RETRIES_RESERVE);
}

#define THREADS 2
#define ROUNDS  100000

struct worker {
	pthread_t thread;
	struct retries *retries;
	int earned, taken;
};

static void *
earn_and_take(void *arg)
{
	struct worker *w = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 3 == 0) {
			retries_earn(w->retries);
			w->earned++;
		}
		w->taken += retries_take(w->retries);
	}
	return NULL;
}

static void
threads_share_one_budget(void **state)
{
	struct worker workers[THREADS];
	int earned = 0, taken = 0;
	struct retries r;
	size_t i;

	(void)state;
	retries_init(&r);
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .retries = &r };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
				     earn_and_take, &workers[i]),
		    0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		earned += workers[i].earned;
		taken += workers[i].taken;
	}
	while (retries_take(&r))
		taken++;
	assert_int_equal(taken, earned / RETRIES_SHARE + RETRIES_RESERVE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reserve_is_there_at_the_start_and_no_more),
		cmocka_unit_test(quiet_times_do_not_save_up_for_a_storm),
		cmocka_unit_test(over_any_sequence_a_fifth_and_the_reserve),
		cmocka_unit_test(threads_share_one_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
