#pragma once
/*
 * settlement: how rows change after the fact: closed by recovery, or brought
 * in line with a receipt that came late.  Pure; text of the rows may point
 * into the receipt's message afterwards.
 */
#include "common/store/row.h"

/*
 * Close what was open when the process died: state and fail "interrupted",
 * input estimated from the body (4 bytes a token), nothing else: the status
 * stays 0, because nobody was told one, and the cost is known only from a
 * receipt.  `request` may be NULL; `attempt` too (between two attempts).
 */
void settlement_interrupt(struct request_row *request,
    struct attempt_row *attempt);

/* What a receipt changed. */
enum settlement_change {
	SETTLEMENT_SAME,     /* nothing: the row has a receipt */
	SETTLEMENT_MARKED,   /* the attempt row names the receipt */
	SETTLEMENT_RESETTLED /* and took its figures, as did the request */
};

/*
 * A receipt for a closed attempt that has none yet.  The row takes the
 * receipt's figures; but where it has the provider's own and the receipt does
 * not agree, it is only marked as a mismatch, for people to look at.
 * `request` is its row when that is closed, else NULL.
 */
enum settlement_change settlement_take(struct request_row *request,
    struct attempt_row *attempt, const struct receipt_row *receipt,
    bool agrees);
