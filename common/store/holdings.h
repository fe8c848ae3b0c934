#pragma once
/*
 * holdings: what a store has of each class, how long it is kept, what is past
 * and waits for the next run, and what is held.  Numbers of rows and bytes
 * are the library's estimates.  Reads only; works on a store opened read-only.
 */
#include "common/format/table.h"
#include "common/store/ledger.h"

/* Rows looked at, at most, to count those that are past. */
#define HOLDINGS_SEARCH_MAX 50000

void holdings_write(struct ledger *l, int64_t now_us, enum output_format format,
    struct buf *out);
