#include "common/store/token.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/store/ledger.h"

#define RANDOM_BYTES 24
#define RANDOM_CHARS 32 /* of them in base64 */
#define ROW_MAX      (16 * 1024)

struct token_book {
	atomic_int owners;
	uint64_t generation;
	const struct token_kind *kind;
	struct secret *key;
	struct map by_hash; /* struct token */
	struct arena arena;
};

struct tokens {
	const struct token_kind *kind;
	void *arg;
	struct ledger *ledger;
	struct secret *key;
	pthread_mutex_t lock; /* for the book, and for changes */
	struct token_book *book;
	atomic_uint_fast64_t generation; /* of the present book */
};

static struct slice
hash_slice(const struct hash *h)
{
	return slice_make(h->bytes, HASH_BYTES);
}

static struct hash
hash_text(const struct secret *key, struct slice text)
{
	return hash_keyed(secret_view(key), text.ptr, text.len);
}

static struct token_book *
read_book(struct tokens *t)
{
	const struct token_kind *kind = t->kind;
	struct token_book *b = xcalloc(1, sizeof(*b));
	struct slice none = { NULL, 0 }, key, row;
	struct db_scan *scan;

	atomic_init(&b->owners, 1);
	b->kind = kind;
	b->key = secret_hold(t->key);
	b->generation = atomic_load(&t->generation) + 1;
	map_init(&b->by_hash);
	arena_init(&b->arena, kind->book_bytes_max);
	scan =
	    db_scan_new(ledger_db(t->ledger), kind->family, none, none, false);
	while (db_scan_next(scan, &key, &row)) {
		struct token *one;

		if (key.len != HASH_BYTES)
			continue;
		one = arena_alloc(&b->arena, kind->bytes);
		memcpy(one->hash.bytes, key.ptr, HASH_BYTES);
		if (kind->read(t->arg, one, &b->arena, row))
			map_put(&b->by_hash, hash_slice(&one->hash), one);
	}
	db_scan_free(scan);
	return b;
}

struct token_book *
token_book_hold(struct token_book *b)
{
	atomic_fetch_add(&b->owners, 1);
	return b;
}

void
token_book_release(struct token_book *b)
{
	if (b == NULL || atomic_fetch_sub(&b->owners, 1) > 1)
		return;
	secret_free(b->key);
	map_fini(&b->by_hash);
	arena_fini(&b->arena);
	free(b);
}

/* Called with the lock held, or before there are threads. */
static void
renew_book(struct tokens *t)
{
	struct token_book *old = t->book;

	t->book = read_book(t);
	atomic_store(&t->generation, t->book->generation);
	token_book_release(old);
}

struct tokens *
tokens_open(const struct token_kind *kind, struct ledger *l,
    const struct secret *identity, void *arg)
{
	struct tokens *t = xcalloc(1, sizeof(*t));

	t->kind = kind;
	t->arg = arg;
	t->ledger = l;
	t->key = key_derive(identity, kind->purpose);
	pthread_mutex_init(&t->lock, NULL);
	renew_book(t);
	return t;
}

void
tokens_close(struct tokens *t)
{
	if (t == NULL)
		return;
	token_book_release(t->book);
	pthread_mutex_destroy(&t->lock);
	secret_free(t->key);
	free(t);
}

void
tokens_refresh(struct tokens *t, struct token_book **book)
{
	if (*book != NULL && (*book)->generation == atomic_load(&t->generation))
		return;
	token_book_release(*book);
	pthread_mutex_lock(&t->lock);
	*book = token_book_hold(t->book);
	pthread_mutex_unlock(&t->lock);
}

bool
token_is_shaped(const struct token_kind *kind, struct slice text)
{
	return text.len == strlen(kind->prefix) + RANDOM_CHARS &&
	       slice_starts(text, kind->prefix);
}

const struct token *
token_find(const struct token_book *b, struct slice text)
{
	struct hash h;

	if (!token_is_shaped(b->kind, text))
		return NULL;
	h = hash_text(b->key, text);
	return map_find(&b->by_hash, hash_slice(&h));
}

const struct token *
token_named(const struct token_book *b, struct slice name, int64_t wall_us)
{
	const struct token *t;
	size_t at = 0;

	while ((t = map_next(&b->by_hash, &at)) != NULL)
		if (slice_eq(t->name, name) &&
		    token_state(t, wall_us) == TOKEN_ACTIVE)
			return t;
	return NULL;
}

const struct token *
token_next(const struct token_book *b, size_t *at)
{
	return map_next(&b->by_hash, at);
}

size_t
token_book_count(const struct token_book *b)
{
	return b->by_hash.count;
}

static int
by_creation(const void *a, const void *b)
{
	const struct token *x = *(const struct token *const *)a;
	const struct token *y = *(const struct token *const *)b;

	return (x->created_us > y->created_us) -
	       (x->created_us < y->created_us);
}

const struct token **
token_book_by_age(const struct token_book *b)
{
	const struct token **all =
	    xcalloc(b->by_hash.count + 1, sizeof(struct token *));
	size_t at = 0, n = 0;

	while (n < b->by_hash.count)
		all[n++] = map_next(&b->by_hash, &at);
	qsort(all, n, sizeof(struct token *), by_creation);
	return all;
}

enum token_state
token_state(const struct token *t, int64_t wall_us)
{
	if (t->revoked_us != 0)
		return TOKEN_REVOKED;
	if (t->expires_us != 0 && wall_us >= t->expires_us)
		return TOKEN_EXPIRED;
	return TOKEN_ACTIVE;
}

const char *
token_state_name(enum token_state s)
{
	static const char *const names[] = { "active", "expired", "revoked" };

	return names[s];
}

bool
token_name_is_plain(struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' ||
		    name.ptr[i] == '"' || name.ptr[i] == '\\')
			return false;
	return name.len > 0 && name.len <= TOKEN_NAME_MAX;
}

static bool
store(struct tokens *t, const struct token *one, struct buf *why)
{
	struct buf row;
	bool stored;

	buf_init(&row, ROW_MAX);
	t->kind->write(&row, one);
	stored = !row.failed &&
		 db_put_now(ledger_db(t->ledger), t->kind->family,
		     hash_slice(&one->hash), buf_slice(&row)) == DB_OK;
	buf_fini(&row);
	if (stored)
		renew_book(t);
	else
		buf_puts(why, "the store did not take the token\n");
	return stored;
}

static bool
name_is_free(const struct tokens *t, struct slice name, struct buf *why)
{
	if (!token_name_is_plain(name)) {
		buf_puts(why, "a token's name " TOKEN_NAME_RULE "\n");
		return false;
	}
	if (token_named(t->book, name, clock_wall_us()) == NULL)
		return true;
	buf_printf(why,
	    "there is an active %s named '%.*s'; revoke it or choose another "
	    "name\n",
	    t->kind->called, SLICE_FMT(name));
	return false;
}

static void
make_text(const struct token_kind *kind, char text[TOKEN_CHARS])
{
	size_t n = strlen(kind->prefix);
	uint8_t random[RANDOM_BYTES];

	crypto_random(random, sizeof(random));
	memcpy(text, kind->prefix, n);
	base64_write(text + n, random, sizeof(random));
	crypto_wipe(random, sizeof(random));
}

bool
tokens_create(struct tokens *t, struct token *wish, char text[TOKEN_CHARS],
    struct buf *why)
{
	bool made;

	pthread_mutex_lock(&t->lock);
	made = name_is_free(t, wish->name, why);
	if (made) {
		make_text(t->kind, text);
		wish->hash = hash_text(t->key, slice_of(text));
		wish->created_us = clock_wall_us();
		made = store(t, wish, why);
	}
	pthread_mutex_unlock(&t->lock);
	return made;
}

/* A copy: the book is nobody's to change. */
static bool
store_revoked(struct tokens *t, const struct token *found, struct buf *why)
{
	/* Its text lies in the book: keep that until it is stored. */
	struct token_book *held = token_book_hold(t->book);
	struct token *one = xmalloc(t->kind->bytes);
	bool stored;

	memcpy(one, found, t->kind->bytes);
	one->revoked_us = clock_wall_us();
	stored = store(t, one, why);
	free(one);
	token_book_release(held);
	return stored;
}

bool
tokens_revoke(struct tokens *t, struct slice name, struct buf *why)
{
	const struct token *found;
	bool revoked = false;

	pthread_mutex_lock(&t->lock);
	found = token_named(t->book, name, clock_wall_us());
	if (found != NULL)
		revoked = store_revoked(t, found, why);
	else
		buf_printf(why, "no active %s is named '%.*s'\n",
		    t->kind->called, SLICE_FMT(name));
	pthread_mutex_unlock(&t->lock);
	return revoked;
}
