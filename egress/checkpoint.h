#pragma once
/*
 * checkpoint: a node's signed word of how far it has this egress's receipts
 * for it: kept when it is true, so that the end of a chain cannot be taken
 * away afterwards, at either side, unseen.
 */
#include "common/base/slice.h"

struct dock;
struct link_peer;

/* A CHECKPOINT came from that peer; in this turn's settlements. */
void checkpoints_hear(struct dock *d, const struct link_peer *peer,
    struct slice message);
