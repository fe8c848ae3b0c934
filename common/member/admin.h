#pragma once
/*
 * admin: what is asked of a running member over HTTP, beside calls.  On the
 * unix socket, whose file mode is its authentication, all of it; on the TCP
 * listener what the admin token's roles let (sentry.h), and to anybody only
 * what is open.  Lives on the clerk's loop.
 */
#include "common/base/buf.h"
#include "common/member/role.h"
#include "common/net/http.h"
#include "common/store/admin_scope.h"

struct admin;
struct arena;
struct loop;
struct process;

#define ADMIN_LATER        0
#define ADMIN_WHO_CHARS    64
#define ADMIN_WHAT_BYTES   512
#define ADMIN_COOKIE_CHARS 160 /* of a Set-Cookie */

/* One question and its answer. */
struct admin_call {
	struct process *process;
	struct http_exchange *exchange;
	struct slice rest; /* of the path, behind a prefix route */
	bool json;         /* asked for by ?format=json */
	const char *type;  /* of the answer; NULL: JSON if that was asked */
	struct buf out;    /* the answer */
	/* Who asks: a token's name, or "operator (uid N)". */
	char who[ADMIN_WHO_CHARS];
	bool local;     /* on the control socket */
	unsigned roles; /* what it may; all on the control socket */
	/* The rows it may see: what a route of REPORT_ADMIN has to keep to.
	 * Good until tokens change. */
	struct admin_scope scope;
	struct admin_scope own_scope;    /* its token's, whatever the route */
	char cookie[ADMIN_COOKIE_CHARS]; /* to be set; empty: none */
	struct buf what; /* it is about, for the audit log: admin_about */
};

/* What the audit log has of it, besides refusals, which it always has. */
enum admin_trace {
	TRACE_NONE,
	TRACE_READ,   /* when it comes with a token */
	TRACE_CHANGE, /* whoever asks */
	TRACE_REPORT  /* a read that is, too */
};

#define ROLES_OPEN ROLE_BIT(31) /* nobody has to say who it is */

struct admin_route {
	enum http_method method;
	const char *path; /* a path ending in '/' is a prefix */
	unsigned roles;   /* one is enough; 0: on the control socket only */
	enum admin_trace trace;
	/* Writes call->out and gives the HTTP status; or ADMIN_LATER, and who
	 * took the exchange answers (inquiry.h). */
	int (*serve)(struct admin_call *call);
};

/* What node and egress have alike; theirs are in their process_app. */
const struct admin_route *admin_routes(size_t *count);

/* Where it listens. */
struct admin_door {
	int listen_fd; /* the server closes it */
	bool control;  /* this is the unix socket */
	/* PEM, read by admin_new only; NULL: plain HTTP. */
	const char *tls_cert, *tls_key;
};

/* NULL and *why on failure; then the descriptor is still the caller's. */
struct admin *admin_new(struct process *p, struct loop *loop,
    const struct admin_door *door, const char **why);

/* Take nobody new; who is there goes on. */
void admin_drain(struct admin *a);

/* Is nobody connected? */
bool admin_empty(const struct admin *a);

void admin_free(struct admin *a); /* NULL is fine */

/* A text member of the call's JSON body; empty when it is not there. */
struct slice admin_text(struct admin_call *call, struct arena *arena,
    const char *name);

/* An argument of the query as it came; empty when it is not there. */
struct slice admin_argument(const struct admin_call *call, const char *name);

/* The same without its escapes (%20): for what may have any character. */
struct slice admin_argument_text(const struct admin_call *call,
    struct arena *arena, const char *name);
must_check bool admin_number(const struct admin_call *call, const char *name,
    int64_t *number);

/* What it is about: a name for the audit log, not content and no secret. */
void admin_about(struct admin_call *call, struct slice name);
