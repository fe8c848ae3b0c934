#include "common/store/checkpoint.h"

#include <assert.h>
#include <stdio.h>

#include "common/format/pack.h"
#include "common/store/sealed.h"

/* To look at a chain that did not grow costs as much as some receipts. */
#define CHAIN_COST 32

bool
checkpoint_read(struct checkpoint *c, struct slice message)
{
	uint8_t chain[CHAIN_ID_BYTES];

	memset(c, 0, sizeof(*c));
	return message.len <= CHECKPOINT_MAX &&
	       sealed_read(message, &c->object, &c->seal) &&
	       row_read(ROW_CHECKPOINT, c->object, &c->row) &&
	       hex_parse(chain, sizeof(chain), c->row.chain) && c->row.seq >= 1;
}

struct slice
checkpoint_key(char room[CHECKPOINT_KEY_MAX], struct slice chain)
{
	int n = snprintf(room, CHECKPOINT_KEY_MAX, CHECKPOINT_PREFIX "%.*s",
	    SLICE_FMT(chain));

	return slice_make(room,
	    min_size((size_t)n, (size_t)CHECKPOINT_KEY_MAX - 1));
}

/* The key behind the last that the chain may have; false: there is none. */
static bool
next_chain(uint8_t chain[CHAIN_ID_BYTES])
{
	int i = CHAIN_ID_BYTES;

	while (i-- > 0)
		if (++chain[i] != 0)
			return true;
	return false;
}

static int64_t
stored_seq(struct ledger *l, const char *chain)
{
	char room[CHECKPOINT_KEY_MAX];
	struct checkpoint c;
	struct buf bytes;
	int64_t seq = 0;

	buf_init(&bytes, CHECKPOINT_MAX);
	if (db_get(ledger_db(l), FAMILY_META,
		checkpoint_key(room, slice_of(chain)), &bytes) &&
	    checkpoint_read(&c, buf_slice(&bytes)))
		seq = c.row.seq;
	buf_fini(&bytes);
	return seq;
}

static struct slice
key_at(uint8_t key[RECEIPT_KEY_BYTES], const char *chain, int64_t seq)
{
	const struct receipt_row row = { .chain = slice_of(chain), .seq = seq };
	bool made = receipt_key(key, &row);

	assert(made);
	return slice_make(key, RECEIPT_KEY_BYTES);
}

static bool
fill_place(struct checkpoint_place *p, struct slice message)
{
	struct receipt r;

	if (!receipt_read(&r, message) ||
	    r.row.egress.len >= CHECKPOINT_NAME_MAX ||
	    r.row.origin.len >= CHECKPOINT_NAME_MAX)
		return false;
	p->seq = r.row.seq;
	p->object = hash_of(r.object.ptr, r.object.len);
	snprintf(p->egress, sizeof(p->egress), "%.*s", SLICE_FMT(r.row.egress));
	snprintf(p->origin, sizeof(p->origin), "%.*s", SLICE_FMT(r.row.origin));
	return true;
}

/* From its checkpoint on, as long as no number is absent. */
static bool
grow(struct ledger *l, struct checkpoint_place *p, int *left)
{
	uint8_t from[RECEIPT_KEY_BYTES], want[RECEIPT_KEY_BYTES];
	int64_t seq = stored_seq(l, p->chain);
	struct slice key, value;
	struct db_scan *scan;
	struct buf last;
	bool grew;

	buf_init(&last, RECEIPT_MAX);
	scan = db_scan_new(ledger_db(l), FAMILY_RECEIPT,
	    key_at(from, p->chain, seq + 1), slice_make(NULL, 0), false);
	while (*left > 0 && db_scan_next(scan, &key, &value) &&
	       slice_eq(key, key_at(want, p->chain, seq + 1))) {
		seq++;
		*left -= 1;
		buf_reset(&last);
		buf_put_slice(&last, value);
	}
	db_scan_free(scan);
	grew = last.len > 0 && fill_place(p, buf_slice(&last));
	buf_fini(&last);
	return grew;
}

/* The chain at the walk's place or the first behind it. */
static bool
find_chain(const struct checkpoint_walk *w, struct ledger *l, uint8_t *chain)
{
	struct slice from = slice_make(w->chain, CHAIN_ID_BYTES), key, value;
	struct db_scan *scan = db_scan_new(ledger_db(l), FAMILY_RECEIPT, from,
	    slice_make(NULL, 0), false);
	bool found =
	    db_scan_next(scan, &key, &value) && key.len == RECEIPT_KEY_BYTES;

	if (found)
		memcpy(chain, key.ptr, CHAIN_ID_BYTES);
	db_scan_free(scan);
	return found;
}

bool
checkpoint_walk_begins(const struct checkpoint_walk *w)
{
	static const uint8_t first[CHAIN_ID_BYTES];

	return memcmp(w->chain, first, sizeof(first)) == 0;
}

size_t
checkpoint_walk(struct checkpoint_walk *w, struct ledger *l,
    struct checkpoint_place *places, size_t most)
{
	int left = CHECKPOINT_STEP;
	size_t count = 0;

	while (left > 0 && count < most) {
		struct checkpoint_place *p = &places[count];

		if (!find_chain(w, l, w->chain)) {
			memset(w->chain, 0, sizeof(w->chain));
			break; /* once round at most */
		}
		hex_write(p->chain, w->chain, CHAIN_ID_BYTES);
		count += grow(l, p, &left);
		left -= CHAIN_COST;
		if (!next_chain(w->chain))
			break;
	}
	return count;
}

void
checkpoint_sign(const struct checkpoint_place *places, size_t count, int64_t at,
    const struct secret *key, struct buf *messages)
{
	struct buf objects[CHECKPOINTS_MAX];
	struct hash leaves[CHECKPOINTS_MAX];
	struct seal seals[CHECKPOINTS_MAX];
	size_t i;

	assert(count >= 1 && count <= CHECKPOINTS_MAX);
	for (i = 0; i < count; i++) {
		const struct checkpoint_row row = {
			.chain = slice_of(places[i].chain),
			.seq = places[i].seq,
			.object = places[i].object,
			.egress = slice_of(places[i].egress),
			.origin = slice_of(places[i].origin),
			.at = at,
		};

		buf_init(&objects[i], CHECKPOINT_MAX);
		row_write(ROW_CHECKPOINT, &row, &objects[i]);
		leaves[i] =
		    seal_leaf(CHECKPOINT_CONTEXT, buf_slice(&objects[i]));
	}
	seal_make(seals, key, CHECKPOINT_CONTEXT, leaves, count);
	for (i = 0; i < count; i++) {
		buf_init(&messages[i], CHECKPOINT_MAX);
		sealed_write(&messages[i], buf_slice(&objects[i]), &seals[i]);
		assert(!messages[i].failed);
		buf_fini(&objects[i]);
	}
}

void
checkpoints_write(struct buf *out, const struct buf *messages, size_t count)
{
	size_t i;

	pack_array(out, count);
	for (i = 0; i < count; i++)
		pack_bytes(out, messages[i].data, messages[i].len);
}

int
checkpoints_read(struct slice messages[CHECKPOINTS_MAX], struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	size_t count = unpack_array(&u), i;

	if (u.failed || count > CHECKPOINTS_MAX)
		return -1;
	for (i = 0; i < count; i++)
		messages[i] = unpack_bytes(&u);
	return unpack_done(&u) ? (int)count : -1;
}
