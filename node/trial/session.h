#pragma once
/*
 * session: the trials of a docket held, one after the other, over HTTP: by
 * the node's own port as a caller, and straight at its upstreams.  Blocks
 * until all are judged; for a command's main thread.
 */
#include "common/base/slice.h"

struct docket;
struct secret;
struct vault;

/* Chooses the target; the node heeds it of tokens that may pin. */
#define SESSION_TARGET_FIELD "X-Router-Target"

struct session_wish {
	struct docket *docket;
	const char *state_dir; /* to ask the daemon what it did */
	const char *base_url;  /* of the node, without a slash at its end */
	const char *ca_file;   /* for it; NULL: the system's */
	const struct secret *token; /* may use the group, and pin */
	const struct vault *vault;  /* NULL when nothing is tried directly */
	bool progress;              /* a line on standard error */
};

void session_run(const struct session_wish *wish);
