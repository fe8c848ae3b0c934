#pragma once
/*
 * record: the rows of a request, filled from it as it stands.  Text columns
 * point into the request, so the rows are written at once.
 */
#include "common/store/row.h"

struct request;

/* Both rows; `state` is "open" for an intent, "settled" at the end. */
void record_rows(const struct request *r, const char *state,
    struct request_row *request, struct attempt_row *attempt);

/* Count it, now that it is over. */
void record_stats(const struct request *r);
