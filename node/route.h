#pragma once
/*
 * route: how a group's target is reached: by the node itself or through an
 * egress, with the catalog's terms.  A value: its text lies in the arena it
 * was made with, so a new catalog or topology does not disturb it.
 */
#include "common/base/slice.h"
#include "common/llm/fail.h"
#include "common/llm/own.h"
#include "common/llm/price.h"

struct arena;
struct desk;
struct group;
struct topology;

struct route {
	struct slice target;       /* provider/model */
	struct slice egress;       /* empty: the node calls it itself */
	const struct model *local; /* in the request's topology, or NULL */
	struct slice model;        /* name to send */
	const char *cap_key;
	int64_t max_output; /* tokens; 0: not stated */
	unsigned dialects;  /* bits: 1 << DIALECT_CHAT … */
	unsigned quirks;    /* bits of common/llm/quirk.h */
	unsigned supports;  /* bits of common/llm/capability.h */
	bool count;         /* messages: counts tokens itself */
	struct price price;
	const char *price_book;
};

/* For whom a route is looked for. */
struct route_wish {
	const struct desk *desk;
	const struct topology *topology;
	const struct group *group;
};

/* FAIL_NONE, or why the group's target cannot be reached. */
enum fail route_find(struct route *out, struct arena *arena,
    const struct route_wish *wish);
