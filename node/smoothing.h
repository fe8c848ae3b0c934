#pragma once
/*
 * smoothing: a request's turn where bursts are smoothed: its caller's, then
 * its group's, both first in, first out.  Part of its request.
 */
#include "common/llm/fail.h"
#include "common/member/gate.h"

struct desk;
struct request;

enum smoothed { SMOOTH_CALLER, SMOOTH_GROUP, SMOOTHINGS };

struct smoothing {
	struct gate_pass passes[SMOOTHINGS];
	enum smoothed next;
	int64_t queued_us;
};

/* False: it waits, and the request is woken.  *fail when there was no room. */
must_check bool smoothing_enter(struct request *r, enum fail *fail);

/* It waits no more, if it still did: before its row is made. */
void smoothing_leave_line(struct request *r);

/* On every way out, once: what it took, or NULL: nothing was done for it. */
void smoothing_leave(struct request *r, const struct toll *real);

/* The files were loaded anew: of requests that wait, too. */
void smoothing_adopt(struct desk *d);
