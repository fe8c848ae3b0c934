#pragma once
/*
 * admission: how a request gets past the limits of its node, project, user
 * and caller, once: what it may come to at most is held of all of them or of
 * none, and in the end what it came to takes the place of what was held.  Part
 * of its request.
 */
#include "common/limit/chain.h"
#include "common/limit/shaper.h"
#include "common/llm/fail.h"

struct request;
struct request_row;
struct route;

struct admission {
	struct chain chain;          /* empty before it is known */
	bool bounded;                /* a budget of tokens or money has a say */
	struct hold hold;            /* what is held now */
	struct chain_wish wish;      /* what was asked for */
	struct budget_amounts first; /* for one attempt */
	const char *bucket; /* refused it, or made it wait; "" or text */
};

/*
 * The most output tokens that a target may be asked for: the group's, where it
 * says one or a budget has to hold them, or the target's own; 0: any.
 */
int64_t admission_cap(const struct request *r, const struct route *route);

/* What rates of tokens count it as beforehand; of a count nothing. */
struct toll admission_toll(const struct request *r);

/* After eligibility: all limits at once, or why not (r->detail). */
enum fail admission_enter(struct request *r);

/*
 * What its attempts came to is spent: the next one is held beside it, and as
 * dear as its route is: one that was left alone at first may be dearer.
 */
enum fail admission_extend(struct request *r);

/* Was anything done for it?  Else it costs nothing in any bucket. */
bool admission_is_served(const struct request *r);

/* On every way out, once: `row` as it is settled; NULL: there is none. */
void admission_settle(struct request *r, const struct request_row *row);
