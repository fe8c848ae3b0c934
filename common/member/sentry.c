#include "common/member/sentry.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/member/admin.h"
#include "common/member/flood.h"
#include "common/member/process.h"
#include "common/member/signin.h"
#include "common/member/steward.h"
#include "common/member/stranger.h"
#include "common/store/trail.h"
#include "topology/load.h"

#define BEARER     "Bearer "
#define TEXT_MAX   4096
#define ACTION_MAX 128

/* Counted reads are held behind the places of refusals. */
#define READ_PLACES FLOOD_KINDS

/* Of a path that is none of ours, nothing: it is whoever asks that chose it. */
static void
put_action(char text[ACTION_MAX], const struct admin_route *r)
{
	if (r == NULL)
		snprintf(text, ACTION_MAX, "another path");
	else
		snprintf(text, ACTION_MAX, "%s %s", http_method_name(r->method),
		    r->path);
}

struct slice
sentry_token(const struct http_exchange *x)
{
	const size_t n = sizeof(BEARER) - 1;
	struct slice field = http_header(x, "Authorization");

	if (field.len > n && strncasecmp(field.ptr, BEARER, n) == 0)
		return slice_after(field, n);
	return slice_make(NULL, 0);
}

static void
put_wanted(struct buf *out, const struct admin_route *r)
{
	if (r == NULL || r->roles == 0) {
		buf_puts(out, "an admin token");
		return;
	}
	buf_puts(out, "an admin token with the role ");
	roles_put(out, r->roles, " or ");
}

/*
 * The first of its kind is a row, those after it are counted, and held
 * meanwhile, from that place on.  False: it leaves no trace (logged).
 */
static bool
keep(struct process *p, struct flood *f, size_t places, struct audit_row *row)
{
	struct audit_row counted;

	if (!flood_lets(f, row)) {
		flood_counted(f, &counted);
		return trail_hold(p->ledger, places + flood_place(f), &counted);
	}
	if (trail_put(p->trail, row))
		return true;
	flood_forget(f, row);
	return false;
}

/* A refusal: the row, and the status that it has. */
static int
refuse(struct admin_call *call, const struct admin_route *r,
    const struct steward *who, int status, const char *why)
{
	struct process *p = call->process;
	char action[ACTION_MAX], from[LISTEN_ADDRESS_CHARS];
	struct audit_row row = { .at = clock_wall_us(),
		.outcome = slice_of("refused"),
		.status = status,
		.why = slice_of(why) };
	struct buf roles;

	stat_add(STAT_ADMIN_REFUSALS, 1);
	buf_init(&roles, TEXT_MAX);
	put_action(action, r);
	listen_address(http_socket(call->exchange), from);
	row.action = slice_of(action);
	row.from = slice_of(from);
	if (who != NULL) {
		row.actor = who->name;
		roles_put(&roles, who->roles, ",");
		row.role = buf_slice(&roles);
	}
	/* That it is not kept is logged, and it is refused all the same. */
	(void)keep(p, p->flood, 0, &row);
	buf_fini(&roles);
	return status;
}

static int
refuse_stranger(struct admin_call *call, const struct admin_route *r,
    const struct steward *known, const char *why)
{
	struct buf *out = &call->out;

	if (why == NULL) {
		buf_puts(out, "this needs ");
		put_wanted(out, r);
		buf_puts(out, ": Authorization: Bearer " STEWARD_PREFIX "…; "
			      "`token create NAME --role ROLE` makes one\n");
		why = "no token";
	} else if (known != NULL) {
		buf_printf(out, "the admin token '%.*s' %s; this needs ",
		    SLICE_FMT(known->name), why);
		put_wanted(out, r);
		buf_puts(out, " that is in force\n");
	} else {
		buf_printf(out, "this token %s; this needs ", why);
		put_wanted(out, r);
		buf_putc(out, '\n');
	}
	return refuse(call, r, known, 401, why);
}

static int
refuse_role(struct admin_call *call, const struct admin_route *r,
    const struct steward *who)
{
	struct buf *out = &call->out;

	buf_printf(out, "the admin token '%.*s' has the role ",
	    SLICE_FMT(who->name));
	roles_put(out, who->roles, " and ");
	if (r->roles == 0) {
		buf_puts(out, "; this is asked on the control socket alone\n");
	} else {
		buf_puts(out, "; this needs ");
		roles_put(out, r->roles, " or ");
		buf_putc(out, '\n');
	}
	return refuse(call, r, who, 403, "without the role");
}

/* At a node all rows are of its team: the scope's teams decide on all. */
static bool
is_of_its_team(struct admin_call *call)
{
	struct topology *t = process_topology(call->process);
	struct admin_scope teams = call->scope;
	bool is = true;

	if (call->process->app->role == ROLE_NODE) {
		teams.projects_count = 0;
		is = admin_scope_allows(&teams, t->self->team, slice_of(""));
		if (!is)
			buf_printf(&call->out,
			    "this node is of team %.*s, which the admin token "
			    "'%s' is not for\n",
			    SLICE_FMT(t->self->team), call->who);
		call->scope.teams_count = 0;
	}
	topology_release(t);
	return is;
}

static int
admit_steward(struct admin_call *call, const struct admin_route *r,
    const struct steward *who)
{
	const unsigned report = ROLE_BIT(REPORT_ADMIN);

	snprintf(call->who, sizeof(call->who), "%.*s", SLICE_FMT(who->name));
	call->roles = who->roles;
	call->scope = call->own_scope = who->scope;
	if (r == NULL)
		return 0; /* 404 */
	if ((r->roles & who->roles) == 0)
		return refuse_role(call, r, who);
	/* Another role that is enough by itself sees all. */
	if ((r->roles & who->roles & ~report) != 0)
		call->scope = (struct admin_scope){ NULL, 0, NULL, 0 };
	if (!is_of_its_team(call))
		return refuse(call, r, who, 403, "not of its teams");
	return 0;
}

int
sentry_admit(struct admin_call *call, const struct admin_route *r, bool control)
{
	const struct steward *who, *known = NULL;
	const char *why = NULL;
	struct slice token;
	unsigned uid;

	if (control) {
		call->local = true;
		call->roles = ROLES_ALL;
		if (listen_peer(http_socket(call->exchange), &uid))
			snprintf(call->who, sizeof(call->who),
			    "operator (uid %u)", uid);
		else
			snprintf(call->who, sizeof(call->who), "operator");
		return 0;
	}
	if (r != NULL && (r->roles & ROLES_OPEN) != 0)
		return 0;
	token = sentry_token(call->exchange);
	if (token.len == 0)
		token = signin_token(call->process, call->exchange, &why);
	if (token.len == 0)
		return refuse_stranger(call, r, NULL, why);
	who = steward_check(call->process->stewards, token, clock_wall_us(),
	    &known, &why);
	if (who == NULL)
		return refuse_stranger(call, r, known, why);
	return admit_steward(call, r, who);
}

/* What a list was asked for, where the route did not say what it is about. */
static void
put_filters(struct admin_call *call)
{
	static const char *const names[] = { "caller", "group", "target",
		"team", "project", "user", "origin", "egress", "dialect",
		"state", "tier", "bucket", "outcome", "request", "kind", "fail",
		"status", "slow", "what", "actor", "action", "month", "from",
		"to", "before", "after", "by", "where", "of", "source",
		"baseline", "fixed", "routed", "limit" };
	size_t i;

	if (call->what.len > 0)
		return;
	admin_about(call, call->rest);
	for (i = 0; i < count_of(names); i++) {
		struct slice value = admin_argument(call, names[i]);

		if (value.len > 0)
			buf_printf(&call->what, "%s%s=%.*s",
			    call->what.len > 0 ? " " : "", names[i],
			    SLICE_FMT(value));
	}
}

bool
sentry_note(struct admin_call *call, const struct admin_route *r, int status)
{
	char action[ACTION_MAX], from[LISTEN_ADDRESS_CHARS];
	struct audit_row row = { .at = clock_wall_us(),
		.actor = slice_of(call->who),
		.status = status };
	struct buf roles;
	bool kept;

	if (r == NULL || r->trace == TRACE_NONE ||
	    (r->trace == TRACE_READ && call->local))
		return true;
	buf_init(&roles, TEXT_MAX);
	put_action(action, r);
	put_filters(call);
	listen_address(http_socket(call->exchange), from);
	if (!call->local)
		roles_put(&roles, call->roles, ",");
	row.role = buf_slice(&roles);
	row.action = slice_of(action);
	row.what = buf_slice(&call->what);
	row.outcome = slice_of(status / 100 == 2 ? "done" : "failed");
	row.from = slice_of(from);
	/* A page that is open reads the same every few seconds. */
	kept =
	    r->trace != TRACE_CHANGE
		? keep(call->process, call->process->reads, READ_PLACES, &row)
		: trail_put(call->process->trail, &row);
	buf_fini(&roles);
	return kept;
}

void
sentry_note_own(struct process *p, const char *actor, const char *action,
    struct slice what, bool done)
{
	struct audit_row row = { .at = clock_wall_us(),
		.actor = slice_of(actor),
		.action = slice_of(action),
		.what = what,
		.outcome = slice_of(done ? "done" : "failed") };

	(void)trail_put(p->trail, &row);
}

void
sentry_strangers(struct process *p)
{
	struct audit_row row;

	while (strangers_next(p->strangers, &row))
		(void)keep(p, p->flood, 0, &row);
}

void
sentry_sweep(struct process *p, int64_t wall_us)
{
	struct audit_row row;

	sentry_strangers(p);
	while (flood_next(p->flood, wall_us, &row))
		(void)trail_put_held(p->trail, flood_place(p->flood), &row);
	while (flood_next(p->reads, wall_us, &row))
		(void)trail_put_held(p->trail,
		    READ_PLACES + flood_place(p->reads), &row);
}
