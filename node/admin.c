#include "node/admin.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/member/journal.h"
#include "common/member/tally.h"
#include "common/member/target.h"
#include "node/attendance.h"
#include "node/caller.h"
#include "node/evidence.h"
#include "node/extract.h"
#include "node/groups.h"
#include "node/node.h"
#include "node/pricing.h"
#include "node/rehearsal.h"
#include "node/roll.h"
#include "node/standing.h"
#include "topology/load.h"

#define ARENA_MAX   (64 * 1024 * 1024) /* of a body that is all brackets */
#define RESULTS_MAX 1024

#define DISABLED_MS_MAX INT64_C(315360000000)

static struct callers *
callers_of(const struct admin_call *call)
{
	return ((struct node *)call->process->shared)->callers;
}

static struct evidence *
evidence_of(const struct admin_call *call)
{
	return ((struct node *)call->process->shared)->evidence;
}

static int
serve_list(struct admin_call *call)
{
	callers_list(callers_of(call), call->json, &call->out);
	return 200;
}

/* Groups are checked against the running topology: a typo is found now. */
static bool
groups_exist(struct admin_call *call, const struct caller_wish *wish)
{
	struct topology *t = process_topology(call->process);
	const struct group *group;
	bool all = true;
	size_t i, k;

	for (i = 0; i < wish->groups_count; i++) {
		group = node_group(t->node, wish->groups[i]);
		/* Tokens name groups as they are called, not by an alias. */
		if (group != NULL && slice_eq(group->name, wish->groups[i]))
			continue;
		all = false;
		buf_printf(&call->out, "no group is named '%.*s'; groups:",
		    SLICE_FMT(wish->groups[i]));
		for (k = 0; k < t->node->groups_count; k++)
			buf_printf(&call->out, " %.*s",
			    SLICE_FMT(t->node->groups[k].name));
		buf_putc(&call->out, '\n');
	}
	topology_release(t);
	return all;
}

/* So is the tier. */
static bool
tier_exists(struct admin_call *call, struct slice tier)
{
	struct topology *t = process_topology(call->process);
	bool exists = tier.len == 0 || node_tier(t->node, tier) != NULL;
	size_t i;

	if (!exists) {
		buf_printf(&call->out,
		    "no tier is named '%.*s'; tiers:", SLICE_FMT(tier));
		for (i = 0; i < t->node->tiers_count; i++)
			buf_printf(&call->out, " %.*s",
			    SLICE_FMT(t->node->tiers[i].name));
		buf_putc(&call->out, '\n');
	}
	topology_release(t);
	return exists;
}

static bool
read_groups(struct admin_call *call, struct arena *arena,
    const struct json_value *list, struct caller_wish *wish)
{
	const struct json_value *v;

	if (list == NULL || list->type != JSON_ARRAY ||
	    list->count > CALLER_GROUPS_MAX) {
		buf_puts(&call->out,
		    "'groups' is a list of at most 64 names\n");
		return false;
	}
	for (v = list->first; v != NULL; v = v->next)
		if (!json_text(v, arena, &wish->groups[wish->groups_count++])) {
			buf_puts(&call->out, "'groups' is a list of names\n");
			return false;
		}
	return groups_exist(call, wish);
}

static bool
is_true(const struct json_value *v)
{
	return v != NULL && v->type == JSON_TRUE;
}

static int
serve_create(struct admin_call *call)
{
	struct caller_wish wish = { .groups_count = 0 };
	char token[TOKEN_CHARS];
	const struct json_value *root;
	struct json_error error;
	struct arena arena;
	int status = 400;

	arena_init(&arena, ARENA_MAX);
	root = json_parse(&arena, http_body(call->exchange), &error);
	wish.name = admin_text(call, &arena, "name");
	admin_about(call, wish.name);
	wish.user = admin_text(call, &arena, "user");
	wish.project = admin_text(call, &arena, "project");
	wish.tier = admin_text(call, &arena, "tier");
	wish.environment = admin_text(call, &arena, "environment");
	(void)json_int(json_find(root, "expires_us"), &wish.expires_us);
	wish.pins = is_true(json_find(root, "pins"));
	if (read_groups(call, &arena, json_find(root, "groups"), &wish) &&
	    tier_exists(call, wish.tier) &&
	    callers_create(callers_of(call), &wish, token, &call->out)) {
		buf_printf(&call->out, "%s\n", token);
		crypto_wipe(token, sizeof(token));
		status = 201;
	}
	arena_fini(&arena);
	return status;
}

static int
serve_revoke(struct admin_call *call)
{
	struct arena arena;
	struct slice name;
	int status = 404;

	arena_init(&arena, ARENA_MAX);
	name = admin_text(call, &arena, "name");
	admin_about(call, name);
	if (callers_revoke(callers_of(call), name, &call->out)) {
		buf_puts(&call->out, "revoked\n");
		status = 200;
	}
	arena_fini(&arena);
	return status;
}

static int
serve_evidence(struct admin_call *call)
{
	struct slice group;

	if (!http_query(call->exchange, "group", &group))
		group = slice_make(NULL, 0);
	evidence_list(evidence_of(call), group, call->json, &call->out);
	return 200;
}

/* A target may be left out: some trials are of the group alone. */
static bool
is_of_group(const struct group *group, struct slice target)
{
	size_t i;

	for (i = 0; i < group->targets_count; i++)
		if (slice_eq(group->targets[i].model, target))
			return true;
	return target.len == 0;
}

static bool
read_result(struct admin_call *call, struct arena *arena,
    const struct json_value *v, const struct group *group,
    struct evidence_row *row)
{
	struct slice id = { NULL, 0 };

	row->group = group->name;
	row->passed = is_true(json_find(v, "passed"));
	if (!json_text(json_find(v, "target"), arena, &row->target) ||
	    !json_text(json_find(v, "capability"), arena, &row->capability) ||
	    !json_text(json_find(v, "detail"), arena, &row->detail) ||
	    !json_text(json_find(v, "way"), arena, &row->way) ||
	    !json_text(json_find(v, "request"), arena, &id) ||
	    (id.len > 0 && !id_parse(&row->request, id))) {
		buf_puts(&call->out, "a result has target, capability, passed, "
				     "detail, way and request\n");
		return false;
	}
	if (is_of_group(group, row->target))
		return true;
	buf_printf(&call->out, "%.*s is no target of group '%.*s'\n",
	    SLICE_FMT(row->target), SLICE_FMT(group->name));
	return false;
}

static int
keep_results(struct admin_call *call, struct arena *arena,
    const struct json_value *list, const struct group *group,
    const struct topology *t)
{
	const struct evidence_stamp stamp = { .tested_at = clock_wall_us(),
		.topology = slice_of(t->hash_text) };
	const struct json_value *v;
	struct evidence_row *rows;
	size_t n = 0;

	if (list == NULL || list->type != JSON_ARRAY ||
	    list->count > RESULTS_MAX) {
		buf_puts(&call->out, "'results' is a list of at most 1024\n");
		return 400;
	}
	rows = arena_many(arena, struct evidence_row, list->count);
	for (v = list->first; v != NULL; v = v->next)
		if (!read_result(call, arena, v, group, &rows[n++]))
			return 400;
	if (!evidence_add(evidence_of(call), rows, n, &stamp, &call->out))
		return 409;
	buf_printf(&call->out, "%zu results are kept as evidence\n", n);
	return 201;
}

static int
serve_results(struct admin_call *call)
{
	struct topology *t = process_topology(call->process);
	const struct json_value *root;
	const struct group *group;
	struct json_error error;
	struct arena arena;
	struct slice name;
	int status = 404;

	arena_init(&arena, ARENA_MAX);
	root = json_parse(&arena, http_body(call->exchange), &error);
	name = admin_text(call, &arena, "group");
	admin_about(call, name);
	group = node_group(t->node, name);
	if (group != NULL)
		status = keep_results(call, &arena, json_find(root, "results"),
		    group, t);
	else
		buf_printf(&call->out, "no group is named '%.*s'\n",
		    SLICE_FMT(name));
	arena_fini(&arena);
	topology_release(t);
	return status;
}

static int
serve_groups(struct admin_call *call)
{
	struct topology *t = process_topology(call->process);

	call->json =
	    true; /* for programs; the topology's files are for people */
	groups_write(&call->out, t, call->process->ledger);
	topology_release(t);
	return 200;
}

static struct node *
node_of(const struct admin_call *call)
{
	return call->process->shared;
}

static int
serve_targets(struct admin_call *call)
{
	struct standings s;

	node_standings(node_of(call), &s);
	if (call->json)
		standings_json(&s, &call->out);
	else
		standings_text(&s, &call->out);
	standings_fini(&s);
	return 200;
}

static void
put_unknown(struct admin_call *call, const struct standings *s,
    struct slice target)
{
	const char *near = standings_nearest(s, target);

	buf_printf(&call->out, "no group of the running topology lists '%.*s'",
	    SLICE_FMT(target));
	if (near != NULL)
		buf_printf(&call->out, "; is it '%s'?", near);
	buf_putc(&call->out, '\n');
}

static struct event_row
event_of(struct admin_call *call, struct arena *arena)
{
	struct event_row row = {
		.at = clock_wall_us(),
		.target = admin_text(call, arena, "target"),
		.detail = admin_text(call, arena, "why"),
		.by = slice_of(call->who),
	};

	admin_about(call, row.target);
	return row;
}

static int
disable(struct admin_call *call, const struct standings *s, struct arena *arena)
{
	struct event_row row = event_of(call, arena);
	struct json_error error;
	int64_t for_ms = 0;

	if (standings_find(s, row.target) == NULL) {
		put_unknown(call, s, row.target);
		return 404;
	}
	(void)json_int(json_find(json_parse(arena, http_body(call->exchange),
				     &error),
			   "for_ms"),
	    &for_ms);
	if (for_ms < 0 || for_ms > DISABLED_MS_MAX ||
	    row.detail.len > JOURNAL_DETAIL_MAX) {
		buf_printf(&call->out,
		    "'for_ms' is at most ten years, 'why' %d bytes\n",
		    JOURNAL_DETAIL_MAX);
		return 400;
	}
	row.until = for_ms > 0 ? row.at + for_ms * US_PER_MS : 0;
	if (!bench_take_out(&node_of(call)->bench, &row, &call->out))
		return 503;
	buf_printf(&call->out, "%.*s is disabled", SLICE_FMT(row.target));
	if (row.until > 0) {
		buf_puts(&call->out, " until ");
		cell_write(&call->out, CELL_TIME, row.until);
	}
	buf_putc(&call->out, '\n');
	return 200;
}

static int
serve_disable(struct admin_call *call)
{
	struct standings s;
	struct arena arena;
	int status;

	arena_init(&arena, ARENA_MAX);
	node_standings(node_of(call), &s);
	status = disable(call, &s, &arena);
	standings_fini(&s);
	arena_fini(&arena);
	return status;
}

/* Every one that is disabled or left alone, also of former topologies. */
static int
enable_all(struct admin_call *call, struct event_row *row)
{
	struct node *n = node_of(call);
	struct target_state *t;
	struct target_look look;
	size_t at = 0, count = 0;

	while ((t = target_state_next(n->targets, &at)) != NULL) {
		target_look(t, &look, clock_mono_us(), row->at);
		if (look.disabled_until_us == 0 && look.state == BACKOFF_CLOSED)
			continue;
		row->target = t->name;
		if (!bench_bring_back(&n->bench, row, &call->out))
			return 503;
		buf_printf(&call->out, "%.*s is enabled\n",
		    SLICE_FMT(row->target));
		count++;
	}
	if (count == 0)
		buf_puts(&call->out, "no target was out of use\n");
	return 200;
}

static int
enable_one(struct admin_call *call, const struct standings *s,
    struct event_row *row)
{
	struct node *n = node_of(call);

	if (standings_find(s, row->target) == NULL &&
	    target_state_find(n->targets, row->target) == NULL) {
		put_unknown(call, s, row->target);
		return 404;
	}
	if (!bench_bring_back(&n->bench, row, &call->out))
		return 503;
	buf_printf(&call->out, "%.*s is enabled\n", SLICE_FMT(row->target));
	return 200;
}

static int
serve_enable(struct admin_call *call)
{
	struct event_row row;
	struct json_error error;
	struct standings s;
	struct arena arena;
	int status;

	arena_init(&arena, ARENA_MAX);
	node_standings(node_of(call), &s);
	row = event_of(call, &arena);
	if (row.target.len == 0)
		admin_about(call, slice_of("all"));
	if (is_true(
		json_find(json_parse(&arena, http_body(call->exchange), &error),
		    "all")))
		status = enable_all(call, &row);
	else
		status = enable_one(call, &s, &row);
	standings_fini(&s);
	arena_fini(&arena);
	return status;
}

static int
serve_limits(struct admin_call *call)
{
	struct tally tally;

	roll_call(node_of(call), &tally);
	tally.scope = &call->scope;
	tally.only[SCOPE_CALLER] = admin_argument(call, "caller");
	tally.only[SCOPE_PROJECT] = admin_argument(call, "project");
	tally.only[SCOPE_USER] = admin_argument(call, "user");
	if (tally_write(&tally, call->json ? OUTPUT_JSON : OUTPUT_TEXT,
		clock_wall_us(), &call->out))
		return 200;
	buf_reset(&call->out);
	buf_puts(&call->out,
	    "nobody of that name has a limit or spent anything\n");
	return 404;
}

static int
serve_rehearsal(struct admin_call *call)
{
	return rehearsal_serve(node_of(call), http_body(call->exchange),
	    call->json, &call->out);
}

#define REPORT  ROLE_BIT(REPORT_ADMIN)
#define TOKENS  ROLE_BIT(TOKEN_ADMIN)
#define OPERATE ROLE_BIT(OPERATOR)

const struct admin_route node_admin_routes[NODE_ADMIN_ROUTES] = {
	{ HTTP_GET, "/admin/tokens", TOKENS, TRACE_READ, serve_list },
	{ HTTP_POST, "/admin/tokens", TOKENS, TRACE_CHANGE, serve_create },
	{ HTTP_POST, "/admin/tokens/revoke", TOKENS, TRACE_CHANGE,
	    serve_revoke },
	{ HTTP_GET, "/admin/groups", OPERATE, TRACE_NONE, serve_groups },
	{ HTTP_GET, "/admin/evidence", OPERATE, TRACE_NONE, serve_evidence },
	{ HTTP_POST, "/admin/evidence", OPERATE, TRACE_CHANGE, serve_results },
	{ HTTP_GET, "/admin/targets", OPERATE, TRACE_NONE, serve_targets },
	{ HTTP_POST, "/admin/targets/disable", OPERATE, TRACE_CHANGE,
	    serve_disable },
	{ HTTP_POST, "/admin/targets/enable", OPERATE, TRACE_CHANGE,
	    serve_enable },
	{ HTTP_GET, "/admin/limits", REPORT | OPERATE, TRACE_READ,
	    serve_limits },
	{ HTTP_GET, "/admin/prices", REPORT | OPERATE, TRACE_NONE,
	    pricing_serve },
	{ HTTP_GET, "/admin/callers", TOKENS | OPERATE, TRACE_READ,
	    attendance_serve },
	{ HTTP_GET, "/admin/ledger/extract", REPORT, TRACE_READ,
	    extract_serve },
	{ HTTP_POST, "/admin/explain", OPERATE, TRACE_READ, serve_rehearsal },
};
