#pragma once
/*
 * ration: a call's part of what there is: of its team's limits and budgets,
 * whatever the node decided, and of the account with the provider that all
 * teams share, in turn.  Part of its call.
 */
#include "common/limit/chain.h"
#include "common/llm/fail.h"
#include "common/member/gate.h"

struct attempt_row;
struct call;
struct dock;

#define RATION_DETAIL_CHARS 224 /* what a frame takes beside a name */

struct ration {
	struct chain chain; /* of the team alone */
	bool bounded;       /* a budget of its tokens or money has a say */
	bool weighed;       /* somebody counts its tokens */
	struct gate *gate;  /* of its account; NULL: nobody shapes it */
	struct toll toll;
	int64_t most_output; /* tokens that its budget has to hold */
	struct hold hold;
	struct gate_pass pass;
	int64_t queued_us;
	/* Of PASS_REFUSED. */
	enum fail fail;
	int64_t retry_after_ms;
	char detail[RATION_DETAIL_CHARS]; /* "whose limit: how it stands" */
};

/* Before its body is looked at: what will have a say. */
void ration_find(struct call *c);

/* PASS_IN, PASS_WAITS (the call is woken) or PASS_REFUSED. */
enum pass_state ration_enter(struct call *c);

/*
 * The provider is done with it: its place at the account is another's, while
 * the answer may still wait to be read.
 */
void ration_give_back(struct call *c);

/*
 * On every way out, once; `row` as it was settled, or NULL: nothing was
 * called, and all is as if it had not come.
 */
void ration_leave(struct call *c, const struct attempt_row *row);

/* The files were loaded anew: of calls that wait, too. */
void ration_adopt(struct dock *d);
