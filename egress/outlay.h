#pragma once
/*
 * outlay: what the nodes say that their teams' own upstreams cost: it counts
 * in the team's budget, each day of a node once, however often it is told.
 * Shared by the threads.
 */
#include "common/base/slice.h"

struct dock;
struct ledger;
struct outlay_day;
struct outlays;
struct public_key;
struct spend;

/* A node, by the key of its state, and its team. */
struct outlay_teller {
	struct slice node, team;
	const struct public_key *key;
};

/* NULL when the store cannot be read: logged. */
struct outlays *outlays_open(struct ledger *l);
void outlays_close(struct outlays *o); /* NULL is fine */

/*
 * A node told so much of a day: *more is what is new of it.  False: nothing,
 * or a day that is over or has not begun (`today` is limits_day), of which
 * nothing is noted, so that it is heard when it is told in its time.
 */
must_check bool outlays_hear(struct outlays *o, const struct outlay_teller *who,
    int64_t today, const struct outlay_day *day, struct spend *more);
size_t outlays_count(struct outlays *o); /* days of nodes in memory */

/* A REPORT came; in this turn's settlements. */
void outlay_hear(struct dock *d, const struct outlay_teller *who,
    struct slice message);
