#include "node/shelf.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/store/db.h"

#define END_AT        SHELF_TAG
#define RANDOM_AT     (END_AT + 8)
#define FROM_BEGIN_US (60 * (int64_t)US_PER_SECOND)

/* What of a group is kept; its fields are guarded by the lock. */
struct shelf {
	struct list link;
	uint8_t tag[SHELF_TAG];
	int64_t bytes, max_bytes; /* max: as it was last asked to keep to */
	/*
	 * Records up to here were taken out and their deletion may not be
	 * written yet.  Forgotten when nothing was taken for FROM_BEGIN_US.
	 */
	struct shelf_key last;
	int64_t taken_us; /* 0: none */
};

struct shelves {
	struct db *db;
	pthread_mutex_t lock;
	struct list all; /* few; none is ever removed */
};

struct shelf_row_key
shelf_row_key(enum shelf_row kind, const struct shelf_key *key)
{
	struct shelf_row_key k;

	k.bytes[0] = (uint8_t)kind;
	memcpy(k.bytes + 1, key->bytes, SHELF_KEY);
	return k;
}

int64_t
shelf_key_end(const struct shelf_key *key)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		end = end << 8 | key->bytes[END_AT + i];
	return (int64_t)end;
}

struct shelf_key
shelf_key_new(const uint8_t tag[SHELF_TAG], int64_t ends_us)
{
	struct shelf_key key;
	size_t i;

	memcpy(key.bytes, tag, SHELF_TAG);
	for (i = 0; i < 8; i++)
		key.bytes[END_AT + i] =
		    (uint8_t)((uint64_t)ends_us >> (56 - 8 * i));
	crypto_random(key.bytes + RANDOM_AT, SHELF_KEY - RANDOM_AT);
	return key;
}

static int
key_order(const struct shelf_key *a, const struct shelf_key *b)
{
	return memcmp(a->bytes, b->bytes, SHELF_KEY);
}

struct slice
shelf_size_write(int64_t bytes, uint8_t room[SHELF_SIZE_MAX])
{
	struct buf b;
	size_t len;

	buf_init(&b, SHELF_SIZE_MAX);
	pack_int(&b, bytes);
	len = b.len;
	memcpy(room, b.data, len);
	buf_fini(&b);
	return slice_make(room, len);
}

static bool
read_size(struct slice key, struct slice value, struct shelf_key *record,
    int64_t *bytes)
{
	struct unpack u = unpack_start(value);

	if (key.len != SHELF_ROW || key.ptr[0] != SHELF_SIZE)
		return false;
	memcpy(record->bytes, key.ptr + 1, SHELF_KEY);
	*bytes = unpack_int(&u);
	return unpack_done(&u) && *bytes >= 0;
}

/* With the lock held, or before there are threads. */
static struct shelf *
shelf_get(struct shelves *all, const uint8_t tag[SHELF_TAG])
{
	struct shelf *s;

	list_each(link, &all->all) {
		s = container_of(link, struct shelf, link);
		if (memcmp(s->tag, tag, SHELF_TAG) == 0)
			return s;
	}
	s = xcalloc(1, sizeof(*s));
	memcpy(s->tag, tag, SHELF_TAG);
	s->max_bytes = INT64_MAX;
	list_push(&all->all, &s->link);
	return s;
}

struct shelves *
shelves_open(struct db *db)
{
	static const char from[] = { SHELF_SIZE }, to[] = { SHELF_SIZE + 1 };
	struct shelves *s = xcalloc(1, sizeof(*s));
	struct shelf_key record;
	struct slice key, value;
	struct db_scan *scan;
	int64_t bytes;

	s->db = db;
	list_init(&s->all);
	pthread_mutex_init(&s->lock, NULL);
	scan = db_scan_new(db, FAMILY_CONTENT, slice_make(from, 1),
	    slice_make(to, 1), false);
	while (db_scan_next(scan, &key, &value))
		if (read_size(key, value, &record, &bytes))
			shelf_get(s, record.bytes)->bytes += bytes;
	db_scan_free(scan);
	return s;
}

void
shelves_close(struct shelves *s)
{
	if (s == NULL)
		return;
	list_each(link, &s->all)
		free(container_of(link, struct shelf, link));
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* Where to go on: behind what was taken, or from the beginning. */
static struct db_scan *
scan_shelf(struct shelves *all, struct shelf *s, int64_t now_us)
{
	struct shelf_key from = { { 0 } }, to;
	struct shelf_row_key first, end;

	if (now_us - s->taken_us >= FROM_BEGIN_US)
		s->taken_us = 0;
	if (s->taken_us != 0)
		from = s->last;
	else
		memcpy(from.bytes, s->tag, SHELF_TAG);
	memset(to.bytes, 0xff, sizeof(to.bytes));
	memcpy(to.bytes, s->tag, SHELF_TAG);
	first = shelf_row_key(SHELF_SIZE, &from);
	end = shelf_row_key(SHELF_SIZE, &to);
	return db_scan_new(all->db, FAMILY_CONTENT, shelf_row_slice(&first),
	    shelf_row_slice(&end), false);
}

/* With the lock held: what has ended, and as many more as make room. */
static void
take_out(struct shelves *all, struct shelf *s, int64_t room, int64_t now_us,
    struct shelf_taken *taken)
{
	struct db_scan *scan = scan_shelf(all, s, now_us);
	struct shelf_key record;
	struct slice key, value;
	int64_t bytes;

	taken->count = 0;
	taken->bytes = 0;
	while (
	    taken->count < SHELF_TAKE_MAX && db_scan_next(scan, &key, &value)) {
		if (!read_size(key, value, &record, &bytes) ||
		    (s->taken_us != 0 && key_order(&record, &s->last) <= 0))
			continue;
		if (shelf_key_end(&record) > now_us &&
		    s->bytes <= s->max_bytes - room)
			break;
		bytes = min_i64(bytes, s->bytes);
		s->bytes -= bytes;
		s->last = record;
		s->taken_us = now_us;
		taken->bytes += bytes;
		taken->keys[taken->count++] = record;
	}
	db_scan_free(scan);
}

bool
shelf_make_room(struct shelves *all, const struct shelf_wish *wish,
    struct shelf_taken *taken)
{
	struct shelf *s;
	bool fits;

	pthread_mutex_lock(&all->lock);
	s = shelf_get(all, wish->key.bytes);
	s->max_bytes = wish->max_bytes;
	take_out(all, s, wish->bytes, wish->now_us, taken);
	fits = s->bytes <= s->max_bytes - wish->bytes;
	if (fits)
		s->bytes += wish->bytes;
	/* One that ends sooner than what was taken must be seen again. */
	if (fits && s->taken_us != 0 && key_order(&wish->key, &s->last) <= 0)
		s->taken_us = 0;
	pthread_mutex_unlock(&all->lock);
	return fits;
}

static bool
write_deletions(struct db *db, const struct shelf_taken *taken)
{
	struct db_batch *b = db_batch_new();
	bool written;
	size_t i;

	for (i = 0; i < taken->count; i++) {
		struct shelf_row_key record =
		    shelf_row_key(SHELF_RECORD, &taken->keys[i]);
		struct shelf_row_key size =
		    shelf_row_key(SHELF_SIZE, &taken->keys[i]);

		db_batch_delete(b, db, FAMILY_CONTENT,
		    shelf_row_slice(&record));
		db_batch_delete(b, db, FAMILY_CONTENT, shelf_row_slice(&size));
	}
	written = taken->count == 0 || db_write(db, b, false) == DB_OK;
	db_batch_free(b);
	return written;
}

/* No worker waits while it is written: what is taken is nobody else's. */
static void
sweep_shelf(struct shelves *all, struct shelf *s, int64_t now_us)
{
	struct shelf_taken taken;

	pthread_mutex_lock(&all->lock);
	take_out(all, s, 0, now_us, &taken);
	pthread_mutex_unlock(&all->lock);
	if (write_deletions(all->db, &taken))
		return;
	pthread_mutex_lock(&all->lock);
	s->bytes += taken.bytes;
	s->taken_us = 0;
	pthread_mutex_unlock(&all->lock);
}

static struct shelf *
shelf_behind(struct shelves *all, struct list *link)
{
	struct list *next;

	pthread_mutex_lock(&all->lock);
	next = link->next;
	pthread_mutex_unlock(&all->lock);
	return next != &all->all ? container_of(next, struct shelf, link)
				 : NULL;
}

void
shelves_sweep(struct shelves *all, int64_t now_us)
{
	struct shelf *s = shelf_behind(all, &all->all);

	for (; s != NULL; s = shelf_behind(all, &s->link))
		sweep_shelf(all, s, now_us);
}
