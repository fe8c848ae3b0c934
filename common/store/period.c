#include "common/store/period.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/limit/calendar.h"

#define HOUR_US       (INT64_C(3600) * US_PER_SECOND)
#define DAY_US        (24 * HOUR_US)
#define MONTHS_A_YEAR 12
#define YEAR_FIRST    1970
#define YEAR_LAST     9999
#define DAYS_A_MONTH  28 /* at least */
#define COUNT_MAX     INT64_C(1000000)

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

/* Exactly `count` digits at the front, and then `end` unless that is NUL. */
static bool
take_number(struct slice *s, size_t count, char end, int64_t *number)
{
	size_t i;

	if (s->len < count + (end != '\0'))
		return false;
	*number = 0;
	for (i = 0; i < count; i++) {
		if (s->ptr[i] < '0' || s->ptr[i] > '9')
			return false;
		*number = *number * 10 + (s->ptr[i] - '0');
	}
	if (end != '\0' && s->ptr[count] != end)
		return false;
	*s = slice_after(*s, count + (end != '\0'));
	return true;
}

static bool
read_time(struct slice s, int64_t *us)
{
	int64_t hour, minute, second, fraction = 0, unit = US_PER_SECOND;

	if (!take_number(&s, 2, ':', &hour) ||
	    !take_number(&s, 2, ':', &minute) ||
	    !take_number(&s, 2, '\0', &second) || hour > 23 || minute > 59 ||
	    second > 59)
		return false;
	if (s.len > 0 && s.ptr[0] == '.')
		for (s = slice_after(s, 1); s.len > 0 && s.ptr[0] >= '0' &&
					    s.ptr[0] <= '9' && unit > 1;
		     s = slice_after(s, 1)) {
			unit /= 10;
			fraction += (s.ptr[0] - '0') * unit;
		}
	*us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction;
	return slice_is(s, "Z");
}

static bool
read_date(struct slice s, int64_t *wall_us)
{
	int64_t year, month, day = 1, us = 0, number, next;

	if (!take_number(&s, 4, '-', &year) ||
	    !take_number(&s, 2, '\0', &month) || year < YEAR_FIRST ||
	    year > YEAR_LAST || month < 1 || month > MONTHS_A_YEAR)
		return false;
	if (s.len > 0) {
		s = s.ptr[0] == '-' ? slice_after(s, 1) : slice_make("", 0);
		if (!take_number(&s, 2, '\0', &day))
			return false;
	}
	if (s.len > 0 &&
	    (s.ptr[0] != 'T' || !read_time(slice_after(s, 1), &us)))
		return false;
	number = (year - YEAR_FIRST) * MONTHS_A_YEAR + month - 1;
	next = days_before_month(number + 1);
	if (day < 1 || days_before_month(number) + day > next)
		return false;
	*wall_us =
	    period_start_us(PERIOD_MONTH, number) + (day - 1) * DAY_US + us;
	return true;
}

static bool
read_span(struct slice s, int64_t now_us, int64_t *wall_us)
{
	int64_t count = 0;
	enum period whole;
	size_t i;

	for (i = 0; i + 1 < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9' || count > COUNT_MAX)
			return false;
		count = count * 10 + (s.ptr[i] - '0');
	}
	if (s.len < 2 || count == 0 || count > COUNT_MAX)
		return false;
	switch (s.ptr[s.len - 1]) {
	case 'm':
		*wall_us = max_i64(now_us - count * 60 * US_PER_SECOND, 0);
		return true;
	case 'h':
		whole = PERIOD_HOUR;
		break;
	case 'd':
		whole = PERIOD_DAY;
		break;
	default:
		return false;
	}
	*wall_us = period_start_us(whole,
	    max_i64(period_of(whole, now_us) - count, 0));
	return true;
}

bool
period_read(struct slice text, int64_t now_us, int64_t *wall_us)
{
	return read_span(text, now_us, wall_us) || read_date(text, wall_us);
}
