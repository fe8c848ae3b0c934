#pragma once
/*
 * signin: how a browser comes by a session and uses it.  It brings an admin
 * token once, as any other question does (sentry.h); from then on its cookie
 * stands for the token.  The clerk's thread.
 *
 * The cookie is HttpOnly and SameSite=Strict, for /admin alone, and by name
 * this member's: cookies know no ports.  What changes something also needs
 * X-GSR-CSRF, which only a page from here can have read, and must not say that
 * it comes from another site.
 */
#include "common/base/slice.h"

struct admin_call;
struct admin_route;
struct http_exchange;
struct process;

/*
 * The token of the session whose cookie is brought.  Empty when there is none;
 * then *why (a constant) says what was wrong with one that was brought.
 */
struct slice signin_token(const struct process *p,
    const struct http_exchange *x, const char **why);

/* 0, or 429 with the text: too many signed in with tokens that are none. */
int signin_wait(struct admin_call *call, const struct admin_route *route);

/* It was answered 401. */
void signin_failed(const struct admin_call *call,
    const struct admin_route *route);

/* POST, GET and DELETE /admin/session. */
int signin_open(struct admin_call *call);
int signin_tell(struct admin_call *call);
int signin_close(struct admin_call *call);
