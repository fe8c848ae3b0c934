#include "common/store/sweep.h"

#include <assert.h>

/* The smallest key behind this one is it and a zero. */
static void
stop_behind(struct sweep *s, struct slice key)
{
	assert(key.len <= SWEEP_KEY_MAX);
	memcpy(s->last, key.ptr, key.len);
	s->last[key.len] = 0;
	s->last_len = key.len + 1;
}

size_t
sweep_step(struct sweep *s, size_t entries, int64_t now_us)
{
	struct slice from =
	    s->last_len > 0 ? slice_make(s->last, s->last_len) : s->from;
	struct db_scan *scan =
	    db_scan_new(s->db, s->family, from, s->to, false);
	struct db_batch *batch = db_batch_new();
	struct sweep before = *s;
	struct slice key, value;
	size_t seen = 0, ended;

	s->last_len = 0;
	while (seen < entries && db_scan_next(scan, &key, &value)) {
		if (s->ended(s->arg, key, value, now_us))
			db_batch_delete(batch, s->db, s->family, key);
		if (++seen == entries)
			stop_behind(s, key);
	}
	db_scan_free(scan);
	ended = db_batch_count(batch);
	if (ended > 0 && db_write(s->db, batch, false) != DB_OK) {
		*s = before;
		ended = 0;
	}
	db_batch_free(batch);
	return ended;
}
