#include "node/admin.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "node/caller.h"
#include "node/node.h"
#include "topology/load.h"

#define ARENA_MAX (4 * 1024 * 1024)

static struct callers *
callers_of(const struct admin_call *call)
{
	return ((struct node *)call->process->shared)->callers;
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
	wish.user = admin_text(call, &arena, "user");
	wish.project = admin_text(call, &arena, "project");
	(void)json_int(json_find(root, "expires_us"), &wish.expires_us);
	if (read_groups(call, &arena, json_find(root, "groups"), &wish) &&
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
	int status = 404;

	arena_init(&arena, ARENA_MAX);
	if (callers_revoke(callers_of(call), admin_text(call, &arena, "name"),
		&call->out)) {
		buf_puts(&call->out, "revoked\n");
		status = 200;
	}
	arena_fini(&arena);
	return status;
}

const struct admin_route node_admin_routes[NODE_ADMIN_ROUTES] = {
	{ HTTP_GET, "/admin/tokens", false, serve_list },
	{ HTTP_POST, "/admin/tokens", false, serve_create },
	{ HTTP_POST, "/admin/tokens/revoke", false, serve_revoke },
};
