#include "node/caller.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/format/pack.h"
#include "common/format/table.h"
#include "common/store/ledger.h"
#include "node/presence.h"
#include "topology/load.h"

#define TOKEN_RANDOM 24
#define BEARER       "Bearer "
/* And `pins`, the tier and the environment, as far as they are said. */
#define ROW_FIELDS      9
#define ROW_MORE        3
#define ROW_SCHEMA      1
#define ROW_MAX         (16 * 1024)
#define BOOK_MAX        ((size_t)256 * 1024 * 1024)
#define PSEUDONYM_BYTES 8

struct caller_book {
	atomic_int owners;
	uint64_t generation;
	struct secret *key;
	struct map by_hash; /* struct caller */
	struct arena arena;
};

struct callers {
	struct ledger *ledger;
	struct secret *key; /* keys the hashes; made from the identity */
	pthread_mutex_t lock;
	struct presences *presences;
	struct caller_book *book;
	atomic_uint_fast64_t generation; /* of the present book */
};

static struct hash
token_hash(const struct secret *key, struct slice token)
{
	return hash_keyed(secret_view(key), token.ptr, token.len);
}

static void
write_row(struct buf *out, const struct caller *c)
{
	size_t i;

	size_t more = c->pins;

	if (c->tier.len > 0)
		more = 2;
	if (c->environment.len > 0)
		more = ROW_MORE;
	pack_array(out, ROW_FIELDS + more);
	pack_int(out, ROW_SCHEMA);
	pack_text(out, c->name);
	pack_text(out, c->user);
	pack_text(out, c->project);
	pack_int(out, c->created_us);
	pack_int(out, c->expires_us);
	pack_int(out, c->revoked_us);
	pack_array(out, c->groups_count);
	for (i = 0; i < c->groups_count; i++)
		pack_text(out, c->groups[i]);
	pack_nil(out);
	if (more > 0)
		pack_bool(out, c->pins);
	if (more > 1)
		pack_text(out, c->tier);
	if (more > 2)
		pack_text(out, c->environment);
}

static bool
read_row(struct caller *c, struct arena *a, struct slice key, struct slice row)
{
	struct unpack u = unpack_start(row);
	struct hash h;
	char hex[2 * PSEUDONYM_BYTES + 1];
	size_t fields = unpack_array(&u), i;

	if (key.len != HASH_BYTES || fields < ROW_FIELDS ||
	    fields > ROW_FIELDS + ROW_MORE || unpack_int(&u) != ROW_SCHEMA)
		return false;
	memcpy(c->hash.bytes, key.ptr, HASH_BYTES);
	h = hash_of(c->hash.bytes, HASH_BYTES);
	hex_write(hex, h.bytes, PSEUDONYM_BYTES);
	c->pseudonym = arena_copy(a, slice_of(hex));
	c->name = arena_copy(a, unpack_text(&u));
	c->user = arena_copy(a, unpack_text(&u));
	c->project = arena_copy(a, unpack_text(&u));
	c->tier = slice_of("");
	c->environment = slice_of("");
	c->created_us = unpack_int(&u);
	c->expires_us = unpack_int(&u);
	c->revoked_us = unpack_int(&u);
	c->groups_count = unpack_array(&u);
	if (c->groups_count > CALLER_GROUPS_MAX)
		return false;
	for (i = 0; i < c->groups_count; i++)
		c->groups[i] = arena_copy(a, unpack_text(&u));
	(void)unpack_nil(&u);
	if (fields > ROW_FIELDS)
		c->pins = unpack_bool(&u);
	if (fields > ROW_FIELDS + 1)
		c->tier = arena_copy(a, unpack_text(&u));
	if (fields > ROW_FIELDS + 2)
		c->environment = arena_copy(a, unpack_text(&u));
	return unpack_done(&u);
}

static struct caller_book *
read_book(struct callers *c)
{
	struct caller_book *b = xcalloc(1, sizeof(*b));
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan;

	atomic_init(&b->owners, 1);
	b->key = secret_hold(c->key);
	b->generation = atomic_load(&c->generation) + 1;
	map_init(&b->by_hash);
	arena_init(&b->arena, BOOK_MAX);
	scan =
	    db_scan_new(ledger_db(c->ledger), FAMILY_TOKEN, none, none, false);
	while (db_scan_next(scan, &key, &value)) {
		struct caller *caller = arena_new(&b->arena, struct caller);

		if (!read_row(caller, &b->arena, key, value))
			continue;
		caller->presence = presence_get(c->presences, &caller->hash);
		map_put(&b->by_hash, slice_make(caller->hash.bytes, HASH_BYTES),
		    caller);
	}
	db_scan_free(scan);
	return b;
}

struct caller_book *
caller_book_hold(struct caller_book *b)
{
	atomic_fetch_add(&b->owners, 1);
	return b;
}

void
caller_book_release(struct caller_book *b)
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
renew_book(struct callers *c)
{
	struct caller_book *old = c->book;

	c->book = read_book(c);
	atomic_store(&c->generation, c->book->generation);
	caller_book_release(old);
}

struct callers *
callers_open(struct ledger *ledger, const struct secret *identity)
{
	struct callers *c = xcalloc(1, sizeof(*c));

	c->key = key_derive(identity, "gsr/token-hash/v1");
	c->ledger = ledger;
	pthread_mutex_init(&c->lock, NULL);
	c->presences = presences_new();
	renew_book(c);
	presences_recall(c->book, ledger);
	return c;
}

void
callers_close(struct callers *c)
{
	if (c == NULL)
		return;
	caller_book_release(c->book);
	presences_free(c->presences);
	pthread_mutex_destroy(&c->lock);
	secret_free(c->key);
	free(c);
}

void
callers_refresh(struct callers *c, struct caller_book **book)
{
	if (*book != NULL && (*book)->generation == atomic_load(&c->generation))
		return;
	caller_book_release(*book);
	pthread_mutex_lock(&c->lock);
	*book = caller_book_hold(c->book);
	pthread_mutex_unlock(&c->lock);
}

struct slice
caller_token(struct slice authorization, struct slice api_key)
{
	size_t n = sizeof(BEARER) - 1;

	if (authorization.len > n &&
	    strncasecmp(authorization.ptr, BEARER, n) == 0)
		return slice_after(authorization, n);
	return api_key;
}

const struct caller *
caller_find(const struct caller_book *b, struct slice token)
{
	struct hash h;

	if (token.len != TOKEN_CHARS - 1 || !slice_starts(token, TOKEN_PREFIX))
		return NULL;
	h = token_hash(b->key, token);
	return map_find(&b->by_hash, slice_make(h.bytes, HASH_BYTES));
}

enum caller_state
caller_state(const struct caller *c, int64_t wall_us)
{
	if (c->revoked_us != 0)
		return CALLER_REVOKED;
	if (c->expires_us != 0 && wall_us >= c->expires_us)
		return CALLER_EXPIRED;
	return CALLER_ACTIVE;
}

size_t
caller_book_count(const struct caller_book *b)
{
	return b->by_hash.count;
}

const struct caller *
caller_next(const struct caller_book *b, size_t *at)
{
	return map_next(&b->by_hash, at);
}

const struct caller *
caller_named(const struct caller_book *b, struct slice name, int64_t wall_us)
{
	const struct caller *c;
	size_t at = 0;

	while ((c = map_next(&b->by_hash, &at)) != NULL)
		if (slice_eq(c->name, name) &&
		    caller_state(c, wall_us) == CALLER_ACTIVE)
			return c;
	return NULL;
}

bool
caller_may_use(const struct caller *c, struct slice group)
{
	size_t i;

	for (i = 0; i < c->groups_count; i++)
		if (slice_eq(c->groups[i], group))
			return true;
	return false;
}

bool
callers_fit(struct callers *c, const struct topology *t, struct buf *why)
{
	struct caller_book *b = NULL;
	const struct caller *caller;
	int64_t now = clock_wall_us();
	size_t at = 0;
	bool fit = true;

	callers_refresh(c, &b);
	while ((caller = map_next(&b->by_hash, &at)) != NULL) {
		if (caller->tier.len == 0 ||
		    caller_state(caller, now) != CALLER_ACTIVE ||
		    node_tier(t->node, caller->tier) != NULL)
			continue;
		fit = false;
		buf_printf(why,
		    "token '%.*s' is of tier '%.*s', which the node file does "
		    "not have: put the tier back, or revoke the token\n",
		    SLICE_FMT(caller->name), SLICE_FMT(caller->tier));
	}
	caller_book_release(b);
	return fit;
}

static const struct caller *
active_by_name(const struct caller_book *b, struct slice name)
{
	int64_t now = clock_wall_us();
	const struct caller *c;
	size_t at = 0;

	while ((c = map_next(&b->by_hash, &at)) != NULL)
		if (slice_eq(c->name, name) &&
		    caller_state(c, now) == CALLER_ACTIVE)
			return c;
	return NULL;
}

static bool
store(struct callers *c, const struct caller *caller, struct buf *why)
{
	struct buf row;
	bool stored;

	buf_init(&row, ROW_MAX);
	write_row(&row, caller);
	stored = !row.failed && db_put_now(ledger_db(c->ledger), FAMILY_TOKEN,
				    slice_make(caller->hash.bytes, HASH_BYTES),
				    buf_slice(&row)) == DB_OK;
	buf_fini(&row);
	if (stored)
		renew_book(c);
	else
		buf_puts(why, "the store did not take the token\n");
	return stored;
}

static bool
name_is_plain(struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] <= ' ' || name.ptr[i] > '~' ||
		    name.ptr[i] == '"' || name.ptr[i] == '\\')
			return false;
	return name.len > 0 && name.len <= 63;
}

static bool
wish_is_good(const struct callers *c, const struct caller_wish *wish,
    struct buf *why)
{
	if (!name_is_plain(wish->name)) {
		buf_puts(why, "a token's name is 1 to 63 printable characters "
			      "without spaces or quotes\n");
		return false;
	}
	if (wish->groups_count == 0) {
		buf_puts(why,
		    "a token needs at least one group: --groups A,B\n");
		return false;
	}
	if (active_by_name(c->book, wish->name) == NULL)
		return true;
	buf_printf(why,
	    "there is an active token named '%.*s'; revoke it or choose "
	    "another name\n",
	    SLICE_FMT(wish->name));
	return false;
}

bool
callers_create(struct callers *c, const struct caller_wish *wish,
    char token[TOKEN_CHARS], struct buf *why)
{
	uint8_t random[TOKEN_RANDOM];
	struct caller caller = { .name = wish->name,
		.user = wish->user,
		.project = wish->project,
		.tier = wish->tier,
		.environment = wish->environment,
		.groups_count = wish->groups_count,
		.created_us = clock_wall_us(),
		.expires_us = wish->expires_us,
		.pins = wish->pins };
	bool made = false;

	memcpy(caller.groups, wish->groups, sizeof(caller.groups));
	crypto_random(random, sizeof(random));
	memcpy(token, TOKEN_PREFIX, sizeof(TOKEN_PREFIX) - 1);
	base64_write(token + sizeof(TOKEN_PREFIX) - 1, random, sizeof(random));
	crypto_wipe(random, sizeof(random));
	caller.hash = token_hash(c->key, slice_of(token));
	pthread_mutex_lock(&c->lock);
	if (wish_is_good(c, wish, why))
		made = store(c, &caller, why);
	pthread_mutex_unlock(&c->lock);
	return made;
}

bool
callers_revoke(struct callers *c, struct slice name, struct buf *why)
{
	const struct caller *found;
	struct caller caller;
	bool revoked = false;

	pthread_mutex_lock(&c->lock);
	found = active_by_name(c->book, name);
	if (found != NULL) {
		/* Its text lies in the book: keep that until it is stored. */
		struct caller_book *held = caller_book_hold(c->book);

		caller = *found;
		caller.revoked_us = clock_wall_us();
		revoked = store(c, &caller, why);
		caller_book_release(held);
	} else {
		buf_printf(why, "no active token is named '%.*s'\n",
		    SLICE_FMT(name));
	}
	pthread_mutex_unlock(&c->lock);
	return revoked;
}

const char *
caller_state_name(enum caller_state s)
{
	static const char *const names[] = { "active", "expired", "revoked" };

	return names[s];
}

static int
by_creation(const void *a, const void *b)
{
	const struct caller *x = *(const struct caller *const *)a;
	const struct caller *y = *(const struct caller *const *)b;

	return (x->created_us > y->created_us) -
	       (x->created_us < y->created_us);
}

/* "a,b,c" into the buf, which is reset first. */
static struct slice
join_groups(const struct caller *c, struct buf *joined)
{
	size_t i;

	buf_reset(joined);
	for (i = 0; i < c->groups_count; i++) {
		if (i > 0)
			buf_putc(joined, ',');
		buf_put_slice(joined, c->groups[i]);
	}
	return buf_slice(joined);
}

static void
list_rows(struct table *t, const struct caller **all, size_t count)
{
	int64_t now = clock_wall_us();
	struct buf joined;
	size_t i;

	buf_init(&joined, ROW_MAX);
	for (i = 0; i < count; i++) {
		table_text(t, all[i]->name);
		table_text(t,
		    slice_of(caller_state_name(caller_state(all[i], now))));
		table_text(t, all[i]->user);
		table_text(t, all[i]->project);
		table_text(t, all[i]->tier);
		table_text(t, all[i]->environment);
		table_text(t, join_groups(all[i], &joined));
		table_int(t, all[i]->created_us);
		table_int(t, all[i]->expires_us);
		table_int(t, all[i]->revoked_us);
	}
	buf_fini(&joined);
}

void
callers_list(struct callers *c, bool json, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "name", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "user", CELL_TEXT },
		{ "project", CELL_TEXT },
		{ "tier", CELL_TEXT },
		{ "environment", CELL_TEXT },
		{ "groups", CELL_TEXT },
		{ "created", CELL_TIME },
		{ "expires", CELL_TIME },
		{ "revoked", CELL_TIME },
	};
	struct caller_book *b = NULL;
	const struct caller **all;
	struct table table;
	size_t at = 0, n = 0;

	callers_refresh(c, &b);
	all = xcalloc(b->by_hash.count, sizeof(struct caller *));
	while (n < b->by_hash.count)
		all[n++] = map_next(&b->by_hash, &at);
	qsort(all, n, sizeof(struct caller *), by_creation);
	table_open(&table, out, json ? OUTPUT_JSON : OUTPUT_TEXT, columns,
	    count_of(columns));
	list_rows(&table, all, n);
	table_close(&table);
	free(all);
	caller_book_release(b);
}
