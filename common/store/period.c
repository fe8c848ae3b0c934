#include "common/store/period.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/limit/calendar.h"

#define HOUR_US       (INT64_C(3600) * US_PER_SECOND)
#define DAY_US        (24 * HOUR_US)
#define MONTHS_A_YEAR 12
#define YEAR_FIRST    1970

static const char *const names[PERIODS] = { "hour", "day", "month" };

const char *
period_name(enum period p)
{
	return names[p];
}

enum period
period_by_name(struct slice name)
{
	int p;

	for (p = 0; p < PERIODS; p++)
		if (slice_is(name, names[p]))
			return (enum period)p;
	return PERIODS;
}

int64_t
period_of(enum period p, int64_t wall_us)
{
	switch (p) {
	case PERIOD_HOUR:
		return wall_us / HOUR_US;
	case PERIOD_DAY:
		return wall_us / DAY_US;
	default:
		return calendar_month(wall_us / DAY_US);
	}
}

/* Days before the first of March of year 0 that a March-based year has. */
static int64_t
days_before_month(int64_t month)
{
	int64_t year = YEAR_FIRST + month / MONTHS_A_YEAR;
	int64_t in_year = month % MONTHS_A_YEAR, from_march, days;

	/* Years that begin in March, so that the odd day is their last. */
	from_march = (in_year + 10) % MONTHS_A_YEAR;
	year -= in_year < 2;
	days = year * 365 + year / 4 - year / 100 + year / 400 +
	       (153 * from_march + 2) / 5;
	return days - 719468; /* 1970-01-01, counted so */
}

int64_t
period_start_us(enum period p, int64_t number)
{
	switch (p) {
	case PERIOD_HOUR:
		return number * HOUR_US;
	case PERIOD_DAY:
		return number * DAY_US;
	default:
		return days_before_month(number) * DAY_US;
	}
}

void
period_write(enum period p, int64_t number, char text[PERIOD_CHARS])
{
	static const int chars[PERIODS] = { 13, 10, 7 };
	char whole[CLOCK_TEXT_BYTES];

	clock_write(period_start_us(p, number), whole);
	snprintf(text, PERIOD_CHARS, "%.*s", chars[p], whole);
}
