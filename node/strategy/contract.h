#pragma once
/*
 * contract: what a policy is told of a request and of the targets that may
 * serve it: one JSON object, the same for scripts and for policy services
 * (docs/POLICY_SERVICE.md).  Scalars and flat lists only; content goes along
 * only where the group says so.  Pure.
 */
#include "common/base/slice.h"

struct buf;
struct order_wish;
struct plan;

#define CONTRACT_VERSION 1

struct contract_wish {
	const struct plan *plan; /* candidates that may be tried are written */
	const struct order_wish *wish;
	const char *request_id;
	struct slice caller, user, project;
	struct slice tags; /* "k=v,k=v", each key once */
	int64_t now_wall_us;
	struct slice content; /* the body as it came, JSON; or empty */
};

/* Append it; what is not known is null, or 0 where that means the same. */
void contract_write(struct buf *out, const struct contract_wish *w);
