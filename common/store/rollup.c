#include "common/store/rollup.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"

#define STORED_MAX (64 << 10) /* of one row's: all its texts */
#define LATELY     256        /* dimensions remembered as told */

static const char letters[PERIODS] = { 'h', 'd', 'm' };

/* What some rows of an hour add to one set of dimensions. */
struct gathered {
	enum row_kind kind;
	int64_t hour;
	struct buf dimensions; /* as they are stored */
	struct total total;
};

struct rollup {
	/* By the first byte of the hash: those that are in the store. */
	uint8_t told[LATELY][ROLLUP_HASH_BYTES];
	struct gathered gathered[ROLLUP_CELLS];
	size_t count;
	struct total before, after;
	struct buf dimensions, value;
};

/* One row's part in it. */
struct part {
	enum row_kind kind;
	int64_t hour;
	const struct dimensions *dimensions;
	const struct total *total;
};

struct rollup *
rollup_new(void)
{
	struct rollup *r = xcalloc(1, sizeof(*r));
	size_t i;

	buf_init(&r->dimensions, STORED_MAX);
	buf_init(&r->value, STORED_MAX);
	for (i = 0; i < ROLLUP_CELLS; i++)
		buf_init(&r->gathered[i].dimensions, STORED_MAX);
	return r;
}

void
rollup_free(struct rollup *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < ROLLUP_CELLS; i++) {
		buf_fini(&r->gathered[i].dimensions);
		total_fini(&r->gathered[i].total);
	}
	total_fini(&r->before);
	total_fini(&r->after);
	buf_fini(&r->dimensions);
	buf_fini(&r->value);
	free(r);
}

static char
letter_of(enum row_kind kind)
{
	assert(kind == ROW_REQUEST || kind == ROW_ATTEMPT);
	return kind == ROW_REQUEST ? 'R' : 'A';
}

static void
key_write(char key[ROLLUP_KEY_BYTES], char kind, enum period p, int64_t number)
{
	int i;

	memset(key, 0, ROLLUP_KEY_BYTES);
	key[0] = kind;
	key[1] = letters[p];
	for (i = 0; i < 4; i++)
		key[2 + i] = (char)((uint64_t)number >> (24 - 8 * i));
}

void
rollup_key(char key[ROLLUP_KEY_BYTES], enum row_kind kind, enum period p,
    int64_t number)
{
	key_write(key, letter_of(kind), p, number);
}

bool
rollup_place(struct rollup_place *place, struct slice key)
{
	int i;

	if (key.len != ROLLUP_KEY_BYTES)
		return false;
	place->kind = key.ptr[0] == 'R' ? ROW_REQUEST : ROW_ATTEMPT;
	place->number = 0;
	for (i = 0; i < 4; i++)
		place->number = place->number << 8 | (uint8_t)key.ptr[2 + i];
	place->hash = slice_after(key, 6);
	return true;
}

static void
name_key(char key[1 + ROLLUP_HASH_BYTES], const uint8_t *hash)
{
	key[0] = 'D';
	memcpy(key + 1, hash, ROLLUP_HASH_BYTES);
}

/* Whoever reads the cell must find what it is of. */
static void
tell_dimensions(struct rollup *r, struct db_batch *b, struct db *db,
    const struct gathered *g, const uint8_t *hash)
{
	uint8_t *told = r->told[hash[0] % LATELY];
	char key[1 + ROLLUP_HASH_BYTES];

	if (memcmp(told, hash, ROLLUP_HASH_BYTES) == 0)
		return;
	memcpy(told, hash, ROLLUP_HASH_BYTES);
	name_key(key, hash);
	db_batch_put(b, db, FAMILY_ROLLUP, slice_make(key, sizeof(key)),
	    buf_slice(&g->dimensions));
}

void
rollup_add(struct db_batch *b, struct db *db, const char key[ROLLUP_KEY_BYTES],
    struct slice total)
{
	struct rollup_place place;
	char cell[ROLLUP_KEY_BYTES];
	int64_t wall_us;
	int p;

	if (!rollup_place(&place, slice_make(key, ROLLUP_KEY_BYTES)))
		abort(); /* it has the length of one */
	wall_us = period_start_us(PERIOD_HOUR, place.number);
	for (p = 0; p < PERIODS; p++) {
		key_write(cell, key[0], (enum period)p,
		    period_of((enum period)p, wall_us));
		memcpy(cell + 6, place.hash.ptr, ROLLUP_HASH_BYTES);
		db_batch_merge(b, db, FAMILY_ROLLUP,
		    slice_make(cell, sizeof(cell)), total);
	}
}

static void
give_one(struct rollup *r, struct db_batch *b, struct db *db,
    const struct gathered *g, const struct rollup_taker *taker)
{
	char key[ROLLUP_KEY_BYTES];
	struct hash hash;

	if (total_empty(&g->total))
		return;
	buf_reset(&r->value);
	total_write(&g->total, &r->value);
	assert(!r->value.failed);
	hash = hash_of(g->dimensions.data, g->dimensions.len);
	tell_dimensions(r, b, db, g, hash.bytes);
	rollup_key(key, g->kind, PERIOD_HOUR, g->hour);
	memcpy(key + 6, hash.bytes, ROLLUP_HASH_BYTES);
	if (taker != NULL)
		taker->take(taker->arg, key, buf_slice(&r->value));
	else
		rollup_add(b, db, key, buf_slice(&r->value));
}

void
rollup_give(struct rollup *r, struct db_batch *b, struct db *db,
    const struct rollup_taker *taker)
{
	size_t i;

	for (i = 0; i < r->count; i++)
		give_one(r, b, db, &r->gathered[i], taker);
	r->count = 0;
}

void
rollup_write(struct rollup *r, struct db_batch *b, struct db *db)
{
	rollup_give(r, b, db, NULL);
}

static bool
is_of(const struct gathered *g, const struct part *part,
    struct slice dimensions)
{
	return g->kind == part->kind && g->hour == part->hour &&
	       slice_eq(buf_slice(&g->dimensions), dimensions);
}

static struct gathered *
find_gathered(struct rollup *r, struct db_batch *b, struct db *db,
    const struct part *part)
{
	struct gathered *g;
	size_t i;

	buf_reset(&r->dimensions);
	dimensions_write(part->dimensions, &r->dimensions);
	assert(!r->dimensions.failed);
	for (i = 0; i < r->count; i++)
		if (is_of(&r->gathered[i], part, buf_slice(&r->dimensions)))
			return &r->gathered[i];
	if (r->count == ROLLUP_CELLS)
		rollup_write(r, b, db);
	g = &r->gathered[r->count++];
	g->kind = part->kind;
	g->hour = part->hour;
	buf_reset(&g->dimensions);
	buf_put_slice(&g->dimensions, buf_slice(&r->dimensions));
	total_reset(&g->total);
	return g;
}

static void
add(struct rollup *r, struct db_batch *b, struct db *db,
    const struct part *part)
{
	if (!total_empty(part->total))
		total_add(&find_gathered(r, b, db, part)->total, part->total,
		    1);
}

static bool
same(const struct dimensions *a, const struct dimensions *b)
{
	int d;

	for (d = 0; d < DIMENSIONS; d++)
		if (!slice_eq(a->of[d], b->of[d]))
			return false;
	return true;
}

/* r->before leaves its cells, r->after comes to its own. */
static void
change(struct rollup *r, struct db_batch *b, struct db *db,
    const struct part *before, const struct part *after)
{
	struct part gone = *before;

	if (same(before->dimensions, after->dimensions)) {
		total_add(&r->after, &r->before, -1);
	} else {
		struct total none = { .of = { 0 } };

		total_add(&none, &r->before, -1);
		gone.total = &none;
		add(r, b, db, &gone);
		total_fini(&none);
	}
	add(r, b, db, after);
}

static int64_t
hour_of(const struct id *request)
{
	return period_of(PERIOD_HOUR, id_time_ms(request) * US_PER_MS);
}

void
rollup_request(struct rollup *r, struct db_batch *b, struct db *db,
    const struct request_row *before, const struct request_row *after)
{
	struct dimensions was, is;
	const struct part old = { ROW_REQUEST, hour_of(&after->id), &was,
		&r->before };
	const struct part new = { ROW_REQUEST, hour_of(&after->id), &is,
		&r->after };

	dimensions_of_request(&is, after);
	total_of_request(&r->after, after);
	if (before == NULL || slice_is(before->state, "open")) {
		add(r, b, db, &new);
		return;
	}
	dimensions_of_request(&was, before);
	total_of_request(&r->before, before);
	change(r, b, db, &old, &new);
}

void
rollup_attempt(struct rollup *r, struct db_batch *b, struct db *db,
    const struct attempt_row *before, const struct attempt_row *after)
{
	struct dimensions was, is;
	const struct part old = { ROW_ATTEMPT, hour_of(&after->request), &was,
		&r->before };
	const struct part new = { ROW_ATTEMPT, hour_of(&after->request), &is,
		&r->after };

	dimensions_of_attempt(&is, after);
	total_of_attempt(&r->after, after);
	if (before == NULL || slice_is(before->state, "open")) {
		add(r, b, db, &new);
		return;
	}
	dimensions_of_attempt(&was, before);
	total_of_attempt(&r->before, before);
	change(r, b, db, &old, &new);
}

bool
rollup_dimensions(struct db *db, struct slice hash, struct buf *bytes,
    struct dimensions *d)
{
	char key[1 + ROLLUP_HASH_BYTES];

	if (hash.len != ROLLUP_HASH_BYTES)
		return false;
	name_key(key, (const uint8_t *)hash.ptr);
	return db_get(db, FAMILY_ROLLUP, slice_make(key, sizeof(key)), bytes) &&
	       dimensions_read(d, buf_slice(bytes));
}
