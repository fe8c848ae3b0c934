#pragma once
/*
 * sum: what a request's attempts came to together, by their rows.  A receipt
 * may change an attempt's row on one worker while the request ends on
 * another; who commits last sees both, so each of them corrects the request's
 * row once its own is written.
 */
#include "common/llm/usage.h"
#include "common/store/ledger.h"

/* Of attempts 1 to `count`, as this turn sees them; the worst source. */
void sum_attempts(struct ledger_turn *t, const struct id *request,
    int64_t count, struct usage *usage, int64_t *cost_microusd);

/* Put the request's row anew if it is closed and says otherwise. */
void sum_correct(struct ledger_turn *t, const struct id *request);
