#pragma once
/*
 * admin: what operators ask a running member over HTTP: /healthz, /readyz and
 * /version on the TCP listener, and all of it on the unix socket, whose file
 * mode is its authentication.  Lives on the clerk's loop.
 */
#include "common/base/buf.h"
#include "common/net/http.h"

struct admin;
struct arena;
struct loop;
struct process;

#define ADMIN_LATER 0

/* One question and its answer. */
struct admin_call {
	struct process *process;
	struct http_exchange *exchange;
	struct slice rest; /* of the path, behind a prefix route */
	bool json;         /* asked for by ?format=json */
	const char *type;  /* of the answer; NULL: JSON if that was asked */
	struct buf out;    /* the answer */
};

struct admin_route {
	enum http_method method;
	const char *path; /* a path ending in '/' is a prefix */
	bool open;        /* on the TCP listener too */
	/* Writes call->out and gives the HTTP status; or ADMIN_LATER, and who
	 * took the exchange answers (inquiry.h). */
	int (*serve)(struct admin_call *call);
};

/* Takes the descriptor.  `control`: this is the unix socket. */
struct admin *admin_new(struct process *p, struct loop *loop, int listen_fd,
    bool control, const char **why);

void admin_free(struct admin *a); /* NULL is fine */

/* A text member of the call's JSON body; empty when it is not there. */
struct slice admin_text(struct admin_call *call, struct arena *arena,
    const char *name);

/* An argument of the query; empty when it is not there. */
struct slice admin_argument(const struct admin_call *call, const char *name);
/* The same without its escapes. */
struct slice admin_argument_text(const struct admin_call *call,
    struct arena *arena, const char *name);
must_check bool admin_number(const struct admin_call *call, const char *name,
    int64_t *number);

/* Who asks, for what is written down of it. */
const char *admin_operator(const struct admin_call *call, struct arena *arena);
