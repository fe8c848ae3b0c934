#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/dialect/effort.h"

static void
words_are_efforts_and_back(void **state)
{
	int e;

	(void)state;
	for (e = EFFORT_NONE; e <= EFFORT_MAX; e++)
		assert_int_equal(effort_by_name(
				     slice_of(effort_name((enum effort)e))),
		    e);
	assert_null(effort_name(EFFORT_UNSET));
	assert_int_equal(effort_by_name(slice_of("")), EFFORT_UNSET);
	assert_int_equal(effort_by_name(slice_of("Low")), EFFORT_UNSET);
	assert_int_equal(effort_by_name(slice_of("lowest")), EFFORT_UNSET);
}

static void
a_budget_is_the_least_effort_that_has_it(void **state)
{
	int e;

	(void)state;
	for (e = EFFORT_LOW; e < EFFORT_MAX; e++) {
		assert_int_equal(effort_of_budget(
				     effort_budget((enum effort)e)),
		    e);
		assert_int_equal(effort_of_budget(
				     effort_budget((enum effort)e) + 1),
		    e + 1);
	}
	assert_int_equal(effort_of_budget(1), EFFORT_LOW);
	assert_int_equal(effort_of_budget(INT64_MAX), EFFORT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_efforts_and_back),
		cmocka_unit_test(a_budget_is_the_least_effort_that_has_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
