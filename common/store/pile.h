#pragma once
/*
 * pile: what is to be added to sums of FAMILY_SPEND, gathered by key, so that
 * all rows of a turn cost one addition for each holder.  Pure but for
 * pile_write.
 */
#include "common/store/db.h"

#define PILE_KEYS      24
#define PILE_KEY_BYTES 264

struct pile {
	size_t count;
	struct {
		size_t key_len;
		char key[PILE_KEY_BYTES];
		int64_t sums[MERGE_SUMS];
	} items[PILE_KEYS];
};

/* False: it is full; write it and add again.  Starts zeroed. */
must_check bool pile_add(struct pile *p, struct slice key,
    const int64_t sums[MERGE_SUMS]);

/* Into a batch; empty then. */
void pile_write(struct pile *p, struct db_batch *b, struct db *db);
