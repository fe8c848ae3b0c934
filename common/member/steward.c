#include "common/member/steward.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/format/table.h"

#define ROW_SCHEMA 1
#define ROW_FIELDS 9
#define ROW_MAX    (16 * 1024)
#define BOOK_MAX   ((size_t)64 * 1024 * 1024)

struct stewards {
	struct tokens *tokens;
	struct token_book *book; /* the present one */
};

static const struct steward *
steward_of(const struct token *t)
{
	return t != NULL ? container_of(t, struct steward, token) : NULL;
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
write_row(struct buf *out, const struct token *t)
{
	const struct steward *s = steward_of(t);

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
read_row(void *arg, struct token *t, struct arena *a, struct slice row)
{
	struct steward *s = container_of(t, struct steward, token);
	struct unpack u = unpack_start(row);

	(void)arg;
	if (unpack_array(&u) != ROW_FIELDS || unpack_int(&u) != ROW_SCHEMA)
		return false;
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

static const struct token_kind kind = {
	.family = FAMILY_STEWARD,
	.prefix = STEWARD_PREFIX,
	.purpose = "gsr/admin-token-hash/v1",
	.called = "admin token",
	.bytes = sizeof(struct steward),
	.book_bytes_max = BOOK_MAX,
	.write = write_row,
	.read = read_row,
};

struct stewards *
stewards_open(struct ledger *ledger, const struct secret *identity)
{
	struct stewards *s = xcalloc(1, sizeof(*s));

	s->tokens = tokens_open(&kind, ledger, identity, NULL);
	tokens_refresh(s->tokens, &s->book);
	return s;
}

void
stewards_close(struct stewards *s)
{
	if (s == NULL)
		return;
	token_book_release(s->book);
	tokens_close(s->tokens);
	free(s);
}

const struct steward *
steward_check(const struct stewards *s, struct slice token, int64_t wall_us,
    const struct steward **known, const char **why)
{
	enum token_state state;

	*known = NULL;
	*why = "is no admin token: those begin with " STEWARD_PREFIX;
	if (!token_is_shaped(&kind, token))
		return NULL;
	*known = steward_of(token_find(s->book, token));
	*why = "is not known here";
	if (*known == NULL)
		return NULL;
	state = token_state(&(*known)->token, wall_us);
	*why = state == TOKEN_EXPIRED ? "has expired" : "is revoked";
	return state == TOKEN_ACTIVE ? *known : NULL;
}

static bool
names_are_plain(const struct slice *names, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!token_name_is_plain(names[i]))
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
	if (!names_are_plain(w->teams, w->teams_count) ||
	    !names_are_plain(w->projects, w->projects_count))
		return "a name " TOKEN_NAME_RULE;
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

bool
stewards_create(struct stewards *s, const struct steward_wish *wish,
    char token[TOKEN_CHARS], struct buf *why)
{
	struct steward one = { .name = wish->name,
		.roles = wish->roles,
		.scope = { wish->teams, wish->teams_count, wish->projects,
		    wish->projects_count },
		.by = wish->by,
		.expires_us = wish->expires_us };
	const char *fault = fault_of(wish);
	bool made;

	if (fault != NULL) {
		buf_printf(why, "%s\n", fault);
		return false;
	}
	made = tokens_create(s->tokens, &one.token, token, why);
	tokens_refresh(s->tokens, &s->book);
	return made;
}

bool
stewards_revoke(struct stewards *s, struct slice name, struct buf *why)
{
	bool revoked = tokens_revoke(s->tokens, name, why);

	tokens_refresh(s->tokens, &s->book);
	return revoked;
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
	struct buf roles;

	buf_init(&roles, ROW_MAX);
	roles_put(&roles, s->roles, ",");
	table_text(t, s->name);
	table_text(t,
	    slice_of(token_state_name(token_state(&s->token, now_us))));
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
	const struct token **all = token_book_by_age(s->book);
	int64_t now_us = clock_wall_us();
	struct table table;
	size_t i;

	table_open(&table, out, json ? OUTPUT_JSON : OUTPUT_TEXT, columns,
	    count_of(columns));
	for (i = 0; i < token_book_count(s->book); i++)
		put_steward(&table, steward_of(all[i]), now_us);
	table_close(&table);
	free(all);
}
