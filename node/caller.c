#include "node/caller.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/format/table.h"
#include "node/presence.h"
#include "topology/load.h"

#define BEARER "Bearer "
/* And `pins`, the tier and the environment, as far as they are said. */
#define ROW_FIELDS      9
#define ROW_MORE        3
#define ROW_SCHEMA      1
#define ROW_MAX         (16 * 1024)
#define BOOK_MAX        ((size_t)256 * 1024 * 1024)
#define PSEUDONYM_BYTES 8

struct callers {
	struct tokens *tokens;
	struct presences *presences;
};

static const struct caller *
caller_of(const struct token *t)
{
	return t != NULL ? container_of(t, struct caller, token) : NULL;
}

static void
write_row(struct buf *out, const struct token *t)
{
	const struct caller *c = caller_of(t);
	size_t i, more = c->pins;

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
read_row(void *presences, struct token *t, struct arena *a, struct slice row)
{
	struct caller *c = container_of(t, struct caller, token);
	struct unpack u = unpack_start(row);
	struct hash h;
	char hex[2 * PSEUDONYM_BYTES + 1];
	size_t fields = unpack_array(&u), i;

	if (fields < ROW_FIELDS || fields > ROW_FIELDS + ROW_MORE ||
	    unpack_int(&u) != ROW_SCHEMA)
		return false;
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
	if (!unpack_done(&u))
		return false;
	c->presence = presence_get(presences, &c->hash);
	return true;
}

static const struct token_kind kind = {
	.family = FAMILY_TOKEN,
	.prefix = "gsr_",
	.purpose = "gsr/token-hash/v1",
	.called = "token",
	.bytes = sizeof(struct caller),
	.book_bytes_max = BOOK_MAX,
	.write = write_row,
	.read = read_row,
};

struct callers *
callers_open(struct ledger *ledger, const struct secret *identity)
{
	struct callers *c = xcalloc(1, sizeof(*c));
	struct token_book *book = NULL;

	c->presences = presences_new();
	c->tokens = tokens_open(&kind, ledger, identity, c->presences);
	callers_refresh(c, &book);
	presences_recall(book, ledger);
	token_book_release(book);
	return c;
}

void
callers_close(struct callers *c)
{
	if (c == NULL)
		return;
	tokens_close(c->tokens);
	presences_free(c->presences);
	free(c);
}

void
callers_refresh(struct callers *c, struct token_book **book)
{
	tokens_refresh(c->tokens, book);
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
caller_find(const struct token_book *b, struct slice token)
{
	return caller_of(token_find(b, token));
}

const struct caller *
caller_next(const struct token_book *b, size_t *at)
{
	return caller_of(token_next(b, at));
}

const struct caller *
caller_named(const struct token_book *b, struct slice name, int64_t wall_us)
{
	return caller_of(token_named(b, name, wall_us));
}

enum token_state
caller_state(const struct caller *c, int64_t wall_us)
{
	return token_state(&c->token, wall_us);
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
	struct token_book *b = NULL;
	const struct caller *caller;
	int64_t now = clock_wall_us();
	size_t at = 0;
	bool fit = true;

	callers_refresh(c, &b);
	while ((caller = caller_next(b, &at)) != NULL) {
		if (caller->tier.len == 0 ||
		    caller_state(caller, now) != TOKEN_ACTIVE ||
		    node_tier(t->node, caller->tier) != NULL)
			continue;
		fit = false;
		buf_printf(why,
		    "token '%.*s' is of tier '%.*s', which the node file does "
		    "not have: put the tier back, or revoke the token\n",
		    SLICE_FMT(caller->name), SLICE_FMT(caller->tier));
	}
	token_book_release(b);
	return fit;
}

bool
callers_create(struct callers *c, const struct caller_wish *wish,
    char token[TOKEN_CHARS], struct buf *why)
{
	struct caller caller = { .name = wish->name,
		.user = wish->user,
		.project = wish->project,
		.tier = wish->tier,
		.environment = wish->environment,
		.groups_count = wish->groups_count,
		.expires_us = wish->expires_us,
		.pins = wish->pins };

	if (wish->groups_count == 0) {
		buf_puts(why,
		    "a token needs at least one group: --groups A,B\n");
		return false;
	}
	memcpy(caller.groups, wish->groups, sizeof(caller.groups));
	return tokens_create(c->tokens, &caller.token, token, why);
}

bool
callers_revoke(struct callers *c, struct slice name, struct buf *why)
{
	return tokens_revoke(c->tokens, name, why);
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
put_caller(struct table *t, const struct caller *c, int64_t now_us,
    struct buf *joined)
{
	table_text(t, c->name);
	table_text(t, slice_of(token_state_name(caller_state(c, now_us))));
	table_text(t, c->user);
	table_text(t, c->project);
	table_text(t, c->tier);
	table_text(t, c->environment);
	table_text(t, join_groups(c, joined));
	table_int(t, c->created_us);
	table_int(t, c->expires_us);
	table_int(t, c->revoked_us);
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
	int64_t now_us = clock_wall_us();
	struct token_book *b = NULL;
	const struct token **all;
	struct table table;
	struct buf joined;
	size_t i;

	callers_refresh(c, &b);
	all = token_book_by_age(b);
	buf_init(&joined, ROW_MAX);
	table_open(&table, out, json ? OUTPUT_JSON : OUTPUT_TEXT, columns,
	    count_of(columns));
	for (i = 0; i < token_book_count(b); i++)
		put_caller(&table, caller_of(all[i]), now_us, &joined);
	table_close(&table);
	buf_fini(&joined);
	free(all);
	token_book_release(b);
}
