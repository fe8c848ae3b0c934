#include "common/limit/calendar.h"

#define DAY_US ((int64_t)24 * 3600 * 1000000)

/* Days of a cycle of 400 years; of its first 100; of 4 years. */
#define DAYS_400    146097
#define DAYS_100    36524
#define DAYS_4      1461
#define DAYS_1      365
#define MARCH_DAYS  719468 /* from 0000-03-01 to 1970-01-01 */
#define EPOCH_YEARS 1970

int64_t
calendar_day(int64_t wall_us)
{
	int64_t day = wall_us / DAY_US;

	return wall_us % DAY_US < 0 ? day - 1 : day;
}

/*
 * Years are counted from the first of March, so that the odd day is a year's
 * last; months then begin every 153/5 days.
 */
int64_t
calendar_month(int64_t day)
{
	int64_t z = day + MARCH_DAYS;
	int64_t cycle = (z >= 0 ? z : z - DAYS_400 + 1) / DAYS_400;
	int64_t of_cycle = z - cycle * DAYS_400;
	int64_t year = (of_cycle - of_cycle / (DAYS_4 - 1) +
			   of_cycle / DAYS_100 - of_cycle / (DAYS_400 - 1)) /
		       DAYS_1;
	int64_t of_year = of_cycle - (DAYS_1 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153; /* 0: March */

	year += cycle * 400;
	return month < 10 ? (year - EPOCH_YEARS) * 12 + month + 2
			  : (year + 1 - EPOCH_YEARS) * 12 + month - 10;
}

int64_t
calendar_day_us(int64_t day)
{
	return day * DAY_US;
}

int64_t
calendar_end_us(int64_t day, enum budget_window window)
{
	int64_t month = calendar_month(day);

	switch (window) {
	case BUDGET_DAY:
		return (day + 1) * DAY_US;
	case BUDGET_MONTH:
		while (calendar_month(day) == month)
			day++;
		return day * DAY_US;
	default:
		return INT64_MAX;
	}
}

void
calendar_start(struct calendar_clock *c, int64_t wall_us, int64_t boot_us,
    int64_t floor_us)
{
	c->wall_us = c->latest_us = max_i64(wall_us, floor_us);
	c->boot_us = boot_us;
}

int64_t
calendar_now_us(struct calendar_clock *c, int64_t wall_us, int64_t boot_us,
    bool *ahead)
{
	int64_t most = c->wall_us + (boot_us - c->boot_us) + CALENDAR_SKEW_US;

	*ahead = wall_us > most;
	c->latest_us = max_i64(c->latest_us, min_i64(wall_us, most));
	return c->latest_us;
}
