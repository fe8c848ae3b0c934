#pragma once
/*
 * outlay: a node tells its egresses what its own upstreams cost its team, so
 * that it counts in the team's budget there.  The first worker's part.
 */

struct desk;

/* Tell what changed since, once a second at most; on_up tells all anew. */
void outlay_start(struct desk *d);
void outlay_stop(struct desk *d);
void outlay_again(struct desk *d);
