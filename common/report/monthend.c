#include "common/report/monthend.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/report/question.h"
#include "common/report/window.h"
#include "common/store/closure.h"
#include "common/store/period.h"
#include "common/store/receipt.h"
#include "common/store/recount.h"

#define FORMAT 1
#define LINES  8 /* of one kind of fault */

/* What is being found out. */
struct closing {
	const struct monthend_wish *wish;
	struct buf *out; /* what is missing */
	char name[PERIOD_CHARS];
	int64_t from_us, to_us;
	struct id from, to; /* of the month's requests */
	int64_t unvouched, receipts;
	bool failed;
	struct json_writer w; /* the statement */
};

static void like_printf(2, 3) lack(struct closing *c, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	buf_printf(c->out, "%s\n", line);
}

static struct db *
db_of(const struct closing *c)
{
	return ledger_db(c->wish->ledger);
}

static bool
goes_on(const struct closing *c)
{
	return c->wish->stop == NULL || !atomic_load(c->wish->stop);
}

static bool
is_of_month(const struct closing *c, const struct id *request)
{
	return memcmp(request->bytes, c->from.bytes, ID_BYTES) >= 0 &&
	       memcmp(request->bytes, c->to.bytes, ID_BYTES) < 0;
}

/* Entries by request, of the month's requests. */
static struct db_scan *
scan_month(const struct closing *c, enum family f)
{
	return db_scan_new(db_of(c), f, slice_make(c->from.bytes, ID_BYTES),
	    slice_make(c->to.bytes, ID_BYTES), false);
}

static void
end_scan(struct closing *c, struct db_scan *scan)
{
	c->failed |= db_scan_failed(scan) || !goes_on(c);
	db_scan_free(scan);
}

static void
see_end(struct closing *c)
{
	char at[CLOCK_TEXT_BYTES];

	if (c->wish->now_us >= c->to_us + MONTHEND_SKEW_US)
		return;
	clock_write(c->to_us + MONTHEND_SKEW_US, at);
	lack(c, "%s is not over: it can be closed from %s on", c->name, at);
}

static void
see_open(struct closing *c)
{
	struct db_scan *scan = scan_month(c, FAMILY_INTENT);
	char id[ID_TEXT_BYTES] = "";
	struct slice key, value;
	struct id first;
	int64_t count = 0;

	while (goes_on(c) && db_scan_next(scan, &key, &value)) {
		if (count++ > 0 || key.len < ID_BYTES)
			continue;
		memcpy(first.bytes, key.ptr, ID_BYTES);
		id_write(&first, id);
	}
	end_scan(c, scan);
	if (count > 0)
		lack(c,
		    "%" PRId64 " calls are still open, the first of req_%s: "
		    "they end by themselves, or when a stopped daemon serves "
		    "again; ask then",
		    count, id);
}

/* Was it called, as far as the node knows, so that there is a receipt? */
static bool
was_called(const struct attempt_row *a)
{
	return a->status != 0 || a->answer_bytes > 0 || a->cost_microusd > 0 ||
	       a->input_tokens > 0 || a->output_tokens > 0 ||
	       slice_is(a->state, "interrupted");
}

static void
tell_receipts(struct closing *c, int64_t missing, int64_t wrong,
    const struct attempt_row *first)
{
	if (wrong > 0)
		lack(c,
		    "%" PRId64 " receipts contradict their rows: '%s ledger "
		    "verify' and 'ledger reconcile' tell which",
		    wrong, c->wish->program);
	if (missing == 0 || c->wish->unvouched)
		return;
	lack(c,
	    "%" PRId64 " calls have no receipt, the first of %.*s: their "
	    "egress sends it when the link is up ('%s get links'); if it is "
	    "lost for good, --unvouched closes the month and counts them",
	    missing, SLICE_FMT(first->egress), c->wish->program);
}

/* A node: what its egresses called has their receipts. */
static void
see_receipts(struct closing *c)
{
	struct db_scan *scan = scan_month(c, FAMILY_ATTEMPT);
	int64_t missing = 0, wrong = 0;
	struct attempt_row a, first = { .number = 0 };
	char egress[64] = "";
	struct slice key, value;

	while (goes_on(c) && db_scan_next(scan, &key, &value)) {
		if (!row_read(ROW_ATTEMPT, value, &a) || a.egress.len == 0)
			continue;
		wrong += slice_is(a.receipt, "mismatch");
		if (!slice_is(a.receipt, "none") && a.receipt.len > 0)
			continue;
		if (!was_called(&a))
			continue;
		if (missing++ == 0)
			snprintf(egress, sizeof(egress), "%.*s",
			    SLICE_FMT(a.egress));
	}
	end_scan(c, scan);
	first.egress = slice_of(egress);
	tell_receipts(c, missing, wrong, &first);
	c->unvouched = missing;
}

/* The request of a receipt that waits; false: it is not of the month. */
static bool
waits(struct closing *c, struct slice key, struct buf *bytes)
{
	struct receipt r;

	return key.len >= RECEIPT_KEY_BYTES &&
	       db_get(db_of(c), FAMILY_RECEIPT,
		   slice_after(key, key.len - RECEIPT_KEY_BYTES), bytes) &&
	       receipt_read(&r, buf_slice(bytes)) &&
	       is_of_month(c, &r.row.request);
}

/* An egress: its nodes have them, and said so. */
static void
see_outbox(struct closing *c)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_new(db_of(c), FAMILY_OUTBOX, none, none, false);
	char origin[64] = "";
	struct buf bytes;
	int64_t count = 0;

	buf_init(&bytes, ROW_BYTES_MAX);
	while (goes_on(c) && db_scan_next(scan, &key, &value))
		if (waits(c, key, &bytes) && count++ == 0)
			snprintf(origin, sizeof(origin), "%.*s",
			    (int)strnlen(key.ptr, key.len), key.ptr);
	end_scan(c, scan);
	buf_fini(&bytes);
	if (count > 0 && !c->wish->unvouched)
		lack(c,
		    "%" PRId64 " receipts are not acknowledged, the first by "
		    "'%s': they are sent when its link is up ('%s get "
		    "links'); if it is gone for good, --unvouched closes the "
		    "month and counts them",
		    count, origin, c->wish->program);
	c->unvouched = count;
}

static void
see_chains(struct closing *c)
{
	const struct monthend_wish *w = c->wish;
	struct receipt_audit audit;

	if (!receipt_audit(w->ledger, w->key_of, NULL, w->arg, &audit)) {
		c->failed = true;
		return;
	}
	if (audit.good != audit.checked || audit.missing > 0)
		lack(c,
		    "%" PRId64 " receipts do not verify and %" PRId64
		    " are absent inside chains: '%s ledger verify' tells "
		    "which",
		    audit.checked - audit.good, audit.missing, w->program);
}

/*** What it came to. */

static struct report *
run_report(struct closing *c, enum row_kind kind, bool rows, const char *by)
{
	struct report_query q = { .kind = kind,
		.from_us = c->from_us,
		.to_us = c->to_us,
		.rows = rows,
		.stop = c->wish->stop };
	struct report *report;
	struct buf why;
	bool good;

	buf_init(&why, 4096);
	good = by[0] == '\0' || report_by(&q, slice_of(by), &why);
	buf_fini(&why);
	if (!good || report_run(c->wish->ledger, &q, &report) != REPORT_OK) {
		c->failed = true;
		if (good)
			report_free(report);
		return NULL;
	}
	return report;
}

static bool
is_summed(enum measure m)
{
	return m < MEASURE_savings_requests;
}

static void
compare(struct closing *c, const char *of, const struct total *cells,
    const struct total *rows)
{
	enum measure m;
	int lines = 0;

	for (m = 0; m < MEASURES; m++)
		if (is_summed(m) && cells->of[m] != rows->of[m] &&
		    lines++ < LINES)
			lack(c,
			    "%s of %s: roll-ups say %" PRId64 ", rows %" PRId64
			    ": when retention took rows "
			    "before the month was closed it cannot be closed "
			    "any more; '%s report --month %s --source rows' "
			    "adds them up",
			    measure_name(m), of, cells->of[m], rows->of[m],
			    c->wish->program, c->name);
}

static void
put_totals(struct json_writer *w, const char *of, const struct total *t)
{
	enum measure m;

	json_key(w, of);
	json_open(w, '{');
	for (m = 0; m < MEASURES; m++)
		if (is_summed(m))
			json_field_int(w, measure_name(m), t->of[m]);
	json_close(w, '}');
}

/* From both sources, which have to say the same. */
static void
see_totals(struct closing *c, struct json_writer *w, enum row_kind kind)
{
	const char *of = kind == ROW_REQUEST ? "requests" : "attempts";
	struct report *cells = run_report(c, kind, false, "");
	struct report *rows = run_report(c, kind, true, "");

	if (cells != NULL && rows != NULL) {
		compare(c, of, &cells->total, &rows->total);
		put_totals(w, of, &cells->total);
	}
	report_free(cells);
	report_free(rows);
}

static void
put_books(struct closing *c)
{
	struct report *r = run_report(c, ROW_ATTEMPT, false, "price_book");
	size_t i;

	json_key(&c->w, "price_books");
	json_open(&c->w, '[');
	for (i = 0; r != NULL && i < r->count; i++)
		if (r->groups[i]->values[0].len > 0)
			json_put_text(&c->w, r->groups[i]->values[0]);
	json_close(&c->w, ']');
	report_free(r);
}

/* The last receipt of a chain that is of the month. */
struct head {
	char chain[CHAIN_ID_CHARS];
	int64_t seq; /* 0: none */
	struct hash hash;
};

static void
put_head(struct closing *c, struct head *h)
{
	char hash[2 * HASH_BYTES + 1];

	if (h->seq == 0)
		return;
	hex_write(hash, h->hash.bytes, HASH_BYTES);
	json_open(&c->w, '{');
	json_field_text(&c->w, "chain", slice_of(h->chain));
	json_field_int(&c->w, "seq", h->seq);
	json_field_text(&c->w, "hash", slice_of(hash));
	json_close(&c->w, '}');
	h->seq = 0;
}

static void
see_receipt(struct closing *c, struct head *h, const struct receipt *r)
{
	if (!slice_is(r->row.chain, h->chain)) {
		put_head(c, h);
		snprintf(h->chain, sizeof(h->chain), "%.*s",
		    SLICE_FMT(r->row.chain));
	}
	if (!is_of_month(c, &r->row.request))
		return;
	c->receipts++;
	h->seq = r->row.seq;
	h->hash = hash_of(r->object.ptr, r->object.len);
}

static void
put_heads(struct closing *c)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_new(db_of(c), FAMILY_RECEIPT, none, none, false);
	struct head head = { .seq = 0 };
	struct receipt r;

	json_key(&c->w, "chains");
	json_open(&c->w, '[');
	while (goes_on(c) && db_scan_next(scan, &key, &value))
		if (receipt_read(&r, value))
			see_receipt(c, &head, &r);
	put_head(c, &head);
	json_close(&c->w, ']');
	end_scan(c, scan);
	json_field_int(&c->w, "receipts", c->receipts);
}

static void
put_member(struct closing *c)
{
	const struct monthend_wish *w = c->wish;
	char at[CLOCK_TEXT_BYTES];

	clock_write(w->now_us, at);
	json_field_int(&c->w, "format", FORMAT);
	json_field_text(&c->w, "mesh", w->mesh);
	json_field_text(&c->w, "member", w->member);
	json_field_text(&c->w, "role", slice_of(w->egress ? "egress" : "node"));
	json_field_text(&c->w, "month", slice_of(c->name));
	json_field_text(&c->w, "closed_at", slice_of(at));
	json_field_text(&c->w, "closed_by", w->by);
	json_field_text(&c->w, "topology", w->topology);
	json_field_int(&c->w, "mesh_version", w->mesh_version);
	json_field_int(&c->w, "node_version", w->node_version);
	json_field_int(&c->w, "unvouched", c->unvouched);
}

static void
put_all_totals(struct closing *c)
{
	struct json_writer w = { 0 };
	char hex[2 * HASH_BYTES + 1];
	struct buf totals;
	struct hash hash;

	buf_init(&totals, CLOSURE_MAX);
	w.out = &totals;
	json_open(&w, '{');
	if (!c->wish->egress)
		see_totals(c, &w, ROW_REQUEST);
	see_totals(c, &w, ROW_ATTEMPT);
	json_close(&w, '}');
	hash = hash_of(totals.data, totals.len);
	hex_write(hex, hash.bytes, HASH_BYTES);
	json_key(&c->w, "totals");
	json_put_raw(&c->w, buf_slice(&totals));
	json_field_text(&c->w, "totals_hash", slice_of(hex));
	buf_fini(&totals);
}

static void
write_statement(struct closing *c)
{
	json_open(&c->w, '{');
	put_member(c);
	put_all_totals(c);
	put_books(c);
	put_heads(c);
	json_close(&c->w, '}');
}

static void
see_all(struct closing *c)
{
	see_end(c);
	see_open(c);
	if (c->wish->egress)
		see_outbox(c);
	else
		see_receipts(c);
	see_chains(c);
	if (!recount_done(db_of(c)))
		lack(c, "the store has no roll-ups yet: they are made when the "
			"daemon starts");
}

static bool
show(struct closing *c)
{
	struct closure closure;
	struct buf bytes;
	bool found;

	buf_init(&bytes, CLOSURE_MAX);
	found = closure_find(db_of(c), c->wish->month, &bytes, &closure);
	if (found)
		closure_write(&closure, c->out);
	buf_fini(&bytes);
	return found;
}

static enum monthend
close_now(struct closing *c)
{
	size_t before = c->out->len;
	enum monthend end = MONTHEND_FAILED;
	struct buf statement;

	buf_init(&statement, CLOSURE_MAX);
	c->w.out = &statement;
	see_all(c);
	write_statement(c);
	if (c->failed || statement.failed)
		lack(c, "the store could not be read to its end, or the "
			"statement is too large: see the log");
	else if (c->out->len > before)
		end = MONTHEND_OPEN;
	else if (!closure_keep(db_of(c), c->wish->month, buf_slice(&statement),
		     c->wish->key))
		lack(c, "the store does not take the statement: see the log");
	else if (show(c))
		end = MONTHEND_CLOSED;
	buf_fini(&statement);
	return end;
}

enum monthend
monthend_close(const struct monthend_wish *w, struct buf *out)
{
	struct closing c = { .wish = w, .out = out };

	period_write(PERIOD_MONTH, w->month, c.name);
	c.from_us = period_start_us(PERIOD_MONTH, w->month);
	c.to_us = period_start_us(PERIOD_MONTH, w->month + 1);
	c.from = id_at(c.from_us);
	c.to = id_at(c.to_us);
	return show(&c) ? MONTHEND_BEFORE : close_now(&c);
}

bool
monthend_month(struct slice text, int64_t *month, struct buf *why)
{
	struct window_words words = { .month = text };
	struct window window;

	if (text.len == 0) {
		buf_puts(why, "say which month is to be closed: 2026-11\n");
		return false;
	}
	if (!window_read(&window, &words, 0, why))
		return false;
	*month = period_of(PERIOD_MONTH, window.from_us);
	return true;
}
