/*
 * The chain as threads share it: under one lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#include "common/limit/chain.h"

#define THREADS 4
#define DAY     20000

struct shared {
	pthread_mutex_t lock;
	pthread_barrier_t start;
	struct scope node, caller;
	struct chain chain;
};

static void
shared_init(struct shared *s, const struct limit_terms *terms)
{
	*s = (struct shared){ .node.level = SCOPE_NODE };
	pthread_mutex_init(&s->lock, NULL);
	pthread_barrier_init(&s->start, NULL, THREADS);
	scope_set(&s->node, terms, 1000);
	scope_set(&s->caller, &(struct limit_terms){ .rates = { 0 } }, 1000);
	s->chain =
	    (struct chain){ .scopes = { &s->node, &s->caller }, .count = 2 };
}

static void
shared_fini(struct shared *s)
{
	pthread_mutex_destroy(&s->lock);
	pthread_barrier_destroy(&s->start);
}

struct worker {
	pthread_t thread;
	struct shared *shared;
	struct hold *holds; /* of the race: one each */
	size_t count, let_in;
	uint64_t random;
	int64_t spent[BUDGET_UNITS];
};

static void
run(struct shared *s, struct worker workers[THREADS], void *(*call)(void *))
{
	size_t i;

	for (i = 0; i < THREADS; i++) {
		workers[i].shared = s;
		workers[i].random = i + 1;
		assert_int_equal(pthread_create(&workers[i].thread, NULL, call,
				     &workers[i]),
		    0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

#define RACERS 1000

static void *
race(void *arg)
{
	const struct chain_wish wish = { .now_us = 2000,
		.day = DAY,
		.rate_tokens = 1,
		.budget.of = { 1, 100, 5 } };
	struct worker *w = arg;
	struct chain_bar bar;
	size_t i;

	pthread_barrier_wait(&w->shared->start);
	for (i = 0; i < w->count; i++) {
		pthread_mutex_lock(&w->shared->lock);
		w->let_in +=
		    chain_reserve(&w->holds[i], &w->shared->chain, &wish, &bar);
		pthread_mutex_unlock(&w->shared->lock);
	}
	return NULL;
}

/* A hundred times a thousand for the last unit. */
static void
is_won_by_one(const struct limit_terms *terms)
{
	static struct hold holds[RACERS];
	struct worker workers[THREADS];
	struct shared s;
	size_t i, repeat, let_in;

	for (repeat = 0; repeat < 100; repeat++) {
		shared_init(&s, terms);
		for (i = 0; i < RACERS; i++)
			holds[i] = (struct hold){ .day = 0 };
		for (i = 0; i < THREADS; i++)
			workers[i] = (struct worker){ .count = RACERS / THREADS,
				.holds = &holds[i * (RACERS / THREADS)] };
		run(&s, workers, race);
		for (let_in = 0, i = 0; i < THREADS; i++)
			let_in += workers[i].let_in;
		assert_int_equal(let_in, 1);
		assert_int_equal(s.node.running, 1);
		assert_int_equal(s.node.budget
				     .held[BUDGET_MONTH][BUDGET_REQUESTS],
		    1);
		assert_int_equal(s.caller.budget
				     .held[BUDGET_LIFETIME][BUDGET_MICROUSD],
		    5);
		for (i = 0; i < RACERS; i++)
			chain_release(&holds[i]);
		assert_int_equal(s.node.running, 0);
		shared_fini(&s);
	}
}

static void
one_of_a_thousand_gets_the_last_request(void **state)
{
	struct limit_terms terms = { .rates = { 0 } };

	(void)state;
	terms.budget.most[BUDGET_MONTH][BUDGET_REQUESTS] = 1;
	is_won_by_one(&terms);
}

static void
one_of_a_thousand_gets_the_last_money(void **state)
{
	struct limit_terms terms = { .rates = { 0 } };

	(void)state;
	terms.budget.most[BUDGET_LIFETIME][BUDGET_MICROUSD] = 9;
	is_won_by_one(&terms);
}

static void
one_of_a_thousand_gets_the_last_slot(void **state)
{
	const struct limit_terms terms = { .rates.concurrent = 1 };

	(void)state;
	is_won_by_one(&terms);
}

static uint32_t
chance(struct worker *w, uint32_t of)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % of;
}

#define STEPS 20000
#define OPEN  8

static void
settle_some(struct worker *w, struct hold *h, int64_t now_us)
{
	struct chain_spent spent = { .rate_tokens = chance(w, 100) };
	int u;

	if (h->chain.count == 0)
		return;
	if (chance(w, 4) == 0) {
		chain_release(h);
		return;
	}
	for (u = 0; u < BUDGET_UNITS; u++) {
		spent.budget.of[u] = chance(w, (uint32_t)h->budget.of[u] + 1);
		w->spent[u] += spent.budget.of[u];
	}
	chain_settle(h, &spent, now_us);
}

static void
is_not_over(const struct shared *s)
{
	const struct budget *b = &s->node.budget;
	int u;

	for (u = 0; u < BUDGET_UNITS; u++)
		assert_true(b->posted[BUDGET_LIFETIME][u] +
				b->held[BUDGET_LIFETIME][u] <=
			    b->terms.most[BUDGET_LIFETIME][u]);
}

static void *
spend(void *arg)
{
	struct worker *w = arg;
	struct hold holds[OPEN] = { { .day = 0 } }, *h;
	struct chain_wish wish = { .day = DAY };
	struct chain_bar bar;
	size_t i;

	pthread_barrier_wait(&w->shared->start);
	for (i = 0; i < STEPS; i++) {
		h = &holds[chance(w, OPEN)];
		pthread_mutex_lock(&w->shared->lock);
		wish.now_us = (int64_t)(1000 + i);
		settle_some(w, h, wish.now_us);
		wish.rate_tokens = chance(w, 100);
		wish.budget = (struct budget_amounts){
			.of = { 1, 1 + chance(w, 50), 1 + chance(w, 90) }
		};
		if (h->chain.count == 0)
			w->let_in +=
			    chain_reserve(h, &w->shared->chain, &wish, &bar);
		is_not_over(w->shared);
		pthread_mutex_unlock(&w->shared->lock);
	}
	for (i = 0; i < OPEN; i++) {
		pthread_mutex_lock(&w->shared->lock);
		settle_some(w, &holds[i], STEPS);
		pthread_mutex_unlock(&w->shared->lock);
	}
	return NULL;
}

static void
what_threads_spent_is_what_is_posted(void **state)
{
	struct limit_terms terms = { .rates = { .concurrent = 20 } };
	struct worker workers[THREADS] = { { .count = 0 } };
	int64_t spent[BUDGET_UNITS] = { 0 };
	struct shared s;
	size_t i, u, let_in = 0;

	(void)state;
	terms.budget.most[BUDGET_LIFETIME][BUDGET_REQUESTS] = 20000;
	terms.budget.most[BUDGET_LIFETIME][BUDGET_TOKENS] = 400000;
	terms.budget.most[BUDGET_LIFETIME][BUDGET_MICROUSD] = 600000;
	shared_init(&s, &terms);
	run(&s, workers, spend);
	for (i = 0; i < THREADS; i++) {
		let_in += workers[i].let_in;
		for (u = 0; u < BUDGET_UNITS; u++)
			spent[u] += workers[i].spent[u];
	}
	assert_true(let_in > 5000);
	assert_int_equal(s.node.running, 0);
	for (u = 0; u < BUDGET_UNITS; u++) {
		assert_int_equal(s.node.budget.held[BUDGET_LIFETIME][u], 0);
		assert_int_equal(s.node.budget.posted[BUDGET_LIFETIME][u],
		    spent[u]);
	}
	/* They met the end of it. */
	assert_true(
	    spent[BUDGET_TOKENS] > 399000 || spent[BUDGET_MICROUSD] > 599000);
	shared_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_of_a_thousand_gets_the_last_request),
		cmocka_unit_test(one_of_a_thousand_gets_the_last_money),
		cmocka_unit_test(one_of_a_thousand_gets_the_last_slot),
		cmocka_unit_test(what_threads_spent_is_what_is_posted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
