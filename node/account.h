#pragma once
/*
 * account: what a caller may know of its own request, also of one that is
 * under way: GET /v1/requests/ID.  Figures and names only, no content.  Reads
 * the store, so it belongs to whoever may wait for a disk for a moment.
 */
#include "common/base/slice.h"

struct buf;
struct caller;
struct ledger;

/*
 * One by its id ("req_…"), as JSON; false, and nothing written, when there is
 * none that this token made: nobody learns of another's.
 */
must_check bool account_write(struct buf *out, struct ledger *l,
    const struct caller *caller, struct slice id);
