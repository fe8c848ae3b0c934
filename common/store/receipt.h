#pragma once
/*
 * receipt: an egress's signed statement of what it did for a request.
 *
 * The object is a stored RECEIPT row; it is sealed (signed with others of its
 * turn) and travels and rests as one msgpack array: object, then the seal's
 * fields.  Receipts of one writer (egress, boot epoch, worker, origin) form a
 * chain: each names the hash of the object before it.  Pure, but for the
 * functions that take a ledger.
 */
#include "common/base/seal.h"
#include "common/store/ledger.h"
#include "common/store/row.h"

#define RECEIPT_CONTEXT "gsr/receipt/v1"
#define RECEIPT_MAX     4096 /* bytes of a sealed one */
#define CHAIN_ID_BYTES  16
#define CHAIN_ID_CHARS  33

/* The first 16 bytes of H(egress | epoch | worker | origin), as hex. */
void chain_id_write(char text[CHAIN_ID_CHARS], struct slice egress,
    int64_t epoch, int64_t worker, struct slice origin);

/* Append object and seal as one message. */
void receipt_write(struct buf *out, struct slice object,
    const struct seal *seal);

struct receipt {
	struct receipt_row row; /* text points into the message */
	struct slice object;    /* the signed bytes */
	struct seal seal;
};

/* False when the bytes are not a receipt; the signature is not checked. */
must_check bool receipt_read(struct receipt *r, struct slice message);

/* By (chain, seq): 16 bytes and a big-endian 64-bit number. */
#define RECEIPT_KEY_BYTES 24
must_check bool receipt_key(uint8_t key[RECEIPT_KEY_BYTES],
    const struct receipt_row *row);

/*
 * An ACK message: ranges of receipts that are durable at the origin (exact
 * ranges, so that it means the same in whatever order receipts came).
 */
struct ack_range {
	uint8_t chain[CHAIN_ID_BYTES];
	int64_t from, to; /* both included */
};
#define ACK_RANGES_MAX 256
void ack_write(struct buf *out, const struct ack_range *ranges, size_t count);
/* Gives how many, or -1 when the bytes are no ACK. */
int ack_read(struct ack_range ranges[ACK_RANGES_MAX], struct slice message);

/*
 * Node: a receipt that came while its attempt was live: put in the turn in
 * which the attempt is settled, with the receipt's place in its row, so that
 * there is never one without the other.
 */
void receipt_put(struct ledger_turn *t, const struct receipt *r,
    struct slice message);

/*
 * Node: keep a late receipt that was verified, and bring the attempt and
 * request rows in line: a row that recovery closed as `interrupted` takes the
 * receipt's tokens and cost, once.  A receipt seen before changes nothing.
 * `agrees` says whether the origin's own view matches (hash, tokens).  True:
 * the request was still open, so its sum may miss this; see sum.h.
 */
bool receipt_keep(struct ledger *l, struct ledger_turn *t,
    const struct receipt *r, struct slice message, bool agrees);

/* What `ledger verify` found; counts of receipts unless said. */
struct receipt_audit {
	int64_t checked, good;
	int64_t bad_signature, broken_chain, unreadable;
	int64_t chains, missing; /* numbers absent, up to checkpoints */
	int64_t dropped;         /* numbers that retention took of them */
	int64_t unmatched;       /* without an attempt row that agrees */
	int64_t checkpoints;     /* that vouch for the ends of chains */
};

/*
 * Check every receipt in the store: signature by one of the keys that
 * `key_of` gives for a member (the which-th; NULL: no more), chain, and the
 * attempt row beside it; and that each chain reaches as far as its last
 * checkpoint, if a key vouches for that. `finding` is called for each fault
 * with one line of text; may be NULL. False when the store could not be read.
 */
must_check bool receipt_audit(struct ledger *l,
    const struct public_key *(
	*key_of)(void *arg, struct slice egress, size_t which),
    void (*finding)(void *arg, const char *line), void *arg,
    struct receipt_audit *out);
