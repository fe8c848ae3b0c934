#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/planning.h"

#define SEEDS 100000

/* What chi-square stays below in all but one of a thousand runs. */
static const double critical[] = { 0, 10.828, 13.816, 16.266, 18.467 };

struct draws {
	size_t firsts[TARGETS_MAX];
	size_t pairs[TARGETS_MAX][TARGETS_MAX]; /* first, second */
};

static void
draw_all(struct planning *p, struct draws *d, uint64_t step)
{
	uint64_t seed;

	memset(d, 0, sizeof(*d));
	for (seed = SEEDS; seed < 2 * SEEDS; seed++) {
		planning_again(p, seed * step);
		order_weighted(&p->plan, &p->wish);
		d->firsts[p->plan.order[0]]++;
		d->pairs[p->plan.order[0]][p->plan.order[1]]++;
	}
}

/* Do the counts fit the weights of all candidates but `without`? */
static void
fits(const struct planning *p, const size_t *counts, size_t without)
{
	double chi_square = 0, expected, total = 0, drawn = 0;
	size_t i, freedom = 0;

	for (i = 0; i < p->plan.count; i++) {
		drawn += (double)counts[i];
		if (i != without)
			total += (double)p->listed[i].weight;
	}
	for (i = 0; i < p->plan.count; i++) {
		if (i == without || p->listed[i].weight == 0) {
			assert_int_equal(counts[i], 0);
			continue;
		}
		expected = drawn * (double)p->listed[i].weight / total;
		assert_true(expected > 5);
		chi_square += ((double)counts[i] - expected) *
			      ((double)counts[i] - expected) / expected;
		freedom++;
	}
	assert_in_range(freedom, 2, count_of(critical));
	assert_true(chi_square < critical[freedom - 1]);
}

static void
draws_are_in_proportion_to_the_weights(void **state)
{
	static const int64_t weights[] = { 5, 30, 0, 15, 50 };
	/* Counted up, far apart, and the generator's own step. */
	static const uint64_t steps[] = { 1, 1u << 20, 0x9e3779b97f4a7c15u };
	struct planning p;
	struct draws d;
	size_t i, step;

	(void)state;
	planning_init(&p, count_of(weights));
	for (i = 0; i < count_of(weights); i++)
		p.listed[i].weight = weights[i];
	for (step = 0; step < count_of(steps); step++) {
		draw_all(&p, &d, steps[step]);
		fits(&p, d.firsts, SIZE_MAX);
		for (i = 0; i < count_of(weights); i++)
			if (weights[i] > 0)
				fits(&p, d.pairs[i], i);
	}
}

static void
weights_count_among_the_open_only(void **state)
{
	struct planning p;
	struct draws d;

	(void)state;
	planning_init(&p, 4);
	p.listed[0].weight = 7;
	p.listed[1].weight = 1000000;
	p.listed[2].weight = 2;
	p.listed[3].weight = 1;
	p.candidates[1].excluded = EXCLUSION_BACKING_OFF;
	draw_all(&p, &d, 1);
	assert_int_equal(d.firsts[1], 0);
	p.listed[1].weight = 0;
	fits(&p, d.firsts, SIZE_MAX);
}

static void
those_without_weight_come_last_as_listed(void **state)
{
	struct planning p;
	uint64_t seed;

	(void)state;
	planning_init(&p, 5);
	p.listed[0].weight = p.listed[2].weight = p.listed[3].weight = 0;
	for (seed = 0; seed < 1000; seed++) {
		planning_again(&p, seed);
		order_weighted(&p.plan, &p.wish);
		assert_int_equal(p.plan.order[2], 0);
		assert_int_equal(p.plan.order[3], 2);
		assert_int_equal(p.plan.order[4], 3);
	}
	assert_int_equal(p.plan.strategy, STRATEGY_WEIGHTED);
	assert_int_equal(p.plan.decider, DECIDED_BY_STRATEGY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_are_in_proportion_to_the_weights),
		cmocka_unit_test(weights_count_among_the_open_only),
		cmocka_unit_test(those_without_weight_come_last_as_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
