#pragma once
/*
 * mark: what nodes signed that they have of each chain, out of the
 * checkpoints of one export or of two: receipts that have to be there.  There
 * are few: one a chain and export.
 */
#include "common/export/bundle.h"
#include "common/export/proof.h"

struct mark {
	char chain[CHAIN_ID_CHARS];
	int64_t seq;
	struct hash object;
	bool met; /* that receipt was seen */
};

struct marks {
	struct mark *items; /* in order of chain and number */
	size_t count, room;
};

#define MARKS_MAX 1000000

void marks_init(struct marks *m);
void marks_fini(struct marks *m);

/* Which ones, and who is told of those that are no good. */
struct marks_wish {
	struct proof_keys keys;
	int64_t before; /* those signed before: wall, microseconds; 0: all */
	struct slice origin, egress; /* only of these two; empty: all */
	void (*finding)(void *arg, const char *line);
	void *arg;
};

/* Add those of a bundle; gives how many are no good. */
size_t marks_add(struct marks *m, const struct bundle *b,
    const struct marks_wish *w);
