#include "node/evidence.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/version.h"
#include "common/format/table.h"
#include "common/llm/capability.h"
#include "common/store/ledger.h"
#include "common/store/sealed.h"
#include "topology/mesh.h"

#define MESSAGE_MAX 4096 /* bytes of a sealed row */
#define BOOK_MAX    ((size_t)64 * 1024 * 1024)

/* What one target has proved for one group. */
struct proof {
	int64_t passed_us[CAPABILITIES]; /* through the router; 0: not */
};

struct evidence_book {
	atomic_int owners;
	uint64_t generation;
	struct evidence_row *rows; /* by key */
	size_t count;
	struct map proofs; /* by group NUL target: struct proof */
	struct arena arena;
};

struct evidence {
	struct ledger *ledger;
	const struct secret *identity;
	struct slice signer;
	struct public_key keys[MEMBER_KEYS_MAX];
	size_t keys_count;
	char name[NAME_CHARS_MAX + 1];
	pthread_mutex_t lock; /* for `book` */
	struct evidence_book *book;
	atomic_uint_fast64_t generation; /* of the present book */
};

/* group NUL target NUL capability NUL way: names have no NUL. */
static void
write_key(struct buf *out, const struct evidence_row *row)
{
	buf_put_slice(out, row->group);
	buf_putc(out, '\0');
	buf_put_slice(out, row->target);
	buf_putc(out, '\0');
	buf_put_slice(out, row->capability);
	buf_putc(out, '\0');
	buf_put_slice(out, row->way);
}

static bool
has_key(const struct evidence_row *row, struct slice key)
{
	struct buf own;
	bool same;

	buf_init(&own, MESSAGE_MAX);
	write_key(&own, row);
	same = !own.failed && slice_eq(buf_slice(&own), key);
	buf_fini(&own);
	return same;
}

/* Is it a row of ours, under its own key, by one of our keys? */
static bool
read_row(const struct evidence *e, struct seal_memory *seals, struct slice key,
    struct slice message, struct evidence_row *row)
{
	struct slice object;
	struct seal seal;
	size_t i;

	if (message.len > MESSAGE_MAX ||
	    !sealed_read(message, &object, &seal) ||
	    !row_read(ROW_EVIDENCE, object, row) || !has_key(row, key))
		return false;
	for (i = 0; i < e->keys_count; i++)
		if (seal_check_again(seals, &seal, &e->keys[i],
			EVIDENCE_CONTEXT, object))
			return true;
	return false;
}

static struct evidence_row
copy_row(struct arena *a, const struct evidence_row *row)
{
	struct evidence_row copy = *row;
	size_t count, i;
	const struct column *columns = row_columns(ROW_EVIDENCE, &count);

	for (i = 0; i < count; i++) {
		struct slice *text =
		    (struct slice *)(void *)((char *)&copy + columns[i].offset);

		if (columns[i].type == COLUMN_TEXT)
			*text = arena_copy(a, *text);
	}
	return copy;
}

static struct slice
proof_key(struct buf *key, struct slice group, struct slice target)
{
	buf_reset(key);
	buf_put_slice(key, group);
	buf_putc(key, '\0');
	buf_put_slice(key, target);
	return buf_slice(key);
}

static void
note_proof(struct evidence_book *b, const struct evidence_row *row)
{
	struct proof *proof;
	struct slice name;
	struct buf key;
	size_t i;

	if (!row->passed || !slice_is(row->way, WAY_ROUTER))
		return;
	buf_init(&key, MESSAGE_MAX);
	name = proof_key(&key, row->group, row->target);
	proof = map_find(&b->proofs, name);
	if (proof == NULL) {
		proof = arena_new(&b->arena, struct proof);
		map_put(&b->proofs, arena_copy(&b->arena, name), proof);
	}
	buf_fini(&key);
	for (i = 0; i < CAPABILITIES; i++)
		if (slice_is(row->capability, capability_name(i)))
			proof->passed_us[i] = row->tested_at;
}

static struct db_scan *
scan_all(const struct evidence *e)
{
	struct slice none = { NULL, 0 };

	return db_scan_new(ledger_db(e->ledger), FAMILY_EVIDENCE, none, none,
	    false);
}

static size_t
count_rows(const struct evidence *e)
{
	struct db_scan *scan = scan_all(e);
	struct slice key, value;
	size_t n = 0;

	while (db_scan_next(scan, &key, &value))
		n++;
	db_scan_free(scan);
	return n;
}

static struct evidence_book *
read_book(const struct evidence *e)
{
	struct evidence_book *b = xcalloc(1, sizeof(*b));
	size_t room = min_size(count_rows(e), EVIDENCE_ROWS_MAX);
	struct seal_memory seals = { 0 };
	struct evidence_row row;
	struct slice key, value;
	struct db_scan *scan = scan_all(e);

	atomic_init(&b->owners, 1);
	b->generation = atomic_load(&e->generation) + 1;
	map_init(&b->proofs);
	arena_init(&b->arena, BOOK_MAX);
	b->rows = arena_many(&b->arena, struct evidence_row, room);
	while (b->count < room && db_scan_next(scan, &key, &value)) {
		if (!read_row(e, &seals, key, value, &row)) {
			log_error("evidence left out: its signature is not "
				  "this node's",
			    log_slice("group", slice_make(key.ptr,
						   strnlen(key.ptr, key.len))));
			continue;
		}
		b->rows[b->count] = copy_row(&b->arena, &row);
		note_proof(b, &b->rows[b->count++]);
	}
	db_scan_free(scan);
	return b;
}

struct evidence_book *
evidence_book_hold(struct evidence_book *b)
{
	atomic_fetch_add(&b->owners, 1);
	return b;
}

void
evidence_book_release(struct evidence_book *b)
{
	if (b == NULL || atomic_fetch_sub(&b->owners, 1) > 1)
		return;
	map_fini(&b->proofs);
	arena_fini(&b->arena);
	free(b);
}

static void
renew_book(struct evidence *e)
{
	struct evidence_book *fresh = read_book(e), *old;

	pthread_mutex_lock(&e->lock);
	old = e->book;
	e->book = fresh;
	atomic_store(&e->generation, fresh->generation);
	pthread_mutex_unlock(&e->lock);
	evidence_book_release(old);
}

struct evidence *
evidence_open(struct ledger *ledger, const struct secret *identity,
    const struct member *self)
{
	struct evidence *e = xcalloc(1, sizeof(*e));

	e->ledger = ledger;
	e->identity = identity;
	memcpy(e->name, self->name.ptr,
	    min_size(self->name.len, NAME_CHARS_MAX));
	e->signer = slice_of(e->name);
	e->keys_count = self->keys_count;
	memcpy(e->keys, self->keys, sizeof(e->keys));
	pthread_mutex_init(&e->lock, NULL);
	renew_book(e);
	return e;
}

void
evidence_close(struct evidence *e)
{
	if (e == NULL)
		return;
	evidence_book_release(e->book);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void
evidence_refresh(struct evidence *e, struct evidence_book **book)
{
	if (*book != NULL && (*book)->generation == atomic_load(&e->generation))
		return;
	evidence_book_release(*book);
	pthread_mutex_lock(&e->lock);
	*book = evidence_book_hold(e->book);
	pthread_mutex_unlock(&e->lock);
}

bool
evidence_covers(const struct evidence_book *b, const struct evidence_wish *wish,
    unsigned *missing)
{
	const struct proof *proof = NULL;
	struct buf key;
	size_t i;

	*missing = 0;
	if (wish->capabilities == 0)
		return true;
	if (b != NULL) {
		buf_init(&key, MESSAGE_MAX);
		proof = map_find(&b->proofs,
		    proof_key(&key, wish->group, wish->target));
		buf_fini(&key);
	}
	for (i = 0; i < CAPABILITIES; i++)
		if ((wish->capabilities & (1u << i)) != 0 &&
		    (proof == NULL || proof->passed_us[i] == 0 ||
			proof->passed_us[i] < wish->not_before_us))
			*missing |= 1u << i;
	return *missing == 0;
}

/* One short line of printable ASCII: never content. */
static bool
is_plain(struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	return text.len <= EVIDENCE_WORD_MAX;
}

/* Did this node serve it, by that target, and well? */
static bool
was_served(struct evidence *e, const struct evidence_row *row)
{
	struct request_row request;
	struct buf bytes;
	bool served;

	buf_init(&bytes, ROW_BYTES_MAX);
	served = ledger_request(e->ledger, &row->request, &bytes, &request) &&
		 slice_eq(request.group, row->group) &&
		 slice_eq(request.target, row->target) && request.status == 200;
	buf_fini(&bytes);
	return served;
}

static bool
is_capability(struct slice word)
{
	size_t i;

	for (i = 0; i < CAPABILITIES; i++)
		if (slice_is(word, capability_name(i)))
			return true;
	return false;
}

static bool
row_is_good(struct evidence *e, const struct evidence_row *row, struct buf *why)
{
	bool router = slice_is(row->way, WAY_ROUTER);

	if (row->capability.len == 0 || !is_plain(row->capability) ||
	    !is_plain(row->detail) || !is_plain(row->group) ||
	    !is_plain(row->target)) {
		buf_puts(why, "a result's texts are short and printable\n");
		return false;
	}
	if (!router && !slice_is(row->way, WAY_DIRECT)) {
		buf_puts(why, "a result's way is router or direct\n");
		return false;
	}
	/* What a contract will lean on has to have happened here. */
	if (row->passed && router && is_capability(row->capability) &&
	    !was_served(e, row)) {
		buf_printf(why,
		    "no request of this node bears out that %.*s passed %.*s\n",
		    SLICE_FMT(row->target), SLICE_FMT(row->capability));
		return false;
	}
	return true;
}

/* At most SEAL_MAX rows under one signature, into the batch. */
static void
put_sealed(struct evidence *e, struct db_batch *batch,
    const struct evidence_row *rows, size_t count)
{
	struct buf objects[SEAL_MAX], key, message;
	struct hash leaves[SEAL_MAX];
	struct seal seals[SEAL_MAX];
	size_t i;

	buf_init(&key, MESSAGE_MAX);
	buf_init(&message, MESSAGE_MAX);
	for (i = 0; i < count; i++) {
		buf_init(&objects[i], MESSAGE_MAX);
		row_write(ROW_EVIDENCE, &rows[i], &objects[i]);
		leaves[i] = seal_leaf(EVIDENCE_CONTEXT, buf_slice(&objects[i]));
	}
	seal_make(seals, e->identity, EVIDENCE_CONTEXT, leaves, count);
	for (i = 0; i < count; i++) {
		buf_reset(&key);
		buf_reset(&message);
		write_key(&key, &rows[i]);
		sealed_write(&message, buf_slice(&objects[i]), &seals[i]);
		db_batch_put(batch, ledger_db(e->ledger), FAMILY_EVIDENCE,
		    buf_slice(&key), buf_slice(&message));
		buf_fini(&objects[i]);
	}
	buf_fini(&message);
	buf_fini(&key);
}

static bool
store(struct evidence *e, const struct evidence_row *rows, size_t count)
{
	struct db *db = ledger_db(e->ledger);
	struct db_batch *batch = db_batch_new();
	bool stored;
	size_t i;

	for (i = 0; i < count; i += SEAL_MAX)
		put_sealed(e, batch, rows + i, min_size(count - i, SEAL_MAX));
	stored = db_write(db, batch, true) == DB_OK && db_sync(db) == DB_OK;
	db_batch_free(batch);
	return stored;
}

/* How many of these replace none. */
static size_t
count_new(const struct evidence *e, const struct evidence_row *rows,
    size_t count)
{
	struct buf key, value;
	size_t i, n = 0;

	buf_init(&key, MESSAGE_MAX);
	buf_init(&value, MESSAGE_MAX);
	for (i = 0; i < count; i++) {
		buf_reset(&key);
		write_key(&key, &rows[i]);
		n += !db_get(ledger_db(e->ledger), FAMILY_EVIDENCE,
		    buf_slice(&key), &value);
	}
	buf_fini(&value);
	buf_fini(&key);
	return n;
}

bool
evidence_add(struct evidence *e, struct evidence_row *rows, size_t count,
    const struct evidence_stamp *stamp, struct buf *why)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!row_is_good(e, &rows[i], why))
			return false;
		rows[i].tested_at = stamp->tested_at;
		rows[i].topology = stamp->topology;
		rows[i].build = slice_of(GSR_VERSION);
		rows[i].signer = e->signer;
	}
	if (count_rows(e) + count_new(e, rows, count) > EVIDENCE_ROWS_MAX) {
		buf_puts(why, "there is no room for more evidence\n");
		return false;
	}
	if (!store(e, rows, count)) {
		buf_puts(why, "the store did not take the evidence\n");
		return false;
	}
	renew_book(e);
	return true;
}

static void
list_text(const struct evidence_book *b, struct slice group, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "group", CELL_TEXT },
		{ "target", CELL_TEXT },
		{ "capability", CELL_TEXT },
		{ "way", CELL_TEXT },
		{ "passed", CELL_BOOL },
		{ "tested", CELL_TIME },
		{ "why", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < b->count; i++) {
		const struct evidence_row *row = &b->rows[i];

		if (group.len > 0 && !slice_eq(row->group, group))
			continue;
		table_text(&t, row->group);
		table_text(&t, row->target);
		table_text(&t, row->capability);
		table_text(&t, row->way);
		table_int(&t, row->passed);
		table_int(&t, row->tested_at);
		table_text(&t, row->detail);
	}
	table_close(&t);
}

static void
list_json(const struct evidence_book *b, struct slice group, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '[');
	for (i = 0; i < b->count; i++)
		if (group.len == 0 || slice_eq(b->rows[i].group, group))
			row_json(ROW_EVIDENCE, &b->rows[i], &w);
	json_close(&w, ']');
	buf_putc(out, '\n');
}

void
evidence_list(struct evidence *e, struct slice group, bool json,
    struct buf *out)
{
	struct evidence_book *b = NULL;

	evidence_refresh(e, &b);
	if (json)
		list_json(b, group, out);
	else
		list_text(b, group, out);
	evidence_book_release(b);
}
