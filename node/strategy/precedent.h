#pragma once
/*
 * precedent: a decision that was written down, as the question that a policy
 * was or could have been asked then: contract_write makes of it what it made
 * of the request, but for its content and what a row rounds (tokens a
 * second).  Nothing is in order yet.  A value of some 12 KiB; its texts are
 * the decision's, which has to stay.  Pure.
 */
#include "common/llm/shape.h"
#include "common/store/decision.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "node/strategy/plan.h"

struct precedent {
	struct contract_wish contract;
	struct order_wish wish;
	struct plan plan;
	struct group group;
	struct shape shape;
	struct route routes[TARGETS_MAX];
	struct group_target listed[TARGETS_MAX];
	struct candidate candidates[TARGETS_MAX];
	char request_id[4 + ID_TEXT_BYTES];
};

/* False when the rows have words that this version does not know. */
must_check bool precedent_read(struct precedent *p, const struct decision *d);

/* The candidate that was first in the order then, or NULL. */
const struct candidate_row *precedent_first(const struct decision *d);
