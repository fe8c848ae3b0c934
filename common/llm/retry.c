#include "common/llm/retry.h"

#define MS_MAX     (INT64_C(10000000) * 1000) /* a third of a year */
#define DIGITS_MAX 10
#define DATE_CHARS 29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number times `unit` of milliseconds, rounded up. */
static bool
parse_number(struct slice text, int64_t unit, int64_t *ms)
{
	int64_t whole = 0, part = 0, scale = 1;
	size_t i = 0;

	for (; i < text.len && i < DIGITS_MAX && is_digit(text.ptr[i]); i++)
		whole = whole * 10 + text.ptr[i] - '0';
	if (i == 0)
		return false;
	if (i < text.len && text.ptr[i] == '.')
		for (i++; i < text.len && is_digit(text.ptr[i]); i++)
			if (scale < 1000000) {
				part = part * 10 + text.ptr[i] - '0';
				scale *= 10;
			}
	if (i < text.len)
		return false;
	*ms = min_i64(whole * unit + (part * unit + scale - 1) / scale, MS_MAX);
	return true;
}

static int
two_digits(const char *at)
{
	if (!is_digit(at[0]) || !is_digit(at[1]))
		return -1;
	return (at[0] - '0') * 10 + at[1] - '0';
}

/* Days from 1970-01-01, by Howard Hinnant's days_from_civil. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year =
	    (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

/* The preferred form of RFC 9110, 5.6.7; gives Unix seconds. */
static bool
parse_date(struct slice text, int64_t *seconds)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *t = text.ptr;
	int day, century, year, hour, minute, second, month;

	if (text.len != DATE_CHARS || memcmp(t + 3, ", ", 2) != 0 ||
	    memcmp(t + 25, " GMT", 4) != 0)
		return false;
	for (month = 0; month < 12; month++)
		if (memcmp(t + 8, months + 3 * month, 3) == 0)
			break;
	day = two_digits(t + 5);
	century = two_digits(t + 12);
	year = two_digits(t + 14);
	hour = two_digits(t + 17);
	minute = two_digits(t + 20);
	second = two_digits(t + 23);
	if (month == 12 || day < 1 || day > 31 || century < 0 || year < 0 ||
	    hour < 0 || minute < 0 || second < 0)
		return false;
	*seconds = days_of(century * 100 + year, month + 1, day) * 86400 +
		   hour * 3600 + minute * 60 + second;
	return true;
}

int64_t
retry_after_ms(struct slice header, struct slice header_ms, int64_t now_us)
{
	int64_t ms, seconds;

	if (parse_number(header_ms, 1, &ms))
		return ms;
	if (parse_number(header, 1000, &ms))
		return ms;
	if (!parse_date(header, &seconds))
		return 0;
	ms = seconds * 1000 - now_us / 1000;
	return max_i64(0, min_i64(ms, MS_MAX));
}
