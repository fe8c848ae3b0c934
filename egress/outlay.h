#pragma once
/*
 * outlay: what the nodes say that their teams' own upstreams cost: it counts
 * in the team's budget, each day of a node once, however often it is told.
 * Shared by the threads.
 */
#include "common/base/slice.h"

struct dock;
struct ledger;
struct outlays;

/* NULL when the store cannot be read: logged. */
struct outlays *outlays_open(struct ledger *l);
void outlays_close(struct outlays *o); /* NULL is fine */

/* A REPORT of a node of that team came; in this turn's settlements. */
void outlay_hear(struct dock *d, struct slice node, struct slice team,
    struct slice message);
