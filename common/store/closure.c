#include "common/store/closure.h"

#include <stdio.h>

#include "common/format/json.h"
#include "common/format/pack.h"
#include "common/store/period.h"

#define PREFIX      "closed/"
#define END         "closed0" /* behind all of them */
#define PLACE_BYTES (sizeof(PREFIX) + PERIOD_CHARS)

static struct slice
key_of(char room[PLACE_BYTES], int64_t month)
{
	char name[PERIOD_CHARS];

	period_write(PERIOD_MONTH, month, name);
	snprintf(room, PLACE_BYTES, PREFIX "%s", name);
	return slice_of(room);
}

static bool
read_one(struct closure *c, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);

	if (unpack_array(&u) != 2)
		return false;
	c->statement = unpack_text(&u);
	unpack_fixed(&u, c->signature.bytes, sizeof(c->signature.bytes));
	return unpack_done(&u);
}

bool
closure_find(struct db *db, int64_t month, struct buf *bytes, struct closure *c)
{
	char room[PLACE_BYTES];

	return db_get(db, FAMILY_META, key_of(room, month), bytes) &&
	       read_one(c, buf_slice(bytes));
}

bool
closure_keep(struct db *db, int64_t month, struct slice statement,
    const struct secret *key)
{
	struct signature s = sign_bytes(key, CLOSURE_CONTEXT, statement);
	char room[PLACE_BYTES];
	struct buf value;
	bool kept;

	buf_init(&value, CLOSURE_MAX);
	pack_array(&value, 2);
	pack_text(&value, statement);
	pack_bytes(&value, s.bytes, sizeof(s.bytes));
	kept = !value.failed && db_put_now(db, FAMILY_META, key_of(room, month),
				    buf_slice(&value)) == DB_OK;
	buf_fini(&value);
	return kept;
}

bool
closure_is_signed(const struct closure *c, const struct public_key *key)
{
	return sign_check(key, CLOSURE_CONTEXT, c->statement, &c->signature);
}

void
closure_write(const struct closure *c, struct buf *out)
{
	char text[2 * sizeof(c->signature.bytes) + 1];
	struct json_writer w = { .out = out };

	hex_write(text, c->signature.bytes, sizeof(c->signature.bytes));
	json_open(&w, '{');
	json_key(&w, "statement");
	json_put_raw(&w, c->statement);
	json_field_text(&w, "signature", slice_of(text));
	json_close(&w, '}');
	buf_putc(out, '\n');
}

bool
closure_each(struct db *db,
    void (*call)(void *arg, struct slice month, const struct closure *c),
    void *arg)
{
	struct slice key, value;
	struct closure c;
	struct db_scan *scan = db_scan_new(db, FAMILY_META, slice_of(PREFIX),
	    slice_of(END), false);
	bool whole;

	while (db_scan_next(scan, &key, &value))
		call(arg, slice_after(key, strlen(PREFIX)),
		    read_one(&c, value) ? &c : NULL);
	whole = !db_scan_failed(scan);
	db_scan_free(scan);
	return whole;
}
