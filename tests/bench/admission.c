/*
 * bench-admission: what it costs to let a request in through four levels of
 * limits and to settle it: three of them looked up by name, all under one
 * lock.  Callers come by turns.  Alone, or by two threads that do nothing
 * else: more than any two workers can.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/limit/chain.h"

#define CALLERS    64
#define USERS      32
#define PROJECTS   8
#define NAME_BYTES 24
#define ROUNDS     101 /* odd: there is a median */
#define IN_A_ROUND 20000
#define DAY        20000

/* Of limits, and the name it is found by. */
struct holder {
	struct scope scope;
	char name[NAME_BYTES];
};

struct bench {
	pthread_mutex_t lock;
	pthread_barrier_t start;
	atomic_int busy; /* threads */
	bool by_name;
	struct scope node;
	struct holder projects[PROJECTS], users[USERS], callers[CALLERS];
	struct map projects_by_name, users_by_name, callers_by_name;
	int64_t now_us;
};

struct worker {
	pthread_t thread;
	struct bench *bench;
	size_t turn, refused, rounds;
	int64_t took_us[ROUNDS]; /* of those in which all were busy */
};

static const struct limit_terms terms = {
	.rates = { .rpm = (int64_t)1000 * 1000 * 1000,
	    .tpm = (int64_t)1000 * 1000 * 1000 * 1000,
	    .concurrent = 1000 },
	.budget.most[BUDGET_MONTH][BUDGET_MICROUSD] = INT64_MAX / 4,
};

static void
name_all(struct map *m, struct holder *holders, size_t count, const char *word)
{
	size_t i;

	map_init(m);
	for (i = 0; i < count; i++) {
		snprintf(holders[i].name, NAME_BYTES, "%s-%zu", word, i);
		scope_set(&holders[i].scope, &terms, 0);
		map_put(m, slice_of(holders[i].name), &holders[i]);
	}
}

static struct scope *
find(const struct bench *b, const struct map *m, struct holder *h)
{
	if (b->by_name)
		h = map_find(m, slice_of(h->name));
	return &h->scope;
}

static void
admit(struct worker *w)
{
	struct chain_wish wish = { .day = DAY,
		.rate_tokens = 3000,
		.budget.of = { 1, 9000, 45000 } };
	const struct chain_spent spent = { 2500, { .of = { 1, 2500, 9000 } } };
	struct hold hold = { .day = 0 };
	struct bench *b = w->bench;
	struct chain chain = { .count = 4 };
	struct chain_bar bar;
	size_t i = w->turn++;

	pthread_mutex_lock(&b->lock);
	wish.now_us = ++b->now_us;
	chain.scopes[0] = &b->node;
	chain.scopes[1] =
	    find(b, &b->projects_by_name, &b->projects[i % PROJECTS]);
	chain.scopes[2] = find(b, &b->users_by_name, &b->users[i % USERS]);
	chain.scopes[3] =
	    find(b, &b->callers_by_name, &b->callers[i % CALLERS]);
	if (!chain_reserve(&hold, &chain, &wish, &bar))
		w->refused++;
	pthread_mutex_unlock(&b->lock);
	pthread_mutex_lock(&b->lock);
	chain_settle(&hold, &spent, b->now_us);
	pthread_mutex_unlock(&b->lock);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct bench *b = w->bench;
	int busy, i;
	int64_t begun_us;

	atomic_fetch_add(&b->busy, 1);
	pthread_barrier_wait(&b->start);
	busy = atomic_load(&b->busy);
	while (w->rounds < ROUNDS) {
		begun_us = clock_mono_us();
		for (i = 0; i < IN_A_ROUND; i++)
			admit(w);
		if (atomic_load(&b->busy) < busy)
			break;
		w->took_us[w->rounds++] = clock_mono_us() - begun_us;
	}
	atomic_fetch_sub(&b->busy, 1);
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The median of a worker's rounds: each is long beside the time for which one
 * thread may have the lock to itself while the other is being woken. */
static double
median_us(struct worker *w)
{
	qsort(w->took_us, w->rounds, sizeof(w->took_us[0]), by_size);
	return (double)w->took_us[w->rounds / 2] / IN_A_ROUND;
}

static void
lock_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* The slower thread's; negative when the bench itself is wrong. */
static double
measure(struct bench *b, unsigned threads)
{
	struct worker *workers = xcalloc(threads, sizeof(*workers));
	double slowest = 0;
	unsigned i;

	pthread_barrier_init(&b->start, NULL, threads);
	for (i = 0; i < threads; i++) {
		workers[i].bench = b;
		workers[i].turn = i * CALLERS / 2;
		if (pthread_create(&workers[i].thread, NULL, work,
			&workers[i]) != 0)
			abort();
	}
	for (i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		if (median_us(&workers[i]) > slowest)
			slowest = median_us(&workers[i]);
		if (workers[i].refused > 0 || workers[i].rounds == 0)
			slowest = -1;
	}
	free(workers);
	return b->node.running == 0 ? slowest : -1;
}

int
main(int argc, char **argv)
{
	struct bench *b;
	unsigned threads;
	double us;

	if (argc < 2 || argc > 3 ||
	    (strcmp(argv[1], "alone") != 0 &&
		strcmp(argv[1], "contended") != 0) ||
	    (argc == 3 && strcmp(argv[2], "bare") != 0)) {
		fputs("usage: bench-admission alone | contended [bare]\n"
		      "bare: without looking the scopes up\n",
		    stderr);
		return 2;
	}
	if (!crypto_start())
		return 1;
	threads = argv[1][0] == 'a' ? 1 : 2;
	b = xcalloc(1, sizeof(*b));
	b->by_name = argc == 2;
	lock_init(&b->lock);
	scope_set(&b->node, &terms, 0);
	name_all(&b->projects_by_name, b->projects, PROJECTS, "project");
	name_all(&b->users_by_name, b->users, USERS, "user");
	name_all(&b->callers_by_name, b->callers, CALLERS, "caller");
	us = measure(b, threads);
	map_fini(&b->projects_by_name);
	map_fini(&b->users_by_name);
	map_fini(&b->callers_by_name);
	free(b);
	if (us < 0) {
		fputs("bench-admission: some were refused\n", stderr);
		return 1;
	}
	printf("%.3f\n", us);
	return 0;
}
