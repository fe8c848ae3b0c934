#pragma once
/*
 * slip: what the rows of one turn add to roll-ups and to sums of budgets, put
 * in the write of those rows and added to them soon, many at a time.  A turn so
 * costs one small entry in order, in place of an addition for each holder and
 * three for each set of dimensions; and since the additions and the mark of
 * how far they go are one write, nothing is lost or counted twice whenever the
 * process dies.
 */
#include "common/store/rollup.h"

#define SLIP_KEY_BYTES (8 + 2 + 8)

/*
 * Keys: eight bytes of the process, two of the writer, eight of the slip's
 * number, which begins at 1.  By number 0 is the mark: the last one that was
 * added.  The value: for each cell its key of the hour (rollup.h), the length
 * of a total and the total; for each sum an 'S', the length of its key, the
 * key and the numbers.
 */
struct slips;

struct slips *slips_open(struct db *db, bool read_only)
    __attribute__((returns_nonnull));

/* No writers are left; theirs are added. */
void slips_close(struct slips *s);

/* The key before a writer's first slip; each call of the other makes it the
 * next one's. */
void slip_writer(struct slips *s, char key[SLIP_KEY_BYTES]);
void slip_next(struct slips *s, char key[SLIP_KEY_BYTES]);

/* One cell, or one sum of FAMILY_SPEND, more of a slip. */
void slip_write_cell(struct buf *slip, const char key[ROLLUP_KEY_BYTES],
    struct slice total);
void slip_write_sum(struct buf *slip, struct slice key,
    const int64_t sums[MERGE_SUMS]);

/* Add what is written to where it belongs, if the store can be written; any
 * thread.  False: not all could be, and is later. */
must_check bool slips_post(struct slips *s);

/* Post what earlier processes left.  Before there are writers. */
must_check bool slips_recover(struct slips *s);

/*
 * What the cells lack of a store that is only read; of any other nothing, that
 * is for slips_post.  False: it could not be read.
 */
must_check bool slips_each(struct slips *s,
    void (*call)(void *arg, struct slice key, struct slice total), void *arg);
