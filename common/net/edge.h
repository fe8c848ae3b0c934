#pragma once
/*
 * edge: is this request head one that every HTTP implementation frames the
 * same way?  Pure: slices in, a verdict out.  What it refuses is answered
 * with that status, and the connection is closed where the next request's
 * beginning is in doubt.  Sources: RFC 9110, RFC 9112.
 */
#include "common/base/slice.h"

#define EDGE_FIELDS_MAX 64
#define EDGE_HEAD_MAX   (16 * 1024) /* bytes, request line to blank line */
#define EDGE_TARGET_MAX (8 * 1024)

struct edge_field {
	struct slice name, value;
};

struct edge_head {
	struct slice method, target, version;
	const struct edge_field *fields;
	size_t count;
	size_t bytes; /* of the whole head */
};

/* What of a good head decides how it is read on. */
struct edge_request {
	int method; /* enum http_method */
	bool http_1_0;
	bool chunked;
	bool has_length;
	uint64_t length;     /* 0 without a body */
	bool wants_continue; /* the client waits before it sends the body */
};

/*
 * 0 when the head is good and *request is filled; else the status to answer
 * (400, 414, 415, 431) and a reason (a constant) in *why.
 */
int edge_check(const struct edge_head *head, struct edge_request *request,
    const char **why);

/*
 * A parser that cut lines in place, by zeroing what ended them, says where
 * its pieces lie.  True when nothing lies between the pieces but what HTTP
 * puts there: so no NUL, no bare LF, no folded line and no space was dropped
 * in silence.  `raw` is the head as the parser left it.  What it zeroed cannot
 * be told apart: NUL LF passes for CR LF, and ":" LF for the blank line.
 */
must_check bool edge_whole(const struct edge_head *head, struct slice raw);

/* Is this a header name (RFC 9110 token), is this a header value? */
bool edge_is_token(struct slice s);
bool edge_is_value(struct slice s);

/* The target up to its query. */
struct slice edge_path(struct slice target);

/* The raw value of a query argument; false when it is not there. */
must_check bool edge_query(struct slice target, const char *name,
    struct slice *value);

/* A header's value without the spaces behind it, which are no part of it. */
struct slice edge_trimmed(struct slice value);
