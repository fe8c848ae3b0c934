#include "common/member/steward.h"

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

#define TOKEN_RANDOM 24
#define ROW_SCHEMA   1
#define ROW_FIELDS   9
#define ROW_MAX      (16 * 1024)
#define BOOK_MAX     ((size_t)64 * 1024 * 1024)
#define NAME_MAX     63

struct stewards {
	struct ledger *ledger;
	struct secret *key; /* keys the hashes; made from the identity */
	struct map by_hash; /* struct steward */
	struct arena arena;
};

static struct hash
token_hash(const struct stewards *s, struct slice token)
{
	return hash_keyed(secret_view(s->key), token.ptr, token.len);
}

static void
write_names(struct buf *out, const struct slice *names, size_t count)
{
	size_t i;

	pack_array(out, count);
	for (i = 0; i < count; i++)
		pack_text(out, names[i]);
}

/* Roles stand by name: their order may change. */
static void
write_roles(struct buf *out, unsigned roles)
{
	enum admin_role r;

	pack_array(out, (size_t)__builtin_popcount(roles));
	for (r = 0; r < ADMIN_ROLES; r++)
		if ((roles & ROLE_BIT(r)) != 0)
			pack_text(out, slice_of(role_name(r)));
}

static void
write_row(struct buf *out, const struct steward *s)
{
	pack_array(out, ROW_FIELDS);
	pack_int(out, ROW_SCHEMA);
	pack_text(out, s->name);
	write_roles(out, s->roles);
	write_names(out, s->scope.teams, s->scope.teams_count);
	write_names(out, s->scope.projects, s->scope.projects_count);
	pack_text(out, s->by);
	pack_int(out, s->created_us);
	pack_int(out, s->expires_us);
	pack_int(out, s->revoked_us);
}

static const struct slice *
read_names(struct unpack *u, struct arena *a, size_t *count)
{
	struct slice *names;
	size_t i;

	*count = unpack_array(u);
	if (*count > STEWARD_NAMES_MAX) {
		u->failed = true;
		*count = 0;
	}
	names = arena_many(a, struct slice, *count + 1);
	for (i = 0; i < *count; i++)
		names[i] = arena_copy(a, unpack_text(u));
	return names;
}

/* A role that is not known here was given by a newer version: it gives
 * nothing. */
static unsigned
read_roles(struct unpack *u)
{
	size_t count = unpack_array(u), i;
	unsigned roles = 0;

	for (i = 0; i < count && !u->failed; i++)
		roles |= role_bit(unpack_text(u));
	return roles;
}

static bool
read_row(struct steward *s, struct arena *a, struct slice key, struct slice row)
{
	struct unpack u = unpack_start(row);

	if (key.len != HASH_BYTES || unpack_array(&u) != ROW_FIELDS ||
	    unpack_int(&u) != ROW_SCHEMA)
		return false;
	memcpy(s->hash.bytes, key.ptr, HASH_BYTES);
	s->name = arena_copy(a, unpack_text(&u));
	s->roles = read_roles(&u);
	s->scope.teams = read_names(&u, a, &s->scope.teams_count);
	s->scope.projects = read_names(&u, a, &s->scope.projects_count);
	s->by = arena_copy(a, unpack_text(&u));
	s->created_us = unpack_int(&u);
	s->expires_us = unpack_int(&u);
	s->revoked_us = unpack_int(&u);
	return unpack_done(&u);
}

static void
read_all(struct stewards *s)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan;

	map_init(&s->by_hash);
	arena_init(&s->arena, BOOK_MAX);
	scan = db_scan_new(ledger_db(s->ledger), FAMILY_STEWARD, none, none,
	    false);
	while (db_scan_next(scan, &key, &value)) {
		struct steward *one = arena_new(&s->arena, struct steward);

		if (read_row(one, &s->arena, key, value))
			map_put(&s->by_hash,
			    slice_make(one->hash.bytes, HASH_BYTES), one);
	}
	db_scan_free(scan);
}

static void
forget_all(struct stewards *s)
{
	map_fini(&s->by_hash);
	arena_fini(&s->arena);
}

struct stewards *
stewards_open(struct ledger *ledger, const struct secret *identity)
{
	struct stewards *s = xcalloc(1, sizeof(*s));

	s->key = key_derive(identity, "gsr/admin-token-hash/v1");
	s->ledger = ledger;
	read_all(s);
	return s;
}

void
stewards_close(struct stewards *s)
{
	if (s == NULL)
		return;
	forget_all(s);
	secret_free(s->key);
	free(s);
}

enum steward_state
steward_state(const struct steward *s, int64_t wall_us)
{
	if (s->revoked_us != 0)
		return STEWARD_REVOKED;
	if (s->expires_us != 0 && wall_us >= s->expires_us)
		return STEWARD_EXPIRED;
	return STEWARD_ACTIVE;
}

const struct steward *
steward_check(const struct stewards *s, struct slice token, int64_t wall_us,
    const struct steward **known, const char **why)
{
	struct hash h;

	*known = NULL;
	*why = "is no admin token: those begin with " STEWARD_PREFIX;
	if (token.len != STEWARD_TOKEN_CHARS - 1 ||
	    !slice_starts(token, STEWARD_PREFIX))
		return NULL;
	h = token_hash(s, token);
	*known = map_find(&s->by_hash, slice_make(h.bytes, HASH_BYTES));
	*why = "is not known here";
	if (*known == NULL)
		return NULL;
	*why = steward_state(*known, wall_us) == STEWARD_EXPIRED ? "has expired"
								 : "is revoked";
	return steward_state(*known, wall_us) == STEWARD_ACTIVE ? *known : NULL;
}

static const struct steward *
active_by_name(const struct stewards *s, struct slice name)
{
	int64_t now = clock_wall_us();
	const struct steward *one;
	size_t at = 0;

	while ((one = map_next(&s->by_hash, &at)) != NULL)
		if (slice_eq(one->name, name) &&
		    steward_state(one, now) == STEWARD_ACTIVE)
			return one;
	return NULL;
}

static bool
store(struct stewards *s, const struct steward *one, struct buf *why)
{
	struct buf row;
	bool stored;

	buf_init(&row, ROW_MAX);
	write_row(&row, one);
	stored = !row.failed && db_put_now(ledger_db(s->ledger), FAMILY_STEWARD,
				    slice_make(one->hash.bytes, HASH_BYTES),
				    buf_slice(&row)) == DB_OK;
	buf_fini(&row);
	if (stored) {
		forget_all(s);
		read_all(s);
	} else {
		buf_puts(why, "the store did not take the token\n");
	}
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
	return name.len > 0 && name.len <= NAME_MAX;
}

static bool
names_are_plain(const struct slice *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!name_is_plain(names[i]))
			return false;
	return true;
}

/* Who else is written down as the one who did something. */
static bool
is_taken(struct slice name)
{
	static const char *const taken[] = { "operator", "router", "time",
		"signal", "start" };
	size_t i;

	for (i = 0; i < count_of(taken); i++)
		if (slice_is(name, taken[i]))
			return true;
	return false;
}

static const char *
fault_of(const struct steward_wish *w)
{
	if (!name_is_plain(w->name) ||
	    !names_are_plain(w->teams, w->teams_count) ||
	    !names_are_plain(w->projects, w->projects_count))
		return "a name is 1 to 63 printable characters without spaces "
		       "or quotes";
	if (is_taken(w->name))
		return "operator, router, time, signal and start are not for "
		       "tokens: the logs have those names for others";
	if (w->roles == 0)
		return "an admin token needs at least one role";
	if (w->teams_count + w->projects_count > 0 &&
	    (w->roles & ROLE_BIT(REPORT_ADMIN)) == 0)
		return "teams and projects are of the role report-admin; leave "
		       "them out, or give it that role";
	return NULL;
}

static bool
wish_is_good(const struct stewards *s, const struct steward_wish *wish,
    struct buf *why)
{
	const char *fault = fault_of(wish);

	if (fault != NULL) {
		buf_printf(why, "%s\n", fault);
		return false;
	}
	if (active_by_name(s, wish->name) == NULL)
		return true;
	buf_printf(why,
	    "there is an active admin token named '%.*s'; revoke it or choose "
	    "another name\n",
	    SLICE_FMT(wish->name));
	return false;
}

bool
stewards_create(struct stewards *s, const struct steward_wish *wish,
    char token[STEWARD_TOKEN_CHARS], struct buf *why)
{
	const size_t n = sizeof(STEWARD_PREFIX) - 1;
	uint8_t random[TOKEN_RANDOM];
	struct steward one = { .name = wish->name,
		.roles = wish->roles,
		.scope = { wish->teams, wish->teams_count, wish->projects,
		    wish->projects_count },
		.by = wish->by,
		.created_us = clock_wall_us(),
		.expires_us = wish->expires_us };

	if (!wish_is_good(s, wish, why))
		return false;
	crypto_random(random, sizeof(random));
	memcpy(token, STEWARD_PREFIX, n);
	base64_write(token + n, random, sizeof(random));
	crypto_wipe(random, sizeof(random));
	one.hash = token_hash(s, slice_of(token));
	return store(s, &one, why);
}

bool
stewards_revoke(struct stewards *s, struct slice name, struct buf *why)
{
	const struct steward *found = active_by_name(s, name);
	struct steward one;

	if (found == NULL) {
		buf_printf(why, "no active admin token is named '%.*s'\n",
		    SLICE_FMT(name));
		return false;
	}
	one = *found; /* its text lies in the arena until it is stored */
	one.revoked_us = clock_wall_us();
	return store(s, &one, why);
}

static int
by_creation(const void *a, const void *b)
{
	const struct steward *x = *(const struct steward *const *)a;
	const struct steward *y = *(const struct steward *const *)b;

	return (x->created_us > y->created_us) -
	       (x->created_us < y->created_us);
}

static void
put_names(struct table *t, const struct slice *names, size_t count)
{
	struct buf joined;
	size_t i;

	buf_init(&joined, ROW_MAX);
	for (i = 0; i < count; i++)
		buf_printf(&joined, "%s%.*s", i > 0 ? "," : "",
		    SLICE_FMT(names[i]));
	table_text(t, buf_slice(&joined));
	buf_fini(&joined);
}

static void
put_steward(struct table *t, const struct steward *s, int64_t now_us)
{
	static const char *const states[] = { "active", "expired", "revoked" };
	struct buf roles;

	buf_init(&roles, ROW_MAX);
	roles_put(&roles, s->roles, ",");
	table_text(t, s->name);
	table_text(t, slice_of(states[steward_state(s, now_us)]));
	table_text(t, buf_slice(&roles));
	put_names(t, s->scope.teams, s->scope.teams_count);
	put_names(t, s->scope.projects, s->scope.projects_count);
	table_text(t, s->by);
	table_int(t, s->created_us);
	table_int(t, s->expires_us);
	table_int(t, s->revoked_us);
	buf_fini(&roles);
}

void
stewards_list(const struct stewards *s, bool json, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "name", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "roles", CELL_TEXT },
		{ "teams", CELL_TEXT },
		{ "projects", CELL_TEXT },
		{ "by", CELL_TEXT },
		{ "created", CELL_TIME },
		{ "expires", CELL_TIME },
		{ "revoked", CELL_TIME },
	};
	const struct steward **all =
	    xcalloc(s->by_hash.count + 1, sizeof(struct steward *));
	int64_t now_us = clock_wall_us();
	struct table table;
	size_t at = 0, n = 0, i;

	while (n < s->by_hash.count)
		all[n++] = map_next(&s->by_hash, &at);
	qsort(all, n, sizeof(struct steward *), by_creation);
	table_open(&table, out, json ? OUTPUT_JSON : OUTPUT_TEXT, columns,
	    count_of(columns));
	for (i = 0; i < n; i++)
		put_steward(&table, all[i], now_us);
	table_close(&table);
	free(all);
}
