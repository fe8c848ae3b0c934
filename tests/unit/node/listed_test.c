#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/planning.h"

static void
the_order_is_that_of_the_file(void **state)
{
	struct planning p;

	(void)state;
	planning_init(&p, 4);
	p.group.strategy = STRATEGY_FAILOVER;
	p.listed[3].weight = 1000;
	p.candidates[1].excluded = EXCLUSION_BACKING_OFF;
	order_listed(&p.plan, &p.wish);
	assert_int_equal(p.plan.order_count, 3);
	assert_int_equal(p.plan.order[0], 0);
	assert_int_equal(p.plan.order[1], 2);
	assert_int_equal(p.plan.order[2], 3);
	assert_int_equal(p.plan.strategy, STRATEGY_FAILOVER);
	assert_int_equal(p.plan.decider, DECIDED_BY_STRATEGY);
}

static void
static_says_its_own_name_and_others_failover(void **state)
{
	struct planning p;

	(void)state;
	planning_init(&p, 1);
	p.group.strategy = STRATEGY_STATIC;
	order_listed(&p.plan, &p.wish);
	assert_int_equal(p.plan.strategy, STRATEGY_STATIC);
	planning_again(&p, 0);
	p.group.strategy = STRATEGY_SCRIPT;
	order_listed(&p.plan, &p.wish);
	assert_int_equal(p.plan.strategy, STRATEGY_FAILOVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_that_of_the_file),
		cmocka_unit_test(static_says_its_own_name_and_others_failover),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
