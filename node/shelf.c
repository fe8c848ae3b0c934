#include "node/shelf.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/store/db.h"

#define BYTES_MAX  (64 << 20) /* far beyond any record */
#define END_AT     SHELF_TAG
#define RANDOM_AT  (END_AT + 8)
#define ROUND_US   (60 * (int64_t)US_PER_SECOND)
#define DELETE_MAX 256 /* records that one call lets go */

/* What of a group is kept; its fields are guarded by the lock. */
struct shelf {
	struct list link;
	uint8_t tag[SHELF_TAG];
	int64_t bytes, max_bytes; /* max: as it was last asked to keep to */
	/*
	 * The scan begins here, since passing over what was just deleted is
	 * slow; from the very beginning every ROUND_US, since a record that
	 * ends earlier may have been on its way.
	 */
	struct shelf_key from;
	int64_t round_us;
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

/* A size that cannot be is none: its record still goes when it ends. */
static bool
read_size(struct slice key, struct slice value, struct shelf_key *record,
    int64_t *bytes)
{
	struct unpack u = unpack_start(value);

	if (key.len != SHELF_ROW || key.ptr[0] != SHELF_SIZE)
		return false;
	memcpy(record->bytes, key.ptr + 1, SHELF_KEY);
	*bytes = unpack_int(&u);
	if (!unpack_done(&u) || *bytes < 0 || *bytes > BYTES_MAX)
		*bytes = 0;
	return true;
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
	memcpy(s->from.bytes, tag, SHELF_TAG);
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

static struct db_scan *
scan_shelf(struct shelves *all, struct shelf *s, int64_t now_us)
{
	struct shelf_key to;
	struct shelf_row_key first, end;

	if (now_us - s->round_us >= ROUND_US) {
		s->round_us = now_us;
		memset(s->from.bytes + END_AT, 0, SHELF_KEY - END_AT);
	}
	memset(to.bytes, 0xff, sizeof(to.bytes));
	memcpy(to.bytes, s->tag, SHELF_TAG);
	first = shelf_row_key(SHELF_SIZE, &s->from);
	end = shelf_row_key(SHELF_SIZE, &to);
	return db_scan_new(all->db, FAMILY_CONTENT, shelf_row_slice(&first),
	    shelf_row_slice(&end), false);
}

static void
delete_record(struct shelves *all, struct db_batch *b,
    const struct shelf_key *key)
{
	struct shelf_row_key record = shelf_row_key(SHELF_RECORD, key);
	struct shelf_row_key size = shelf_row_key(SHELF_SIZE, key);

	db_batch_delete(b, all->db, FAMILY_CONTENT, shelf_row_slice(&record));
	db_batch_delete(b, all->db, FAMILY_CONTENT, shelf_row_slice(&size));
}

/*
 * With the lock held: delete what has ended, and as many more as make room.
 * It is written before the lock is let go, so that nobody counts it twice.
 */
static void
delete_some(struct shelves *all, struct shelf *s, int64_t room, int64_t now_us)
{
	struct db_scan *scan = scan_shelf(all, s, now_us);
	struct db_batch *b = db_batch_new();
	struct shelf_key record, last = s->from;
	int64_t bytes, left = s->bytes;
	struct slice key, value;
	size_t count = 0;

	while (count < DELETE_MAX && db_scan_next(scan, &key, &value)) {
		if (!read_size(key, value, &record, &bytes))
			continue;
		if (shelf_key_end(&record) > now_us &&
		    left <= s->max_bytes - room)
			break;
		delete_record(all, b, &record);
		left -= bytes;
		last = record;
		count++;
	}
	db_scan_free(scan);
	if (count > 0 && db_write(all->db, b, false) == DB_OK) {
		s->bytes = max_i64(left, 0);
		s->from = last;
	}
	db_batch_free(b);
}

bool
shelf_make_room(struct shelves *all, const struct shelf_wish *wish)
{
	struct shelf *s;
	bool fits;

	pthread_mutex_lock(&all->lock);
	s = shelf_get(all, wish->key.bytes);
	s->max_bytes = wish->max_bytes;
	/* While there is room, what has ended is the sweep's. */
	if (s->bytes > s->max_bytes - wish->bytes)
		delete_some(all, s, wish->bytes, wish->now_us);
	fits = s->bytes <= s->max_bytes - wish->bytes;
	if (fits)
		s->bytes += wish->bytes;
	pthread_mutex_unlock(&all->lock);
	return fits;
}

void
shelves_sweep(struct shelves *all, int64_t now_us)
{
	pthread_mutex_lock(&all->lock);
	list_each(link, &all->all)
		delete_some(all, container_of(link, struct shelf, link), 0,
		    now_us);
	pthread_mutex_unlock(&all->lock);
}
