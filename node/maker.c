#include "node/maker.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/format/json.h"
#include "common/format/pack.h"
#include "common/store/ledger.h"
#include "common/store/sweep.h"

#define KEY_LEN       16 /* of the hash: nobody can aim for a collision */
#define VALUE_FIELDS  2
#define VALUE_MAX     1024
#define CACHE_SLOTS   4096 /* a power of two */
#define SWEEP_ENTRIES 4096
#define TTL_US        (MAKER_TTL_MS * US_PER_MS)
#define AGAIN_US      (TTL_US / 30) /* noted again only after that */

/* A conversation brings the same blobs back in each of its requests. */
struct known {
	uint8_t key[KEY_LEN];
	struct hash target;
	int64_t made_us; /* 0: an empty slot */
};

struct makers {
	struct ledger *ledger;
	struct secret *key;
	struct sweep sweep; /* the clerk's */
	pthread_mutex_t lock;
	struct known *cache; /* by the first bytes of the key */
};

static bool
is_over(int64_t made_us, int64_t now_us)
{
	return now_us - made_us >= TTL_US;
}

static void
write_value(struct buf *out, int64_t made_us, struct slice target)
{
	pack_array(out, VALUE_FIELDS);
	pack_int(out, made_us);
	pack_text(out, target);
}

static bool
read_value(struct slice value, int64_t *made_us, struct slice *target)
{
	struct unpack u = unpack_start(value);

	if (unpack_array(&u) != VALUE_FIELDS)
		return false;
	*made_us = unpack_int(&u);
	*target = unpack_text(&u);
	return unpack_done(&u);
}

/* What cannot be read is of no use either. */
static bool
on_sweep(void *arg, struct slice key, struct slice value, int64_t now_us)
{
	struct slice target;
	int64_t made_us;

	(void)arg;
	(void)key;
	return !read_value(value, &made_us, &target) ||
	       is_over(made_us, now_us);
}

struct makers *
makers_open(struct ledger *ledger, const struct secret *identity)
{
	struct makers *m = xcalloc(1, sizeof(*m));

	m->ledger = ledger;
	m->key = key_derive(identity, "gsr/maker/v1");
	m->cache = xcalloc(CACHE_SLOTS, sizeof(*m->cache));
	m->sweep = (struct sweep){ .db = ledger_db(ledger),
		.family = FAMILY_MAKER,
		.ended = on_sweep };
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void
makers_close(struct makers *m)
{
	if (m == NULL)
		return;
	pthread_mutex_destroy(&m->lock);
	secret_free(m->key);
	free(m->cache);
	free(m);
}

static struct hash
key_of(struct makers *m, struct slice blob)
{
	struct slice text = { NULL, 0 };
	struct arena arena;
	struct hash h;

	/* As it is when that is no string: then it is nobody's. */
	arena_init(&arena, blob.len);
	if (!json_raw_text(blob, &arena, &text))
		text = blob;
	h = hash_keyed(secret_view(m->key), text.ptr, text.len);
	arena_fini(&arena);
	return h;
}

static struct known *
slot_of(struct makers *m, const struct hash *key)
{
	uint32_t at;

	memcpy(&at, key->bytes, sizeof(at));
	return &m->cache[at & (CACHE_SLOTS - 1)];
}

/* When the target made it, as the cache knows; 0 when it does not. */
static int64_t
recall(struct makers *m, const struct hash *key, struct slice target)
{
	const struct known *k = slot_of(m, key);
	struct hash h = hash_of(target.ptr, target.len);
	int64_t made_us = 0;

	pthread_mutex_lock(&m->lock);
	if (memcmp(k->key, key->bytes, KEY_LEN) == 0 &&
	    memcmp(&k->target, &h, sizeof(h)) == 0)
		made_us = k->made_us;
	pthread_mutex_unlock(&m->lock);
	return made_us;
}

static void
remember(struct makers *m, const struct hash *key, struct slice target,
    int64_t made_us)
{
	struct known *k = slot_of(m, key);
	struct hash h = hash_of(target.ptr, target.len);

	pthread_mutex_lock(&m->lock);
	memcpy(k->key, key->bytes, KEY_LEN);
	k->target = h;
	k->made_us = made_us;
	pthread_mutex_unlock(&m->lock);
}

void
maker_note(struct makers *m, struct ledger_turn *t, struct slice blob,
    struct slice target, int64_t now_us)
{
	struct hash key = key_of(m, blob);
	int64_t made_us = recall(m, &key, target);
	struct buf value;

	if (made_us != 0 && now_us - made_us < AGAIN_US)
		return;
	buf_init(&value, VALUE_MAX);
	write_value(&value, now_us, target);
	if (!value.failed) {
		ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_MAKER,
		    slice_make(key.bytes, KEY_LEN), buf_slice(&value));
		remember(m, &key, target, now_us);
	}
	buf_fini(&value);
}

bool
maker_is(struct makers *m, struct ledger_turn *t, struct slice blob,
    struct slice target)
{
	struct hash key = key_of(m, blob);
	int64_t now_us = clock_wall_us(), made_us = recall(m, &key, target);
	struct slice maker;
	struct buf value;
	bool same;

	if (made_us != 0)
		return !is_over(made_us, now_us);
	buf_init(&value, VALUE_MAX);
	same = ledger_find(t, FAMILY_MAKER, slice_make(key.bytes, KEY_LEN),
		   &value) &&
	       read_value(buf_slice(&value), &made_us, &maker) &&
	       slice_eq(maker, target) && !is_over(made_us, now_us);
	if (same)
		remember(m, &key, target, made_us);
	buf_fini(&value);
	return same;
}

void
makers_sweep(struct makers *m, int64_t now_us)
{
	(void)sweep_step(&m->sweep, SWEEP_ENTRIES, now_us);
}
