#pragma once
/*
 * rollup: what the rows of each hour, day and month come to, for each set of
 * dimensions that occurs, in FAMILY_ROLLUP.  They change in the very write in
 * which their row does, by adding to what is there (merge.h), so that they
 * are the sums of the rows whatever happens.
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

/* The key of a period's first cell; the same of the next is where it ends. */
void rollup_key(char key[ROLLUP_KEY_BYTES], enum row_kind kind, enum period p,
    int64_t number);

/* Which period and dimensions the key is of; false: it is none of a cell. */
struct rollup_place {
	int64_t number;
	struct slice hash; /* into the key */
};
must_check bool rollup_place(struct rollup_place *place, struct slice key);

/* The dimensions by their hash, into `bytes`; false: they are not there. */
must_check bool rollup_dimensions(struct db *db, struct slice hash,
    struct buf *bytes, struct dimensions *d);
