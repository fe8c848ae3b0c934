#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

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

/* Also of who had been idle: it begins now. */
static void
what_an_idle_one_is_served_at_once_counts_from_now(void **state)
{
	struct fair_waiter done = { .flow = NULL }, w[2] = { { .flow = NULL } };
	const char *const others[][2] = { { "a", "g" }, { "b", "f" } };
	struct fair_claim c;
	struct fair f;
	size_t i;
	int n;

	(void)state;
	/* A flow of the same party, and another party. */
	for (i = 0; i < 2; i++) {
		fair_init(&f);
		c = claim("a", "f", 1, 1);
		fair_serve(&f, &done, &c);
		fair_leave(&done);
		c = claim(others[i][0], others[i][1], 1, 10);
		for (n = 0; n < 1000; n++) {
			fair_serve(&f, &done, &c);
			fair_leave(&done);
		}
		c = claim("a", "f", 1, 100);
		fair_serve(&f, &done, &c);
		fair_leave(&done);
		fair_join(&f, &w[0], &c);
		c = claim(others[i][0], others[i][1], 1, 10);
		fair_join(&f, &w[1], &c);
		assert_ptr_equal(next(&f), &w[1]);
		fair_leave(&w[0]);
		fair_leave(&w[1]);
		fair_fini(&f);
	}
}

/* Who comes after a turn that had come back begins now, not then. */
static void
time_does_not_go_back_with_a_turn_that_came_back(void **state)
{
	struct fair_waiter a[3] = { { .flow = NULL } };
	struct fair_waiter b[20] = { { .flow = NULL } }, c = { .flow = NULL };
	struct fair f;
	size_t i;

	(void)state;
	fair_init(&f);
	for (i = 0; i < 3; i++)
		joins(&f, &a[i], "a", 1000);
	for (i = 0; i < 20; i++)
		joins(&f, &b[i], "b", 100);
	assert_ptr_equal(next(&f), &a[0]);
	for (i = 0; i < 9; i++)
		assert_ptr_equal(next(&f), &b[i]);
	fair_correct(&a[0], 10);
	assert_ptr_equal(next(&f), &a[1]);
	joins(&f, &c, "c", 1);
	assert_int_equal(c.flow->parent->finish,
	    b[9].flow->parent->finish - 100 * 64 * FAIR_WEIGHT_MAX);
	for (i = 0; i < 3; i++)
		fair_leave(&a[i]);
	for (i = 0; i < 20; i++)
		fair_leave(&b[i]);
	fair_leave(&c);
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

static enum fair_answer
admits_other_flow(void *arg, struct fair_waiter *w)
{
	return w->flow == arg ? FAIR_NOT_IT : FAIR_YES;
}

static void
a_flow_that_cannot_go_gathers_no_turns_either(void **state)
{
	struct fair_waiter w[2][20] = { { { .flow = NULL } } }, *served;
	const struct fair_claim of[2] = { claim("a", "f", 1, 10),
		claim("a", "g", 1, 10) };
	size_t i, of_barred = 0;
	struct fair f;

	(void)state;
	fair_init(&f);
	for (i = 0; i < 40; i++)
		fair_join(&f, &w[i % 2][i / 2], &of[i % 2]);
	for (i = 0; i < 10; i++)
		assert_ptr_equal(fair_next(&f, admits_other_flow, w[0][0].flow),
		    &w[1][i]);
	for (i = 0; i < 10; i++) {
		served = next(&f);
		of_barred += served >= w[0] && served < w[0] + 20;
	}
	assert_in_range(of_barred, 5, 6);
	for (i = 0; i < 40; i++)
		fair_leave(&w[i % 2][i / 2]);
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
		cmocka_unit_test(
		    what_an_idle_one_is_served_at_once_counts_from_now),
		cmocka_unit_test(
		    time_does_not_go_back_with_a_turn_that_came_back),
		cmocka_unit_test(a_flow_that_cannot_go_gathers_no_turns_either),
		cmocka_unit_test(nobody_is_asked_behind_who_says_so),
		cmocka_unit_test(turns_go_by_what_it_cost_in_the_end),
		cmocka_unit_test(corrected_to_nothing_it_had_no_turn),
		cmocka_unit_test(beyond_the_most_others_are_one),
		cmocka_unit_test(weights_are_of_those_who_wait),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
