#pragma once
/*
 * outlay: what a team spent on its own upstreams, by UTC day, as a node tells
 * it to its egresses in REPORT: whole sums, so that one that is told twice or
 * late counts once.  Pure.
 */
#include "common/base/slice.h"
#include "common/limit/budget.h"
#include "common/limit/terms.h"

struct buf;

#define OUTLAY_DAYS_MAX 64

struct outlay_day {
	int64_t day; /* calendar_day */
	struct budget_amounts sums;
};

struct outlay {
	struct outlay_day days[OUTLAY_DAYS_MAX]; /* rising */
	size_t count;
};

void outlay_write(struct buf *out, const struct outlay *o);

/* False when the bytes are not one: days that do not rise, negative sums. */
must_check bool outlay_read(struct outlay *o, struct slice bytes);
