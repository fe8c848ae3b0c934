#pragma once
/*
 * interval: exports that are answers of a provider's administration interface:
 * pages of buckets of time, each with results.  Pure.
 */
#include "common/invoice/invoice.h"

must_check bool interval_take(struct invoice *i, struct slice text,
    struct taken *taken, struct buf *why);

/* What would have been taken. */
void interval_known(struct buf *out);
