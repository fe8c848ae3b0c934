#pragma once
/*
 * plan: the targets of a request's group, with why each may be tried or not,
 * and the order in which they will be.  Made by eligibility, ordered by a
 * strategy, walked by the attempts, written down as the decision.  A value in
 * the request's arena.
 */
#include "common/limit/backoff.h"
#include "common/limit/window.h"
#include "common/llm/exclusion.h"
#include "topology/mesh.h"

struct arena;
struct route;
struct shape;
struct target_state;

struct candidate {
	const struct route *route; /* the way to it that was chosen */
	unsigned gone; /* ways that failed: bits by parent; not gone again */
	const struct group_target *listed;
	struct target_state *state; /* shared by the process */
	enum exclusion excluded;
	const char *detail; /* which capability, until when; "" or text */
	int64_t wait_us;    /* backing off, throttled: until it may be tried */
	enum backoff_kind backoff; /* by what */

	/* As they were when the order was made. */
	struct sight seen;
	int64_t cost_microusd;     /* of this request, estimated */
	bool warm;                 /* has its prompt's beginning in a cache */
	double terms[SCORE_TERMS]; /* 0 to 1, 1 is best */
	double score;              /* 0 to 1; only where the strategy scores */
	int rank;                  /* in the order, from 1; 0: not in it */
};

enum decider {
	DECIDED_BY_STRATEGY,
	DECIDED_BY_EXPLORATION, /* score put a cold target first */
	DECIDED_BY_FALLBACK,    /* script or external failed */
	DECIDED_BY_BASELINE     /* external does not decide, as configured */
};

const char *decider_name(enum decider d);

#define PLAN_NOTE_CHARS 65

struct plan {
	struct candidate *candidates; /* as the group lists them */
	size_t count;
	size_t order[TARGETS_MAX]; /* indexes, the first to be tried first */
	size_t order_count, next;
	bool amended; /* since it was written down: somebody fell out */
	enum strategy strategy; /* that made the order */
	enum decider decider;
	const char *failed; /* why a policy did not decide: "" or a word */
	char note[PLAN_NOTE_CHARS]; /* a policy's own word, checked; or "" */
	const char *policy_order; /* of one that does not decide; "" or text */
	int64_t decided_us, policy_us; /* how long those took */
};

/* Candidates that may be tried, in the order of the file. */
size_t plan_open(const struct plan *p, size_t indexes[TARGETS_MAX]);

/* Put it behind all that are in the order; it may be tried. */
void plan_add(struct plan *p, size_t index);

/* What a strategy may look at besides. */
struct order_wish {
	const struct group *group;
	const struct shape *shape;
	double complexity; /* 0 to 1; see complexity_of */
	uint64_t seed;     /* of this request: all randomness comes from it */
};

/*
 * The strategies that need nobody else: each puts every candidate that may be
 * tried into the order.
 */
void order_listed(struct plan *p, const struct order_wish *wish);
void order_weighted(struct plan *p, const struct order_wish *wish);
void order_score(struct plan *p, const struct order_wish *wish);

/*
 * How demanding a prompt is, from its shape alone: its length, its turns,
 * tools, structure and reasoning; docs/ROUTING.md has the formula.
 */
double complexity_of(const struct shape *shape);
