#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/net/dial.h"

static void
the_first_retry_is_soon(void **state)
{
	(void)state;
	assert_int_equal(dial_delay_us(0, 0), 0);
	assert_int_equal(dial_delay_us(0, UINT32_MAX), 250 * US_PER_MS);
}

static void
delays_stay_in_bounds(void **state)
{
	uint32_t seed = 1;
	int64_t delay = 0;
	int i;

	(void)state;
	for (i = 0; i < 100000; i++) {
		int64_t last = delay;

		seed = seed * 1664525 + 1013904223;
		delay = dial_delay_us(last, seed);
		if (i == 0)
			continue;
		assert_true(delay >= 250 * US_PER_MS);
		assert_true(delay <= 30LL * US_PER_SECOND);
		assert_true(delay <= 3 * max_i64(last, 250 * US_PER_MS));
	}
}

static void
the_worst_luck_reaches_the_top(void **state)
{
	int64_t delay = 1;
	int i;

	(void)state;
	for (i = 0; i < 10; i++)
		delay = dial_delay_us(delay, UINT32_MAX);
	assert_true(delay > 29LL * US_PER_SECOND);
	assert_true(delay <= 30LL * US_PER_SECOND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_retry_is_soon),
		cmocka_unit_test(delays_stay_in_bounds),
		cmocka_unit_test(the_worst_luck_reaches_the_top),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
