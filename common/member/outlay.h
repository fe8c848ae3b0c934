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
/* A node tells fewer days; what is older, or has not begun, is not heard. */
#define OUTLAY_WINDOW 70
#define OUTLAY_SUM_MAX                                                         \
	INT64_C(1000000000000000) /* of a day: as a budget at most */

struct outlay_day {
	int64_t day; /* calendar_day */
	struct budget_amounts sums;
};

struct outlay {
	struct outlay_day days[OUTLAY_DAYS_MAX]; /* rising */
	size_t count;
};

void outlay_write(struct buf *out, const struct outlay *o);

/* False when the bytes are not one: days that do not rise, sums that are
 * negative or past OUTLAY_SUM_MAX. */
must_check bool outlay_read(struct outlay *o, struct slice bytes);

/* When to tell; zeroed: at the first tick. */
struct outlay_pace {
	uint64_t told, seen; /* changes: surely told, and at the last tick */
	unsigned ticks_left; /* until it is told anew */
};

/*
 * A tick of a second, by which so many changes were put.  Those of the last
 * tick may not have been written when it was told: they are told once more.
 * And all of it every OUTLAY_ANEW_TICKS: an egress may not have heard a day
 * that had not begun there.
 */
#define OUTLAY_ANEW_TICKS 300
must_check bool outlay_due(struct outlay_pace *p, uint64_t changes);
void outlay_anew(struct outlay_pace *p); /* at the next tick */
