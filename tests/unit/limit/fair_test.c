#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

static void
joins(struct fair *f, struct fair_waiter *w, const char *party, int64_t cost)
{
	const struct fair_claim c = claim(party, "f", 1, cost);

	fair_join(f, w, &c);
}

/* Whom it lets in: all but one, and how often it was asked. */
struct door {
	const struct fair_waiter *not_him, *stop_at;
	size_t asked;
};

static enum fair_answer
admits(void *arg, struct fair_waiter *w)
{
	struct door *d = arg;

	d->asked++;
	if (w == d->stop_at)
		return FAIR_NOBODY;
	return w == d->not_him ? FAIR_NOT_IT : FAIR_YES;
}

static struct fair_waiter *
next(struct fair *f)
{
	struct door d = { .asked = 0 };

	return fair_next(f, admits, &d);
}

static void
first_in_first_out_in_a_flow(void **state)
{
	struct fair_waiter w[5] = { { .flow = NULL } };
	struct fair f;
	size_t i;

	(void)state;
	fair_init(&f);
	assert_null(next(&f));
	for (i = 0; i < 5; i++)
		joins(&f, &w[i], "a", (int64_t)(10 - i));
	assert_int_equal(f.root.waiting, 5);
	fair_leave(&w[2]);
	for (i = 0; i < 5; i++)
		if (i != 2)
			assert_ptr_equal(next(&f), &w[i]);
	assert_null(next(&f));
	for (i = 0; i < 5; i++)
		fair_leave(&w[i]);
	fair_leave(&w[0]);
	assert_int_equal(f.root.held, 0);
	fair_fini(&f);
}

/* Always somebody of each party waits. */
struct backlog {
	struct fair fair;
	struct fair_waiter a, b;
	int64_t served_a, served_b;
};

static void
serve(struct backlog *k, size_t count, const struct fair_claim *a,
    const struct fair_claim *b)
{
	struct fair_waiter *w;

	while (count-- > 0) {
		if (k->a.flow == NULL)
			fair_join(&k->fair, &k->a, a);
		if (k->b.flow == NULL)
			fair_join(&k->fair, &k->b, b);
		w = next(&k->fair);
		*(w == &k->a ? &k->served_a : &k->served_b) += w->cost;

		fair_leave(w);
	}
}

static void
is_share(const struct fair_claim *a, const struct fair_claim *b, double wanted)
{
	struct backlog k = { .served_a = 0 };
	double ratio;

	fair_init(&k.fair);
	serve(&k, 100000, a, b);
	ratio = (double)k.served_a / (double)k.served_b;
	if (ratio < wanted * 0.98 || ratio > wanted * 1.02)
		fail_msg("%f, not %f", ratio, wanted);
	fair_leave(&k.a);
	fair_leave(&k.b);
	fair_fini(&k.fair);
}

static void
costs_are_served_by_weight(void **state)
{
	static const int64_t weights[][2] = { { 1, 1 }, { 3, 1 }, { 1, 7 },
		{ 1000, 600 }, { 501, 1000 }, { 20, 1 }, { 999, 1000 } };
	static const int64_t costs[][2] = { { 100, 100 }, { 1, 1 },
		{ 1000, 70 }, { 13, 997 } };
	size_t i, c;

	(void)state;
	for (i = 0; i < count_of(weights); i++)
		for (c = 0; c < count_of(costs); c++) {
			const struct fair_claim a =
			    claim("a", "f", weights[i][0], costs[c][0]);
			const struct fair_claim b =
			    claim("b", "f", weights[i][1], costs[c][1]);

			is_share(&a, &b,
			    (double)weights[i][0] / (double)weights[i][1]);
		}
}

/* The flows of a party share what is the party's. */
static void
many_flows_are_not_more_than_one(void **state)
{
	struct fair_waiter w[101] = { { .flow = NULL } }, *served;
	int64_t of_one = 0, of_flow[100] = { 0 };
	struct fair_claim c;
	struct fair f;
	char name[16];
	size_t i, n;

	(void)state;
	fair_init(&f);
	for (n = 0; n < 20000; n++) {
		for (i = 0; i < 101; i++) {
			if (w[i].flow != NULL)
				continue;
			snprintf(name, sizeof(name), "%zu", i);
			c = claim(i < 100 ? "many" : "one", name, 1, 10);
			fair_join(&f, &w[i], &c);
		}
		served = next(&f);
		*(served == &w[100] ? &of_one : &of_flow[served - w]) += 1;
		fair_leave(served);
	}
	assert_in_range(of_one, 9990, 10010);
	for (i = 0; i < 100; i++)
		assert_in_range(of_flow[i], 99, 101);
	for (i = 0; i < 101; i++)
		fair_leave(&w[i]);
	fair_fini(&f);
}

static void
who_comes_late_has_no_credit_for_having_been_idle(void **state)
{
	const struct fair_claim a = claim("a", "f", 1, 100);
	const struct fair_claim b = claim("b", "f", 1, 100);
	struct backlog k = { .served_a = 0 };
	struct fair_waiter early = { .flow = NULL };
	int i;

	(void)state;
	fair_init(&k.fair);
	fair_serve(&k.fair, &early, &b);
	fair_leave(&early);
	for (i = 0; i < 1000; i++) {
		fair_join(&k.fair, &k.a, &a);
		assert_ptr_equal(next(&k.fair), &k.a);
		fair_leave(&k.a);
	}
	serve(&k, 20, &a, &b);
	assert_in_range(k.served_b, 900, 1100);
	fair_leave(&k.a);
	fair_leave(&k.b);
	fair_fini(&k.fair);
}

static void
what_is_served_at_once_counts(void **state)
{
	struct fair_waiter at_once = { .flow = NULL },
			   a[2] = { { .flow = NULL } }, b = { .flow = NULL };
	const struct fair_claim c = claim("a", "f", 1, 100);
	struct fair f;

	(void)state;
	fair_init(&f);
	fair_serve(&f, &at_once, &c);
	joins(&f, &a[0], "a", 100);
	joins(&f, &a[1], "a", 100);
	joins(&f, &b, "b", 1);
	assert_ptr_equal(next(&f), &b);
	assert_ptr_equal(next(&f), &a[0]);
	fair_leave(&at_once);
	fair_leave(&a[0]);
	fair_leave(&a[1]);
	fair_leave(&b);
	fair_fini(&f);
}

/* Whoever of "a" it is. */
static enum fair_answer
admits_b(void *arg, struct fair_waiter *w)
{
	const struct share *party = arg;

	return w->flow->parent == party ? FAIR_NOT_IT : FAIR_YES;
}

static void
who_cannot_go_is_passed_by_and_keeps_its_turn(void **state)
{
	struct fair_waiter a[20] = { { .flow = NULL } };
	struct fair_waiter b[20] = { { .flow = NULL } }, *w;
	size_t i, of_a = 0;
	struct fair f;

	(void)state;
	fair_init(&f);
	for (i = 0; i < 20; i++) {
		joins(&f, &a[i], "a", 10);
		joins(&f, &b[i], "b", 10);
	}
	for (i = 0; i < 10; i++)
		assert_ptr_equal(fair_next(&f, admits_b, a[0].flow->parent),
		    &b[i]);
	/* It is next when it can, but has not gathered ten turns. */
	assert_ptr_equal(next(&f), &a[0]);
	for (i = 0; i < 10; i++) {
		w = next(&f);
		of_a += w >= a && w < a + 20;
	}
	assert_in_range(of_a, 5, 6);
	for (i = 0; i < 20; i++) {
		fair_leave(&a[i]);
		fair_leave(&b[i]);
	}
	fair_fini(&f);
}

static void
nobody_is_asked_behind_who_says_so(void **state)
{
	struct fair_waiter w[3] = { { .flow = NULL } };
	struct door d = { .stop_at = &w[1] };
	struct fair f;

	(void)state;
	fair_init(&f);
	joins(&f, &w[0], "a", 1);
	joins(&f, &w[1], "a", 1);
	joins(&f, &w[2], "b", 5);
	assert_ptr_equal(fair_next(&f, admits, &d), &w[0]);
	assert_ptr_equal(fair_next(&f, admits, &d), &w[2]);
	assert_null(fair_next(&f, admits, &d));
	assert_int_equal(d.asked, 3);
	d = (struct door){ .not_him = &w[1] };
	assert_null(fair_next(&f, admits, &d));
	assert_int_equal(d.asked, 1);
	fair_leave(&w[0]);
	fair_leave(&w[1]);
	fair_leave(&w[2]);
	fair_fini(&f);
}

#define UNDER_WAY 8

static void
all_join(struct fair *f, struct fair_waiter w[UNDER_WAY * 4], const char *party,
    int64_t cost)
{
	size_t i;

	for (i = 0; i < UNDER_WAY * 4; i++)
		if (w[i].flow == NULL)
			joins(f, &w[i], party, cost);
}

/* One asks for ten times what it uses; it is known when others were served. */
static void
turns_go_by_what_it_cost_in_the_end(void **state)
{
	struct fair_waiter w[2][UNDER_WAY * 4] = { { { .flow = NULL } } };
	struct fair_waiter *under_way[UNDER_WAY] = { NULL }, *served;
	int64_t used[2] = { 0 };
	struct fair f;
	size_t n, i, p;

	(void)state;
	fair_init(&f);
	for (n = 0; n < 20000; n++) {
		all_join(&f, w[0], "a", 1000);
		all_join(&f, w[1], "b", 100);
		served = under_way[n % UNDER_WAY];
		if (served != NULL) {
			fair_correct(served, 100);
			fair_leave(served);
		}
		served = under_way[n % UNDER_WAY] = next(&f);
		p = served >= w[1];
		used[p] += 100;
	}
	assert_in_range(used[0] * 100 / used[1], 97, 103);
	for (p = 0; p < 2; p++)
		for (i = 0; i < UNDER_WAY * 4; i++)
			fair_leave(&w[p][i]);
	fair_fini(&f);
}

static void
corrected_to_nothing_it_had_no_turn(void **state)
{
	struct fair_waiter w[3] = { { .flow = NULL } };
	struct fair_claim c = claim("a", "f", 1, 500);
	struct share *flow, *party;
	int64_t of_flow, of_party;
	struct fair f;

	(void)state;
	fair_init(&f);
	fair_serve(&f, &w[0], &c);
	flow = w[0].flow;
	party = flow->parent;
	of_flow = flow->finish;
	of_party = party->finish;
	fair_serve(&f, &w[1], &c);
	/* Its weight is another by now. */
	c = claim("a", "f", 1000, 7);
	fair_serve(&f, &w[2], &c);
	fair_correct(&w[1], 0);
	fair_correct(&w[2], 900);
	fair_correct(&w[2], 0);
	assert_int_equal(flow->finish, of_flow);
	assert_int_equal(party->finish, of_party);
	fair_leave(&w[0]);
	fair_leave(&w[1]);
	fair_leave(&w[2]);
	fair_fini(&f);
}

static void
beyond_the_most_others_are_one(void **state)
{
	static struct fair_waiter w[FAIR_SHARES_MAX + 10];
	struct fair_claim c;
	struct fair f;
	char name[16];
	size_t i;

	(void)state;
	fair_init(&f);
	for (i = 0; i < count_of(w); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		c = claim(name, name, 1, 1);
		fair_join(&f, &w[i], &c);
	}
	assert_int_equal(f.root.by_name.count, FAIR_SHARES_MAX + 1);
	assert_ptr_equal(w[count_of(w) - 1].flow->parent,
	    w[FAIR_SHARES_MAX].flow->parent);
	assert_string_equal(w[FAIR_SHARES_MAX].flow->parent->name, "others");
	for (i = 0; i < count_of(w); i++)
		assert_non_null(next(&f));
	assert_null(next(&f));
	for (i = 0; i < count_of(w); i++)
		fair_leave(&w[i]);
	/* Who is idle makes room. */
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "new %zu", i);
		c = claim(name, "f", 1, 1);
		fair_serve(&f, &w[0], &c);
		fair_leave(&w[0]);
		assert_true(f.root.by_name.count <= FAIR_SHARES_MAX + 1);
	}
	fair_fini(&f);
}

static void
weights_are_of_those_who_wait(void **state)
{
	struct fair_waiter w[3] = { { .flow = NULL } };
	struct fair_claim c = claim("a", "f", 5, 1);
	struct fair f;

	(void)state;
	fair_init(&f);
	fair_join(&f, &w[0], &c);
	c = claim("b", "f", 7, 1);
	fair_join(&f, &w[1], &c);
	c = claim("c", "f", 11, 1);
	fair_serve(&f, &w[2], &c);
	assert_int_equal(fair_weights(&f, w[0].flow->parent), 12);
	assert_int_equal(fair_weights(&f, w[2].flow->parent), 23);
	fair_leave(&w[0]);
	fair_leave(&w[1]);
	fair_leave(&w[2]);
	fair_fini(&f);
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
		w = next(&f);
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
		cmocka_unit_test(first_in_first_out_in_a_flow),
		cmocka_unit_test(costs_are_served_by_weight),
		cmocka_unit_test(many_flows_are_not_more_than_one),
		cmocka_unit_test(
		    who_comes_late_has_no_credit_for_having_been_idle),
		cmocka_unit_test(what_is_served_at_once_counts),
		cmocka_unit_test(who_cannot_go_is_passed_by_and_keeps_its_turn),
		cmocka_unit_test(nobody_is_asked_behind_who_says_so),
		cmocka_unit_test(turns_go_by_what_it_cost_in_the_end),
		cmocka_unit_test(corrected_to_nothing_it_had_no_turn),
		cmocka_unit_test(beyond_the_most_others_are_one),
		cmocka_unit_test(weights_are_of_those_who_wait),
		cmocka_unit_test(
		    a_hundred_times_the_demand_gets_no_more_than_its_weight),
		cmocka_unit_test(a_light_ones_wait_is_bounded),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
