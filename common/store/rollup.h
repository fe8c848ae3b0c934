#pragma once
/*
 * rollup: what the rows of each hour, day and month come to, for each set of
 * dimensions that occurs, in FAMILY_ROLLUP.  What a row adds is in the very
 * write of the row: as a slip, which is added to the cells soon (slip.h), or
 * to the cells themselves (merge.h).  So they are the sums of the rows
 * whatever happens.
 *
 * Keys: kind ('R' requests, 'A' attempts), period ('h', 'd', 'm'), its number
 * (4 bytes) and the first 16 bytes of the dimensions' hash; the value is a
 * total.  'D' and those 16 bytes: the dimensions themselves.  The moment of a
 * row is that of its request's id, at a node and at an egress.
 */
#include "common/store/dimension.h"
#include "common/store/ledger.h"
#include "common/store/period.h"
#include "common/store/total.h"

#define ROLLUP_HASH_BYTES 16
#define ROLLUP_KEY_BYTES  (2 + 4 + ROLLUP_HASH_BYTES)
#define ROLLUP_CELLS      16 /* gathered at most */

/*
 * One a thread: what is to be added, gathered, so that all rows of a turn that
 * are alike cost one addition to each of their cells.
 */
struct rollup;
struct rollup *rollup_new(void) __attribute__((returns_nonnull));
void rollup_free(struct rollup *r);

/*
 * The row `after` is put into the batch; `before` is what is stored of it,
 * NULL when nothing is.  Rows that are open count for nothing.
 */
void rollup_request(struct rollup *r, struct db_batch *b, struct db *db,
    const struct request_row *before, const struct request_row *after);
void rollup_attempt(struct rollup *r, struct db_batch *b, struct db *db,
    const struct attempt_row *before, const struct attempt_row *after);

/* What was gathered, into the batch that has those rows.  Must come before
 * that is written. */
void rollup_write(struct rollup *r, struct db_batch *b, struct db *db);

/* The same, but what goes to cells is given: the total for that cell of the
 * hour, and so for the day's and the month's. */
struct rollup_taker {
	void (*take)(void *arg, const char key[ROLLUP_KEY_BYTES],
	    struct slice total);
	void *arg;
};
void rollup_give(struct rollup *r, struct db_batch *b, struct db *db,
    const struct rollup_taker *taker);

/* Add to a cell of the hour, and to the day's and the month's. */
void rollup_add(struct db_batch *b, struct db *db,
    const char key[ROLLUP_KEY_BYTES], struct slice total);

/* The key of a period's first cell; the same of the next is where it ends. */
void rollup_key(char key[ROLLUP_KEY_BYTES], enum row_kind kind, enum period p,
    int64_t number);

/* Which period and dimensions the key is of; false: it is none of a cell. */
struct rollup_place {
	enum row_kind kind;
	int64_t number;
	struct slice hash; /* into the key */
};
must_check bool rollup_place(struct rollup_place *place, struct slice key);

/* The dimensions by their hash, into `bytes`; false: they are not there. */
must_check bool rollup_dimensions(struct db *db, struct slice hash,
    struct buf *bytes, struct dimensions *d);
