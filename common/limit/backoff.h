#pragma once
/*
 * backoff: one target left alone for a while, because of what it answered.
 * One door changes the state; when the time is over one probe goes first, and
 * all others wait for what it brings.  Pure: time is an argument (monotonic
 * microseconds).  Not thread-safe: its owner has a lock.
 */
#include "common/base/slice.h"

/*
 * Each kind has its own least, most and growth, in a table in backoff.c.  At
 * level n the wait is min(least * 2^(n-1), most), a tenth more or less by
 * chance.  Where Retry-After is honoured, the wait is the longer of both, up
 * to a tenth more and never less; what is asked for is bounded by
 * BACKOFF_RETRY_AFTER_MAX_US before.
 */
enum backoff_kind {
	BACKOFF_NONE,
	BACKOFF_SHORT,   /* overloaded; Retry-After is honoured */
	BACKOFF_RATE,    /* Retry-After is honoured */
	BACKOFF_QUOTA,   /* long: money does not come back by itself */
	BACKOFF_LONG,    /* key or name is wrong: somebody has to act */
	BACKOFF_BREAKER, /* only after BACKOFF_STRIKES failures in a row */
	BACKOFF_KINDS
};

#define BACKOFF_STRIKES            5
#define BACKOFF_RETRY_AFTER_MAX_US ((int64_t)10 * 60 * 1000000)
/* Of any kind, with what chance adds. */
#define BACKOFF_WAIT_MAX_US ((int64_t)7 * 3600 * 1000000)

const char *backoff_kind_name(enum backoff_kind k); /* "" for BACKOFF_NONE */

/* BACKOFF_NONE when none has that name. */
enum backoff_kind backoff_kind_by_name(struct slice name);

enum backoff_state {
	BACKOFF_CLOSED,   /* use it */
	BACKOFF_OPEN,     /* leave it alone until `until_us` */
	BACKOFF_HALF_OPEN /* its time is over: one probe may go */
};

/* Starts zeroed: closed. */
struct backoff {
	enum backoff_kind kind; /* of what opened it */
	int level;              /* failed probes of that kind in a row, and 1 */
	int strikes;            /* for BACKOFF_BREAKER: failures in a row */
	int64_t until_us;       /* 0: closed */
	int64_t probe_us;       /* when the probe began; 0: none is under way */
};

enum backoff_state backoff_state(const struct backoff *b, int64_t now_us);

/*
 * Microseconds until it may be tried: 0 when now, or as a probe; that is when
 * backoff_enter lets one through.  How long another's probe takes nobody
 * knows: it counts as a second at most.
 */
int64_t backoff_wait_us(const struct backoff *b, int64_t now_us);

/*
 * Somebody is about to call.  False: leave it alone (open, or another's probe
 * is under way).  *probe is set when this call is the probe, which has to end
 * in one of the three below; a probe that never does is given up after
 * BACKOFF_PROBE_MAX_US.
 */
#define BACKOFF_PROBE_MAX_US ((int64_t)10 * 60 * 1000000)
must_check bool backoff_enter(struct backoff *b, int64_t now_us, bool *probe);

/*
 * It was answered: closed and forgotten.  An answer to a call that began
 * before it opened says nothing about now: then only the probe's closes it.
 */
void backoff_success(struct backoff *b, bool probe);

/*
 * It failed.  `retry_after_us` is what the provider asked for (0: nothing);
 * `random` any 32 bits, for jitter.  BACKOFF_NONE changes nothing but that a
 * probe is over: the next call probes.
 *
 * Closed: it opens at level 1, at the first or after as many strikes in a row
 * as its kind wants, or its owner: who judges calls of others, and cannot know
 * whether they try once more, waits for that.  The probe: it opens again, a
 * level higher, or at level 1 of another kind.  A call that began before it
 * opened: the level stays, however many there are; only a later end counts.
 */
struct backoff_cause {
	enum backoff_kind kind;
	int64_t retry_after_us;
	uint32_t random;
	bool probe;  /* this call was the probe */
	int strikes; /* failures in a row that open it; 0: as the kind */
};
void backoff_failure(struct backoff *b, int64_t now_us,
    const struct backoff_cause *cause);

/* The call was given up before it said anything about the target. */
void backoff_abandon(struct backoff *b, bool probe);
