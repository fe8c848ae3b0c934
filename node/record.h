#pragma once
/*
 * record: the rows of a request, filled from it as it stands.  Text columns
 * point into the request, so the rows are written at once.
 */
#include "common/store/ledger.h"

struct request;
struct usage;

/* Both rows; `state` is "open" for an intent, "settled" at the end. */
void record_rows(const struct request *r, const char *state,
    struct request_row *request, struct attempt_row *attempt);

/* What the attempt used, as far as is known now. */
void record_usage(const struct request *r, struct usage *usage);

/*
 * What the settled attempts came to, from their rows: a receipt that came
 * late has perhaps changed one since.
 */
void record_spend(struct request *r);

/*
 * How its targets were put in order: with the first intent, and again with
 * the settlement where that knows more (record_decision_is_due).
 */
void record_decision(struct request *r, enum ledger_batch b);
bool record_decision_is_due(struct request *r);

/* Count it, now that it is over. */
void record_stats(const struct request *r);
