#pragma once
/*
 * eligible: which targets of a group can serve a request now, and why not the
 * others.  What holds for every request of the group was looked at when the
 * routes were made; this is about the request's shape and the targets' state.
 */
#include "common/llm/fail.h"
#include "node/strategy/plan.h"

struct arena;
struct group_routes;
struct json_value;
struct topology;

struct eligible_wish {
	const struct group_routes *routes;
	const struct shape *shape;
	const struct json_value *root; /* of the body */
	size_t body_bytes;
	struct slice pinned; /* the only one that may be tried, or empty */
	unsigned links_up;   /* bits by parent; see route_is_up */
	uint64_t warm;       /* affinity_target of who has the prompt, or 0 */
	int64_t now_us, wall_us; /* monotonic; wall */
};

/*
 * An estimate of a prompt's length may be too high by that share: only what
 * is longer all the same is too long.
 */
#define ELIGIBLE_DOUBT_PERCENT 15

/* Of a target that does not count tokens where that is asked. */
#define ELIGIBLE_COUNTS_NOT "counts no tokens"

/* All of the group's targets, in the arena. */
void eligible_make(struct plan *p, struct arena *arena,
    const struct eligible_wish *wish);

/*
 * Links come and go: the first way on which the candidate can be asked for
 * this now, but those that failed.  False when there is none; else c->route.
 */
must_check bool eligible_find_way(struct candidate *c, struct arena *arena,
    const struct eligible_wish *wish);

/* Capabilities that a request cannot do without, as bits. */
unsigned eligible_needs(const struct shape *shape);

/*
 * Nobody can be tried: what to tell, with the requirements and each target's
 * reason in *detail, and when to come again (0: not known).
 */
enum fail eligible_refusal(const struct plan *p, struct arena *arena,
    const char **detail, int64_t *retry_after_ms);

/* Until the first of those that only have to wait may be tried, in what is
 * left of that time; 0: there is none. */
int64_t eligible_wait_ms(const struct plan *p);

/* Capabilities by name, with commas; "" for none. */
const char *capability_list(struct arena *arena, unsigned bits);
