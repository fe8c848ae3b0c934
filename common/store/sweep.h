#pragma once
/*
 * sweep: deletes what has ended in a range of a family, a bounded number of
 * entries at a time, from where the last step stopped and round again.  The
 * owner says which entries have ended.  Deleting is not atomic with that
 * look: an entry that is put again in between goes too, so a range may only
 * hold what its owner can do without.  Belongs to one thread.
 */
#include "common/store/db.h"

#define SWEEP_KEY_MAX 255

/* Starts zeroed but for the first block. */
struct sweep {
	struct db *db;
	enum family family;
	struct slice from, to; /* the range, as db_scan_new takes it */
	bool (*ended)(void *arg, struct slice key, struct slice value,
	    int64_t now_us);
	void *arg;

	uint8_t last[SWEEP_KEY_MAX + 1]; /* go on here; none: at `from` */
	size_t last_len;
};

/*
 * Look at up to `entries`; gives how many were deleted.  A store that refuses
 * is asked the same again in the next step.
 */
size_t sweep_step(struct sweep *s, size_t entries, int64_t now_us);
