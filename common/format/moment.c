#include "common/format/moment.h"

#include "common/base/clock.h"

#define NUMBER_MAX   INT64_C(100000)
#define DAY_US       (INT64_C(86400) * US_PER_SECOND)
#define YEAR_LEAST   1970
#define YEAR_MOST    9999
#define MICRO_CHARS  6
#define SECOND_CHARS 19 /* 2026-11-23T04:05:06 */

static bool
take_digits(struct slice *text, size_t least, size_t most, int64_t *number)
{
	size_t n = 0;

	*number = 0;
	while (n < most && n < text->len && text->ptr[n] >= '0' &&
	       text->ptr[n] <= '9')
		*number = *number * 10 + (text->ptr[n++] - '0');
	*text = slice_after(*text, n);
	return n >= least;
}

static bool
take_char(struct slice *text, char c)
{
	if (text->len == 0 || text->ptr[0] != c)
		return false;
	*text = slice_after(*text, 1);
	return true;
}

bool
span_read(struct slice text, int64_t *us)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {
		{ "ms", US_PER_MS },
		{ "s", US_PER_SECOND },
		{ "m", INT64_C(60) * US_PER_SECOND },
		{ "h", INT64_C(3600) * US_PER_SECOND },
		{ "d", DAY_US },
	};
	int64_t number;
	size_t i;

	if (!take_digits(&text, 1, 6, &number) || number <= 0 ||
	    number >= NUMBER_MAX)
		return false;
	for (i = 0; i < count_of(units); i++)
		if (slice_is(text, units[i].name)) {
			*us = number * units[i].us;
			return true;
		}
	return false;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t
days_in(int64_t year, int64_t month)
{
	static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

/* Since 1970-01-01. */
static int64_t
days_before(int64_t year, int64_t month)
{
	int64_t before = year - 1, days, m;

	days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
	for (m = 1; m < month; m++)
		days += days_in(year, m);
	return days;
}

static bool
take_date(struct slice *text, int64_t *us)
{
	int64_t year, month, day;

	if (!take_digits(text, 4, 4, &year) || !take_char(text, '-') ||
	    !take_digits(text, 2, 2, &month) || !take_char(text, '-') ||
	    !take_digits(text, 2, 2, &day))
		return false;
	if (year < YEAR_LEAST || year > YEAR_MOST || month < 1 || month > 12 ||
	    day < 1 || day > days_in(year, month))
		return false;
	*us = (days_before(year, month) + day - 1) * DAY_US;
	return true;
}

/* Digits behind the point, as microseconds; more of them are not there. */
static bool
take_fraction(struct slice *text, int64_t *us)
{
	size_t before = text->len, digits;
	int64_t number;

	if (!take_digits(text, 1, MICRO_CHARS, &number))
		return false;
	for (digits = before - text->len; digits < MICRO_CHARS; digits++)
		number *= 10;
	*us += number;
	return true;
}

static bool
take_clock(struct slice *text, int64_t *us)
{
	int64_t hour, minute, second = 0;

	if (!take_digits(text, 2, 2, &hour) || !take_char(text, ':') ||
	    !take_digits(text, 2, 2, &minute))
		return false;
	if (take_char(text, ':') && !take_digits(text, 2, 2, &second))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*us += (hour * 3600 + minute * 60 + second) * US_PER_SECOND;
	return !take_char(text, '.') || take_fraction(text, us);
}

bool
moment_read(struct slice text, int64_t now_us, int64_t *us)
{
	int64_t span;

	if (span_read(text, &span)) {
		*us = max_i64(1, now_us - span);
		return true;
	}
	if (!take_date(&text, us))
		return false;
	if (text.len > 0 && !take_char(&text, 'Z') &&
	    (!take_char(&text, 'T') || !take_clock(&text, us) ||
		(text.len > 0 && !take_char(&text, 'Z'))))
		return false;
	*us = max_i64(1, *us);
	return text.len == 0;
}

bool
moment_parse(struct slice text, int64_t *us)
{
	struct slice date = slice_make(text.ptr, min_size(text.len, 10));
	bool seconds = text.len >= SECOND_CHARS && text.ptr[16] == ':';

	if (!take_date(&date, us))
		return false;
	text = slice_after(text, 10);
	if (text.len == 0)
		return true;
	return seconds && take_char(&text, 'T') && take_clock(&text, us) &&
	       slice_is(text, "Z");
}
