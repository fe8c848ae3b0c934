#pragma once
/*
 * external: asks of HTTP policy services (docs/POLICY_SERVICE.md): the
 * contract goes out in one POST, and what comes back is handed over as it is;
 * whether it is an order of the targets is not judged here.  An ask is made
 * once, on its worker's loop, and belongs to whoever started it.
 */
#include "common/base/slice.h"

struct external_ask;
struct external_policy;
struct secret;
struct upstream;

#define EXTERNAL_ASKS_MAX     256 /* under way, of a worker */
#define EXTERNAL_ANSWER_BYTES 65536

enum external_end {
	EXTERNAL_OK,          /* status 200, and the whole text is here */
	EXTERNAL_TIMEOUT,     /* none within the policy's timeout */
	EXTERNAL_UNREACHABLE, /* no such name, or nobody answers there */
	EXTERNAL_UNTRUSTED,   /* TLS */
	EXTERNAL_STATUS,      /* another status; redirects are not followed */
	EXTERNAL_TOO_LARGE,   /* the text or the head passed its cap */
	EXTERNAL_BROKEN,      /* closed before its end, or not HTTP */
	EXTERNAL_BUSY,        /* EXTERNAL_ASKS_MAX are under way already */
	EXTERNAL_ENDS
};

/* A short constant for rows and logs: "timeout", "too-large" … */
const char *external_end_name(enum external_end end);

/* What the asks of one worker share; starts zeroed but for upstream. */
struct external_line {
	struct upstream *upstream;
	unsigned under_way;
};

struct external_spec {
	struct external_line *line; /* has to stay, as has … */
	const struct external_policy
	    *policy;           /* … this, until the ask is freed */
	struct secret *secret; /* held; NULL: send no auth */
	struct slice body;     /* copied; JSON */
};

struct external_answer {
	enum external_end end;
	int status;        /* 0: none came */
	struct slice text; /* when it is EXTERNAL_OK; lasts as the ask does */
	int64_t took_us;
};

/*
 * done comes once, later; what it finds is external_answer, and it may free
 * the ask.  NULL when too many are under way (EXTERNAL_BUSY): no done comes.
 */
struct external_ask *external_start(const struct external_spec *spec,
    void (*done)(void *arg), void *arg);

/* After done. */
const struct external_answer *external_answer(const struct external_ask *ask);

/* Under way it is cancelled, and no done comes; NULL is fine. */
void external_free(struct external_ask *ask);
