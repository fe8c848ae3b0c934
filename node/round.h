#pragma once
/*
 * round: one candidate's turn in a request: worded for it, written down,
 * called, judged.  A request has as many rounds as its plan has candidates
 * that fail before the caller has seen anything, and one again on the same
 * target where the class of the failure allows it.
 */
#include "common/base/arena.h"
#include "common/llm/failure.h"
#include "common/llm/usage.h"
#include "common/member/gate.h"
#include "node/dialect/passage.h"

struct candidate;
struct loop_timer;
struct request;
struct route;

struct round {
	struct candidate *candidate; /* NULL before the first */
	const struct route *route;   /* its; NULL before the first */
	struct arena *draft;         /* of its body; NULL before the first */
	struct arena spare;          /* of all bodies but the first */
	struct passage passage;      /* what is sent, and in which dialect */
	bool thoughts_removed;       /* from the body: not this target's */
	bool entered;                /* its target's state waits to be told */
	bool probe, again;
	enum fail judged, last;      /* its own; of the attempt before it */
	enum failure failure, after; /* its own; of the attempt before it */
	bool settled;                /* the attempt's row is written */
	struct usage spent;          /* by the attempts whose rows are */
	int64_t spent_microusd;
	struct gate_pass capacity; /* at an account of the node's own */
	int64_t queued_us;         /* for it */
	int calls; /* that were not refused before anybody was called */
	struct loop_timer *pause; /* NULL until it was wanted */
	bool paused;
};

/*
 * The next candidate that can be told the request and may be called now, in
 * r->candidate, r->route and r->passage.  FAIL_NONE, or what to tell when
 * there is none left: the last failure if anybody was called.
 */
enum fail round_begin(struct request *r);

/* Both rows of its intent; r->intent tells how it went. */
void round_intend(struct request *r);

/* The call.  One that cannot begin is over at once. */
void round_call(struct request *r);

/*
 * The attempt is over, or hopeless: what it came to, in r->failure too.  What
 * it taught about its target is noted.
 */
enum fail round_judge(struct request *r);

/*
 * After a failure: may another round follow?  Then the attempt is settled and
 * cleared away; *wait_ms is how long to wait first.
 */
must_check bool round_goes_on(struct request *r, enum fail fail,
    int64_t *wait_ms);

/*
 * After the wait, before the same target is asked again: has its egress said
 * meanwhile that it backs off?  Then its turn is over: round_begin.
 */
must_check bool round_is_put_off(struct request *r);

/*
 * Once a second: end the attempt when one of its own deadlines is past.  True
 * when it did.
 */
must_check bool round_is_late(struct request *r, int64_t now_us);

/* The request ends: tell the target's state, if that was not done. */
void round_leave(struct request *r);
