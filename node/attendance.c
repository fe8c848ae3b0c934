#include "node/attendance.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/base/memory.h"
#include "common/format/table.h"
#include "common/member/admin.h"
#include "common/member/balance.h"
#include "common/member/process.h"
#include "node/caller.h"
#include "node/node.h"
#include "node/presence.h"

#define CELL_MAX  512
#define PERCENT   100
#define NAMES_MAX 4096 /* that a wrong one is compared with */

/* Who is asked for; empty: all, but for the state: those that may call. */
struct wanted {
	struct slice caller, user, project, tier, state;
};

struct attendance {
	struct node *node;
	struct token_book *book;
	const struct caller **all;
	size_t count;
	int64_t now_us; /* wall */
};

static bool
passes(struct slice wanted, struct slice is)
{
	return wanted.len == 0 || slice_eq(wanted, is);
}

static const char *
state_of(const struct attendance *a, const struct caller *c)
{
	return token_state_name(caller_state(c, a->now_us));
}

static bool
is_wanted(const struct attendance *a, const struct wanted *w,
    const struct caller *c)
{
	const char *state = state_of(a, c);

	if (w->state.len == 0 && caller_state(c, a->now_us) != TOKEN_ACTIVE)
		return false;
	if (w->state.len > 0 && !slice_is(w->state, "all") &&
	    !slice_is(w->state, state))
		return false;
	return passes(w->caller, c->name) && passes(w->user, c->user) &&
	       passes(w->project, c->project) && passes(w->tier, c->tier);
}

/* Who came last stands first. */
static int
by_presence(const void *a, const void *b)
{
	const struct caller *x = *(const struct caller *const *)a;
	const struct caller *y = *(const struct caller *const *)b;
	int64_t seen = presence_seen(x->presence),
		other = presence_seen(y->presence);

	if (seen != other)
		return seen > other ? -1 : 1;
	return (x->created_us < y->created_us) -
	       (x->created_us > y->created_us);
}

static void
gather(struct attendance *a, const struct wanted *w)
{
	const struct caller *c;
	size_t at = 0;

	callers_refresh(a->node->callers, &a->book);
	a->all = xcalloc(token_book_count(a->book) + 1, sizeof(*a->all));
	while ((c = caller_next(a->book, &at)) != NULL)
		if (is_wanted(a, w, c))
			a->all[a->count++] = c;
	qsort(a->all, a->count, sizeof(*a->all), by_presence);
}

/* False: it has nothing any more. */
static bool
stand(const struct attendance *a, const struct caller *c,
    struct limits_standing *s)
{
	const struct limits_who who = { SCOPE_CALLER, c->name, c->tier };

	if (caller_state(c, a->now_us) != TOKEN_ACTIVE)
		return false;
	limits_stand(a->node->limits, &who, s);
	return true;
}

static void
put_left(struct table *t, const struct limits_standing *s, enum limit_kind kind)
{
	struct balance_line line;
	struct buf text;

	buf_init(&text, CELL_MAX);
	if (s != NULL && balance_line(s, kind, &line))
		buf_printf(&text, "%lld/%lld",
		    (long long)(line.most - line.used), (long long)line.most);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

/* "month_usd 82%": of the budget of which the most is used. */
static void
put_fullest(struct table *t, const struct limits_standing *s)
{
	struct balance_line line, fullest = { .most = 0 };
	double most = -1, used;
	struct buf text;
	size_t i;

	buf_init(&text, CELL_MAX);
	for (i = LIMIT_BUDGET; s != NULL && i < BALANCE_LINES; i++) {
		if (!balance_line(s, i, &line) || line.most <= 0)
			continue;
		used = (double)line.used / (double)line.most;
		if (used > most) {
			most = used;
			fullest = line;
		}
	}
	if (fullest.most > 0)
		buf_printf(&text, "%s %d%%", fullest.name,
		    (int)(most * PERCENT));
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_line(struct table *t, const struct attendance *a, const struct caller *c)
{
	struct limits_standing standing, *s = &standing;

	if (!stand(a, c, &standing))
		s = NULL;
	table_text(t, c->name);
	table_text(t, slice_of(state_of(a, c)));
	table_text(t, c->user);
	table_text(t, c->project);
	table_text(t, c->tier);
	table_int(t, presence_seen(c->presence));
	table_int(t, c->expires_us);
	table_int(t, s != NULL ? s->scope.running : 0);
	put_left(t, s, LIMIT_RPM);
	put_left(t, s, LIMIT_TPM);
	put_fullest(t, s);
}

static void
write_text(const struct attendance *a, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "name", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "user", CELL_TEXT },
		{ "project", CELL_TEXT },
		{ "tier", CELL_TEXT },
		{ "last seen", CELL_TIME },
		{ "expires", CELL_TIME },
		{ "under way", CELL_INT },
		{ "rpm left", CELL_TEXT },
		{ "tpm left", CELL_TEXT },
		{ "fullest budget", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < a->count; i++)
		put_line(&t, a, a->all[i]);
	table_close(&t);
}

static void
field_time(struct json_writer *w, const char *name, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	json_key(w, name);
	if (wall_us <= 0 || wall_us > ROW_TIME_MAX) {
		json_put_null(w);
		return;
	}
	clock_write(wall_us, text);
	json_put_text(w, slice_of(text));
}

static void
json_limits(struct json_writer *w, const struct attendance *a,
    const struct caller *c)
{
	struct limits_standing s;

	if (!stand(a, c, &s)) {
		json_key(w, "limits");
		json_put_null(w);
		return;
	}
	json_field_int(w, "running", s.scope.running);
	json_key(w, "limits");
	balance_put_rates(w, &s, a->now_us);
	json_key(w, "budgets");
	balance_put_budgets(w, &s);
	json_key(w, "spent");
	balance_put_spent(w, &s);
}

static void
json_line(struct json_writer *w, const struct attendance *a,
    const struct caller *c)
{
	json_open(w, '{');
	json_field_text(w, "name", c->name);
	json_field_text(w, "state", slice_of(state_of(a, c)));
	json_field_text(w, "user", c->user);
	json_field_text(w, "project", c->project);
	json_field_text(w, "tier", c->tier);
	json_field_texts(w, "groups", c->groups, c->groups_count);
	json_field_bool(w, "pins", c->pins);
	json_field_text(w, "pseudonym", c->pseudonym);
	field_time(w, "last_seen", presence_seen(c->presence));
	field_time(w, "created", c->created_us);
	field_time(w, "expires", c->expires_us);
	field_time(w, "revoked", c->revoked_us);
	json_limits(w, a, c);
	json_close(w, '}');
}

static void
write_json(const struct attendance *a, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '[');
	for (i = 0; i < a->count; i++)
		json_line(&w, a, a->all[i]);
	json_close(&w, ']');
	buf_putc(out, '\n');
}

static void
put_unknown(const struct attendance *a, struct slice name, struct buf *out)
{
	const char **names = xcalloc(NAMES_MAX, sizeof(*names));
	const struct caller *c;
	const char *near;
	struct arena arena;
	size_t at = 0, n = 0;

	arena_init(&arena, (size_t)NAMES_MAX * CELL_MAX);
	while (n < NAMES_MAX && (c = caller_next(a->book, &at)) != NULL)
		names[n++] = arena_text(&arena, c->name);
	near = nearest_word(name, names, n);
	buf_printf(out, "no such token is named '%.*s'", SLICE_FMT(name));
	if (near != NULL)
		buf_printf(out, "; is it '%s'?", near);
	buf_putc(out, '\n');
	arena_fini(&arena);
	free(names);
}

int
attendance_serve(struct admin_call *call)
{
	const struct wanted w = { .caller = admin_argument(call, "caller"),
		.user = admin_argument(call, "user"),
		.project = admin_argument(call, "project"),
		.tier = admin_argument(call, "tier"),
		.state = admin_argument(call, "state") };
	struct attendance a = { .node = call->process->shared,
		.now_us = clock_wall_us() };
	int status = 200;

	gather(&a, &w);
	if (w.caller.len > 0 && a.count == 0) {
		put_unknown(&a, w.caller, &call->out);
		status = 404;
	} else if (call->json) {
		write_json(&a, &call->out);
	} else {
		write_text(&a, &call->out);
	}
	free(a.all);
	token_book_release(a.book);
	return status;
}
