#pragma once
/*
 * route: how each target of each group is reached, by the node itself or
 * through one of its egresses: topology, catalogs and evidence joined once, so
 * that a request only looks.  Which links are up is no part of it.  `routes`
 * is immutable and counted; a worker makes it anew when something of it has
 * changed, and a request keeps the one it began with.  Belongs to one thread.
 */
#include "common/llm/exclusion.h"
#include "common/llm/own.h"
#include "common/llm/price.h"
#include "topology/mesh.h"

struct catalog;
struct desk;
struct evidence_book;
struct model;
struct target_state;
struct target_states;
struct topology;

struct route {
	struct slice target; /* provider/model */
	struct slice egress; /* empty: the node calls it itself */
	unsigned parent;     /* its index in the topology's order */
	/* The same target by the next way, with terms of its own; or NULL. */
	const struct route *next;
	struct slice region;       /* where it serves; empty: not known */
	const struct model *local; /* in the topology, or NULL */
	struct slice model;        /* name to send */
	const char *cap_key;
	int64_t max_output, context_tokens;      /* tokens; 0: not stated */
	int64_t max_body_bytes, max_tools_bytes; /* 0: not stated */
	unsigned dialects;    /* bits: 1 << DIALECT_CHAT … */
	unsigned quirks;      /* bits of common/llm/quirk.h */
	unsigned supports;    /* bits of common/llm/capability.h */
	bool supports_stated; /* else it may do more */
	const char *supports_text;
	bool count; /* messages: counts tokens itself */
	struct price price;
	const char *price_book; /* name of the book it stands in */
	const struct group_target *listed;
	struct target_state *state; /* shared by the process */
	uint64_t affinity;          /* affinity_target of it */
	/* For every request of the group: grant, offer, contract. */
	enum exclusion excluded;
	const char *detail; /* "" or a word of it */
};

struct group_routes {
	const struct group *group;
	/*
	 * As the group lists them: each target's first way.  Ways that are
	 * good for every request of the group stand before those that are not,
	 * and are in the order of the parents.
	 */
	struct route *routes;
	size_t count;
};

struct routes;

/* What routes are made of; catalogs, `evidence` and `states` may be NULL. */
struct routes_wish {
	struct topology *topology;
	struct catalog
	    *catalogs[MEMBER_PARENTS_MAX]; /* in the parents' order */
	struct evidence_book *evidence;
	struct target_states *states;
	int64_t now_wall_us;
};

struct routes *routes_new(const struct routes_wish *wish);
struct routes *routes_hold(struct routes *r);
void routes_release(struct routes *r); /* NULL is fine */

/* May it be gone, with those links up (bits by parent)? */
must_check bool route_is_up(const struct route *route, unsigned up);

/* Were they made of these, and lately enough? */
must_check bool routes_are_of(const struct routes *r,
    const struct routes_wish *wish);

/* Of a group of its topology. */
const struct group_routes *routes_of(const struct routes *r,
    const struct group *group);
