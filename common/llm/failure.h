#pragma once
/*
 * failure: what kind of failure an attempt met, and what may be done next,
 * from one table (failure.def).  Pure.
 */
#include "common/llm/fail.h"

enum failure {
	FAILURE_NONE, /* it was answered, or nobody's fault: the caller left */
#define FAILURE(name, text, again, other, backoff, signals) FAILURE_##name,
#include "common/llm/failure.def"
#undef FAILURE
	FAILURES
};

const char *failure_name(enum failure f); /* "" for FAILURE_NONE */
const char *failure_signals(enum failure f);

/* FAILURE_NONE when no row has that name. */
enum failure failure_by_name(struct slice name);

/* The same target once more, if the caller has seen nothing? */
bool failure_again(enum failure f);

/*
 * Is it about the whole account at the provider: its money, or its key?  A 403
 * may be about one model of it.
 */
bool failure_of_account(enum failure f, int status);

enum failure_other { OTHER_NO, OTHER_YES, OTHER_LARGER };
enum failure_other failure_other(enum failure f);

/*
 * How an attempt ended, as far as its member saw it.  Without a body, which
 * says more, an attempt that got no answer failed on the network, and one of
 * status 200 by what came behind the head.
 */
struct failure_signs {
	enum fail fail; /* of ours: FAIL_NONE when an answer is whole */
	int status;     /* the provider's; 0: none came */
	bool keyless;   /* no key of its is in the vault: nothing was called */
	bool refused;   /* THROTTLED by a parent: nothing was called */
	struct slice body;         /* of its error, or its error event */
	struct slice router_error; /* X-Router-Error, when it is a member */
	struct slice told; /* the class, when an egress's receipt states it */
};

/* The class of what happened. */
enum failure failure_of(const struct failure_signs *signs);
