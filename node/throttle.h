#pragma once
/*
 * throttle: a round's turn at an account of the node's own: what all callers
 * share there, fairly among them.  What egresses hold is shared there.
 */
#include "common/member/gate.h"

struct attempt_row;
struct request;

/*
 * PASS_IN: it may call (also where nothing is shared); PASS_WAITS: the request
 * is woken; PASS_REFUSED: the next candidate's turn, if there is one.  Only
 * the last one waits.
 */
enum pass_state throttle_enter(struct request *r);

/* The call is over, and this is what it took; NULL: nothing. */
void throttle_leave(struct request *r, const struct attempt_row *row);

/* May nobody else be tried after this candidate? */
bool throttle_is_last(const struct request *r);
