#pragma once
/*
 * recount: roll-ups made of the rows of a store that was written before there
 * were any, beside serving, each row once whatever happens; until it is done
 * reports read rows.  Rows that come after it was begun are counted by their
 * own write, older ones by the recount, in order of their ids; an older one
 * that changes is counted by its own write if the recount has passed it.  One
 * a ledger that can be written.
 */
#include "common/store/db.h"
#include "common/store/row.h"

struct recount;

/* Are the roll-ups those of all rows? */
must_check bool recount_done(struct db *db);

/* Begins it where there are rows and no roll-ups, goes on where it was cut
 * off.  Before anything is written.  NULL: the store failed (logged). */
struct recount *recount_open(struct db *db);
void recount_close(struct recount *r); /* NULL is fine */

/*
 * A row of that request is about to be put.  Does its own write count it?  If
 * not, *held is one more, and the recount waits for recount_release.  NULL: a
 * store that is only read, whose writes are refused.  Any thread.
 */
must_check bool recount_counted(struct recount *r, enum row_kind kind,
    const struct id *request, size_t *held);

/* So many that were held are written, or will never be.  Any thread. */
void recount_release(struct recount *r, size_t held);

enum recount_result {
	RECOUNT_DONE,
	RECOUNT_MORE,
	RECOUNT_WAITS, /* for a write, or a store that stalls: try later */
	RECOUNT_FAILED /* logged */
};

/* One slice: about a millisecond.  Any one thread. */
enum recount_result recount_step(struct recount *r);
