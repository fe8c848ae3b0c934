#pragma once
/*
 * intent: what stands in FAMILY_INTENT while a request is under way, so that
 * recovery can close it.  Three kinds of entry, told apart by their key:
 *
 *	attempt key          an attempt begun: request row or nil, attempt row
 *	attempt key | 0x00   that attempt is settled and the request goes on:
 *	                     request row, nil
 *	attempt key | 0x01   a receipt came before the attempt was settled: its
 *	                     key in FAMILY_RECEIPT
 *
 * The last two exist at a node only, whose attempt keys have no origin.  Pure.
 */
#include "common/store/ledger.h"

#define INTENT_GOES_ON 0
#define INTENT_RECEIPT 1

/* The key of an attempt's row and intent; `origin` is empty at a node. */
#define ORIGIN_MAX      64
#define ATTEMPT_KEY_MAX (ID_BYTES + 1 + ORIGIN_MAX)
struct attempt_key {
	uint8_t bytes[ATTEMPT_KEY_MAX];
	size_t len;
};
struct attempt_key attempt_key_make(const struct id *request, int64_t number,
    struct slice origin);

/* A node's attempt key with one of the marks behind it. */
struct attempt_key intent_mark(const struct id *request, int64_t number,
    uint8_t mark);

/* One of the marks, or -1: an attempt. */
int intent_mark_of(struct slice key);

/* NULL where there is no such row. */
void intent_write(struct buf *out, const struct request_row *request,
    const struct attempt_row *attempt);

struct intent {
	bool has_request, has_attempt;
	struct request_row request; /* text points into the bytes */
	struct attempt_row attempt;
};

must_check bool intent_read(struct intent *i, struct slice bytes);

/* A node's: is this attempt under way, as far as the store knows? */
must_check bool intent_is_there(struct ledger *l, const struct id *request,
    int64_t number);

static inline struct slice
attempt_key_slice(const struct attempt_key *k)
{
	return slice_make(k->bytes, k->len);
}
