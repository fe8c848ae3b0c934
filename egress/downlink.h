#pragma once
/*
 * downlink: a node's link as the egress sees it: who it is, its catalog, its
 * acknowledgements, its OPENs; and the table of attempts under way, so that
 * none is served twice, whichever worker it comes to.
 */
#include "common/base/slice.h"
#include "common/net/link.h"

struct buf;
struct dock;
struct envelope;

/* The egress's end of links, for link_listen; `arg` is the dock. */
void downlink_config(struct dock *d, struct link_config *config);

/* The topology was swapped: recheck links, offer anew. */
void downlinks_adopt(struct dock *d);

/* To each node what its team may know of capacity. */
void downlinks_tell_capacity(struct dock *d);

/*
 * Send a receipt whose stream is gone, if its origin has a link here: to the
 * worker that asked, if it has.
 */
struct receipt_way {
	struct slice origin;
	unsigned lane;
};
void downlinks_tell(struct dock *d, const struct receipt_way *way,
    struct slice receipt);

/* Send the page that the link with this ticket waits for (extract.h). */
void downlinks_tell_page(struct dock *d, uint64_t ticket, struct slice page);

/* Send again what was not acknowledged for a while. */
void downlinks_sweep(struct dock *d);

/* Two-step GOAWAY to all. */
void downlinks_drain(struct dock *d);

/* Close what is left. */
void downlinks_close(struct dock *d);

/*
 * Claim an attempt: false when it is under way or was served before.  The key
 * is written by claim_write and stays until released.
 */
#define CLAIM_BYTES 96
struct claim {
	uint8_t key[CLAIM_BYTES];
	size_t len;
};
must_check bool claim_take(struct dock *d, struct claim *c,
    const struct envelope *e);
void claim_release(struct dock *d, struct claim *c);
