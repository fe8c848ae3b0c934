#include "common/member/admin.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/base/version.h"
#include "common/format/json.h"
#include "common/member/appointment.h"
#include "common/member/browse.h"
#include "common/member/inquiry.h"
#include "common/member/keeping.h"
#include "common/member/linkage.h"
#include "common/member/metrics.h"
#include "common/member/monthclose.h"
#include "common/member/page.h"
#include "common/member/process.h"
#include "common/member/reckoning.h"
#include "common/member/sentry.h"
#include "common/member/signin.h"
#include "common/member/steward.h"
#include "common/store/trail.h"
#include "common/store/view.h"

#define TYPE_JSON "application/json"
#define TYPE_TEXT "text/plain; charset=utf-8"

#define OUT_MAX  (16 * 1024 * 1024)
#define BODY_MAX (256 * 1024)
/* On the control socket: a whole request to explain may be in it. */
#define CONTROL_BODY_MAX (4 * 1024 * 1024)
#define ARENA_MAX        (64 * 1024 * 1024) /* of a body that is all brackets */

struct admin {
	struct process *process;
	bool control;
	struct http_server *server;
};

static int
serve_health(struct admin_call *call)
{
	buf_puts(&call->out, "ok\n");
	return 200;
}

static int
serve_ready(struct admin_call *call)
{
	struct process *p = call->process;

	if (atomic_load(&p->draining)) {
		buf_puts(&call->out, "not ready: draining\n");
		return 503;
	}
	if (!p->app->ready(p, &call->out))
		return 503;
	buf_puts(&call->out, "ready\n");
	return 200;
}

static int
serve_version(struct admin_call *call)
{
	struct json_writer w = { .out = &call->out };
	struct topology *t = process_topology(call->process);

	json_open(&w, '{');
	json_field_text(&w, "version", slice_of(GSR_VERSION));
	json_field_text(&w, "member", slice_of(call->process->identity.name));
	json_field_text(&w, "mesh", slice_of(call->process->identity.mesh));
	json_field_text(&w, "topology", slice_of(t->hash_text));
	json_field_int(&w, "mesh_version", t->mesh_version);
	json_field_int(&w, "node_version", t->node_version);
	json_close(&w, '}');
	buf_putc(&call->out, '\n');
	topology_release(t);
	return 200;
}

static int
serve_counters(struct admin_call *call)
{
	struct json_writer w = { .out = &call->out };
	int i;

	if (call->json)
		json_open(&w, '{');
	for (i = 0; i < STAT_COUNT; i++) {
		if (call->json)
			json_field_int(&w, stat_name((enum stat)i),
			    (int64_t)stat_get((enum stat)i));
		else
			buf_printf(&call->out, "%-32s %12llu  %s\n",
			    stat_name((enum stat)i),
			    (unsigned long long)stat_get((enum stat)i),
			    stat_help((enum stat)i));
	}
	if (call->json)
		json_close(&w, '}');
	return 200;
}

static int
serve_metrics(struct admin_call *call)
{
	struct process *p = call->process;

	metrics_counters(&call->out);
	if (p->app->metrics != NULL)
		p->app->metrics(p, &call->out);
	return 200;
}

static int
serve_reload(struct admin_call *call)
{
	struct topology *t;

	if (!process_reload_told(call->process, &call->out, &call->what))
		return 409;
	t = process_topology(call->process);
	buf_reset(&call->out);
	buf_printf(&call->out, "serving topology %s\n", t->hash_text);
	topology_release(t);
	return 200;
}

static int
serve_reload_secrets(struct admin_call *call)
{
	if (!process_reload_secrets(call->process, &call->out))
		return 409;
	buf_reset(&call->out);
	buf_puts(&call->out, "the running daemon uses it from its next call "
			     "on\n");
	return 200;
}

static int
serve_explain(struct admin_call *call)
{
	struct ledger *l = call->process->ledger;
	struct slice text = call->rest;
	struct id id;
	bool known;

	if (slice_starts(text, "req_"))
		text = slice_after(text, 4);
	known =
	    slice_is(text, "last") ? view_last(l, &id) : id_parse(&id, text);
	if (known && view_allows(l, &id, &call->scope) &&
	    view_explain(l, &id, call->json ? OUTPUT_JSON : OUTPUT_TEXT,
		&call->out))
		return 200;
	buf_puts(&call->out, "no request by that id here\n");
	return 404;
}

static int
serve_audit(struct admin_call *call)
{
	struct trail_filter filter = { .limit = 0 };
	struct arena arena;
	int64_t limit;

	arena_init(&arena, BODY_MAX);
	filter.actor = admin_argument_text(call, &arena, "actor");
	filter.action = admin_argument_text(call, &arena, "action");
	filter.what = admin_argument_text(call, &arena, "what");
	filter.outcome = admin_argument_text(call, &arena, "outcome");
	if (admin_number(call, "limit", &limit) && limit > 0)
		filter.limit = (size_t)limit;
	sentry_sweep(call->process, INT64_MAX);
	trail_list(call->process->ledger, &filter,
	    call->json ? OUTPUT_JSON : OUTPUT_TEXT, &call->out);
	arena_fini(&arena);
	return 200;
}

/* What a command did by itself beside the daemon: secrets are not its to
 * change. */
static int
serve_note(struct admin_call *call)
{
	struct arena arena;
	struct buf about;
	struct slice action;
	int status = 400;

	arena_init(&arena, ARENA_MAX);
	buf_init(&about, ADMIN_WHAT_BYTES);
	action = admin_text(call, &arena, "action");
	buf_printf(&about, "%.*s %.*s", SLICE_FMT(action),
	    SLICE_FMT(admin_text(call, &arena, "what")));
	if (action.len > 0 && !about.failed) {
		admin_about(call, buf_slice(&about));
		status = 200;
	}
	buf_fini(&about);
	arena_fini(&arena);
	return status;
}

static int
serve_stewards(struct admin_call *call)
{
	stewards_list(call->process->stewards, call->json, &call->out);
	return 200;
}

#define REPORT  ROLE_BIT(REPORT_ADMIN)
#define METRICS ROLE_BIT(METRICS_ADMIN)
#define TOKENS  ROLE_BIT(TOKEN_ADMIN)
#define OPERATE ROLE_BIT(OPERATOR)

static const struct admin_route shared_routes[] = {
	{ HTTP_GET, "/healthz", ROLES_OPEN, TRACE_NONE, serve_health },
	{ HTTP_GET, "/readyz", ROLES_OPEN, TRACE_NONE, serve_ready },
	{ HTTP_GET, "/version", ROLES_OPEN, TRACE_NONE, serve_version },
	{ HTTP_GET, "/metrics", METRICS, TRACE_NONE, serve_metrics },
	{ HTTP_GET, "/admin/counters", METRICS | OPERATE, TRACE_NONE,
	    serve_counters },
	{ HTTP_GET, "/admin/requests", REPORT, TRACE_READ, browse_requests },
	{ HTTP_GET, "/admin/events", REPORT | OPERATE, TRACE_READ,
	    browse_events },
	{ HTTP_GET, "/admin/report", REPORT, TRACE_REPORT, reckoning_serve },
	{ HTTP_POST, "/admin/report/final", OPERATE, TRACE_CHANGE,
	    monthclose_serve },
	{ HTTP_GET, "/admin/links", OPERATE, TRACE_NONE, linkage_serve },
	{ HTTP_GET, "/admin/explain/", REPORT, TRACE_READ, serve_explain },
	{ HTTP_POST, "/admin/reload", OPERATE, TRACE_CHANGE, serve_reload },
	{ HTTP_POST, "/admin/reload/secrets", OPERATE, TRACE_CHANGE,
	    serve_reload_secrets },
	{ HTTP_GET, "/admin/retention", OPERATE, TRACE_NONE, keeping_status },
	{ HTTP_GET, "/admin/retention/run", OPERATE, TRACE_NONE, keeping_ran },
	{ HTTP_POST, "/admin/retention/run", OPERATE, TRACE_CHANGE,
	    keeping_run },
	{ HTTP_GET, "/admin/retention/holds", OPERATE, TRACE_NONE,
	    keeping_holds },
	{ HTTP_POST, "/admin/retention/holds", OPERATE, TRACE_CHANGE,
	    keeping_hold },
	{ HTTP_POST, "/admin/retention/holds/remove", OPERATE, TRACE_CHANGE,
	    keeping_let_go },
	{ HTTP_GET, "/admin/backup", OPERATE, TRACE_NONE, keeping_copied },
	{ HTTP_POST, "/admin/backup", 0, TRACE_CHANGE, keeping_copy },
	{ HTTP_POST, "/admin/note", 0, TRACE_CHANGE, serve_note },
	{ HTTP_POST, "/admin/session", ROLES_ALL, TRACE_CHANGE, signin_open },
	{ HTTP_GET, "/admin/session", ROLES_OPEN, TRACE_NONE, signin_tell },
	{ HTTP_DELETE, "/admin/session", ROLES_ALL, TRACE_CHANGE,
	    signin_close },
	{ HTTP_GET, "/admin/audit", OPERATE, TRACE_READ, serve_audit },
	{ HTTP_GET, "/admin/admin-tokens", TOKENS, TRACE_READ, serve_stewards },
	{ HTTP_POST, "/admin/admin-tokens", TOKENS, TRACE_CHANGE,
	    appointment_make },
	{ HTTP_POST, "/admin/admin-tokens/revoke", TOKENS, TRACE_CHANGE,
	    appointment_end },
};

const struct admin_route *
admin_routes(size_t *count)
{
	*count = count_of(shared_routes);
	return shared_routes;
}

static bool
matches(const struct admin_route *r, enum http_method method, struct slice path)
{
	size_t n = strlen(r->path);

	if (method != r->method)
		return false;
	if (r->path[n - 1] == '/')
		return slice_starts(path, r->path);
	return slice_is(path, r->path);
}

static const struct admin_route *
find_route(const struct admin *a, const struct http_exchange *x)
{
	const struct process_app *app = a->process->app;
	size_t i, shared = count_of(shared_routes);

	for (i = 0; i < shared + app->routes_count; i++) {
		const struct admin_route *r =
		    i < shared ? &shared_routes[i] : &app->routes[i - shared];

		if (matches(r, http_method(x), http_path(x)))
			return r;
	}
	return NULL;
}

static void
answer(struct http_exchange *x, int status, const char *content,
    struct buf *out)
{
	const struct http_field fields[] = {
		{ "Content-Type", slice_of(content) },
		{ "Cache-Control", slice_of("no-store") },
		{ "X-Content-Type-Options", slice_of("nosniff") },
		{ "WWW-Authenticate", slice_of("Bearer") },
	};
	size_t count = count_of(fields) - (status == 401 ? 0 : 1);

	http_answer(x, status, fields, count, out);
}

static void
answer_cookie(struct admin_call *call, int status)
{
	const struct http_field fields[] = {
		{ "Content-Type", slice_of(TYPE_TEXT) },
		{ "Cache-Control", slice_of("no-store") },
		{ "Set-Cookie", slice_of(call->cookie) },
	};

	http_answer(call->exchange, status, fields, count_of(fields),
	    &call->out);
	crypto_wipe(call->cookie, sizeof(call->cookie));
}

/* 0: it may ask this. */
static int
admit(struct admin_call *call, const struct admin_route *r, bool control)
{
	int status = signin_wait(call, r);

	if (status != 0)
		return status;
	status = sentry_admit(call, r, control);
	if (status == 401)
		signin_failed(call, r);
	return status;
}

static const char *
type_of(const struct admin_call *call, bool json)
{
	if (call->type != NULL)
		return call->type;
	return json ? TYPE_JSON : TYPE_TEXT;
}

static void
call_init(struct admin_call *call, const struct admin *a,
    struct http_exchange *x)
{
	*call = (struct admin_call){ .process = a->process, .exchange = x };
	buf_init(&call->out, OUT_MAX);
	buf_init(&call->what, ADMIN_WHAT_BYTES);
}

static void
call_fini(struct admin_call *call)
{
	buf_fini(&call->out);
	buf_fini(&call->what);
}

/* A stranger's body is not kept. */
static void
on_head(void *arg, struct http_exchange *x)
{
	struct admin *a = arg;
	struct admin_call call;
	int status;

	if (page_answer(x))
		return;
	call_init(&call, a, x);
	status = admit(&call, find_route(a, x), a->control);
	if (status != 0)
		answer(x, status, TYPE_TEXT, &call.out);
	call_fini(&call);
}

static int
serve(struct admin_call *call, const struct admin_route *r)
{
	struct slice format;
	int status;

	call->json = http_query(call->exchange, "format", &format) &&
		     slice_is(format, "json");
	call->rest = slice_after(http_path(call->exchange), strlen(r->path));
	status = r->serve(call);
	if (!sentry_note(call, r, status == ADMIN_LATER ? 200 : status)) {
		inquiry_forget(http_owner(call->exchange));
		http_set_owner(call->exchange, NULL);
		buf_reset(&call->out);
		call->type = TYPE_TEXT;
		buf_printf(&call->out,
		    "the audit log cannot be written%s; see the daemon's log\n",
		    r->trace == TRACE_CHANGE && status / 100 == 2
			? ", so that nothing tells that this was done"
			: "");
		return 503;
	}
	return status;
}

static void
on_body(void *arg, struct http_exchange *x)
{
	struct admin *a = arg;
	const struct admin_route *r = find_route(a, x);
	struct admin_call call;
	int status;

	call_init(&call, a, x);
	status = admit(&call, r, a->control);
	if (status == 0 && r == NULL) {
		buf_puts(&call.out, "nothing at this path\n");
		status = 404;
	} else if (status == 0) {
		status = serve(&call, r);
	}
	if (status == ADMIN_LATER) {
		call_fini(&call);
		return;
	}
	if (call.out.failed) {
		buf_reset(&call.out);
		buf_puts(&call.out, "the answer is too large; ask for less\n");
		status = 507;
		call.type = TYPE_TEXT;
	}
	if (call.cookie[0] != '\0' && status / 100 == 2)
		answer_cookie(&call, status);
	else
		answer(x, status,
		    type_of(&call,
			call.json || (r != NULL && r->serve == serve_version)),
		    &call.out);
	call_fini(&call);
}

static void
on_refused(void *arg, struct http_exchange *x, int status, const char *why)
{
	struct buf out;

	(void)arg;
	buf_init(&out, 1024);
	buf_printf(&out, "%s\n", why);
	answer(x, status, TYPE_TEXT, &out);
	buf_fini(&out);
}

static void
on_gone(void *arg, struct http_exchange *x)
{
	(void)arg;
	(void)x;
}

static void
on_done(void *arg, struct http_exchange *x)
{
	(void)arg;
	inquiry_forget(http_owner(x));
}

struct admin *
admin_new(struct process *p, struct loop *loop, const struct admin_door *door,
    const char **why)
{
	struct admin *a = xcalloc(1, sizeof(*a));
	const struct http_config config = {
		.listen_fd = door->listen_fd,
		.tls_cert = door->tls_cert,
		.tls_key = door->tls_key,
		.connections_max = 64,
		.body_max_bytes = door->control ? CONTROL_BODY_MAX : BODY_MAX,
		.body_memory = &p->body_memory,
		.head_ms = 10000,
		.body_ms = 10000,
		.idle_ms = 60000,
		.on_head = on_head,
		.on_body = on_body,
		.on_refused = on_refused,
		.on_gone = on_gone,
		.on_done = on_done,
		.arg = a,
	};

	a->process = p;
	a->control = door->control;
	a->server = http_server_new(loop, &config, why);
	if (a->server != NULL)
		return a;
	free(a);
	return NULL;
}

void
admin_drain(struct admin *a)
{
	http_server_drain(a->server);
}

bool
admin_empty(const struct admin *a)
{
	return http_server_empty(a->server);
}

void
admin_free(struct admin *a)
{
	if (a == NULL)
		return;
	http_server_free(a->server);
	free(a);
}

struct slice
admin_text(struct admin_call *call, struct arena *arena, const char *name)
{
	struct slice body = http_body(call->exchange), text = { NULL, 0 };
	const struct json_value *root;
	struct json_error error;

	root = json_parse(arena, body, &error);
	if (root == NULL || !json_text(json_find(root, name), arena, &text))
		return (struct slice){ NULL, 0 };
	return text;
}

struct slice
admin_argument(const struct admin_call *call, const char *name)
{
	struct slice text;

	if (http_query(call->exchange, name, &text))
		return text;
	return slice_make(NULL, 0);
}

struct slice
admin_argument_text(const struct admin_call *call, struct arena *arena,
    const char *name)
{
	struct slice raw = admin_argument(call, name);
	char *text = arena_alloc(arena, raw.len + 1);
	size_t i, n = 0;

	for (i = 0; i < raw.len; i++) {
		if (raw.ptr[i] == '%' &&
		    hex_parse(&text[n], 1,
			slice_after(slice_make(raw.ptr,
					min_size(raw.len, i + 3)),
			    i + 1)))
			i += 2;
		else
			text[n] = raw.ptr[i] == '+' ? ' ' : raw.ptr[i];
		n++;
	}
	return slice_make(text, n);
}

bool
admin_number(const struct admin_call *call, const char *name, int64_t *number)
{
	return json_raw_int(admin_argument(call, name), number);
}

void
admin_about(struct admin_call *call, struct slice name)
{
	buf_reset(&call->what);
	buf_put(&call->what, name.ptr, min_size(name.len, ADMIN_WHAT_BYTES));
}
