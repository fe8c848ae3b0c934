#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limit/allowance.h"

static void
takes_all_or_nothing(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 100);
	assert_true(allowance_take(&a, 60));
	assert_false(allowance_take(&a, 41));
	assert_true(allowance_take(&a, 40));
	assert_false(allowance_take(&a, 1));
	assert_true(allowance_take(&a, 0));
	allowance_give(&a, 40);
	assert_true(allowance_take(&a, 1));
	allowance_give(&a, 61);
	assert_int_equal(atomic_load(&a.held), 0);
}

static void
huge_wishes_do_not_wrap(void **state)
{
	struct allowance a;

	(void)state;
	allowance_init(&a, 100);
	assert_true(allowance_take(&a, 100));
	assert_false(allowance_take(&a, SIZE_MAX));
	assert_false(allowance_take(&a, SIZE_MAX - 50));
	allowance_init(&a, SIZE_MAX);
	assert_true(allowance_take(&a, SIZE_MAX));
	assert_false(allowance_take(&a, 1));
}

#define THREADS 4
#define ROUNDS  20000

static void *
take_and_give(void *arg)
{
	struct allowance *a = arg;
	size_t taken = 0, i, n;

	for (i = 0; i < ROUNDS; i++) {
		n = i % 7;
		if (!allowance_take(a, n))
			continue;
		taken += n > 0;
		if (atomic_load(&a->held) > a->max)
			return NULL;
		allowance_give(a, n);
	}
	return taken > 0 ? a : NULL;
}

static void
threads_never_hold_more_than_the_maximum(void **state)
{
	pthread_t threads[THREADS];
	struct allowance a;
	void *good;
	size_t i;

	(void)state;
	allowance_init(&a, 10);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     take_and_give, &a),
		    0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &good);
		assert_ptr_equal(good, &a);
	}
	assert_int_equal(atomic_load(&a.held), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_or_nothing),
		cmocka_unit_test(huge_wishes_do_not_wrap),
		cmocka_unit_test(threads_never_hold_more_than_the_maximum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
