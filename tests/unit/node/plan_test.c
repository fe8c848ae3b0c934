#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/planning.h"

static void
only_open_candidates_can_be_added(void **state)
{
	size_t open[TARGETS_MAX];
	struct planning p;

	(void)state;
	planning_init(&p, 4);
	p.candidates[1].excluded = EXCLUSION_REGION;
	assert_int_equal(plan_open(&p.plan, open), 3);
	assert_int_equal(open[0], 0);
	assert_int_equal(open[1], 2);
	assert_int_equal(open[2], 3);
	plan_add(&p.plan, 3);
	plan_add(&p.plan, 0);
	assert_int_equal(p.plan.order_count, 2);
	assert_int_equal(p.plan.order[0], 3);
	assert_int_equal(p.candidates[3].rank, 1);
	assert_int_equal(p.candidates[0].rank, 2);
	assert_int_equal(p.candidates[2].rank, 0);
}

static uint64_t
chance(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void
make_any(struct planning *p, uint64_t *random)
{
	struct candidate *c;
	size_t i;

	planning_init(p, chance(random) % (TARGETS_MAX + 1));
	p->wish.seed = chance(random);
	p->wish.complexity = (double)(chance(random) % 101) / 100;
	p->group.score.explore_ppm = (int64_t)(chance(random) % 1000001);
	p->group.score.min_attempts = (int64_t)(chance(random) % 30);
	for (i = 0; i < SCORE_TERMS; i++)
		p->group.score.weights_ppm[i] =
		    (int64_t)(chance(random) % 3 * 500000);
	for (i = 0; i < p->plan.count; i++) {
		c = &p->candidates[i];
		p->listed[i].weight = (int64_t)(chance(random) % 4);
		p->listed[i].quality_ppm =
		    (int64_t)(chance(random) % 1000002) - 1;
		c->excluded = chance(random) % 3 == 0 ? EXCLUSION_BACKING_OFF
						      : EXCLUSION_NONE;
		c->cost_microusd = (int64_t)(chance(random) % 5 * 100);
		c->warm = chance(random) % 5 == 0;
		c->seen.attempts = (int64_t)(chance(random) % 50);
		c->seen.failures =
		    (int64_t)chance(random) % (c->seen.attempts + 1);
		c->seen.ttft_p50_us = (int64_t)(chance(random) % 3 * 100000);
		c->seen.total_p50_us = (int64_t)(chance(random) % 3 * 900000);
		c->seen.tokens_per_s = (double)(chance(random) % 3 * 40);
	}
}

static void
check(const struct planning *p)
{
	bool seen[TARGETS_MAX] = { false };
	const struct candidate *c;
	size_t i, t, open = 0;

	for (i = 0; i < p->plan.order_count; i++) {
		assert_true(p->plan.order[i] < p->plan.count);
		c = &p->candidates[p->plan.order[i]];
		assert_int_equal(c->excluded, EXCLUSION_NONE);
		assert_int_equal(c->rank, i + 1);
		assert_false(seen[p->plan.order[i]]);
		seen[p->plan.order[i]] = true;
		assert_true(c->score >= 0 && c->score <= 1 + 1e-9);
		for (t = 0; t < SCORE_TERMS; t++)
			assert_true(c->terms[t] >= 0 && c->terms[t] <= 1);
	}
	for (i = 0; i < p->plan.count; i++) {
		open += p->candidates[i].excluded == EXCLUSION_NONE;
		assert_int_equal(p->candidates[i].rank > 0, seen[i]);
	}
	assert_int_equal(p->plan.order_count, open);
}

static void
every_strategy_orders_each_open_candidate_once(void **state)
{
	void (*const orders[])(struct plan *,
	    const struct order_wish *) = { order_listed, order_weighted,
		order_score };
	size_t first[TARGETS_MAX];
	struct planning p;
	uint64_t random = 11;
	size_t round, i;

	(void)state;
	for (round = 0; round < 3000; round++) {
		make_any(&p, &random);
		for (i = 0; i < count_of(orders); i++) {
			planning_again(&p, p.wish.seed);
			orders[i](&p.plan, &p.wish);
			check(&p);
			memcpy(first, p.plan.order, sizeof(first));
			planning_again(&p, p.wish.seed);
			orders[i](&p.plan, &p.wish);
			assert_memory_equal(first, p.plan.order,
			    p.plan.order_count * sizeof(first[0]));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_open_candidates_can_be_added),
		cmocka_unit_test(
		    every_strategy_orders_each_open_candidate_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
