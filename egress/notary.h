#pragma once
/*
 * notary: signs receipts.  Those of one turn share signatures; each goes into
 * its origin's chain, and receipt, outbox entry and settled attempt are
 * written in one batch.  One a worker, on its thread.
 */
#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/store/ledger.h"
#include "common/store/receipt.h"

struct dock;
struct egress;
struct notary;

/* A call that ended and wants its receipt; embedded in the call. */
struct notary_job {
	struct list link;
	struct attempt_row *attempt; /* its chain columns are filled in */
	char chain[CHAIN_ID_CHARS];
	/* In RELEASE, when all is written; the message is good until then. */
	void (*call)(void *arg, struct slice message);
	void *arg;
	struct buf message;
	struct ledger_wait wait;
};

/* Before ledger_turn_new: it has to come first in COMMIT. */
struct notary *notary_new(struct dock *d);
void notary_free(struct notary *n);

/* Queue it for this turn.  `attempt` stays until the call comes. */
void notary_sign(struct notary *n, struct notary_job *job,
    struct attempt_row *attempt);

/*
 * At recovery, before workers start: the receipt of an attempt that a kill
 * interrupted, into the batch that closes it.  `arg` is a struct recovery.
 */
struct recovery {
	struct egress *egress;
	struct list chains;
};
void notary_recover(void *recovery, struct db_batch *b,
    const struct attempt_row *attempt);
void recovery_fini(struct recovery *r);

/*
 * Key of a receipt in an origin's outbox, and the prefix of all of them: the
 * origin's name, a zero byte, the receipt's key.  The value is empty: the
 * receipt itself is stored once.
 */
#define OUTBOX_KEY_MAX 96
struct slice outbox_key(char key[OUTBOX_KEY_MAX], struct slice origin,
    const uint8_t *receipt_key);
struct slice outbox_prefix(char key[OUTBOX_KEY_MAX], struct slice origin,
    char last);
