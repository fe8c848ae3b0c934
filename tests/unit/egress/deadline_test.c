#include "egress/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"

static void
what_is_said_can_be_counted_with(void **state)
{
	int64_t most_us;

	(void)state;
	assert_int_equal(deadline_bound_ms(0), 0);
	assert_int_equal(deadline_bound_ms(-1), 0);
	assert_int_equal(deadline_bound_ms(5000), 5000);
	assert_int_equal(deadline_bound_ms(DEADLINE_MAX_MS), DEADLINE_MAX_MS);
	assert_int_equal(deadline_bound_ms(INT64_MAX), DEADLINE_MAX_MS);
	assert_false(__builtin_mul_overflow(deadline_bound_ms(INT64_MAX),
	    (int64_t)US_PER_MS, &most_us));
}

static void
what_it_waited_is_taken_off(void **state)
{
	(void)state;
	assert_int_equal(deadline_left_ms(5000, 0, 60000), 5000);
	assert_int_equal(deadline_left_ms(5000, 2000 * US_PER_MS, 60000), 3000);
	/* Not less than was left: else it would end before its deadline. */
	assert_int_equal(deadline_left_ms(5000, 2000 * US_PER_MS + 999, 60000),
	    3000);
	assert_int_equal(deadline_left_ms(90000, 2000 * US_PER_MS, 60000),
	    60000);
	assert_int_equal(deadline_left_ms(61000, 2000 * US_PER_MS, 60000),
	    59000);
	assert_int_equal(deadline_left_ms(5000, 5000 * US_PER_MS, 60000), 1);
	assert_int_equal(deadline_left_ms(5000, 9000 * US_PER_MS, 60000), 1);
	assert_int_equal(deadline_left_ms(0, 0, 60000), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_can_be_counted_with),
		cmocka_unit_test(what_it_waited_is_taken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
