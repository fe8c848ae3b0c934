#include "common/store/custody.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/store/row.h"

#define TERMS_KEY    "retention/terms"
#define MARK_PREFIX  "retention/class/"
#define CHAIN_PREFIX "retention/chain/"
#define VALUE_MAX    1024
#define MARK_FIELDS  3
#define CHAIN_FIELDS 2

struct custody {
	struct db *db;
	/* Asked by every read of a row: without a lock while all are young. */
	atomic_int_least64_t keep_ms[RETENTION_LIMITED];
	pthread_mutex_t lock; /* for the holds, and for who changes */
	struct legal_hold holds[LEGAL_HOLDS_MAX];
	struct retention_hold keeps[LEGAL_HOLDS_MAX]; /* theirs, side by side */
	size_t count;
};

enum retention_class
custody_class(enum family f)
{
	switch (f) {
	case FAMILY_REQUEST:
	case FAMILY_ATTEMPT:
		return RETENTION_USAGE;
	case FAMILY_DECISION:
		return RETENTION_DECISIONS;
	case FAMILY_EVENT:
		return RETENTION_EVENTS;
	default:
		return RETENTION_CLASSES;
	}
}

struct retention_terms
custody_terms(struct custody *c)
{
	struct retention_terms terms;
	size_t i;

	for (i = 0; i < RETENTION_LIMITED; i++)
		terms.keep_ms[i] =
		    atomic_load_explicit(&c->keep_ms[i], memory_order_relaxed);
	return terms;
}

static int64_t
now_ms(void)
{
	return clock_wall_us() / US_PER_MS;
}

static bool
is_held(struct custody *c, enum retention_class class,
    struct retention_span life)
{
	bool held;

	pthread_mutex_lock(&c->lock);
	held = retention_held(class, life, c->keeps, c->count);
	pthread_mutex_unlock(&c->lock);
	return held;
}

static bool
is_past(struct custody *c, enum retention_class class, int64_t at_ms)
{
	int64_t keep =
	    atomic_load_explicit(&c->keep_ms[class], memory_order_relaxed);

	return keep > 0 && at_ms < now_ms() - keep &&
	       !is_held(c, class, (struct retention_span){ at_ms, at_ms });
}

static bool
hides(void *arg, enum family f, struct slice key)
{
	enum retention_class class = custody_class(f);
	struct id id;

	if (class == RETENTION_CLASSES || key.len < ID_BYTES)
		return false;
	memcpy(id.bytes, key.ptr, ID_BYTES);
	return is_past(arg, class, id_time_ms(&id));
}

/* The cut, or where the first hold that keeps something before it begins. */
static struct slice
first(void *arg, enum family f, char room[DB_FIRST_MAX])
{
	enum retention_class class = custody_class(f);
	struct custody *c = arg;
	struct retention_terms terms = custody_terms(c);
	int64_t from = retention_cut_ms(&terms, class, now_ms());
	struct id id;
	size_t i;

	if (from == 0)
		return slice_make(NULL, 0);
	pthread_mutex_lock(&c->lock);
	for (i = 0; i < c->count; i++)
		if (c->keeps[i].classes & 1u << class)
			from = min_i64(from, c->keeps[i].span.from_ms);
	pthread_mutex_unlock(&c->lock);
	id = id_at(max_i64(from, 0) * US_PER_MS);
	memcpy(room, id.bytes, ID_BYTES);
	return slice_make(room, ID_BYTES);
}

bool
custody_is_past(struct custody *c, const struct receipt_row *r, int64_t now)
{
	struct retention_terms terms = custody_terms(c);
	const struct retention_span life = { id_time_ms(&r->request),
		(r->started_at + r->total_us) / US_PER_MS };

	return life.to_ms < retention_cut_ms(&terms, RETENTION_RECEIPTS, now) &&
	       !is_held(c, RETENTION_RECEIPTS, life);
}

static void
write_terms(struct buf *out, const struct retention_terms *terms)
{
	enum retention_class c;

	pack_array(out, 2 * RETENTION_LIMITED);
	for (c = 0; c < RETENTION_LIMITED; c++) {
		pack_text(out, slice_of(retention_name(c)));
		pack_int(out, terms->keep_ms[c]);
	}
}

static bool
read_terms(struct custody *c)
{
	enum retention_class class;
	struct unpack u;
	struct buf found;
	size_t count;
	bool good = true;
	int64_t keep;

	buf_init(&found, VALUE_MAX);
	if (db_get(c->db, FAMILY_META, slice_of(TERMS_KEY), &found)) {
		u = unpack_start(buf_slice(&found));
		for (count = unpack_array(&u) / 2; count > 0; count--) {
			class = retention_by_name(unpack_text(&u));
			keep = unpack_int(&u);
			if (class < RETENTION_LIMITED && !u.failed)
				atomic_store(&c->keep_ms[class], keep);
		}
		good = unpack_done(&u);
	}
	buf_fini(&found);
	return good;
}

static void
copy_keeps(struct custody *c)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		c->keeps[i] = c->holds[i].keeps;
}

static bool
read_holds(struct custody *c)
{
	int count = legal_hold_read_all(c->db, c->holds);

	if (count < 0)
		return false;
	c->count = (size_t)count;
	copy_keeps(c);
	return true;
}

struct custody *
custody_open(struct db *db)
{
	struct custody *c = xcalloc(1, sizeof(*c));
	size_t i;

	c->db = db;
	for (i = 0; i < RETENTION_LIMITED; i++)
		atomic_init(&c->keep_ms[i], 0);
	pthread_mutex_init(&c->lock, NULL);
	if (!read_holds(c) || !read_terms(c)) {
		log_error("what the store says of retention is damaged");
		custody_close(c);
		return NULL;
	}
	db_veil(db, &(struct db_veil){ hides, first, c });
	return c;
}

void
custody_close(struct custody *c)
{
	if (c == NULL)
		return;
	db_veil(c->db, &(struct db_veil){ NULL, NULL, NULL });
	pthread_mutex_destroy(&c->lock);
	free(c);
}

bool
custody_limit(struct custody *c, const struct retention_terms *terms)
{
	const struct retention_terms old = custody_terms(c);
	struct buf value;
	bool done;
	size_t i;

	if (memcmp(&old, terms, sizeof(old)) == 0)
		return true;
	buf_init(&value, VALUE_MAX);
	write_terms(&value, terms);
	done =
	    !value.failed && db_put_now(c->db, FAMILY_META, slice_of(TERMS_KEY),
				 buf_slice(&value)) == DB_OK;
	buf_fini(&value);
	for (i = 0; i < RETENTION_LIMITED && done; i++)
		atomic_store(&c->keep_ms[i], terms->keep_ms[i]);
	return done;
}

static struct legal_hold *
find_hold(struct custody *c, struct slice name)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (slice_is(name, c->holds[i].name))
			return &c->holds[i];
	return NULL;
}

bool
custody_hold(struct custody *c, const struct legal_hold *h, struct buf *why)
{
	bool done = false;

	pthread_mutex_lock(&c->lock);
	if (find_hold(c, slice_of(h->name)) != NULL)
		buf_printf(why,
		    "there is a hold '%s'; take another name, or "
		    "remove it first\n",
		    h->name);
	else if (c->count == LEGAL_HOLDS_MAX)
		buf_printf(why, "there are %d holds, which is the most\n",
		    LEGAL_HOLDS_MAX);
	else if (!legal_hold_put(c->db, h))
		buf_puts(why, "the store took no hold\n");
	else
		done = true;
	if (done)
		c->holds[c->count++] = *h;
	copy_keeps(c);
	pthread_mutex_unlock(&c->lock);
	return done;
}

bool
custody_let_go(struct custody *c, struct slice name, struct buf *why)
{
	struct legal_hold *h;
	bool done = false;

	pthread_mutex_lock(&c->lock);
	h = find_hold(c, name);
	if (h == NULL)
		buf_printf(why, "there is no hold '%.*s'\n", SLICE_FMT(name));
	else if (!legal_hold_remove(c->db, h->name))
		buf_puts(why, "the store could not be written\n");
	else
		done = true;
	if (done)
		*h = c->holds[--c->count];
	copy_keeps(c);
	pthread_mutex_unlock(&c->lock);
	return done;
}

size_t
custody_holds(struct custody *c, struct legal_hold holds[LEGAL_HOLDS_MAX])
{
	size_t count;

	pthread_mutex_lock(&c->lock);
	count = c->count;
	memcpy(holds, c->holds, count * sizeof(*holds));
	pthread_mutex_unlock(&c->lock);
	return count;
}

bool
custody_next_span(struct custody *c, enum retention_class class,
    struct retention_span within, struct retention_span *span)
{
	bool found;

	pthread_mutex_lock(&c->lock);
	found = retention_next_span(class, within, c->keeps, c->count, span);
	pthread_mutex_unlock(&c->lock);
	return found;
}

static struct slice
mark_key(char key[64], enum retention_class class)
{
	snprintf(key, 64, MARK_PREFIX "%s", retention_name(class));
	return slice_of(key);
}

struct custody_mark
custody_mark_get(struct custody *c, enum retention_class class)
{
	struct custody_mark mark = { 0, 0, 0 };
	struct unpack u;
	struct buf found;
	char key[64];

	buf_init(&found, VALUE_MAX);
	if (db_get(c->db, FAMILY_META, mark_key(key, class), &found)) {
		u = unpack_start(buf_slice(&found));
		if (unpack_array(&u) == MARK_FIELDS) {
			mark.before_ms = unpack_int(&u);
			mark.run_us = unpack_int(&u);
			mark.rows = unpack_int(&u);
		}
		if (!unpack_done(&u))
			mark = (struct custody_mark){ 0, 0, 0 };
	}
	buf_fini(&found);
	return mark;
}

void
custody_mark_put(struct custody *c, struct db_batch *b,
    enum retention_class class, const struct custody_mark *mark)
{
	struct buf value;
	char key[64];

	buf_init(&value, VALUE_MAX);
	pack_array(&value, MARK_FIELDS);
	pack_int(&value, mark->before_ms);
	pack_int(&value, mark->run_us);
	pack_int(&value, mark->rows);
	db_batch_put(b, c->db, FAMILY_META, mark_key(key, class),
	    buf_slice(&value));
	buf_fini(&value);
}

bool
custody_gone(struct custody *c, enum retention_class class, int64_t at_ms)
{
	return is_past(c, class, at_ms) ||
	       at_ms < custody_mark_get(c, class).before_ms;
}

static struct slice
chain_key(char key[sizeof(CHAIN_PREFIX) + CUSTODY_CHAIN_BYTES],
    const void *chain)
{
	size_t n = strlen(CHAIN_PREFIX);

	memcpy(key, CHAIN_PREFIX, n);
	memcpy(key + n, chain, CUSTODY_CHAIN_BYTES);
	return slice_make(key, n + CUSTODY_CHAIN_BYTES);
}

bool
custody_chain_get(struct custody *c, const void *chain,
    struct custody_chain *dropped)
{
	char key[sizeof(CHAIN_PREFIX) + CUSTODY_CHAIN_BYTES];
	struct unpack u;
	struct buf found;
	bool good = false;

	buf_init(&found, VALUE_MAX);
	if (db_get(c->db, FAMILY_META, chain_key(key, chain), &found)) {
		u = unpack_start(buf_slice(&found));
		good = unpack_array(&u) == CHAIN_FIELDS;
		dropped->seq = unpack_int(&u);
		unpack_fixed(&u, dropped->object.bytes, HASH_BYTES);
		good = good && unpack_done(&u);
	}
	buf_fini(&found);
	return good;
}

void
custody_chain_put(struct custody *c, struct db_batch *b, const void *chain,
    const struct custody_chain *dropped)
{
	char key[sizeof(CHAIN_PREFIX) + CUSTODY_CHAIN_BYTES];
	struct buf value;

	buf_init(&value, VALUE_MAX);
	pack_array(&value, CHAIN_FIELDS);
	pack_int(&value, dropped->seq);
	pack_bytes(&value, dropped->object.bytes, HASH_BYTES);
	db_batch_put(b, c->db, FAMILY_META, chain_key(key, chain),
	    buf_slice(&value));
	buf_fini(&value);
}

bool
custody_receipt_gone(struct custody *c,
    const uint8_t key[CUSTODY_CHAIN_BYTES + 8])
{
	struct custody_chain dropped;
	uint64_t seq = 0;
	int i;

	for (i = 0; i < 8; i++)
		seq = seq << 8 | key[CUSTODY_CHAIN_BYTES + i];
	return custody_chain_get(c, key, &dropped) &&
	       seq <= (uint64_t)dropped.seq;
}
