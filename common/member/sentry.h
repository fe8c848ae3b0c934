#pragma once
/*
 * sentry: who may ask what of the operator listener, and what the audit log
 * has of it.  The clerk's thread.
 *
 * A question on the TCP listener comes with "Authorization: Bearer TOKEN", or
 * from a browser with the cookie of a session (signin.h).
 * No token, or one that is not in force, is 401; one without the role is 403;
 * both are rows of the audit log, bounded by flood.h, as are repeated reads.
 */
#include "common/base/slice.h"

struct admin_call;
struct admin_route;
struct http_exchange;
struct process;

/* What stands behind "Authorization: Bearer"; empty: nothing. */
struct slice sentry_token(const struct http_exchange *x);

/*
 * Fill in who asks; `route` is NULL where there is none.  0: let it in; else
 * the status, with the text in call->out and the row in the log.
 */
int sentry_admit(struct admin_call *call, const struct admin_route *route,
    bool control);

/*
 * Write down what was answered, where the route wants it.  False: the log
 * could not be written, and the answer must not be given.
 */
must_check bool sentry_note(struct admin_call *call,
    const struct admin_route *route, int status);

/* What the member itself did, as `actor`; logged when it cannot be kept. */
void sentry_note_own(struct process *p, const char *actor, const char *action,
    struct slice what, bool done);

/* Write down who came to the workers' port without a right. */
void sentry_strangers(struct process *p);

/* Write down what was counted, as far as its time is over. */
void sentry_sweep(struct process *p, int64_t wall_us);
