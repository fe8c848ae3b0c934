#include "common/member/appointment.h"

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/member/admin.h"
#include "common/member/process.h"
#include "common/member/steward.h"

#define ARENA_MAX (64 * 1024 * 1024) /* of a body that is all brackets */

void
appointment_put(struct buf *out, const struct steward_wish *wish)
{
	struct json_writer w = { .out = out };
	enum admin_role r;

	json_open(&w, '{');
	json_field_text(&w, "name", wish->name);
	json_field_int(&w, "expires_us", wish->expires_us);
	json_key(&w, "roles");
	json_open(&w, '[');
	for (r = 0; r < ADMIN_ROLES; r++)
		if ((wish->roles & ROLE_BIT(r)) != 0)
			json_put_text(&w, slice_of(role_name(r)));
	json_close(&w, ']');
	json_field_texts(&w, "teams", wish->teams, wish->teams_count);
	json_field_texts(&w, "projects", wish->projects, wish->projects_count);
	json_close(&w, '}');
}

/* A list of names that may be left out. */
static bool
read_names(struct admin_call *call, struct arena *arena,
    const struct json_value *list, struct slice *names, size_t *count)
{
	const struct json_value *v;

	*count = 0;
	if (list == NULL)
		return true;
	if (list->type == JSON_ARRAY && list->count <= STEWARD_NAMES_MAX) {
		for (v = list->first; v != NULL; v = v->next)
			if (!json_text(v, arena, &names[*count]))
				break;
			else
				(*count)++;
		if (v == NULL)
			return true;
	}
	buf_printf(&call->out,
	    "'roles', 'teams' and 'projects' are lists of at most %d names\n",
	    STEWARD_NAMES_MAX);
	return false;
}

static bool
read_roles(struct admin_call *call, const struct slice *names, size_t count,
    unsigned *roles)
{
	size_t i;

	*roles = 0;
	for (i = 0; i < count; i++) {
		if (role_bit(names[i]) == 0) {
			buf_printf(&call->out,
			    "no role is named '%.*s'; roles: ",
			    SLICE_FMT(names[i]));
			roles_put(&call->out, ROLES_ALL, ", ");
			buf_putc(&call->out, '\n');
			return false;
		}
		*roles |= role_bit(names[i]);
	}
	return true;
}

static bool
read_wish(struct admin_call *call, struct arena *arena,
    struct steward_wish *wish)
{
	struct slice names[STEWARD_NAMES_MAX];
	struct json_error error;
	const struct json_value *root =
	    json_parse(arena, http_body(call->exchange), &error);
	size_t count;

	wish->name = admin_text(call, arena, "name");
	(void)json_int(json_find(root, "expires_us"), &wish->expires_us);
	admin_about(call, wish->name);
	return read_names(call, arena, json_find(root, "teams"), wish->teams,
		   &wish->teams_count) &&
	       read_names(call, arena, json_find(root, "projects"),
		   wish->projects, &wish->projects_count) &&
	       read_names(call, arena, json_find(root, "roles"), names,
		   &count) &&
	       read_roles(call, names, count, &wish->roles);
}

/* Nobody gives what it has not itself. */
static bool
may_give(struct admin_call *call, const struct steward_wish *wish)
{
	const struct admin_scope scope = { wish->teams, wish->teams_count,
		wish->projects, wish->projects_count };
	unsigned more = wish->roles & ~call->roles;

	if (call->local)
		return true;
	if (more != 0) {
		buf_puts(&call->out, "you have not the role ");
		roles_put(&call->out, more, " and ");
		buf_puts(&call->out, " yourself; who sits at the member can "
				     "give it\n");
		return false;
	}
	if ((wish->roles & ROLE_BIT(REPORT_ADMIN)) == 0 ||
	    admin_scope_holds(&call->own_scope, &scope))
		return true;
	buf_puts(&call->out, "your own token is for fewer teams or projects "
			     "than that\n");
	return false;
}

/* "alice: operator, token-admin" */
static void
tell_what(struct admin_call *call, const struct steward_wish *wish)
{
	buf_puts(&call->what, ": ");
	roles_put(&call->what, wish->roles, ", ");
}

int
appointment_make(struct admin_call *call)
{
	struct steward_wish wish = { .by = slice_of(call->who) };
	char token[TOKEN_CHARS];
	struct arena arena;
	int status = 400;

	arena_init(&arena, ARENA_MAX);
	if (read_wish(call, &arena, &wish)) {
		tell_what(call, &wish);
		if (!may_give(call, &wish)) {
			status = 403;
		} else if (stewards_create(call->process->stewards, &wish,
			       token, &call->out)) {
			buf_printf(&call->out, "%s\n", token);
			crypto_wipe(token, sizeof(token));
			status = 201;
		}
	}
	arena_fini(&arena);
	return status;
}

int
appointment_end(struct admin_call *call)
{
	struct arena arena;
	struct slice name;
	int status = 404;

	arena_init(&arena, ARENA_MAX);
	name = admin_text(call, &arena, "name");
	admin_about(call, name);
	if (stewards_revoke(call->process->stewards, name, &call->out)) {
		buf_puts(&call->out, "revoked\n");
		status = 200;
	}
	arena_fini(&arena);
	return status;
}
