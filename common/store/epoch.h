#pragma once
/*
 * epoch: numbers that only grow, by name, over restarts: each is one's own.
 */
#include "common/base/lang.h"

struct ledger;

/*
 * The last number of that name plus one, or `least` if that is more; durable
 * when it returns.  False: the store failed, or holds none (logged).
 */
must_check bool epoch_next(struct ledger *l, const char *name, int64_t least,
    int64_t *epoch);
