#pragma once
/*
 * budget: sums of requests, tokens and money per day, month and lifetime of
 * one holder: what was spent, and what is held for requests under way.  At
 * every admission
 *
 *	posted + held + wanted <= most
 *
 * What turns out to be more than was held is posted all the same, and blocks
 * the next.  A request counts in the windows of the day it was admitted on.
 * Pure: the day is an argument (calendar_day).  Not thread-safe.
 */
#include "common/limit/terms.h"

struct budget {
	struct budget_terms terms;
	unsigned limited; /* bits: some sum of that window has a most */
	int64_t day;
	int64_t posted[BUDGET_WINDOWS][BUDGET_UNITS];
	int64_t held[BUDGET_WINDOWS][BUDGET_UNITS];
};

struct budget_amounts {
	int64_t of[BUDGET_UNITS];
};

/* New terms; what was spent and is held stays.  Starts zeroed. */
void budget_set(struct budget *b, const struct budget_terms *terms);

/* Begin the day's windows, if it is later than the last one. */
void budget_roll(struct budget *b, int64_t day);

/* Which sum is in the way. */
struct budget_bar {
	enum budget_window window;
	enum budget_unit unit;
	int64_t most, posted, held;
};

/* Does it fit?  Else *bar says what is in the way, of the longest window.  Of
 * what it wants nothing it is not asked: what is free may go on. */
must_check bool budget_fits(const struct budget *b,
    const struct budget_amounts *wanted, struct budget_bar *bar);

/* Hold so much, of a request of that day; the caller has asked budget_fits.
 * Windows that are over are not changed, here and below. */
void budget_hold(struct budget *b, int64_t day,
    const struct budget_amounts *held);

/*
 * Let go of what was held on that day, and post what was spent: all zero
 * leaves it as if nothing had been.
 */
void budget_settle(struct budget *b, int64_t day,
    const struct budget_amounts *held, const struct budget_amounts *spent);

/*
 * Post what was told of a day.  Nobody begins a day that has not begun here
 * (`today`), by which what is posted and held would be forgotten: what is of
 * a later one counts in the present one.
 */
void budget_post(struct budget *b, int64_t day, int64_t today,
    const struct budget_amounts *spent);

/* The fullest sum, posted and held, in millionths of its most; with which in
 * *bar.  0 when none is limited. */
int64_t budget_fullest_ppm(const struct budget *b, struct budget_bar *bar);

/* "month_usd" */
const char *budget_sum_name(enum budget_window window, enum budget_unit unit);
