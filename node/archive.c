#include "node/archive.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/format/pack.h"
#include "common/store/ledger.h"
#include "common/store/sweep.h"
#include "node/shelf.h"

/*
 * Three kinds of rows, by the first byte of their keys:
 *
 *	C key   the record, sealed: version, key, owner, bytes
 *	O key   its size with all its rows: to count without reading it
 *	I hash  the key of the record with that name; the hash is keyed by
 *	        the owner
 *
 * Keys of a group are in order of their ends.  A record and its O come and go
 * in one batch; an I may outlive them for a while.
 */
#define ROW_NAME 'I'

#define VERSION     1
#define OWNER_BYTES 16
#define HEAD_BYTES  (1 + SHELF_KEY + OWNER_BYTES)
#define NAME_BYTES  16
#define NAME_ROW    (1 + NAME_BYTES + SHELF_KEY)

#define SWEEP_NAMES 4096
#define PENDING_MAX (16u << 20)

struct archive {
	struct ledger *ledger;
	struct secret *names, *seal;
	struct sweep sweep; /* of names; the clerk's */
	struct shelves *shelves;
};

/* A name is of no use when its record ended or was taken out. */
static bool
name_ended(void *arg, struct slice key, struct slice value, int64_t now_us)
{
	struct archive *a = arg;
	struct shelf_key record;
	struct shelf_row_key size;
	struct buf found;
	bool there;

	(void)key;
	if (value.len != SHELF_KEY)
		return true;
	memcpy(record.bytes, value.ptr, SHELF_KEY);
	if (shelf_key_end(&record) <= now_us)
		return true;
	size = shelf_row_key(SHELF_SIZE, &record);
	buf_init(&found, SHELF_SIZE_MAX);
	there = db_get(ledger_db(a->ledger), FAMILY_CONTENT,
	    shelf_row_slice(&size), &found);
	buf_fini(&found);
	return !there;
}

struct archive *
archive_open(struct ledger *ledger, const struct secret *identity)
{
	static const char from[] = { ROW_NAME }, to[] = { ROW_NAME + 1 };
	struct archive *a = xcalloc(1, sizeof(*a));

	a->ledger = ledger;
	a->names = key_derive(identity, "gsr/archive-name/v1");
	a->seal = key_derive(identity, "gsr/archive-seal/v1");
	a->sweep = (struct sweep){ .db = ledger_db(ledger),
		.family = FAMILY_CONTENT,
		.from = slice_make(from, 1),
		.to = slice_make(to, 1),
		.ended = name_ended,
		.arg = a };
	a->shelves = shelves_open(ledger_db(ledger));
	return a;
}

void
archive_close(struct archive *a)
{
	if (a == NULL)
		return;
	shelves_close(a->shelves);
	secret_free(a->names);
	secret_free(a->seal);
	free(a);
}

struct archive_owner
archive_owner(const struct archive *a, struct slice caller, struct slice group)
{
	struct archive_owner owner;
	struct buf both;
	struct hash h;

	/* Packed, so that no two pairs are the same bytes. */
	buf_init(&both, caller.len + group.len + 16);
	pack_text(&both, group);
	h = hash_keyed(secret_view(a->names), both.data, both.len);
	memcpy(owner.group, h.bytes, SHELF_TAG);
	pack_text(&both, caller);
	owner.hash = hash_keyed(secret_view(a->names), both.data, both.len);
	buf_fini(&both);
	return owner;
}

struct name_key {
	uint8_t bytes[1 + NAME_BYTES];
};

static struct name_key
name_key(const struct archive_owner *owner, struct archive_name name)
{
	struct name_key key = { { ROW_NAME } };
	struct buf text;
	struct hash h;

	buf_init(&text, name.id.len + 1);
	buf_putc(&text, name.kind);
	buf_put_slice(&text, name.id);
	h = hash_keyed(slice_make(owner->hash.bytes, HASH_BYTES), text.data,
	    text.len);
	buf_fini(&text);
	memcpy(key.bytes + 1, h.bytes, NAME_BYTES);
	return key;
}

static void
put(struct ledger_turn *t, struct slice key, struct slice value)
{
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_CONTENT, key, value);
}

static void
put_record(struct archive *a, struct ledger_turn *t,
    const struct archive_record *r, const struct shelf_key *key)
{
	size_t len = HEAD_BYTES + r->bytes.len;
	struct shelf_row_key row = shelf_row_key(SHELF_RECORD, key);
	uint8_t *plain = xmalloc(len), *sealed = xmalloc(len + SEALED_EXTRA);

	plain[0] = VERSION;
	memcpy(plain + 1, key->bytes, SHELF_KEY);
	memcpy(plain + 1 + SHELF_KEY, r->owner->hash.bytes, OWNER_BYTES);
	memcpy(plain + HEAD_BYTES, r->bytes.ptr, r->bytes.len);
	crypto_seal(sealed, a->seal, slice_make(plain, len));
	put(t, shelf_row_slice(&row), slice_make(sealed, len + SEALED_EXTRA));
	free(plain);
	free(sealed);
}

static void
put_rows(struct archive *a, struct ledger_turn *t,
    const struct archive_record *r, const struct shelf_key *key, int64_t bytes)
{
	struct shelf_row_key size = shelf_row_key(SHELF_SIZE, key);
	uint8_t room[SHELF_SIZE_MAX];
	size_t i;

	put_record(a, t, r, key);
	put(t, shelf_row_slice(&size), shelf_size_write(bytes, room));
	for (i = 0; i < r->names_count; i++) {
		struct name_key name = name_key(r->owner, r->names[i]);

		put(t, slice_make(name.bytes, sizeof(name.bytes)),
		    slice_make(key->bytes, SHELF_KEY));
	}
}

/* With all its rows. */
static size_t
size_of(const struct archive_record *r)
{
	return HEAD_BYTES + SEALED_EXTRA + r->bytes.len + 2 * SHELF_ROW +
	       SHELF_SIZE_MAX + r->names_count * NAME_ROW;
}

static bool
leave_out(const struct archive_record *r, const char *why)
{
	log_warn("a conversation is not kept",
	    log_int("bytes", (int64_t)r->bytes.len), log_str("why", why));
	return false;
}

bool
archive_put(struct archive *a, struct ledger_turn *t,
    const struct archive_record *r)
{
	const struct shelf_wish wish = {
		.key = shelf_key_new(r->owner->group, r->ends_us),
		.bytes = (int64_t)size_of(r),
		.max_bytes = r->group_max_bytes,
		.now_us = r->now_us,
	};

	if (r->bytes.len > ARCHIVE_RECORD_MAX)
		return leave_out(r, "it is too large");
	if (wish.bytes > wish.max_bytes)
		return leave_out(r, "it is larger than all its group may keep");
	if (ledger_stuck(t) ||
	    ledger_pending_bytes(t) + (size_t)wish.bytes > PENDING_MAX)
		return leave_out(r, "the store does not keep up");
	if (!shelf_make_room(a->shelves, &wish))
		return leave_out(r, "the group has too much to make room for");
	put_rows(a, t, r, &wish.key, wish.bytes);
	return true;
}

bool
archive_find(struct archive *a, const struct archive_owner *owner,
    struct archive_name name, int64_t now_us, struct shelf_key *key)
{
	struct name_key row = name_key(owner, name);
	struct buf found;
	bool there;

	buf_init(&found, SHELF_KEY);
	there = db_get(ledger_db(a->ledger), FAMILY_CONTENT,
		    slice_make(row.bytes, sizeof(row.bytes)), &found) &&
		found.len == SHELF_KEY;
	if (there)
		memcpy(key->bytes, found.data, SHELF_KEY);
	buf_fini(&found);
	return there && shelf_key_end(key) > now_us;
}

/* Sealed by us, as this record, for this owner. */
static bool
open_record(struct archive *a, const struct archive_owner *owner,
    const struct shelf_key *key, struct slice sealed, uint8_t *plain)
{
	return sealed.len >= SEALED_EXTRA + HEAD_BYTES &&
	       crypto_unseal_into(plain, a->seal, sealed) &&
	       plain[0] == VERSION &&
	       memcmp(plain + 1, key->bytes, SHELF_KEY) == 0 &&
	       memcmp(plain + 1 + SHELF_KEY, owner->hash.bytes, OWNER_BYTES) ==
		   0;
}

enum archive_result
archive_read(struct archive *a, const struct archive_owner *owner,
    const struct shelf_key *key, struct arena *arena, struct slice *bytes)
{
	struct shelf_row_key row = shelf_row_key(SHELF_RECORD, key);
	enum archive_result result = ARCHIVE_GONE;
	struct buf sealed;
	uint8_t *plain;

	buf_init(&sealed, ARCHIVE_RECORD_MAX + HEAD_BYTES + SEALED_EXTRA);
	if (!db_get(ledger_db(a->ledger), FAMILY_CONTENT, shelf_row_slice(&row),
		&sealed))
		goto out;
	if (!arena_fits(arena, sealed.len)) {
		result = ARCHIVE_TOO_LARGE;
		goto out;
	}
	plain = arena_room(arena, sealed.len);
	if (!open_record(a, owner, key, buf_slice(&sealed), plain)) {
		log_error("a kept conversation is damaged",
		    log_int("bytes", (int64_t)sealed.len));
		goto out;
	}
	*bytes = slice_make(plain + HEAD_BYTES,
	    sealed.len - SEALED_EXTRA - HEAD_BYTES);
	result = ARCHIVE_READ;
out:
	buf_fini(&sealed);
	return result;
}

void
archive_sweep(struct archive *a, int64_t now_us)
{
	shelves_sweep(a->shelves, now_us);
	(void)sweep_step(&a->sweep, SWEEP_NAMES, now_us);
}
