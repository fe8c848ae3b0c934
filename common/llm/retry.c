#include "common/llm/retry.h"

#include <strings.h>

#define MS_MAX         (INT64_C(10000000) * 1000) /* a third of a year */
#define DIGITS_MAX     10
#define WAIT_PARTS_MAX 4  /* of "1d2h3m4s" */
#define DATE_CHARS     29 /* "Sun, 06 Nov 1994 08:49:37 GMT" */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A decimal number: whole + part / scale. */
struct number {
	int64_t whole, part, scale;
};

/* Gives the length of the number that the text begins with; 0: none does. */
static size_t
read_number(struct slice text, struct number *n)
{
	size_t i = 0;

	*n = (struct number){ .scale = 1 };
	for (; i < text.len && i < DIGITS_MAX && is_digit(text.ptr[i]); i++)
		n->whole = n->whole * 10 + text.ptr[i] - '0';
	if (i == 0 || i == text.len || text.ptr[i] != '.')
		return i;
	for (i++; i < text.len && is_digit(text.ptr[i]); i++)
		if (n->scale < 1000000) {
			n->part = n->part * 10 + text.ptr[i] - '0';
			n->scale *= 10;
		}
	return i;
}

/* Times `unit` of milliseconds, rounded up. */
static int64_t
number_ms(const struct number *n, int64_t unit)
{
	return min_i64(n->whole * unit +
			   (n->part * unit + n->scale - 1) / n->scale,
	    MS_MAX);
}

static bool
parse_number(struct slice text, int64_t unit, int64_t *ms)
{
	struct number n;
	size_t len = read_number(text, &n);

	if (len == 0 || len < text.len)
		return false;
	*ms = number_ms(&n, unit);
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

static bool
is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The unit that the text begins with, as milliseconds; 0: no unit. */
static int64_t
read_unit(struct slice text, size_t *len)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {
		{ "ms", 1 },
		{ "milliseconds", 1 },
		{ "s", 1000 },
		{ "sec", 1000 },
		{ "second", 1000 },
		{ "seconds", 1000 },
		{ "m", 60000 },
		{ "min", 60000 },
		{ "minute", 60000 },
		{ "minutes", 60000 },
		{ "h", 3600000 },
		{ "hour", 3600000 },
		{ "hours", 3600000 },
		{ "d", 86400000 },
		{ "day", 86400000 },
		{ "days", 86400000 },
	};
	size_t i;

	for (*len = 0; *len < text.len && is_letter(text.ptr[*len]); ++*len)
		continue;
	for (i = 0; i < count_of(units); i++)
		if (*len == strlen(units[i].name) &&
		    strncasecmp(text.ptr, units[i].name, *len) == 0)
			return units[i].ms;
	return 0;
}

int64_t
retry_wait_ms(struct slice text)
{
	size_t len, unit_len, parts;
	int64_t ms = 0, unit;
	struct number n;

	for (parts = 0; parts < WAIT_PARTS_MAX; parts++) {
		len = read_number(text, &n);
		if (len == 0)
			break;
		text = slice_after(text, len);
		if (text.len > 1 && text.ptr[0] == ' ' &&
		    is_letter(text.ptr[1]))
			text = slice_after(text, 1);
		unit = read_unit(text, &unit_len);
		/* A bare number counts seconds, but not behind a unit. */
		if (unit == 0)
			return parts == 0 && unit_len == 0 ? number_ms(&n, 1000)
							   : ms;
		ms = min_i64(ms + number_ms(&n, unit), MS_MAX);
		text = slice_after(text, unit_len);
	}
	return ms;
}

int64_t
retry_told_ms(struct slice message)
{
	static const char *const openings[] = { "try again in ", "retry in ",
		"retry after ", "try again after " };
	int64_t ms;
	size_t at, i;

	for (at = 0; at < message.len; at++)
		for (i = 0; i < count_of(openings); i++) {
			struct slice rest = slice_after(message, at);
			size_t len = strlen(openings[i]);

			if (rest.len <= len ||
			    strncasecmp(rest.ptr, openings[i], len) != 0)
				continue;
			ms = retry_wait_ms(slice_after(rest, len));
			if (ms > 0)
				return ms;
		}
	return 0;
}
