#pragma once
/*
 * flood: bounds what repeated refusals, and repeated reads, may write to the
 * audit log.  The first of a kind (who, from where, which question about what,
 * which answer) is written at once; those that follow are counted, and written
 * as one row when FLOOD_WINDOW_US is over: at most two rows a kind and window.
 * Beyond FLOOD_KINDS kinds at a time all further refusals are one kind, so that
 * strangers cannot fill the log; further reads are all written, so that it is
 * never lost who read what.  Pure; the clerk's.
 */
#include "common/store/row.h"

struct flood;

#define FLOOD_KINDS     512
#define FLOOD_WINDOW_US (10 * 60 * INT64_C(1000000))

struct flood *flood_new(void);
void flood_free(struct flood *f); /* NULL is fine */

/* Is this one, of `row->at`, to be written?  Else it was counted; the row may
 * become that of all others, with its text in `f`. */
must_check bool flood_lets(struct flood *f, struct audit_row *row);

/* The row of all that were counted of the kind that was counted last; its text
 * lies in `f`. */
void flood_counted(const struct flood *f, struct audit_row *row);

/* The number of the kind that was counted, or given by flood_next, last: below
 * FLOOD_KINDS, and no other's until then. */
size_t flood_place(const struct flood *f);

/* One that was let could not be written: the next of its kind is let, too. */
void flood_forget(struct flood *f, const struct audit_row *row);

/*
 * One that was counted and whose window is over at `now_us`, as the row to
 * write; its text lies in `f` until the next call.  False: no more.  With
 * INT64_MAX all are over.
 */
must_check bool flood_next(struct flood *f, int64_t now_us,
    struct audit_row *row);
