#include "egress/checkpoint.h"

#include <assert.h>

#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/base/stat.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/store/checkpoint.h"
#include "egress/egress.h"

static struct db *
store_of(const struct dock *d)
{
	return ledger_db(d->egress->process->ledger);
}

/* The one that is kept says as much, or more. */
static bool
is_known(const struct dock *d, struct slice key, const struct checkpoint *c)
{
	struct checkpoint kept;
	struct buf bytes;
	bool known;

	buf_init(&bytes, CHECKPOINT_MAX);
	known = db_get(store_of(d), FAMILY_META, key, &bytes) &&
		checkpoint_read(&kept, buf_slice(&bytes)) &&
		kept.row.seq >= c->row.seq;
	buf_fini(&bytes);
	return known;
}

enum match { MATCHES, DIFFERS, UNKNOWN };

/* Is it our receipt that it names? */
static enum match
match(const struct dock *d, const struct checkpoint_row *c)
{
	const struct receipt_row place = { .chain = c->chain, .seq = c->seq };
	uint8_t key[RECEIPT_KEY_BYTES];
	bool made = receipt_key(key, &place);
	enum match m = UNKNOWN;
	struct buf message;
	struct receipt r;
	struct hash hash;

	assert(made); /* checkpoint_read looked */
	buf_init(&message, RECEIPT_MAX);
	if (db_get(store_of(d), FAMILY_RECEIPT, slice_make(key, sizeof(key)),
		&message) &&
	    receipt_read(&r, buf_slice(&message))) {
		hash = hash_of(r.object.ptr, r.object.len);
		m = memcmp(&hash, &c->object, sizeof(hash)) == 0 &&
			    slice_eq(r.row.origin, c->origin)
			? MATCHES
			: DIFFERS;
	}
	buf_fini(&message);
	return m;
}

static void
hear(struct dock *d, const struct link_peer *peer, struct slice message)
{
	char room[CHECKPOINT_KEY_MAX];
	struct checkpoint c;
	struct slice key;
	enum match m;

	if (!checkpoint_read(&c, message) ||
	    !slice_is(c.row.origin, peer->name) ||
	    !slice_is(c.row.egress, d->egress->process->identity.name)) {
		log_warn("a checkpoint is not readable, or not the peer's",
		    log_str("peer", peer->name));
		return;
	}
	key = checkpoint_key(room, c.row.chain);
	if (is_known(d, key, &c))
		return;
	m = match(d, &c.row);
	if (m == MATCHES && seal_check_again(&d->seals, &c.seal, &peer->key,
				CHECKPOINT_CONTEXT, c.object)) {
		ledger_put(d->worker->turn, LEDGER_SETTLEMENTS, FAMILY_META,
		    key, message);
		return;
	}
	if (m == UNKNOWN)
		return; /* kept no longer, or lost: nothing to vouch for */
	stat_add(STAT_RECEIPTS_BAD, 1);
	log_error("a node's checkpoint is not about the receipt that was "
		  "signed for it, or not signed by it",
	    log_str("peer", peer->name), log_slice("chain", c.row.chain),
	    log_int("seq", c.row.seq));
}

void
checkpoints_hear(struct dock *d, const struct link_peer *peer,
    struct slice message)
{
	struct slice messages[CHECKPOINTS_MAX];
	int i, count = checkpoints_read(messages, message);

	if (count < 0)
		log_warn("CHECKPOINT is not readable",
		    log_str("peer", peer->name));
	for (i = 0; i < count; i++)
		hear(d, peer, messages[i]);
}
