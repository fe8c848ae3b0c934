#pragma once
/*
 * disposal: one run that drops what is past: every class with a limit, in
 * steps that are small enough for a loop's turn, each one atomic write with
 * the mark of how far it came.  What a hold keeps stays.  Rows by time go in
 * ranges; of receipts the beginnings of chains go, so that what is left can
 * still be verified.  A dry run counts and drops nothing.  For the thread
 * that changes the custody.
 */
#include "common/format/table.h"
#include "common/store/custody.h"
#include "common/store/receipt.h"

struct disposal_class {
	int64_t rows, bytes; /* dropped, or that would be */
	int64_t chains;      /* of receipts: whose beginning went */
	int64_t cut_us;      /* dropped before this; 0: no limit */
	int64_t oldest_us;   /* what was dropped first; 0: nothing */
	int64_t newest_us;
};

struct disposal {
	struct db *db;
	struct custody *custody;
	int64_t now_us;
	bool dry, failed;
	struct disposal_class classes[RETENTION_LIMITED];

	/* Where it is: a family, and a key of it. */
	size_t which;
	struct id from;
	uint8_t receipt[RECEIPT_KEY_BYTES + 1];
	size_t receipt_len;
};

void disposal_begin(struct disposal *d, struct ledger *l, int64_t now_us,
    bool dry);

/* Look at up to `entries` more; false: it is done, or it failed. */
must_check bool disposal_step(struct disposal *d, size_t entries);

/* What was dropped leaves the disk's files; takes its time.  Any thread, with
 * a run that is done and that nobody changes.  False: see db_compact. */
must_check bool disposal_compact(const struct disposal *d);

/* What the run came to. */
void disposal_write(const struct disposal *d, enum output_format format,
    struct buf *out);
