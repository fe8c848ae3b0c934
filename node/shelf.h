#pragma once
/*
 * shelf: how many bytes of records each group keeps, and which have to go.
 *
 * The archive's own part, behind its verbs.  A row of FAMILY_CONTENT has each
 * record's size, so that counting reads no record; the sums are in memory
 * under a lock.  Keys of a group are in order of their ends: what ends first
 * goes first.  Any thread.
 */
#include "common/base/list.h"
#include "common/base/slice.h"

struct db;
struct shelves;

#define SHELF_TAG 8
#define SHELF_KEY 24 /* group's tag, end, a random number */

struct shelf_key {
	uint8_t bytes[SHELF_KEY];
};

struct shelf_key shelf_key_new(const uint8_t tag[SHELF_TAG], int64_t ends_us);
int64_t shelf_key_end(const struct shelf_key *key);

/* The store's keys: of rows with sizes, and of records themselves. */
#define SHELF_ROW (1 + SHELF_KEY)

enum shelf_row { SHELF_RECORD = 'C', SHELF_SIZE = 'O' };

struct shelf_row_key {
	uint8_t bytes[SHELF_ROW];
};

struct shelf_row_key shelf_row_key(enum shelf_row kind,
    const struct shelf_key *key);

static inline struct slice
shelf_row_slice(const struct shelf_row_key *k)
{
	return slice_make(k->bytes, SHELF_ROW);
}

/* The value of a size's row. */
#define SHELF_SIZE_MAX 16

struct slice shelf_size_write(int64_t bytes, uint8_t room[SHELF_SIZE_MAX]);

/* Counts all that is there. */
struct shelves *shelves_open(struct db *db);
void shelves_close(struct shelves *s);

/* A record to come. */
struct shelf_wish {
	struct shelf_key key;
	int64_t bytes;     /* with all its rows */
	int64_t max_bytes; /* that its group may keep */
	int64_t now_us;
};

/*
 * Count it, and delete at once what has ended or has to go.  False when that
 * is not enough, or the store refused: then the record is left out.
 */
must_check bool shelf_make_room(struct shelves *s,
    const struct shelf_wish *wish);

/* The clerk's thread: delete what has ended, a bounded number a group. */
void shelves_sweep(struct shelves *s, int64_t now_us);
