#pragma once
/*
 * calendar: days and months of UTC as numbers, and the clock that budgets go
 * by: one that neither goes back nor jumps ahead, whatever the wall clock
 * does.  Pure: times are arguments.
 */
#include "common/limit/terms.h"

/* Days since 1970-01-01, and months since 1970-01. */
int64_t calendar_day(int64_t wall_us);
int64_t calendar_month(int64_t day);

/* When it began. */
int64_t calendar_day_us(int64_t day);

/* When the window ends that has this day in it; INT64_MAX: never. */
int64_t calendar_end_us(int64_t day, enum budget_window window);

/* The wall clock may be ahead of what has passed since the start by that. */
#define CALENDAR_SKEW_US ((int64_t)15 * 60 * 1000000)

struct calendar_clock {
	int64_t wall_us, boot_us; /* at the start; the wall's, or the floor */
	int64_t latest_us;        /* that was told */
};

/*
 * `boot_us` is a clock that also runs while the machine sleeps.  Never tells
 * less than `floor_us`: the last time that something was counted.
 */
void calendar_start(struct calendar_clock *c, int64_t wall_us, int64_t boot_us,
    int64_t floor_us);

/* *ahead is set while the wall clock is not believed. */
int64_t calendar_now_us(struct calendar_clock *c, int64_t wall_us,
    int64_t boot_us, bool *ahead);
