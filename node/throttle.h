#pragma once
/*
 * throttle: a round's turn at an account of the node's own: what all callers
 * share there, fairly among them.  What egresses hold is shared there.
 */
#include "common/member/gate.h"

struct attempt_row;
struct desk;
struct request;

/*
 * PASS_IN: it may call (also where nothing is shared); PASS_WAITS: the request
 * is woken; PASS_REFUSED: the next candidate's turn, if there is one.  Only
 * the last one waits.
 */
enum pass_state throttle_enter(struct request *r);

/* The call is over, and this is what it took; NULL: nothing. */
void throttle_leave(struct request *r, const struct attempt_row *row);

/*
 * How long an egress may let an attempt wait that has so much time: not at all
 * while somebody else is left, and so that it can still say no.
 */
int64_t throttle_wait_ms(const struct request *r, int64_t left_ms);

/* The files were loaded anew: of requests that wait, too. */
void throttle_adopt(struct desk *d);
