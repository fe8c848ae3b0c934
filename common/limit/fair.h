#pragma once
/*
 * fair: who is next of those who wait for one thing: start-time fair queueing
 * (Goyal, Vin, Cheng 1997) in two levels, parties by weight and the flows of
 * a party alike; first in, first out in a flow.  The cost of what is served
 * at once counts too, so that who comes often waits when others come.  What
 * waits is served in bounded time: virtual time moves on with all that is
 * served, and nobody gathers credit for what he did not ask for or could not
 * take.  Pure.  Not thread-safe.
 */
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/base/slice.h"

/* A party or a flow; the root is both. */
struct share {
	struct list link; /* among its parent's */
	struct share *parent;
	struct list children; /* of a party; of the root */
	struct map by_name;
	struct list waiters; /* of a flow */
	char *name;
	int64_t weight;
	int64_t finish; /* virtual: what it was served, over its weight */
	int64_t now;    /* virtual time among its children */
	size_t waiting; /* in it and below */
	size_t held;    /* waiters and those that were served */
	uint64_t tried;
};

struct fair {
	struct share root;
	uint64_t round;
};

/* Embedded in whoever waits; zeroed: does not. */
struct fair_waiter {
	struct list link;
	struct share *flow;   /* NULL: neither waits nor was served */
	int64_t cost, weight; /* of its party, when it was charged */
	bool waits;
};

/* Children of a share; beyond it, the others are one. */
#define FAIR_SHARES_MAX 1024

#define FAIR_WEIGHT_MAX 1000

void fair_init(struct fair *f);
void fair_fini(struct fair *f); /* nobody is in it */

/* More costs no more. */
#define FAIR_COST_MAX ((int64_t)1000 * 1000 * 1000)

/* Whom it is for, and what it costs; `cost` at least 1. */
struct fair_claim {
	struct slice party, flow;
	int64_t weight; /* of the party, 1 to FAIR_WEIGHT_MAX */
	int64_t cost;
};

/* Wait behind those of its flow. */
void fair_join(struct fair *f, struct fair_waiter *w,
    const struct fair_claim *claim);

/* Served without waiting. */
void fair_serve(struct fair *f, struct fair_waiter *w,
    const struct fair_claim *claim);

enum fair_answer {
	FAIR_YES,    /* it took what it needs */
	FAIR_NOT_IT, /* it keeps its turn; another may go before it */
	FAIR_NOBODY  /* nor anybody else */
};

/*
 * The next in turn that `admits` says yes to, taken out and charged; NULL
 * when there is none.  `admits` is asked in order of turn, each one once at
 * most.
 */
struct fair_waiter *fair_next(struct fair *f,
    enum fair_answer (*admits)(void *arg, struct fair_waiter *w), void *arg);

/* It was served, and cost that much in the end: a part of its turn, or more,
 * comes back; who waits is served the earlier for it. */
void fair_correct(struct fair_waiter *w, int64_t cost);

/* It is gone, from the line or after it was served. */
void fair_leave(struct fair_waiter *w);

/* How many flows of a party wait. */
int64_t fair_flows(const struct share *party);

/* Weight of all parties that wait, that one's included. */
int64_t fair_weights(const struct fair *f, const struct share *party);
