#pragma once
/*
 * request: one call of a caller, from its head to its settled row.  It is a
 * table of steps (request.c) run by one driver; every way out is SETTLE.
 * Lives on its worker's loop, owns an arena, and pins the topology it began
 * with.  It outlives its exchange when the caller leaves.
 */
#include "common/base/arena.h"
#include "common/base/id.h"
#include "common/base/list.h"
#include "common/llm/failure.h"
#include "common/llm/shape.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "node/admission.h"
#include "node/attempt.h"
#include "node/relay.h"
#include "node/remaining.h"
#include "node/round.h"
#include "node/route.h"
#include "node/smoothing.h"
#include "node/step.h"
#include "node/strategy/plan.h"

struct caller;
struct token_book;
struct desk;
struct external_ask;
struct group;
struct http_exchange;
struct json_error;
struct json_value;

#define REQUEST_ID_CHARS  31 /* "req_", 26 of the id, and a NUL */
#define REQUEST_ID_PREFIX 4

/* What a path that takes requests stands for. */
struct request_kind {
	enum dialect dialect;
	enum operation operation;
};

/* What stands between a request and its attempt, or its last bytes. */
enum written { NOT_WRITTEN, WRITING, WRITTEN, WRITE_REFUSED };

struct request {
	unsigned magic;
	struct list link; /* in the desk's list */
	struct desk *desk;
	struct http_exchange *exchange; /* NULL once it is done */
	struct topology *topology;
	struct token_book *book; /* holds the caller */
	const struct caller *caller;
	struct arena arena;
	struct id id;
	char id_text[REQUEST_ID_CHARS];
	int64_t received_us, begun_us; /* wall, monotonic */
	struct slice client_id;        /* a valid X-Request-Id, or empty */
	struct slice path;             /* members it crosses, for the row */
	bool answered;                 /* by the edge itself */

	enum step step;
	struct loop_task wake;
	enum fail interruption; /* taken at the next run */
	bool body_here;

	struct request_kind kind;
	enum dialect answers; /* that the caller reads: the path's */
	struct slice body_text;
	const struct json_value *root; /* of the body */
	struct shape shape;
	const struct group *group;
	struct routes *routes; /* held */
	struct slice tags;     /* X-Router-Tags, checked */
	struct slice client;   /* program that asks; see client.h */
	double complexity;
	uint64_t affinity; /* its key there; 0: not looked for */
	struct plan plan;
	struct admission admission;
	struct smoothing smoothing;
	struct external_ask *external; /* a policy service's; or NULL */
	bool policy_asked, policy_said, policy_keyless;
	const struct json_value *whole; /* root, before a target's own edits */

	struct round round; /* under way, or the last one */
	bool keeps;         /* what was asked and answered, to go on from */
	struct slice own_items, previous; /* for that; see history.h */
	bool estimated; /* tokens are counted here, nobody is called */
	struct attempt attempt;
	int64_t attempts, fallbacks; /* the second are among the first */
	struct relay relay;
	struct remaining remaining; /* of its limits, for its headers */

	struct ledger_wait wait;
	enum written intent, settlement;

	enum fail fail;
	enum step failed_in;
	struct slice detail; /* behind the table's text; constant or arena */
	int64_t retry_after_ms;
};

/* A new request of that kind; may answer at once. */
void request_begin(struct desk *d, struct http_exchange *x,
    const struct request_kind *kind);

/*
 * Make the tree of a body in that arena: the caller's, or one that was made
 * of it.  It is bounded, and what comes behind it may be some times as large
 * as the body.
 */
must_check bool request_parse(struct request *r, struct arena *arena,
    struct slice body, struct json_error *error);

/* An arena for what is made of the body. */
void request_room(const struct request *r, struct arena *arena);

/* Run it now, from the step it is in; or in this turn's RUN. */
void request_run(struct request *r);
void request_wake(struct request *r);

/* Of its total deadline; at least 1. */
int64_t request_left_ms(const struct request *r);

/* The exchange's events. */
void request_on_body(struct request *r);
void request_on_sent(struct request *r);
void request_on_gone(struct request *r);
void request_on_done(struct request *r);

/* The edge answers it by this refusal: only the row is left to do. */
void request_on_refused(struct request *r, enum fail fail, const char *why);

/* End it by this failure, unless it is settling already. */
void request_interrupt(struct request *r, enum fail fail);

/* Once a second: when its deadline is past, end it; keep its stream alive. */
void request_tick(struct request *r, int64_t now_us);
