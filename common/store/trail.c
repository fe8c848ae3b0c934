#include "common/store/trail.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/pack.h"

#define HEAD_NAME    "audit_head"
#define HEAD_CONTEXT "gsr/audit-head/v1"
#define HEAD_FIELDS  3
#define HEAD_MAX     256
#define SEQ_BYTES    8
/* And the place, as 8 bytes. */
#define HELD_PREFIX "audit_held/"
#define HELD_END    "audit_held0"
#define HELD_BYTES  (sizeof(HELD_PREFIX) - 1 + SEQ_BYTES)
#define LINE_BYTES  256

/* What is signed: the number and the hash of the last row. */
struct head {
	int64_t seq; /* 0: there is no row */
	struct hash hash;
	struct signature signature;
};

struct trail {
	struct ledger *ledger;
	const struct secret *identity;
	struct head head;
};

static void
seq_write(uint8_t key[SEQ_BYTES], int64_t seq)
{
	int i;

	for (i = 0; i < SEQ_BYTES; i++)
		key[i] = (uint8_t)((uint64_t)seq >> 8 * (SEQ_BYTES - 1 - i));
}

static int64_t
seq_read(struct slice key)
{
	uint64_t seq = 0;
	size_t i;

	for (i = 0; i < key.len; i++)
		seq = seq << 8 | (uint8_t)key.ptr[i];
	return (int64_t)seq;
}

static void
head_signed(uint8_t bytes[SEQ_BYTES + HASH_BYTES], const struct head *h)
{
	seq_write(bytes, h->seq);
	memcpy(bytes + SEQ_BYTES, h->hash.bytes, HASH_BYTES);
}

static void
head_write(struct buf *out, const struct head *h)
{
	pack_array(out, HEAD_FIELDS);
	pack_int(out, h->seq);
	pack_bytes(out, h->hash.bytes, HASH_BYTES);
	pack_bytes(out, h->signature.bytes, SIGNATURE_BYTES);
}

/* False: there is none, or it is none of ours; then it is all zero. */
static bool
head_read(struct ledger *l, struct head *h)
{
	struct unpack u;
	struct buf bytes;
	bool read = false;

	*h = (struct head){ .seq = 0 };
	buf_init(&bytes, HEAD_MAX);
	if (db_get(ledger_db(l), FAMILY_META, slice_of(HEAD_NAME), &bytes)) {
		u = unpack_start(buf_slice(&bytes));
		read = unpack_array(&u) == HEAD_FIELDS;
		h->seq = unpack_int(&u);
		unpack_fixed(&u, h->hash.bytes, HASH_BYTES);
		unpack_fixed(&u, h->signature.bytes, SIGNATURE_BYTES);
		read = unpack_done(&u) && read;
	}
	buf_fini(&bytes);
	if (!read)
		*h = (struct head){ .seq = 0 };
	return read;
}

void
trail_close(struct trail *t)
{
	free(t);
}

/* Of the row as it is stored, but for its hash. */
static struct hash
hash_row(const struct audit_row *row)
{
	struct audit_row bare = *row;
	struct buf bytes;
	struct hash h;

	bare.hash = (struct hash){ { 0 } };
	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_AUDIT, &bare, &bytes);
	h = hash_of(bytes.data, bytes.len);
	buf_fini(&bytes);
	return h;
}

static void
cut(struct slice *text)
{
	text->len = min_size(text->len, TRAIL_TEXT_MAX);
}

static struct slice
held_key(uint8_t key[HELD_BYTES], uint64_t place)
{
	memcpy(key, HELD_PREFIX, sizeof(HELD_PREFIX) - 1);
	seq_write(key + sizeof(HELD_PREFIX) - 1, (int64_t)place);
	return slice_make(key, HELD_BYTES);
}

bool
trail_hold(struct ledger *l, uint64_t place, const struct audit_row *row)
{
	struct db *db = ledger_db(l);
	struct db_batch *b = db_batch_new();
	uint8_t key[HELD_BYTES];
	struct buf bytes;
	bool held;

	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_AUDIT, row, &bytes);
	db_batch_put(b, db, FAMILY_META, held_key(key, place),
	    buf_slice(&bytes));
	held = !bytes.failed && db_write(db, b, false) == DB_OK;
	buf_fini(&bytes);
	db_batch_free(b);
	return held; /* the db has said why, as often as that is good */
}

/* What is held under `held` goes, unless that is empty. */
static bool
write_all(struct trail *t, const struct audit_row *row, const struct head *h,
    struct slice held)
{
	struct db *db = ledger_db(t->ledger);
	struct db_batch *b = db_batch_new();
	uint8_t key[SEQ_BYTES];
	struct buf bytes;
	bool written;

	seq_write(key, row->seq);
	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_AUDIT, row, &bytes);
	db_batch_put(b, db, FAMILY_AUDIT, slice_make(key, sizeof(key)),
	    buf_slice(&bytes));
	buf_reset(&bytes);
	head_write(&bytes, h);
	db_batch_put(b, db, FAMILY_META, slice_of(HEAD_NAME),
	    buf_slice(&bytes));
	if (held.len > 0)
		db_batch_delete(b, db, FAMILY_META, held);
	written = !bytes.failed && db_write(db, b, true) == DB_OK &&
		  db_sync(db) == DB_OK;
	buf_fini(&bytes);
	db_batch_free(b);
	return written;
}

static bool
put(struct trail *t, struct audit_row *row, struct slice held)
{
	uint8_t bytes[SEQ_BYTES + HASH_BYTES];
	struct head next;

	cut(&row->actor);
	cut(&row->role);
	cut(&row->action);
	cut(&row->what);
	cut(&row->why);
	cut(&row->from);
	row->seq = t->head.seq + 1;
	row->previous = t->head.hash;
	row->hash = hash_row(row);
	next = (struct head){ .seq = row->seq, .hash = row->hash };
	head_signed(bytes, &next);
	next.signature = sign_bytes(t->identity, HEAD_CONTEXT,
	    slice_make(bytes, sizeof(bytes)));
	if (!write_all(t, row, &next, held)) {
		log_error("the audit log could not be written",
		    log_slice("action", row->action));
		return false;
	}
	t->head = next;
	return true;
}

bool
trail_put(struct trail *t, struct audit_row *row)
{
	return put(t, row, slice_make(NULL, 0));
}

bool
trail_put_held(struct trail *t, uint64_t place, struct audit_row *row)
{
	uint8_t key[HELD_BYTES];

	return put(t, row, held_key(key, place));
}

/* Of a process that was killed, or of a command that had not the key. */
static void
put_all_held(struct trail *t)
{
	struct slice from = slice_of(HELD_PREFIX), to = slice_of(HELD_END);
	struct db_scan *scan =
	    db_scan_new(ledger_db(t->ledger), FAMILY_META, from, to, false);
	struct slice key, value;
	struct audit_row row;

	while (db_scan_next(scan, &key, &value))
		if (key.len == HELD_BYTES && row_read(ROW_AUDIT, value, &row))
			(void)put(t, &row, key);
	db_scan_free(scan);
}

struct trail *
trail_open(struct ledger *l, const struct secret *identity)
{
	struct trail *t = xcalloc(1, sizeof(*t));

	t->ledger = l;
	t->identity = identity;
	(void)head_read(l, &t->head);
	put_all_held(t);
	return t;
}

/* A search from the newest on. */
struct search {
	const struct trail_filter *filter;
	struct db_scan *scan;
	size_t left, searched;
	struct audit_row row;
};

static bool
has(struct slice text, struct slice part)
{
	return part.len == 0 ||
	       memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static bool
is_wanted(const struct trail_filter *f, const struct audit_row *row)
{
	return (f->actor.len == 0 || slice_eq(f->actor, row->actor)) &&
	       (f->outcome.len == 0 || slice_eq(f->outcome, row->outcome)) &&
	       has(row->action, f->action) && has(row->what, f->what);
}

static bool
search_next(struct search *s)
{
	struct slice key, value;

	while (s->left > 0 && s->searched < TRAIL_SEARCH_MAX &&
	       db_scan_next(s->scan, &key, &value)) {
		s->searched++;
		if (!row_read(ROW_AUDIT, value, &s->row) ||
		    !is_wanted(s->filter, &s->row))
			continue;
		s->left--;
		return true;
	}
	return false;
}

static void
list_text(struct search *s, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "seq", CELL_INT },
		{ "at", CELL_TIME },
		{ "actor", CELL_TEXT },
		{ "action", CELL_TEXT },
		{ "what", CELL_TEXT },
		{ "outcome", CELL_TEXT },
		{ "status", CELL_INT },
		{ "again", CELL_INT },
		{ "from", CELL_TEXT },
		{ "why", CELL_TEXT },
	};
	struct table t;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	while (search_next(s)) {
		table_int(&t, s->row.seq);
		table_int(&t, s->row.at);
		table_text(&t, s->row.actor);
		table_text(&t, s->row.action);
		table_text(&t, s->row.what);
		table_text(&t, s->row.outcome);
		table_int(&t, s->row.status);
		table_int(&t, s->row.times);
		table_text(&t, s->row.from);
		table_text(&t, s->row.why);
	}
	table_close(&t);
	if (s->searched == TRAIL_SEARCH_MAX)
		buf_printf(out, "(only the newest %d were searched)\n",
		    TRAIL_SEARCH_MAX);
}

static void
list_json(struct search *s, struct buf *out)
{
	struct json_writer w = { .out = out };

	json_open(&w, '[');
	while (search_next(s))
		row_json(ROW_AUDIT, &s->row, &w);
	json_close(&w, ']');
	buf_putc(out, '\n');
}

void
trail_list(struct ledger *l, const struct trail_filter *filter,
    enum output_format format, struct buf *out)
{
	const struct slice none = { NULL, 0 };
	struct search s = {
		.filter = filter,
		.scan =
		    db_scan_new(ledger_db(l), FAMILY_AUDIT, none, none, true),
		.left = filter->limit > 0 ? filter->limit : TRAIL_LIMIT,
	};

	if (format == OUTPUT_TEXT)
		list_text(&s, out);
	else
		list_json(&s, out);
	db_scan_free(s.scan);
}

/* One pass in order: only the row before is kept. */
struct check {
	void (*finding)(void *arg, const char *line);
	void *arg;
	struct trail_report *report;
	int64_t seq; /* of the row before; 0: none */
	struct hash hash;
	bool known; /* its hash is */
};

static void like_printf(3, 4)
    fault(struct check *c, int64_t *count, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;

	*count += 1;
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	c->finding(c->arg, line);
}

/* Written anew it has to be the same bytes: no byte is without meaning. */
static bool
is_as_written(const struct audit_row *row, struct slice value)
{
	struct hash h = hash_row(row);
	struct buf bytes;
	bool same;

	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_AUDIT, row, &bytes);
	same = slice_eq(buf_slice(&bytes), value) &&
	       memcmp(&h, &row->hash, sizeof(h)) == 0;
	buf_fini(&bytes);
	return same;
}

static void
check_gap(struct check *c, int64_t seq)
{
	int64_t gap = seq - c->seq - 1, counted = 0;

	if (gap <= 0)
		return;
	fault(c, &counted, "audit row %lld: %lld before it are missing",
	    (long long)seq, (long long)gap);
	c->report->missing += gap;
	c->known = false;
}

static void
check_row(struct check *c, struct slice key, struct slice value)
{
	struct trail_report *r = c->report;
	struct audit_row row;
	int64_t seq = seq_read(key);
	bool follows;

	r->checked++;
	check_gap(c, seq);
	if (key.len != SEQ_BYTES || !row_read(ROW_AUDIT, value, &row) ||
	    row.seq != seq || !is_as_written(&row, value)) {
		fault(c, &r->changed,
		    "audit row %lld: is not as it was written", (long long)seq);
		c->known = false;
		c->seq = seq;
		return;
	}
	follows =
	    !c->known || memcmp(&row.previous, &c->hash, sizeof(c->hash)) == 0;
	if (!follows)
		fault(c, &r->broken,
		    "audit row %lld: does not continue the one before it",
		    (long long)seq);
	r->good += follows;
	c->seq = seq;
	c->hash = row.hash;
	c->known = true;
}

static void
fault_end(struct check *c, int64_t last)
{
	int64_t counted = 0;

	fault(c, &counted, "audit rows %lld to %lld are missing",
	    (long long)c->seq + 1, (long long)last);
	c->report->missing += last - c->seq;
}

static void
check_head(struct check *c, const struct head *h,
    const struct public_key *member)
{
	struct trail_report *r = c->report;
	uint8_t bytes[SEQ_BYTES + HASH_BYTES];
	int64_t counted = 0;

	r->head = h->seq;
	r->head_hash = h->hash;
	head_signed(bytes, h);
	r->head_good = false;
	if (h->seq == 0 && c->seq == 0)
		r->head_good = true; /* nothing was ever written */
	else if (!sign_check(member, HEAD_CONTEXT,
		     slice_make(bytes, sizeof(bytes)), &h->signature))
		fault(c, &counted,
		    "the head of the audit log is not signed by this member");
	else if (h->seq > c->seq)
		fault_end(c, h->seq);
	else if (h->seq < c->seq ||
		 (c->known && memcmp(&h->hash, &c->hash, HASH_BYTES) != 0))
		fault(c, &counted,
		    "the head of the audit log is of row %lld, not of the last "
		    "one",
		    (long long)h->seq);
	else
		r->head_good = true;
}

bool
trail_verify(struct ledger *l, const struct public_key *member,
    void (*finding)(void *arg, const char *line), void *arg,
    struct trail_report *report)
{
	const struct slice none = { NULL, 0 };
	struct check c = { .finding = finding,
		.arg = arg,
		.report = report,
		.known = true };
	struct db_scan *scan;
	struct slice key, value;
	struct head head;
	bool whole;

	*report = (struct trail_report){ .checked = 0 };
	(void)head_read(l, &head);
	scan = db_scan_new(ledger_db(l), FAMILY_AUDIT, none, none, false);
	while (db_scan_next(scan, &key, &value))
		check_row(&c, key, value);
	whole = !db_scan_failed(scan);
	db_scan_free(scan);
	check_head(&c, &head, member);
	return whole;
}
