#pragma once
/*
 * order: a request's plan: who can serve it, by eligibility, and who first,
 * by the group's strategy; with what a policy service says, where there is
 * one.  All randomness comes from the request's id.
 */
#include "common/llm/fail.h"
#include "node/strategy/plan.h"

struct contract_wish;
struct candidate;
struct request;
struct scripts;

enum order_end {
	ORDER_MADE,
	ORDER_WAIT,     /* a policy service is asked; it wakes the request */
	ORDER_ESTIMATE, /* tokens are to be counted, and nobody does */
	ORDER_REFUSED   /* nobody can serve it, or the policy fails closed */
};

/*
 * Who can serve it, into r->plan: ORDER_MADE, ORDER_ESTIMATE or ORDER_REFUSED
 * (*fail and r->detail say why).  Again when time has passed.
 */
enum order_end order_sift(struct request *r, enum fail *fail);

/* Puts them in order: ORDER_MADE, ORDER_WAIT or ORDER_REFUSED. */
enum order_end order_make(struct request *r, enum fail *fail);

/* The one target that its caller, who may, asks for; or empty. */
struct slice order_pin(const struct request *r);

/* What a policy service said by now that does not decide, into the plan. */
void order_hear(struct request *r);

/* Forget what is under way. */
void order_fini(struct request *r);

/*
 * By the group's strategy, or its fallback where that has to decide; what an
 * external service would say is left out.  The plan has candidates that may
 * be tried.
 */
void order_decide(struct plan *p, struct scripts *scripts,
    const struct contract_wish *wish);

/*
 * Links come and go while a request waits, and the way that was chosen may be
 * down by now, or have failed: the target is what was decided on, not the way.
 * False when no way to it is left.
 */
must_check bool order_find_way(struct request *r, struct candidate *c);

/* What a request's plan was made by, for its row; the second leans on the
 * first, which has to stay. */
struct order_wish order_wish_of(const struct request *r);
struct contract_wish order_contract(const struct request *r,
    const struct order_wish *wish);
