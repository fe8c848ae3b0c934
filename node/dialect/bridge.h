#pragma once
/*
 * bridge: an answer from one dialect into another, event by event or whole.
 * What a provider's event becomes is appended to `out`; whoever owns it takes
 * the bytes and empties it.  Pure; one a request.
 */
#include "node/dialect/hearing.h"
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

#define BRIDGE_OUT_MAX (128u << 20)

struct bridge {
	const struct target_face *from;
	struct hearing hearing;
	struct telling telling;
	struct buf out;
};

struct bridge_wish {
	enum dialect from, to;
	const struct turn *turn; /* stays until bridge_free */
	const char *id;          /* 26 characters, stays */
	int64_t created_s;       /* UTC */
	bool whole;              /* no stream */
	bool wants_usage;        /* chat: in a stream */
	bool wants_blobs;        /* Responses: include encrypted reasoning */
};

struct bridge *bridge_new(const struct bridge_wish *wish);
void bridge_free(struct bridge *b); /* NULL is fine */

/* One event of the provider's, parsed. */
void bridge_event(struct bridge *b, const struct json_value *root);

/* It is over: the last events, terminal marker included; once. */
void bridge_end(struct bridge *b, const struct usage *usage);

/* A whole answer, parsed. */
void bridge_whole(struct bridge *b, const struct json_value *root,
    const struct usage *usage);

/* No such answer can be: it is not to be passed on. */
bool bridge_broken(const struct bridge *b);
