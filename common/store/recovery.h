#pragma once
/*
 * recovery: what a process that ended in the middle left open.
 */
#include "common/store/ledger.h"

/*
 * After opening, before serving: close every open intent as `interrupted`
 * with an estimate.  `each` may be NULL; an egress makes receipts there, in
 * the same batch, after the attempt's row was put (so that it may put it
 * again with the receipt's number).  Gives how many were closed; negative when
 * the store failed.
 */
int64_t ledger_recover(struct ledger *l,
    void (*each)(void *arg, struct db_batch *b,
	const struct attempt_row *attempt),
    void *arg);
