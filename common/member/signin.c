#include "common/member/signin.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/version.h"
#include "common/format/json.h"
#include "common/member/admin.h"
#include "common/member/process.h"
#include "common/member/sentry.h"
#include "common/member/session.h"
#include "common/member/steward.h"

#define COOKIE_PREFIX     "gsr-session-"
#define COOKIE_NAME_CHARS 32
#define NAME_HASH_BYTES   6
#define ACTION_MAX        128

/* Cookies are a host's, whatever the port: each member has its own name. */
static void
put_name(char name[COOKIE_NAME_CHARS], const struct process *p)
{
	struct hash hash = hash_of(p->identity.name, strlen(p->identity.name));
	char text[2 * NAME_HASH_BYTES + 1];

	hex_write(text, hash.bytes, NAME_HASH_BYTES);
	snprintf(name, COOKIE_NAME_CHARS, COOKIE_PREFIX "%s", text);
}

/* The value of a cookie in "a=b; c=d"; empty when it is not there. */
static struct slice
find_cookie(struct slice field, const char *name)
{
	size_t n = strlen(name);

	while (field.len > 0) {
		const char *end = memchr(field.ptr, ';', field.len);
		size_t len =
		    end != NULL ? (size_t)(end - field.ptr) : field.len;

		if (len > n && slice_starts(field, name) && field.ptr[n] == '=')
			return slice_make(field.ptr + n + 1, len - n - 1);
		field = slice_after(field, len + 1);
		while (slice_starts(field, " "))
			field = slice_after(field, 1);
	}
	return slice_make(NULL, 0);
}

static struct session *
find_session(const struct process *p, const struct http_exchange *x)
{
	char name[COOKIE_NAME_CHARS];

	put_name(name, p);
	return sessions_find(p->sessions,
	    find_cookie(http_header(x, "Cookie"), name), clock_mono_us());
}

/* Browsers say where a question comes from, in one of two ways. */
static bool
is_from_here(const struct http_exchange *x)
{
	struct slice site = http_header(x, "Sec-Fetch-Site");
	struct slice origin = http_header(x, "Origin");
	struct slice host = http_header(x, "Host");

	if (site.len > 0 && !slice_is(site, "same-origin"))
		return false;
	if (origin.len == 0)
		return site.len > 0;
	/* The scheme may be that of a proxy in front. */
	origin = slice_after(origin, slice_starts(origin, "https://")
					 ? strlen("https://")
					 : strlen("http://"));
	return slice_eq(origin, host);
}

static bool
changes_nothing(const struct http_exchange *x)
{
	return http_method(x) == HTTP_GET || http_method(x) == HTTP_HEAD;
}

struct slice
signin_token(const struct process *p, const struct http_exchange *x,
    const char **why)
{
	struct session *session = find_session(p, x);
	struct slice none = { NULL, 0 };

	if (session == NULL)
		return none;
	if (!changes_nothing(x) &&
	    (!is_from_here(x) ||
		!session_guarded(session, http_header(x, "X-GSR-CSRF")))) {
		*why = "comes by a session, and not from its page";
		return none;
	}
	return session_token(session);
}

static bool
is_signin(const struct admin_route *route)
{
	return route != NULL && route->serve == signin_open;
}

int
signin_wait(struct admin_call *call, const struct admin_route *route)
{
	int64_t wait_s;

	if (!is_signin(route) ||
	    sessions_may_try(call->process->sessions, clock_mono_us(), &wait_s))
		return 0;
	buf_printf(&call->out,
	    "too many tried to sign in with a token that is none; try again in "
	    "%lld s\n",
	    (long long)wait_s);
	return 429;
}

void
signin_failed(const struct admin_call *call, const struct admin_route *route)
{
	if (is_signin(route))
		sessions_failed(call->process->sessions, clock_mono_us());
}

/* `value` empty: it is to be forgotten. */
static void
put_cookie(struct admin_call *call, const char *value)
{
	char name[COOKIE_NAME_CHARS];

	put_name(name, call->process);
	snprintf(call->cookie, sizeof(call->cookie),
	    "%s=%s; Path=/admin; HttpOnly; SameSite=Strict%s%s", name, value,
	    http_secure(call->exchange) ? "; Secure" : "",
	    value[0] == '\0' ? "; Max-Age=0" : "");
}

int
signin_open(struct admin_call *call)
{
	struct sessions *s = call->process->sessions;
	struct session *before = find_session(call->process, call->exchange);
	char cookie[SESSION_CHARS];
	struct slice token = sentry_token(call->exchange);

	if (token.len == 0 || token.len > SESSION_LONGEST) {
		buf_puts(&call->out,
		    "a session is begun with an admin token: Authorization: "
		    "Bearer " STEWARD_PREFIX "…, on the TCP listener\n");
		return 400;
	}
	if (before != NULL)
		sessions_end(s, before);
	sessions_open(s, token, clock_mono_us(), cookie);
	put_cookie(call, cookie);
	crypto_wipe(cookie, sizeof(cookie));
	buf_puts(&call->out, "signed in\n");
	return 201;
}

int
signin_close(struct admin_call *call)
{
	struct session *session = find_session(call->process, call->exchange);

	if (session != NULL)
		sessions_end(call->process->sessions, session);
	put_cookie(call, "");
	buf_puts(&call->out, "signed out\n");
	return 200;
}

static void
put_routes(struct json_writer *w, const struct admin_route *routes,
    size_t count, unsigned roles)
{
	char text[ACTION_MAX];
	size_t i;

	for (i = 0; i < count; i++) {
		if ((routes[i].roles & roles) == 0)
			continue;
		snprintf(text, sizeof(text), "%s %s",
		    http_method_name(routes[i].method), routes[i].path);
		json_put_text(w, slice_of(text));
	}
}

/* Who it is, and what pages may ask for: so that they show nothing else. */
static void
put_steward(struct json_writer *w, const struct process *p,
    const struct steward *who)
{
	const struct admin_route *shared;
	size_t i, count;

	json_field_text(w, "name", who->name);
	json_key(w, "roles");
	json_open(w, '[');
	for (i = 0; i < ADMIN_ROLES; i++)
		if ((who->roles & ROLE_BIT(i)) != 0)
			json_put_text(w,
			    slice_of(role_name((enum admin_role)i)));
	json_close(w, ']');
	json_key(w, "scope");
	json_open(w, '{');
	json_field_texts(w, "teams", who->scope.teams, who->scope.teams_count);
	json_field_texts(w, "projects", who->scope.projects,
	    who->scope.projects_count);
	json_close(w, '}');
	json_key(w, "may");
	json_open(w, '[');
	shared = admin_routes(&count);
	put_routes(w, shared, count, who->roles);
	put_routes(w, p->app->routes, p->app->routes_count, who->roles);
	json_close(w, ']');
}

int
signin_tell(struct admin_call *call)
{
	const struct process *p = call->process;
	struct session *session = find_session(p, call->exchange);
	struct json_writer w = { .out = &call->out };
	const struct steward *who = NULL, *known;
	const char *why;

	if (session != NULL)
		who = steward_check(p->stewards, session_token(session),
		    clock_wall_us(), &known, &why);
	call->json = true;
	json_open(&w, '{');
	json_field_text(&w, "member", slice_of(p->identity.name));
	json_field_text(&w, "mesh", slice_of(p->identity.mesh));
	json_field_text(&w, "role",
	    slice_of(p->app->role == ROLE_NODE ? "node" : "egress"));
	json_field_text(&w, "version", slice_of(GSR_VERSION));
	if (who != NULL) {
		json_field_text(&w, "csrf", slice_of(session_guard(session)));
		put_steward(&w, p, who);
	} else {
		json_key(&w, "name");
		json_put_null(&w);
	}
	json_close(&w, '}');
	return 200;
}
