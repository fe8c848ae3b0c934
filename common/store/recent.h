#pragma once
/*
 * recent: rows that were put and are not in the store yet, so that whoever
 * reads inside a turn sees them.  A run of records; the last of a key counts.
 * Meant for the few rows of a turn: finding is a walk.  Pure.
 */
#include "common/base/buf.h"
#include "common/store/db.h"

/* Keys have at most 255 bytes; `rows` is big enough or it is our bug. */
void recent_put(struct buf *rows, enum family f, struct slice key,
    struct slice value);

/* The value is good until the next put. */
must_check bool recent_find(const struct buf *rows, enum family f,
    struct slice key, struct slice *value);
