#include "common/export/extract.h"

#include <assert.h>

#include "common/base/clock.h"
#include "common/store/checkpoint.h"
#include "common/store/intent.h"
#include "common/store/ledger.h"
#include "common/store/receipt.h"

#define ENTRIES_MAX (EXTRACT_PAGE_BYTES + 2 * ROW_BYTES_MAX)
#define ASK_FIELDS  6
#define PAGE_FIELDS 7
#define STOP_EVERY  1024 /* entries between two looks at *stop */

bool
extract_has(enum export_kind k)
{
	return k == EXPORT_OPEN || k == EXPORT_ATTEMPT ||
	       k == EXPORT_CHECKPOINT || k == EXPORT_RECEIPT ||
	       k == EXPORT_OUTBOX;
}

void
extract_ask_write(struct buf *out, const struct extract_ask *a)
{
	pack_array(out, ASK_FIELDS);
	pack_int(out, EXTRACT_VERSION);
	pack_int(out, a->number);
	pack_text(out, slice_of(kind_name(a->kind)));
	pack_int(out, a->from);
	pack_int(out, a->to);
	pack_bytes(out, a->after.ptr, a->after.len);
}

static enum export_kind
read_kind(struct slice name)
{
	enum export_kind k;

	for (k = 0; k < EXPORT_KINDS; k++)
		if (extract_has(k) && slice_is(name, kind_name(k)))
			return k;
	return EXPORT_KINDS;
}

/* Fields that a later version puts behind ours are passed over. */
bool
extract_ask_read(struct extract_ask *a, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	size_t fields = unpack_array(&u);

	if (fields < ASK_FIELDS || unpack_int(&u) != EXTRACT_VERSION)
		return false;
	a->number = unpack_int(&u);
	a->kind = read_kind(unpack_text(&u));
	a->from = unpack_int(&u);
	a->to = unpack_int(&u);
	a->after = unpack_bytes(&u);
	for (; fields > ASK_FIELDS && !u.failed; fields--)
		unpack_skip(&u);
	return unpack_done(&u) && a->number >= 0 && a->from >= 0 &&
	       a->to >= 0 && a->from <= ROW_TIME_MAX && a->to <= ROW_TIME_MAX &&
	       a->after.len <= EXTRACT_KEY_MAX;
}

/* A page being filled. */
struct fill {
	const struct extract_ask *ask;
	struct slice origin;
	struct db *db;
	const atomic_bool *stop;
	struct buf entries; /* packed: key, value, key, … */
	size_t count;
	int64_t damaged;
	struct db_scan *scan;
	uint8_t from[EXTRACT_KEY_MAX + 1], to[EXTRACT_KEY_MAX];
	struct slice first, end; /* the bounds, in these rooms */
};

static void
put(struct fill *f, struct slice key, struct slice value)
{
	pack_bytes(&f->entries, key.ptr, key.len);
	pack_bytes(&f->entries, value.ptr, value.len);
	assert(!f->entries.failed);
	f->count++;
}

/* An egress's keys of attempts end in whose they are. */
static bool
is_own_key(const struct fill *f, struct slice key)
{
	return key.len > ID_BYTES + 1 &&
	       slice_eq(slice_after(key, ID_BYTES + 1), f->origin);
}

static void
take_attempt(struct fill *f, struct slice key, struct slice value)
{
	struct attempt_row row;

	if (!is_own_key(f, key))
		return;
	if (row_read(ROW_ATTEMPT, value, &row) &&
	    slice_eq(row.origin, f->origin))
		put(f, key, value);
	else
		f->damaged++;
}

/* Of what is under way a node is told the row alone. */
static void
take_open(struct fill *f, struct slice key, struct slice value)
{
	struct intent intent;
	struct buf row;

	if (!is_own_key(f, key) || intent_mark_of(key) >= 0)
		return;
	if (!intent_read(&intent, value) || !intent.has_attempt ||
	    !slice_eq(intent.attempt.origin, f->origin)) {
		f->damaged++;
		return;
	}
	buf_init(&row, ROW_BYTES_MAX);
	row_write(ROW_ATTEMPT, &intent.attempt, &row);
	if (row.failed)
		f->damaged++;
	else
		put(f, key, buf_slice(&row));
	buf_fini(&row);
}

static void
take_checkpoint(struct fill *f, struct slice key, struct slice value)
{
	struct checkpoint c;

	if (checkpoint_read(&c, value) && slice_eq(c.row.origin, f->origin))
		put(f, key, value);
}

static void
take_outbox(struct fill *f, struct slice key)
{
	struct outbox_entry e;

	if (outbox_entry_read(&e, key) && slice_eq(e.origin, f->origin))
		put(f, key, slice_make(NULL, 0));
}

static bool
in_window(const struct extract_ask *a, const struct id *request)
{
	int64_t us = id_time_ms(request) * US_PER_MS;

	return us >= a->from && (a->to == 0 || us < a->to);
}

static void
rescan(struct fill *f)
{
	db_scan_free(f->scan);
	f->scan = db_scan_new(f->db, kind_family(f->ask->kind), f->first,
	    f->end, false);
}

/* A chain is of one origin: the others' are passed by.  False: no more. */
static bool
next_chain(struct fill *f, struct slice key)
{
	size_t i = CHAIN_ID_BYTES;

	if (key.len != RECEIPT_KEY_BYTES)
		return true;
	memcpy(f->from, key.ptr, CHAIN_ID_BYTES);
	while (i > 0 && ++f->from[i - 1] == 0)
		i--;
	if (i == 0)
		return false;
	f->first = slice_make(f->from, CHAIN_ID_BYTES);
	rescan(f);
	return true;
}

/* One that cannot be read is nobody's: who lacks it finds it missing. */
static bool
take_receipt(struct fill *f, struct slice key, struct slice value)
{
	struct receipt r;

	if (!receipt_read(&r, value))
		return true;
	if (!slice_eq(r.row.origin, f->origin))
		return next_chain(f, key);
	if (in_window(f->ask, &r.row.request))
		put(f, key, value);
	return true;
}

/* False: nothing that comes is of this origin. */
static bool
take(struct fill *f, struct slice key, struct slice value)
{
	switch (f->ask->kind) {
	case EXPORT_OPEN:
		take_open(f, key, value);
		return true;
	case EXPORT_ATTEMPT:
		take_attempt(f, key, value);
		return true;
	case EXPORT_CHECKPOINT:
		take_checkpoint(f, key, value);
		return true;
	case EXPORT_OUTBOX:
		take_outbox(f, key);
		return true;
	default:
		assert(f->ask->kind == EXPORT_RECEIPT);
		return take_receipt(f, key, value);
	}
}

/* Where ids of that time begin; empty: open. */
static struct slice
bound(uint8_t *room, int64_t us)
{
	struct id id;

	if (us <= 0)
		return slice_make(NULL, 0);
	id = id_at(us);
	memcpy(room, id.bytes, ID_BYTES);
	return slice_make(room, ID_BYTES);
}

/* The origin and that byte: what begins the keys of its outbox. */
static struct slice
outbox_bound(uint8_t *room, struct slice origin, uint8_t last)
{
	size_t n = min_size(origin.len, EXTRACT_KEY_MAX - 1);

	memcpy(room, origin.ptr, n);
	room[n] = last;
	return slice_make(room, n + 1);
}

static int
order(struct slice a, struct slice b)
{
	int o = memcmp(a.ptr, b.ptr, min_size(a.len, b.len));

	return o != 0 ? o : (a.len > b.len) - (a.len < b.len);
}

/* A node says where to go on: within its bounds, wherever that is. */
static void
go_on_behind(struct fill *f, struct slice after)
{
	if (after.len == 0 || (f->first.len > 0 && order(after, f->first) < 0))
		return;
	memcpy(f->from, after.ptr, after.len);
	f->from[after.len] = 0;
	f->first = slice_make(f->from, after.len + 1);
}

static void
set_bounds(struct fill *f)
{
	const struct extract_ask *a = f->ask;

	kind_bounds(a->kind, &f->first, &f->end);
	if (kind_is_timed(a->kind)) {
		f->first = bound(f->from, a->from);
		f->end = bound(f->to, a->to);
	} else if (a->kind == EXPORT_OUTBOX) {
		f->first = outbox_bound(f->from, f->origin, 0);
		f->end = outbox_bound(f->to, f->origin, 1);
	}
	go_on_behind(f, a->after);
}

/* Gives whether there is more behind the last entry. */
static bool
scan_all(struct fill *f, enum extract_end *end)
{
	struct slice key, value;
	size_t looked = 0;
	bool goes_on = true;

	rescan(f);
	while (goes_on && db_scan_next(f->scan, &key, &value)) {
		if (++looked % STOP_EVERY == 0 && atomic_load(f->stop)) {
			*end = EXTRACT_FAILED;
			return false;
		}
		if (f->entries.len >= EXTRACT_PAGE_BYTES)
			return true;
		if (key.len <= EXTRACT_KEY_MAX && value.len <= ROW_BYTES_MAX)
			goes_on = take(f, key, value);
	}
	if (db_scan_failed(f->scan))
		*end = EXTRACT_FAILED;
	return false;
}

static void
write_head(struct buf *out, const struct extract_page *p)
{
	pack_array(out, PAGE_FIELDS);
	pack_int(out, EXTRACT_VERSION);
	pack_int(out, p->number);
	pack_int(out, p->end);
	pack_bool(out, p->more);
	pack_int(out, p->as_of);
	pack_int(out, p->damaged);
	pack_array(out, 2 * p->left);
}

void
extract_refuse(struct buf *out, int64_t number, enum extract_end end)
{
	const struct extract_page p = { .number = number,
		.end = end,
		.as_of = clock_wall_us() };

	write_head(out, &p);
}

void
extract_fill(struct buf *out, struct db *db, const struct extract_ask *a,
    struct slice origin, const atomic_bool *stop)
{
	struct fill f = { .ask = a, .origin = origin, .db = db, .stop = stop };
	struct extract_page p = { .number = a->number,
		.end = EXTRACT_GIVEN,
		.as_of = clock_wall_us() };

	if (a->kind == EXPORT_KINDS) {
		extract_refuse(out, a->number, EXTRACT_UNKNOWN);
		return;
	}
	buf_init(&f.entries, ENTRIES_MAX);
	set_bounds(&f);
	p.more = scan_all(&f, &p.end);
	db_scan_free(f.scan);
	if (p.end == EXTRACT_GIVEN) {
		p.left = f.count;
		p.damaged = f.damaged;
		write_head(out, &p);
		buf_put_slice(out, buf_slice(&f.entries));
	} else {
		extract_refuse(out, a->number, p.end);
	}
	buf_fini(&f.entries);
}

bool
extract_page_read(struct extract_page *p, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	int64_t end;
	size_t count;

	if (bytes.len > EXTRACT_PAGE_MAX || unpack_array(&u) != PAGE_FIELDS ||
	    unpack_int(&u) != EXTRACT_VERSION)
		return false;
	p->number = unpack_int(&u);
	end = unpack_int(&u);
	p->more = unpack_bool(&u);
	p->as_of = unpack_int(&u);
	p->damaged = unpack_int(&u);
	count = unpack_array(&u);
	if (u.failed || end < 0 || end >= EXTRACT_ENDS || p->as_of < 0 ||
	    p->as_of > ROW_TIME_MAX || p->damaged < 0 || count % 2 != 0 ||
	    (p->more && count == 0))
		return false;
	p->end = (enum extract_end)end;
	p->left = count / 2;
	p->entries = u;
	return true;
}

bool
extract_next(struct extract_page *p, struct slice *key, struct slice *value)
{
	struct unpack *u = &p->entries;

	if (p->left == 0) {
		u->failed |= !unpack_done(u);
		return false;
	}
	*key = unpack_bytes(u);
	*value = unpack_bytes(u);
	u->failed |= key->len == 0 || key->len > EXTRACT_KEY_MAX;
	p->left--;
	return !u->failed;
}
