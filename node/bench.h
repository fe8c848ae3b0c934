#pragma once
/*
 * bench: targets that operators took out of use.  The store has them, so that
 * a restart brings none back before its time; the shared states say so to the
 * workers.  Each change is written with its event, and durable when the call
 * returns.  Belongs to the clerk's thread.
 */
#include "common/store/ledger.h"

struct target_states;

struct bench {
	struct ledger *ledger;
	struct target_states *states;
	struct id_source ids; /* of the events */
};

/* Take out again what the store says; whose time is over stays in use. */
void bench_open(struct bench *b, struct ledger *ledger,
    struct target_states *states, int64_t wall_us);

/*
 * Out of use until row->until (0: until somebody brings it back).  Of the
 * row at, target, detail, by and until are the caller's.  False and why: all
 * is as before.
 */
must_check bool bench_take_out(struct bench *b, struct event_row *row,
    struct buf *why);

/* Into use again, its backoff forgotten: row->until is not looked at. */
must_check bool bench_bring_back(struct bench *b, struct event_row *row,
    struct buf *why);

/* Is it out of use by the store?  Text lies in `bytes`. */
must_check bool bench_find(const struct bench *b, struct slice target,
    struct buf *bytes, struct event_row *row);

/* Those whose time is over go from the store, with an event each. */
void bench_sweep(struct bench *b, int64_t wall_us);
