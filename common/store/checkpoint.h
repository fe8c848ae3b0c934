#pragma once
/*
 * checkpoint: a node's signed word that it has all receipts of a chain up to
 * a number, durably, and the hash of that one, which covers those before it.
 * Node and egress keep the last of each chain, so that a chain whose end was
 * taken away is found.  It travels and rests sealed, as receipts do.
 */
#include "common/base/seal.h"
#include "common/store/ledger.h"
#include "common/store/receipt.h"

#define CHECKPOINT_CONTEXT  "gsr/checkpoint/v1"
#define CHECKPOINT_MAX      640 /* bytes of a sealed one */
#define CHECKPOINTS_MAX     24  /* in a message, which is one frame then */
#define CHECKPOINT_PREFIX   "checkpoint/"
#define CHECKPOINT_END      "checkpoint0" /* behind all of them */
#define CHECKPOINT_KEY_MAX  48
#define CHECKPOINT_NAME_MAX 64

struct checkpoint {
	struct checkpoint_row row; /* text points into the message */
	struct slice object;
	struct seal seal;
};

/* False when the bytes are none; the signature is not checked. */
must_check bool checkpoint_read(struct checkpoint *c, struct slice message);

/* Its place in FAMILY_META. */
struct slice checkpoint_key(char room[CHECKPOINT_KEY_MAX], struct slice chain);

/* How far a chain is whole; names are NUL-terminated. */
struct checkpoint_place {
	char chain[CHAIN_ID_CHARS];
	int64_t seq;
	struct hash object;
	char egress[CHECKPOINT_NAME_MAX], origin[CHECKPOINT_NAME_MAX];
};

/*
 * Go on through the chains of a node's store: those that grew since their
 * stored checkpoint, at most `most` of them and about CHECKPOINT_STEP
 * receipts at a time.  A walk starts zeroed; it comes round.
 */
#define CHECKPOINT_STEP 2048
struct checkpoint_walk {
	uint8_t chain[CHAIN_ID_BYTES]; /* the next one, or behind it */
};
bool checkpoint_walk_begins(const struct checkpoint_walk *w); /* a round */
size_t checkpoint_walk(struct checkpoint_walk *w, struct ledger *l,
    struct checkpoint_place *places, size_t most);

/* One signature for 1..CHECKPOINTS_MAX places: the messages to be kept, each
 * in a buf of the caller's. */
void checkpoint_sign(const struct checkpoint_place *places, size_t count,
    int64_t at, const struct secret *key, struct buf *messages);

/* What a node sends: an array of sealed ones. */
void checkpoints_write(struct buf *out, const struct buf *messages,
    size_t count);
/* Gives how many, or -1 when it is no such message. */
int checkpoints_read(struct slice messages[CHECKPOINTS_MAX],
    struct slice bytes);
