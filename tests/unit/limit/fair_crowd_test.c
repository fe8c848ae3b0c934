/*
 * Crowds of parties before one server that serves in turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/limit/fair.h"

static struct fair_claim
claim(const char *party, const char *flow, int64_t weight, int64_t cost)
{
	return (
	    struct fair_claim){ slice_of(party), slice_of(flow), weight, cost };
}

static enum fair_answer
admits(void *arg, struct fair_waiter *w)
{
	(void)arg;
	(void)w;
	return FAIR_YES;
}

static uint32_t
chance(uint64_t *random, uint32_t of)
{
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*random >> 33) % of;
}

#define LINE 1000

/* Those of a party that wait for one server; time is what was served. */
struct crowd {
	const char *name;
	struct fair_waiter w[LINE];
	int64_t came[LINE];
	int64_t weight, most, served, longest;
	double demand, due; /* of the server; so far */
};

static void
come(struct fair *f, struct crowd *c, int64_t now, uint64_t *random)
{
	struct fair_claim k = claim(c->name, "f", c->weight, 1);
	size_t i;

	for (i = 0; i < LINE && c->due < c->demand * (double)now; i++) {
		if (c->w[i].flow != NULL)
			continue;
		k.cost = 1 + chance(random, (uint32_t)c->most);
		c->due += (double)k.cost;
		fair_join(f, &c->w[i], &k);
		c->came[i] = now;
	}
}

static int64_t
serve_crowds(struct crowd *crowds, size_t count, int64_t until)
{
	uint64_t random = 3;
	struct fair_waiter *w;
	struct fair f;
	int64_t now = 1;
	size_t i;

	fair_init(&f);
	while (now < until) {
		for (i = 0; i < count; i++)
			come(&f, &crowds[i], now, &random);
		w = fair_next(&f, admits, NULL);
		for (i = 0; w != NULL && i < count; i++) {
			struct crowd *c = &crowds[i];

			if (w < c->w || w >= c->w + LINE)
				continue;
			c->longest =
			    max_i64(c->longest, now - c->came[w - c->w]);
			c->served += w->cost;
		}
		now += w != NULL ? w->cost : 1;
		if (w != NULL)
			fair_leave(w);
	}
	for (i = 0; i < count * LINE; i++)
		fair_leave(&crowds[i / LINE].w[i % LINE]);
	fair_fini(&f);
	return now;
}

static double
jain(const struct crowd *c, size_t count)
{
	double sum = 0, squares = 0, x;
	size_t i;

	for (i = 0; i < count; i++) {
		x = (double)c[i].served / (double)c[i].weight;
		sum += x;
		squares += x * x;
	}
	return sum * sum / ((double)count * squares);
}

static void
a_hundred_times_the_demand_gets_no_more_than_its_weight(void **state)
{
	struct crowd *c = calloc(2, sizeof(*c));

	(void)state;
	assert_non_null(c);
	c[0] = (struct crowd){ .name = "heavy",
		.weight = 1,
		.most = 1000,
		.demand = 55 };
	c[1] = (struct crowd){ .name = "light",
		.weight = 1,
		.most = 100,
		.demand = 0.55 };
	serve_crowds(c, 2, 2000000);
	assert_true(jain(c, 2) >= 0.99);
	c[0] = (struct crowd){ .name = "heavy",
		.weight = 1,
		.most = 1000,
		.demand = 80 };
	c[1] = (struct crowd){ .name = "light",
		.weight = 3,
		.most = 100,
		.demand = 0.8 };
	serve_crowds(c, 2, 2000000);
	assert_true(jain(c, 2) >= 0.99);
	free(c);
}

/* Who asks for less than its share waits for what is being served, and once
 * for each other party: no longer, whatever those have waiting. */
static void
a_light_ones_wait_is_bounded(void **state)
{
	struct crowd *c = calloc(4, sizeof(*c));
	int64_t now;
	size_t i;

	(void)state;
	assert_non_null(c);
	for (i = 0; i < 3; i++)
		c[i] = (struct crowd){ .name = i == 0   ? "x"
					       : i == 1 ? "y"
							: "z",
			.weight = 1,
			.most = 1000,
			.demand = 5 };
	c[3] = (struct crowd){ .name = "light",
		.weight = 1,
		.most = 50,
		.demand = 0.05 };
	now = serve_crowds(c, 4, 2000000);
	assert_true(c[3].longest <= 4 * 1000);
	/* All that it asked for; the others the rest, alike. */
	assert_true((double)c[3].served > 0.99 * 0.05 * (double)now);
	assert_true(jain(c, 3) >= 0.999);
	free(c);
}

static int
start(void **state)
{
	(void)state;
	return crypto_start() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_hundred_times_the_demand_gets_no_more_than_its_weight),
		cmocka_unit_test(a_light_ones_wait_is_bounded),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
