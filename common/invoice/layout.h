#pragma once
/*
 * layout: exports that are tables, each told by the columns of its first
 * line.  Pure.
 */
#include "common/invoice/invoice.h"

must_check bool layout_take(struct invoice *i, char *bytes, size_t len,
    struct taken *taken, struct buf *why);

/* What would have been taken, for who brought something else. */
void layout_known(struct buf *out);

/* A count of tokens or requests; empty is none.  False: it is not. */
must_check bool layout_count(struct slice text, int64_t *count);

/* The day of "2026-11-26", perhaps with a time behind it. */
must_check bool layout_day(struct slice text, int64_t *day);
