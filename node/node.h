#pragma once
/*
 * node: what gsr-node adds to a process: callers' HTTP edge, tokens, and a
 * link to each parent on each worker.  `struct node` is shared by the threads;
 * a `struct desk` is one worker's part and belongs to its thread.
 */
#include <stdatomic.h>

#include "common/base/list.h"
#include "common/limit/retries.h"
#include "common/member/gate.h"
#include "common/member/outlay.h"
#include "common/member/process.h"
#include "node/bench.h"
#include "node/door.h"
#include "node/outlook.h"
#include "node/strategy/external.h"
#include "topology/mesh.h"

struct affinity;
struct token_book;
struct callers;
struct checkpoints;
struct evidence;
struct evidence_book;
struct extracts;
struct gatehouse;
struct history;
struct limits;
struct loop_timer;
struct makers;
struct parents;
struct routes;
struct scripts;
struct standings;
struct target_states;
struct timings;
struct topology;
struct uplink;
struct worker;

struct node {
	struct process *process;
	struct callers *callers;
	struct makers *makers;
	struct history *history;
	struct target_states *targets;
	struct outlook outlook; /* what egresses say of them */
	struct bench bench;     /* the clerk's */
	struct affinity *affinity;
	struct retries retries;
	struct evidence *evidence;
	struct parents *parents;   /* how they are linked */
	struct limits *limits;     /* of everybody */
	_Atomic uint64_t outlays;  /* changes of what own upstreams cost */
	struct gatehouse *gates;   /* of callers, groups, and own accounts */
	struct timings *timings;   /* of groups */
	struct extracts *extracts; /* of parents' ledgers, asked for */
};

struct desk {
	struct worker *worker;
	struct node *node;
	struct door door;
	/* One for each parent, in the order of the worker's topology. */
	struct uplink *uplinks[MEMBER_PARENTS_MAX];
	size_t uplinks_count;
	struct list left_uplinks; /* of parents that left; uplink.c's */
	struct token_book *book;
	struct evidence_book *evidence; /* see evidence_refresh */
	struct routes *routes;          /* the present ones */
	struct scripts *scripts;
	struct external_line policy_line;
	struct bell bell;     /* of requests that wait at a gate */
	struct list requests; /* struct request.link, all */
	size_t requests_count;
	struct loop_timer *tick; /* deadlines, while there are requests */
	struct loop_timer *outlay_timer; /* of the first worker; see outlay.h */
	struct outlay_pace outlay_pace;
	struct checkpoints *checkpoints; /* of the first worker */
	bool draining;
};

/* The app that process_serve runs. */
extern const struct process_app node_app;

/* Requests, or doors that were left, are there: see that deadlines are looked
 * at. */
void desk_watch_deadlines(struct desk *d);

/* The link to that egress; NULL when it is no parent, or no more. */
struct uplink *desk_uplink(const struct desk *d, struct slice egress);

/* Which parents of that topology have a link that is up here: bits by their
 * order in it.  A request may have begun with an older one than the desk's. */
unsigned desk_links_up(const struct desk *d, const struct topology *t);

/* The same of the whole process: those that are up on any worker. */
unsigned node_links_up(const struct node *n, const struct topology *t);

/* The routes of that topology as they are now, held for the caller. */
struct routes *desk_routes(struct desk *d, struct topology *t);

/* The routes of the present topology, made anew for who has no desk: by the
 * last catalog that was stored.  The clerk's. */
struct routes *node_routes(struct node *n, struct topology *t);

/* How the targets of the present topology stand; standings_fini it.  The
 * clerk's. */
void node_standings(struct node *n, struct standings *s);
