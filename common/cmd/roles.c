#include "common/cmd/roles.h"

#include <stdio.h>

#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "common/member/admin.h"
#include "common/member/process.h"

#define OUT_MAX (256 * 1024)

const struct option_spec roles_specs[ROLES_SPECS] = { JSON_OPTION(
    struct roles_options) };

static const char *
trace_of(const struct admin_route *r)
{
	static const char *const names[] = { "", "reads by token", "always",
		"always" };

	return names[r->trace];
}

static void
put_markdown(struct buf *out, const struct admin_route *r)
{
	buf_printf(out, "| `%s %s` | ", http_method_name(r->method), r->path);
	if (r->roles == 0)
		buf_puts(out, "nobody: on the control socket only");
	else if (r->roles == ROLES_OPEN)
		buf_puts(out, "anybody");
	else
		roles_put(out, r->roles, ", ");
	buf_printf(out, " | %s |\n", trace_of(r));
}

static void
put_json(struct json_writer *w, const struct admin_route *r)
{
	enum admin_role role;

	json_open(w, '{');
	json_field_text(w, "method", slice_of(http_method_name(r->method)));
	json_field_text(w, "path", slice_of(r->path));
	json_key(w, "open");
	json_put_bool(w, r->roles == ROLES_OPEN);
	json_key(w, "roles");
	json_open(w, '[');
	for (role = 0; role < ADMIN_ROLES; role++)
		if ((r->roles & ROLE_BIT(role)) != 0)
			json_put_text(w, slice_of(role_name(role)));
	json_close(w, ']');
	json_field_text(w, "audit", slice_of(trace_of(r)));
	json_close(w, '}');
}

static void
put_roles(struct buf *out)
{
	enum admin_role r;

	buf_puts(out, "## roles\n\n| role | |\n|---|---|\n");
	for (r = 0; r < ADMIN_ROLES; r++)
		buf_printf(out, "| `%s` | %s |\n", role_name(r),
		    role_meaning(r));
	buf_puts(out, "\n## routes\n\n| question | one of these roles | in the "
		      "audit log |\n|---|---|---|\n");
}

int
roles_run(const struct process_app *app, const struct roles_options *o)
{
	struct json_writer w = { 0 };
	const struct admin_route *shared;
	size_t count, i;
	struct buf out;

	buf_init(&out, OUT_MAX);
	w.out = &out;
	shared = admin_routes(&count);
	if (o->json)
		json_open(&w, '[');
	else
		put_roles(&out);
	for (i = 0; i < count + app->routes_count; i++) {
		const struct admin_route *r =
		    i < count ? &shared[i] : &app->routes[i - count];

		if (o->json)
			put_json(&w, r);
		else
			put_markdown(&out, r);
	}
	if (o->json) {
		json_close(&w, ']');
		buf_putc(&out, '\n');
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	return 0;
}
