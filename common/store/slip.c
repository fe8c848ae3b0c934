#include "common/store/slip.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/varint.h"
#include "common/store/pile.h"

#define PREFIX_BYTES (SLIP_KEY_BYTES - 8) /* process and writer */
#define CELLS        64                   /* gathered */
#define ADDITIONS    256                  /* in one write, about */
#define STORED_MAX   (1 << 20)            /* of a total: see total.c */
#define SUM          'S'                  /* no cell's key begins so */
/*
 * A range that is dropped is looked at by all who read until it reaches the
 * files, so that it must pay.
 */
#define DROP_EVERY 16384

struct slip_origin {
	char prefix[PREFIX_BYTES];
	uint64_t posted, dropped; /* up to this number */
};

struct slips {
	struct db *db;
	bool read_only;
	pthread_mutex_t lock; /* whoever posts, and the list */
	char process[8];
	struct slip_origin *origins;
	size_t count;
	atomic_uint_least64_t made, posted; /* slips of all writers */
};

struct cell {
	char key[ROLLUP_KEY_BYTES];
	struct total total;
};

/* Slips of one writer are being added. */
struct adding {
	struct slips *slips;
	struct slip_origin *origin;
	struct db_batch *batch;
	struct pile pile;
	struct cell cells[CELLS];
	size_t count;
	uint64_t last; /* what is gathered goes up to this one */
	struct total one;
	struct buf value;
};

struct slips *
slips_open(struct db *db, bool read_only)
{
	struct slips *s = xcalloc(1, sizeof(*s));

	s->db = db;
	s->read_only = read_only;
	pthread_mutex_init(&s->lock, NULL);
	atomic_init(&s->made, 0);
	atomic_init(&s->posted, 0);
	crypto_random(s->process, sizeof(s->process));
	return s;
}

static void
number_write(char bytes[8], uint64_t number)
{
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (char)(number >> (56 - 8 * i));
}

static uint64_t
number_read(const char bytes[8])
{
	uint64_t number = 0;
	int i;

	for (i = 0; i < 8; i++)
		number = number << 8 | (uint8_t)bytes[i];
	return number;
}

static struct slice
key_of(char key[SLIP_KEY_BYTES], const struct slip_origin *o, uint64_t number)
{
	memcpy(key, o->prefix, PREFIX_BYTES);
	number_write(key + PREFIX_BYTES, number);
	return slice_make(key, SLIP_KEY_BYTES);
}

void
slip_writer(struct slips *s, char key[SLIP_KEY_BYTES])
{
	struct slip_origin *o;

	pthread_mutex_lock(&s->lock);
	s->origins = xrealloc(s->origins, (s->count + 1) * sizeof(*s->origins));
	o = &s->origins[s->count];
	memset(o, 0, sizeof(*o));
	memcpy(o->prefix, s->process, sizeof(s->process));
	o->prefix[8] = (char)(s->count >> 8);
	o->prefix[9] = (char)s->count;
	s->count++;
	(void)key_of(key, o, 0);
	pthread_mutex_unlock(&s->lock);
}

void
slip_next(struct slips *s, char key[SLIP_KEY_BYTES])
{
	atomic_fetch_add(&s->made, 1);
	number_write(key + PREFIX_BYTES, number_read(key + PREFIX_BYTES) + 1);
}

void
slip_write_cell(struct buf *slip, const char key[ROLLUP_KEY_BYTES],
    struct slice total)
{
	buf_put(slip, key, ROLLUP_KEY_BYTES);
	varint_write(slip, (int64_t)total.len);
	buf_put_slice(slip, total);
}

void
slip_write_sum(struct buf *slip, struct slice key,
    const int64_t sums[MERGE_SUMS])
{
	int i;

	buf_putc(slip, SUM);
	varint_write(slip, (int64_t)key.len);
	buf_put_slice(slip, key);
	for (i = 0; i < MERGE_SUMS; i++)
		varint_write(slip, sums[i]);
}

/* What is added to a cell (total.len > 0) or to a sum. */
struct addition {
	struct slice key, total;
	int64_t sums[MERGE_SUMS];
};

static bool
read_bytes(struct slice *slip, struct slice *bytes)
{
	int64_t len;

	if (!varint_read(slip, &len) || len < 1 || (size_t)len > slip->len)
		return false;
	*bytes = slice_make(slip->ptr, (size_t)len);
	*slip = slice_after(*slip, (size_t)len);
	return true;
}

/* The next one of a slip that has more; false: it is damaged. */
static bool
read_addition(struct slice *slip, struct addition *a)
{
	bool good;
	int i;

	a->total = slice_make(NULL, 0);
	if (slip->ptr[0] != SUM) {
		if (slip->len < ROLLUP_KEY_BYTES)
			return false;
		a->key = slice_make(slip->ptr, ROLLUP_KEY_BYTES);
		*slip = slice_after(*slip, ROLLUP_KEY_BYTES);
		return read_bytes(slip, &a->total);
	}
	*slip = slice_after(*slip, 1);
	good = read_bytes(slip, &a->key) && a->key.len <= PILE_KEY_BYTES;
	for (i = 0; good && i < MERGE_SUMS; i++)
		good = varint_read(slip, &a->sums[i]);
	return good;
}

/* What is gathered, into the batch. */
static void
put_gathered(struct adding *p)
{
	struct db *db = p->slips->db;
	size_t i;

	for (i = 0; i < p->count; i++) {
		buf_reset(&p->value);
		total_write(&p->cells[i].total, &p->value);
		rollup_add(p->batch, db, p->cells[i].key, buf_slice(&p->value));
	}
	p->count = 0;
	pile_write(&p->pile, p->batch, db);
}

static struct cell *
find_cell(struct adding *p, struct slice key)
{
	struct cell *c;
	size_t i;

	for (i = 0; i < p->count; i++)
		if (memcmp(p->cells[i].key, key.ptr, ROLLUP_KEY_BYTES) == 0)
			return &p->cells[i];
	if (p->count == CELLS)
		put_gathered(p);
	c = &p->cells[p->count++];
	memcpy(c->key, key.ptr, ROLLUP_KEY_BYTES);
	total_reset(&c->total);
	return c;
}

static bool
add(struct adding *p, const struct addition *a)
{
	if (a->total.len > 0) {
		if (!total_read(&p->one, a->total))
			return false;
		total_add(&find_cell(p, a->key)->total, &p->one, 1);
		return true;
	}
	if (!pile_add(&p->pile, a->key, a->sums)) {
		put_gathered(p);
		return pile_add(&p->pile, a->key, a->sums);
	}
	return true;
}

static void
take(struct adding *p, struct slice slip)
{
	struct addition a;

	while (slip.len > 0)
		if (!read_addition(&slip, &a) || !add(p, &a)) {
			log_error("what rows add to roll-ups is damaged");
			return;
		}
}

/* One write has the additions and how far they go. */
static bool
write_additions(struct adding *p)
{
	struct slip_origin *o = p->origin;
	struct db *db = p->slips->db;
	char key[SLIP_KEY_BYTES], mark[8], end[SLIP_KEY_BYTES];
	bool drops = p->last - o->dropped >= DROP_EVERY;

	if (p->last == o->posted)
		return true;
	put_gathered(p);
	number_write(mark, p->last);
	db_batch_put(p->batch, db, FAMILY_SLIP, key_of(key, o, 0),
	    slice_make(mark, sizeof(mark)));
	if (drops)
		db_batch_delete_range(p->batch, db, FAMILY_SLIP,
		    key_of(key, o, o->dropped + 1),
		    key_of(end, o, p->last + 1));
	if (db_write(db, p->batch, false) != DB_OK)
		return false;
	atomic_fetch_add(&p->slips->posted, p->last - o->posted);
	o->posted = p->last;
	if (drops)
		o->dropped = p->last;
	db_batch_clear(p->batch);
	return true;
}

static struct db_scan *
scan_of(struct db *db, const struct slip_origin *o)
{
	char from[SLIP_KEY_BYTES], to[SLIP_KEY_BYTES];

	return db_scan_bare(db, FAMILY_SLIP, key_of(from, o, o->posted + 1),
	    key_of(to, o, UINT64_MAX));
}

static bool
add_all(struct adding *p)
{
	struct db_scan *scan = scan_of(p->slips->db, p->origin);
	struct slice key, value;
	bool good = true;

	while (good && db_scan_next(scan, &key, &value)) {
		take(p, value);
		p->last = number_read(key.ptr + PREFIX_BYTES);
		if (db_batch_count(p->batch) >= ADDITIONS)
			good = write_additions(p);
	}
	good = good && !db_scan_failed(scan);
	db_scan_free(scan);
	return good && write_additions(p);
}

static bool
post(struct slips *s, struct slip_origin *o)
{
	struct adding *p = xcalloc(1, sizeof(*p));
	size_t i;
	bool good;

	p->slips = s;
	p->origin = o;
	p->last = o->posted;
	p->batch = db_batch_new();
	buf_init(&p->value, STORED_MAX);
	good = add_all(p);
	for (i = 0; i < CELLS; i++)
		total_fini(&p->cells[i].total);
	total_fini(&p->one);
	buf_fini(&p->value);
	db_batch_free(p->batch);
	free(p);
	return good;
}

static bool
post_all(struct slips *s)
{
	bool good = true;
	size_t i;

	for (i = 0; i < s->count; i++)
		good &= post(s, &s->origins[i]);
	return good;
}

/* Nothing that was put, written or not, is still to be added. */
static bool
posted(const struct slips *s)
{
	return atomic_load(&s->made) == atomic_load(&s->posted);
}

bool
slips_post(struct slips *s)
{
	bool good;

	if (s->read_only || posted(s))
		return true;
	pthread_mutex_lock(&s->lock);
	good = post_all(s);
	pthread_mutex_unlock(&s->lock);
	return good;
}

/* The first writer from that key on; false: there is none. */
static bool
find_origin(struct slips *s, struct slice from, struct slip_origin *o)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_bare(s->db, FAMILY_SLIP, from, none);
	bool found =
	    db_scan_next(scan, &key, &value) && key.len == SLIP_KEY_BYTES;

	if (found) {
		memset(o, 0, sizeof(*o));
		memcpy(o->prefix, key.ptr, PREFIX_BYTES);
		if (number_read(key.ptr + PREFIX_BYTES) == 0 && value.len == 8)
			o->posted = number_read(value.ptr);
	}
	db_scan_free(scan);
	return found;
}

static bool
drop(struct slips *s, const struct slip_origin *o)
{
	char from[SLIP_KEY_BYTES], to[SLIP_KEY_BYTES];
	struct db_batch *b = db_batch_new();
	bool good;

	db_batch_delete_range(b, s->db, FAMILY_SLIP, key_of(from, o, 0),
	    key_of(to, o, UINT64_MAX));
	good = db_write(s->db, b, true) == DB_OK;
	db_batch_free(b);
	return good;
}

bool
slips_recover(struct slips *s)
{
	struct slice none = { NULL, 0 };
	struct slip_origin o;
	bool good = true;

	while (good && find_origin(s, none, &o))
		good = post(s, &o) && drop(s, &o);
	atomic_store(&s->posted, 0); /* of this process none */
	return good;
}

void
slips_close(struct slips *s)
{
	size_t i;

	for (i = 0; i < s->count && !s->read_only; i++)
		if (!post(s, &s->origins[i]) || !drop(s, &s->origins[i]))
			log_warn("roll-ups are completed at the next start");
	pthread_mutex_destroy(&s->lock);
	free(s->origins);
	free(s);
}

static bool
give_all(struct slips *s, const struct slip_origin *o,
    void (*call)(void *arg, struct slice key, struct slice total), void *arg)
{
	struct db_scan *scan = scan_of(s->db, o);
	struct slice key, slip;
	struct addition a;
	bool good;

	while (db_scan_next(scan, &key, &slip))
		while (slip.len > 0 && read_addition(&slip, &a))
			if (a.total.len > 0)
				call(arg, a.key, a.total);
	good = !db_scan_failed(scan);
	db_scan_free(scan);
	return good;
}

bool
slips_each(struct slips *s,
    void (*call)(void *arg, struct slice key, struct slice total), void *arg)
{
	char end[SLIP_KEY_BYTES];
	struct slice from = { NULL, 0 };
	struct slip_origin o;
	bool good = true;

	while (s->read_only && good && find_origin(s, from, &o)) {
		good = give_all(s, &o, call, arg);
		from = key_of(end, &o, UINT64_MAX);
	}
	return good;
}
