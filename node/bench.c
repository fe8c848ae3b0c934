#include "node/bench.h"

#include "common/base/log.h"
#include "common/member/journal.h"
#include "common/member/target.h"

#define PREFIX     "disabled/"
#define PREFIX_END "disabled0" /* the character after the slash */
#define KEY_MAX    1024
#define SWEEP_MAX  256 /* entries of one step */

static void
write_key(struct buf *key, struct slice target)
{
	buf_puts(key, PREFIX);
	buf_put_slice(key, target);
}

static struct db_scan *
scan_all(const struct bench *b)
{
	return db_scan_new(ledger_db(b->ledger), FAMILY_META, slice_of(PREFIX),
	    slice_of(PREFIX_END), false);
}

static bool
is_over(const struct event_row *row, int64_t wall_us)
{
	return row->until != 0 && row->until <= wall_us;
}

static int64_t
end_of(const struct event_row *row)
{
	return row->until != 0 ? row->until : INT64_MAX;
}

void
bench_open(struct bench *b, struct ledger *ledger, struct target_states *states,
    int64_t wall_us)
{
	struct event_row row;
	struct slice key, value;
	struct db_scan *scan;

	*b = (struct bench){ .ledger = ledger, .states = states };
	scan = scan_all(b);
	while (db_scan_next(scan, &key, &value)) {
		if (!row_read(ROW_EVENT, value, &row) || is_over(&row, wall_us))
			continue;
		target_disable(target_state_get(states, row.target),
		    end_of(&row));
		log_info("target is disabled", log_slice("target", row.target),
		    log_slice("by", row.by));
	}
	db_scan_free(scan);
}

/* The entry, or its end, and the event: one durable write. */
static bool
store(struct bench *b, const struct event_row *row, bool out)
{
	struct db *db = ledger_db(b->ledger);
	struct db_batch *batch = db_batch_new();
	struct buf key, value;
	bool stored;

	buf_init(&key, KEY_MAX);
	buf_init(&value, ROW_BYTES_MAX);
	write_key(&key, row->target);
	row_write(ROW_EVENT, row, &value);
	if (out)
		db_batch_put(batch, db, FAMILY_META, buf_slice(&key),
		    buf_slice(&value));
	else
		db_batch_delete(batch, db, FAMILY_META, buf_slice(&key));
	journal_add(batch, db, &b->ids, row);
	stored = !key.failed && !value.failed &&
		 db_write(db, batch, true) == DB_OK && db_sync(db) == DB_OK;
	db_batch_free(batch);
	buf_fini(&value);
	buf_fini(&key);
	return stored;
}

static bool
change(struct bench *b, struct event_row *row, bool out, struct buf *why)
{
	struct target_state *state = target_state_get(b->states, row->target);

	if (!slice_eq(state->name, row->target)) {
		buf_puts(why, "there are too many targets to know this one\n");
		return false;
	}
	row->kind = slice_of(out ? JOURNAL_DISABLED : JOURNAL_ENABLED);
	row->until = out ? row->until : 0;
	if (!store(b, row, out)) {
		buf_puts(why, "the store did not take it\n");
		return false;
	}
	if (out)
		target_disable(state, end_of(row));
	else
		target_enable(state);
	log_info(out ? "target disabled" : "target enabled",
	    log_slice("target", row->target), log_slice("by", row->by));
	return true;
}

bool
bench_take_out(struct bench *b, struct event_row *row, struct buf *why)
{
	return change(b, row, true, why);
}

bool
bench_bring_back(struct bench *b, struct event_row *row, struct buf *why)
{
	return change(b, row, false, why);
}

bool
bench_find(const struct bench *b, struct slice target, struct buf *bytes,
    struct event_row *row)
{
	struct buf key;
	bool found;

	buf_init(&key, KEY_MAX);
	write_key(&key, target);
	found =
	    !key.failed &&
	    db_get(ledger_db(b->ledger), FAMILY_META, buf_slice(&key), bytes) &&
	    row_read(ROW_EVENT, buf_slice(bytes), row);
	buf_fini(&key);
	return found;
}

/* The states know by themselves when a time is over. */
void
bench_sweep(struct bench *b, int64_t wall_us)
{
	struct db_scan *scan = scan_all(b);
	struct event_row row, over;
	struct slice key, value;
	size_t seen = 0;

	while (seen++ < SWEEP_MAX && db_scan_next(scan, &key, &value)) {
		if (!row_read(ROW_EVENT, value, &row) ||
		    !is_over(&row, wall_us))
			continue;
		over = (struct event_row){
			.at = wall_us,
			.kind = slice_of(JOURNAL_ENABLED),
			.target = row.target,
			.detail = slice_of("its time was over"),
			.by = slice_of("time"),
		};
		if (!store(b, &over, false))
			break;
	}
	db_scan_free(scan);
}
