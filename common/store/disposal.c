#include "common/store/disposal.h"

#include "common/base/clock.h"

/* To find the next chain costs a seek, which is some entries. */
#define CHAIN_COST 20

static const enum family families[] = { FAMILY_REQUEST, FAMILY_ATTEMPT,
	FAMILY_DECISION, FAMILY_EVENT, FAMILY_RECEIPT };

static enum retention_class
class_at(size_t which)
{
	return families[which] == FAMILY_RECEIPT
		   ? RETENTION_RECEIPTS
		   : custody_class(families[which]);
}

static struct disposal_class *
class_of(struct disposal *d)
{
	return &d->classes[class_at(d->which)];
}

void
disposal_begin(struct disposal *d, struct ledger *l, int64_t now_us, bool dry)
{
	const struct retention_terms terms = custody_terms(ledger_custody(l));
	enum retention_class c;

	*d = (struct disposal){
		.db = ledger_db(l),
		.custody = ledger_custody(l),
		.now_us = now_us,
		.dry = dry,
	};
	for (c = 0; c < RETENTION_LIMITED; c++)
		d->classes[c].cut_us =
		    retention_cut_ms(&terms, c, now_us / US_PER_MS) * US_PER_MS;
}

static void
count_row(struct disposal_class *c, int64_t at_us, size_t bytes)
{
	c->rows++;
	c->bytes += (int64_t)bytes;
	if (c->oldest_us == 0 || at_us < c->oldest_us)
		c->oldest_us = at_us;
	c->newest_us = max_i64(c->newest_us, at_us);
}

/* What is dropped, and how far that is, in one write. */
static void
write_step(struct disposal *d, struct db_batch *b)
{
	enum retention_class class = class_at(d->which);
	const struct custody_mark before = custody_mark_get(d->custody, class);
	const struct custody_mark mark = {
		.before_ms = max_i64(before.before_ms,
		    d->classes[class].cut_us / US_PER_MS),
		.run_us = d->now_us,
		.rows = d->classes[class].rows,
	};

	if (d->dry)
		return;
	custody_mark_put(d->custody, b, class, &mark);
	d->failed = d->failed || db_write(d->db, b, true) != DB_OK;
}

static struct slice
id_slice(const struct id *id)
{
	return slice_make(id->bytes, ID_BYTES);
}

/* The family's keys from `from` to, not with, `to`; NULL: none. */
static void
drop_range(struct disposal *d, const struct id *from, const struct id *to)
{
	struct db_batch *b = db_batch_new();

	if (from != NULL)
		db_batch_delete_range(b, d->db, families[d->which],
		    id_slice(from), id_slice(to));
	write_step(d, b);
	db_batch_free(b);
}

/*
 * Some rows of the span; gives how many were looked at.  All keys of one id
 * go together, so a step ends before the next id.
 */
static size_t
drop_some(struct disposal *d, const struct retention_span *span, size_t entries)
{
	struct id from = id_at(span->from_ms * US_PER_MS), last = from;
	struct id next = id_at(span->to_ms * US_PER_MS);
	struct slice key, value;
	struct db_scan *scan;
	size_t seen = 0;

	if (memcmp(d->from.bytes, from.bytes, ID_BYTES) > 0)
		from = d->from;
	scan = db_scan_bare(d->db, families[d->which], id_slice(&from),
	    id_slice(&next));
	while (db_scan_next(scan, &key, &value)) {
		if (key.len < ID_BYTES)
			continue;
		if (seen >= entries &&
		    memcmp(last.bytes, key.ptr, ID_BYTES) != 0) {
			memcpy(next.bytes, key.ptr, ID_BYTES);
			break;
		}
		memcpy(last.bytes, key.ptr, ID_BYTES);
		seen++;
		count_row(class_of(d), id_time_ms(&last) * US_PER_MS,
		    key.len + value.len);
	}
	d->failed = d->failed || db_scan_failed(scan);
	db_scan_free(scan);
	if (seen > 0 && !d->failed)
		drop_range(d, &from, &next);
	d->from = next;
	return seen;
}

static void
leave_family(struct disposal *d)
{
	if (class_of(d)->cut_us > 0)
		drop_range(d, NULL, NULL);
	d->from = (struct id){ { 0 } };
	d->which++;
}

/* The holds are asked each time: one may have come in between. */
static size_t
step_rows(struct disposal *d, size_t entries)
{
	const struct retention_span within = { id_time_ms(&d->from),
		class_of(d)->cut_us / US_PER_MS };
	struct retention_span span;

	if (custody_next_span(d->custody, class_at(d->which), within, &span))
		return 1 + drop_some(d, &span, entries);
	leave_family(d);
	return 1;
}

/* The beginning of a chain that goes; `last` 0: nothing of it. */
struct beginning {
	uint8_t key[RECEIPT_KEY_BYTES]; /* of its last one */
	struct custody_chain last;
};

static void
put_seq(uint8_t key[RECEIPT_KEY_BYTES], int64_t seq)
{
	int i;

	for (i = 0; i < 8; i++)
		key[CHAIN_ID_BYTES + i] =
		    (uint8_t)((uint64_t)seq >> (56 - 8 * i));
}

/* One that came late may lie before what was dropped earlier. */
static void
drop_beginning(struct disposal *d, struct db_batch *b, struct beginning *g)
{
	uint8_t from[RECEIPT_KEY_BYTES], to[RECEIPT_KEY_BYTES];
	struct custody_chain before;

	if (g->last.seq == 0)
		return;
	memcpy(from, g->key, sizeof(from));
	memcpy(to, g->key, sizeof(to));
	put_seq(from, 0);
	put_seq(to, g->last.seq + 1);
	db_batch_delete_range(b, d->db, FAMILY_RECEIPT,
	    slice_make(from, sizeof(from)), slice_make(to, sizeof(to)));
	if (!custody_chain_get(d->custody, g->key, &before) ||
	    before.seq < g->last.seq)
		custody_chain_put(d->custody, b, g->key, &g->last);
	class_of(d)->chains++;
	g->last.seq = 0;
}

/* Go on behind the key, or behind its whole chain. */
static void
go_on(struct disposal *d, struct slice key, bool chain)
{
	size_t n = min_size(key.len, RECEIPT_KEY_BYTES), i = CHAIN_ID_BYTES;

	memcpy(d->receipt, key.ptr, n);
	d->receipt[n] = 0;
	d->receipt_len = n + 1;
	if (!chain || n < CHAIN_ID_BYTES)
		return;
	while (i > 0 && d->receipt[i - 1] == UINT8_MAX)
		i--;
	if (i == 0)
		return; /* there is no next one */
	d->receipt[i - 1]++;
	d->receipt_len = i;
}

/* Does it go too?  One that cannot be read stays, with all behind it. */
static bool
take_receipt(struct disposal *d, struct db_batch *b, struct beginning *g,
    struct slice key, struct slice value)
{
	struct receipt r;

	if (key.len != RECEIPT_KEY_BYTES || !receipt_read(&r, value) ||
	    !custody_is_past(d->custody, &r.row, d->now_us / US_PER_MS))
		return false;
	if (memcmp(g->key, key.ptr, CHAIN_ID_BYTES) != 0)
		drop_beginning(d, b, g);
	memcpy(g->key, key.ptr, RECEIPT_KEY_BYTES);
	g->last.seq = r.row.seq;
	g->last.object = hash_of(r.object.ptr, r.object.len);
	count_row(class_of(d), r.row.started_at + r.row.total_us,
	    key.len + value.len);
	return true;
}

/* To the first that stays; true: there is none up to the end. */
static bool
walk_receipts(struct disposal *d, struct db_batch *b, size_t entries,
    size_t *seen)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_new(d->db, FAMILY_RECEIPT,
	    slice_make(d->receipt, d->receipt_len), none, false);
	struct beginning g = { .last = { .seq = 0 } };
	bool more = true, goes = true;

	while (goes && *seen < entries &&
	       (more = db_scan_next(scan, &key, &value))) {
		*seen += 1;
		goes = take_receipt(d, b, &g, key, value);
		go_on(d, key, !goes);
	}
	d->failed = d->failed || db_scan_failed(scan);
	db_scan_free(scan);
	drop_beginning(d, b, &g);
	*seen += CHAIN_COST;
	return !more;
}

static size_t
step_receipts(struct disposal *d, size_t entries)
{
	struct db_batch *b = db_batch_new();
	size_t seen = 0;
	bool ended = false;

	while (!ended && !d->failed && seen < entries)
		ended = walk_receipts(d, b, entries, &seen);
	if (!d->failed && db_batch_count(b) > 0)
		write_step(d, b);
	db_batch_free(b);
	if (ended)
		leave_family(d);
	return seen;
}

bool
disposal_step(struct disposal *d, size_t entries)
{
	size_t seen = 0;

	while (!d->failed && d->which < count_of(families) && seen < entries) {
		if (class_of(d)->cut_us == 0)
			leave_family(d);
		else if (families[d->which] == FAMILY_RECEIPT)
			seen += step_receipts(d, entries - seen);
		else
			seen += step_rows(d, entries - seen);
	}
	return !d->failed && d->which < count_of(families);
}

/* Chains lie all over the receipts; rows by time lie together. */
static bool
compact_family(const struct disposal *d, size_t which)
{
	const struct disposal_class *c = &d->classes[class_at(which)];
	struct slice none = { NULL, 0 };
	struct id to = id_at(c->cut_us);

	if (c->rows == 0)
		return true;
	return db_compact(d->db, families[which], none,
	    families[which] == FAMILY_RECEIPT ? none : id_slice(&to));
}

bool
disposal_compact(const struct disposal *d)
{
	struct slice none = { NULL, 0 };
	int64_t rows = 0;
	bool good = true;
	size_t i;

	for (i = 0; i < RETENTION_LIMITED; i++)
		rows += d->classes[i].rows;
	if (rows == 0 || d->dry)
		return true;
	for (i = 0; i < count_of(families) && good; i++)
		good = compact_family(d, i);
	/* Where a row stood while its request was under way. */
	return good && db_compact(d->db, FAMILY_INTENT, none, none);
}

static const struct table_column columns[] = {
	{ "class", CELL_TEXT },
	{ "rows", CELL_INT },
	{ "bytes", CELL_BYTES },
	{ "chains", CELL_INT },
	{ "before", CELL_TIME },
	{ "oldest", CELL_TIME },
	{ "newest", CELL_TIME },
};

/* For people: what the numbers above mean. */
static const char *
verdict(const struct disposal *d)
{
	int64_t rows = 0;
	size_t i;

	for (i = 0; i < RETENTION_LIMITED; i++)
		rows += d->classes[i].rows;
	if (d->failed)
		return "the store could not be read or written: the run ended "
		       "there; its log says why\n";
	if (d->dry)
		return "nothing was dropped: this was a dry run\n";
	return rows > 0 ? "dropped\n" : "nothing was past its retention\n";
}

void
disposal_write(const struct disposal *d, enum output_format format,
    struct buf *out)
{
	enum retention_class c;
	struct table t;

	if (format == OUTPUT_JSON)
		buf_printf(out, "{\"dry_run\":%s,\"failed\":%s,\"classes\":",
		    d->dry ? "true" : "false", d->failed ? "true" : "false");
	table_open(&t, out, format, columns, count_of(columns));
	for (c = 0; c < RETENTION_LIMITED; c++) {
		const struct disposal_class *k = &d->classes[c];

		table_text(&t, slice_of(retention_name(c)));
		table_int(&t, k->rows);
		table_int(&t, k->bytes);
		table_int(&t, k->chains);
		table_int(&t, k->cut_us);
		table_int(&t, k->oldest_us);
		table_int(&t, k->newest_us);
	}
	table_close(&t);
	if (format == OUTPUT_JSON)
		buf_puts(out, "}\n");
	else
		buf_puts(out, verdict(d));
}
