#pragma once
/*
 * standing: how the targets of the running topology's groups stand, for
 * people and for what collects numbers: in use or not, and what was seen of
 * them.  Any thread; belongs to its caller.
 */
#include "common/base/arena.h"
#include "common/base/map.h"
#include "common/member/target.h"
#include "common/store/row.h"

struct bench;
struct buf;
struct topology;

struct standing {
	struct slice target;
	const char *groups; /* that list it, with commas */
	struct target_look look;
	bool disabled;
	struct event_row taken_out; /* by whom, why; where it is disabled */
};

struct standings {
	struct topology *topology; /* held */
	struct standing *items;    /* each target once, as the groups come */
	size_t count;
	struct map by_target;
	struct arena arena;
};

struct standing_wish {
	struct topology *topology;
	struct target_states *states;
	const struct bench *bench; /* NULL: nobody asks who and why */
	int64_t now_us, wall_us;   /* monotonic; wall */
};

void standings_take(struct standings *s, const struct standing_wish *wish);
void standings_fini(struct standings *s);

/* NULL when no group lists it. */
const struct standing *standings_find(const struct standings *s,
    struct slice target);

/* The one that was probably meant, or NULL. */
const char *standings_nearest(const struct standings *s, struct slice target);

void standings_text(const struct standings *s, struct buf *out);
void standings_json(const struct standings *s, struct buf *out);

/* Prometheus text. */
void standings_metrics(const struct standings *s, struct buf *out);
