#include "common/base/moment.h"

#include "common/base/clock.h"

#define DATE_CHARS     10 /* 2026-11-23 */
#define TIME_CHARS     19 /* 2026-11-23T04:05:06 */
#define DECIMALS       6
#define SECONDS_A_DAY  86400
#define DAYS_BEFORE    719468 /* from March of year 0 to 1970 */
#define DAYS_AN_ERA    146097 /* of 400 years */
#define YEARS_AN_ERA   400
#define DAYS_OF_A_YEAR 365

/* `count` digits at `at`; negative when there are none. */
static int64_t
digits(struct slice s, size_t at, size_t count)
{
	int64_t number = 0;
	size_t i;

	for (i = at; i < at + count; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return -1;
		number = number * 10 + (s.ptr[i] - '0');
	}
	return number;
}

static int
days_of_month(int64_t year, int64_t month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Years begin in March here, so that the leap day is their last. */
static int64_t
days_since_1970(int64_t year, int64_t month, int64_t day)
{
	int64_t era, of_era, of_year;

	year -= month <= 2;
	era = year / YEARS_AN_ERA;
	of_era = year - era * YEARS_AN_ERA;
	of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	return era * DAYS_AN_ERA + of_era * DAYS_OF_A_YEAR + of_era / 4 -
	       of_era / 100 + of_year - DAYS_BEFORE;
}

static bool
read_date(struct slice s, int64_t *us)
{
	int64_t year, month, day;

	if (s.ptr[4] != '-' || s.ptr[7] != '-')
		return false;
	year = digits(s, 0, 4);
	month = digits(s, 5, 2);
	day = digits(s, 8, 2);
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(year, month))
		return false;
	*us = days_since_1970(year, month, day) * SECONDS_A_DAY * US_PER_SECOND;
	return true;
}

static bool
read_time(struct slice s, int64_t *us)
{
	int64_t hour, minute, second;

	if (s.ptr[10] != 'T' || s.ptr[13] != ':' || s.ptr[16] != ':')
		return false;
	hour = digits(s, 11, 2);
	minute = digits(s, 14, 2);
	second = digits(s, 17, 2);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 ||
	    second > 59)
		return false;
	*us += ((hour * 60 + minute) * 60 + second) * US_PER_SECOND;
	return true;
}

static bool
read_decimals(struct slice s, int64_t *us)
{
	int64_t scale = US_PER_SECOND;
	size_t i;

	if (s.len < 2 || s.len > 1 + DECIMALS || s.ptr[0] != '.')
		return false;
	for (i = 1; i < s.len; i++) {
		if (digits(s, i, 1) < 0)
			return false;
		scale /= 10;
		*us += digits(s, i, 1) * scale;
	}
	return true;
}

bool
moment_parse(struct slice text, int64_t *us)
{
	struct slice rest;

	if (text.len < DATE_CHARS || !read_date(text, us))
		return false;
	if (text.len == DATE_CHARS)
		return true;
	if (text.len <= TIME_CHARS || text.ptr[text.len - 1] != 'Z' ||
	    !read_time(text, us))
		return false;
	rest = slice_after(text, TIME_CHARS);
	rest.len--;
	return rest.len == 0 || read_decimals(rest, us);
}
