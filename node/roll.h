#pragma once
/*
 * roll: everybody on a node whom the present files limit, called before all
 * are told how they stand: who did not come since the start would be missing.
 * Any thread.
 */

struct node;
struct tally;

/* Everybody is there; *tally is filled for all. */
void roll_call(struct node *n, struct tally *tally);
