#pragma once
/*
 * offline: what a command does to the store itself because no daemon runs,
 * as that would: by the member's key, and with a row in the audit log.
 */
#include "common/base/slice.h"
#include "common/member/identity.h"

struct buf;
struct ledger;

struct offline {
	struct identity identity;
	struct ledger *ledger; /* for writing */
};

/*
 * What is done: the answer, or why not, in `out`.  `action` and `what` are for
 * the audit log; NULL: nothing is changed.
 */
struct deed {
	const char *action;
	struct slice what;
	bool (
	    *act)(const void *arg, const struct offline *off, struct buf *out);
	const void *arg;
};

/* Do it and print what came of it; gives the exit status. */
int offline_do(const char *state_dir, const struct deed *deed);
