#include "common/store/recovery.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/stat.h"
#include "common/store/intent.h"
#include "common/store/posting.h"
#include "common/store/receipt.h"
#include "common/store/recount.h"
#include "common/store/settlement.h"
#include "common/store/slip.h"

#define ROWS_A_WRITE 256

/*
 * Entries are read from the last to the first, so that of a request's entries
 * the receipt comes before its attempt, and the latest attempt, whose sums
 * are the request's, before the earlier ones.
 */
struct recovery {
	struct db *db;
	struct db_batch *batch;
	struct recount *recount;
	struct posting *posting;
	void (*each)(void *arg, struct db_batch *b,
	    const struct attempt_row *attempt);
	void *arg;
	int64_t closed;
	struct id request; /* whose entries are being read */
	bool request_done; /* its row is right */
	struct buf row, found;
	struct buf message; /* of a receipt that came before its attempt */
	struct receipt receipt;
	bool has_receipt;
};

static void
put_row(struct recovery *r, enum row_kind kind, const void *row,
    struct slice key)
{
	buf_reset(&r->row);
	row_write(kind, row, &r->row);
	db_batch_put(r->batch, r->db,
	    kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT, key,
	    buf_slice(&r->row));
}

static struct slice
request_key(const struct recovery *r)
{
	return slice_make(r->request.bytes, ID_BYTES);
}

/* The stored row of the request under way, when it is closed. */
static bool
closed_request(struct recovery *r, struct buf *bytes, struct request_row *row)
{
	return db_get(r->db, FAMILY_REQUEST, request_key(r), bytes) &&
	       row_read(ROW_REQUEST, buf_slice(bytes), row) &&
	       !slice_is(row->state, "open");
}

static struct posting_place
place(const struct recovery *r)
{
	return (struct posting_place){ r->batch, r->db };
}

/* With what its budgets count for it from now on.  `before`: or NULL. */
static void
put_request(struct recovery *r, const struct request_row *before,
    struct request_row *row)
{
	posting_request(r->posting, place(r), before, row);
	put_row(r, ROW_REQUEST, row, request_key(r));
}

static void
close_request(struct recovery *r, struct request_row *row)
{
	struct request_row stored;

	if (r->request_done)
		return;
	r->request_done = true;
	if (!closed_request(r, &r->found, &stored))
		put_request(r, NULL, row);
}

static void
close_attempt(struct recovery *r, struct slice key, struct intent *i)
{
	struct request_row *request = i->has_request ? &i->request : NULL;
	struct attempt_row *attempt = &i->attempt;

	/* Settled, and the entry came back: see FAMILY_INTENT in db.h. */
	if (db_get(r->db, FAMILY_ATTEMPT, key, &r->found))
		return;
	settlement_interrupt(request, attempt);
	if (r->has_receipt && r->receipt.row.attempt == attempt->number)
		settlement_take(request, attempt, &r->receipt.row, true);
	posting_attempt(r->posting, place(r), NULL, attempt);
	put_row(r, ROW_ATTEMPT, attempt, key);
	if (r->each != NULL)
		r->each(r->arg, r->batch, attempt);
	if (request != NULL)
		close_request(r, request);
	r->closed++;
}

/*
 * A receipt came while the attempt was open.  Its row may be there all the
 * same (another worker settled it in that moment): then it takes the receipt
 * now; else the attempt's own entry is next.
 */
static void
on_receipt(struct recovery *r, struct slice attempt_key, struct slice key)
{
	struct attempt_row attempt, attempt_before;
	struct request_row request, request_before;
	struct buf bytes;
	bool closed;

	r->has_receipt = db_get(r->db, FAMILY_RECEIPT, key, &r->message) &&
			 receipt_read(&r->receipt, buf_slice(&r->message));
	if (!r->has_receipt)
		return;
	buf_init(&bytes, ROW_BYTES_MAX);
	if (db_get(r->db, FAMILY_ATTEMPT, attempt_key, &r->found) &&
	    row_read(ROW_ATTEMPT, buf_slice(&r->found), &attempt)) {
		attempt_before = attempt;
		closed = closed_request(r, &bytes, &request);
		if (closed)
			request_before = request;
		if (settlement_take(closed ? &request : NULL, &attempt,
			&r->receipt.row, true) != SETTLEMENT_SAME) {
			posting_attempt(r->posting, place(r), &attempt_before,
			    &attempt);
			put_row(r, ROW_ATTEMPT, &attempt, attempt_key);
			if (closed)
				put_request(r, &request_before, &request);
		}
	}
	buf_fini(&bytes);
}

static void
on_entry(struct recovery *r, struct slice key, struct slice value)
{
	int mark = intent_mark_of(key);
	struct intent intent;

	if (mark == INTENT_RECEIPT) {
		on_receipt(r, slice_make(key.ptr, key.len - 1), value);
	} else if (!intent_read(&intent, value)) {
		/* It stays: somebody may want to look at it. */
		log_error("an open intent is damaged",
		    log_int("bytes", (int64_t)value.len));
		return;
	} else if (mark == INTENT_GOES_ON) {
		/* No call was open: what its attempts came to is known. */
		intent.request.held_tokens = 0;
		intent.request.held_microusd = 0;
		settlement_interrupt(&intent.request, NULL);
		close_request(r, &intent.request);
	} else if (intent.has_attempt) {
		close_attempt(r, key, &intent);
	}
	db_batch_delete(r->batch, r->db, FAMILY_INTENT, key);
}

static bool
write_rows(struct recovery *r, size_t at_least)
{
	bool written;
	size_t held;

	if (db_batch_count(r->batch) < at_least)
		return true;
	held = posting_write(r->posting, place(r));
	written = db_write(r->db, r->batch, true) == DB_OK;
	recount_release(r->recount, held);
	if (written)
		db_batch_clear(r->batch);
	return written;
}

/* The entries of one request are closed in one write, whole or not at all. */
static bool
begin_request(struct recovery *r, struct slice key)
{
	if (memcmp(r->request.bytes, key.ptr, ID_BYTES) == 0)
		return true;
	memcpy(r->request.bytes, key.ptr, ID_BYTES);
	r->request_done = false;
	r->has_receipt = false;
	return write_rows(r, ROWS_A_WRITE);
}

static bool
recover(struct recovery *r)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_new(r->db, FAMILY_INTENT, none, none, true);
	bool good = true;

	while (good && db_scan_next(scan, &key, &value)) {
		if (key.len <= ID_BYTES) {
			log_error("an open intent has no valid key");
			continue;
		}
		good = begin_request(r, key);
		if (good)
			on_entry(r, key, value);
	}
	good = good && !db_scan_failed(scan);
	db_scan_free(scan);
	return good && write_rows(r, 1) && db_sync(r->db) == DB_OK;
}

int64_t
ledger_recover(struct ledger *l,
    void (*each)(void *arg, struct db_batch *b,
	const struct attempt_row *attempt),
    void *arg)
{
	struct recovery r = {
		.db = ledger_db(l),
		.batch = db_batch_new(),
		.recount = ledger_recount(l),
		.posting = posting_new(NULL, NULL, ledger_recount(l)),
		.each = each,
		.arg = arg,
	};
	bool good;

	buf_init(&r.row, ROW_BYTES_MAX);
	buf_init(&r.found, ROW_BYTES_MAX);
	buf_init(&r.message, RECEIPT_MAX);
	good = slips_recover(ledger_slips(l)) && recover(&r);
	if (r.closed > 0) {
		stat_add(STAT_INTERRUPTED, (uint64_t)r.closed);
		log_warn("closed requests that were open when the process "
			 "ended",
		    log_int("attempts", r.closed));
	}
	buf_fini(&r.message);
	buf_fini(&r.found);
	buf_fini(&r.row);
	db_batch_free(r.batch);
	posting_free(r.posting);
	return good ? r.closed : -1;
}
