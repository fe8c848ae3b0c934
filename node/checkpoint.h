#pragma once
/*
 * checkpoint: a node signs how far it has the receipts of each chain, keeps
 * that, and tells the egress.  The first worker's part; a little a second.
 */

struct checkpoints;
struct desk;

/* NULL on all workers but the first. */
struct checkpoints *checkpoints_start(struct desk *d);
void checkpoints_stop(struct checkpoints *c);
