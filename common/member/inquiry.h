#pragma once
/*
 * inquiry: an operator's question whose answer takes long: it is worked out as
 * an errand, and told when it is there, unless whoever asked has left.  Made
 * and answered on the clerk's loop.
 */
#include "common/base/buf.h"
#include "common/member/errand.h"

struct http_exchange;

struct inquiry {
	struct errand errand;
	struct http_exchange *exchange; /* NULL: it has left */
	/* On the errand's thread: writes `out`, gives the HTTP status. */
	int (*work)(struct inquiry *i, const atomic_bool *stop);
	void (*free)(struct inquiry *i); /* all of it */
	const char *media_type;          /* of an answer that is good */
	int status;
	struct buf out;
};

/* Taken: it will be answered and freed.  False: too many wait. */
must_check bool inquiry_send(struct inquiry *i, struct errands *es,
    struct http_exchange *x);

/* The same for what somebody else works out, who then sets status and `out`
 * and calls inquiry_answer, which frees it. */
void inquiry_hold(struct inquiry *i, struct http_exchange *x);
void inquiry_answer(struct inquiry *i);

/* The exchange is over; `owner` is what http_owner gives of it. */
void inquiry_forget(void *owner);
