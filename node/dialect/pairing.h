#pragma once
/*
 * pairing: which result answers which call of a conversation.  Ids may occur
 * again in later turns: a call takes the next result of its id behind it, and
 * a result is taken once.  Pure; what it needs lies in the turn's arena.
 */
#include "common/base/map.h"
#include "node/dialect/turn.h"

struct pairing {
	struct arena *arena;
	struct map waiting; /* raw id → results not taken, in order */
	struct map taken;   /* a result's address → the result */
};

/* All results of the messages from that one on, which is number 0. */
void pairing_init(struct pairing *p, const struct turn *t,
    const struct message *from);
void pairing_fini(struct pairing *p);

/* The result of a call in message number `at`; NULL when there is none. */
const struct part *pairing_take(struct pairing *p, const struct part *call,
    size_t at);

/* Was it taken?  One that never is has no call. */
bool pairing_took(const struct pairing *p, const struct part *result);
