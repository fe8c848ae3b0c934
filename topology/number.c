#include "topology/number.h"

#include <stdio.h>

#include "common/llm/price.h"

#define MILLION ((int64_t)1000000)
#define PERCENT ((int64_t)10000) /* in millionths */

bool
number_digits(struct slice text, int64_t max, int64_t *number)
{
	int64_t n = 0;
	size_t i;

	if (text.len == 0 || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (i = 0; i < text.len; i++) {
		int digit = text.ptr[i] - '0';

		if (digit < 0 || digit > 9 || n > (max - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*number = n;
	return true;
}

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit durations[] = { { "ms", 1 }, { "s", 1000 },
	{ "m", 60 * 1000 }, { "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 } };
static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1024 },
	{ "MiB", 1024 * 1024 }, { "GiB", 1024 * 1024 * 1024 } };

static bool
read_unit(const struct unit *units, size_t count, struct slice text, void *at)
{
	struct slice digits = text, name;
	int64_t number;
	size_t i;

	for (i = 0; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9';)
		i++;
	digits.len = i;
	name = slice_after(text, i);
	for (i = 0; i < count; i++)
		if (slice_is(name, units[i].name) &&
		    number_digits(digits, INT64_MAX / units[i].factor,
			&number)) {
			*(int64_t *)at = number * units[i].factor;
			return true;
		}
	return false;
}

static bool
read_duration(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_unit(durations, count_of(durations), text, at);
}

static bool
read_size(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return read_unit(sizes, count_of(sizes), text, at);
}

static bool
read_int(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return number_digits(text, INT64_MAX, at);
}

/* Prices, weights and shares are decimals to the millionth. */
static bool
read_decimal(struct arena *arena, struct slice text, void *at)
{
	(void)arena;
	return price_parse(at, text);
}

static bool
read_share(struct arena *arena, struct slice text, void *at)
{
	bool percent = text.len > 0 && text.ptr[text.len - 1] == '%';
	int64_t number;

	(void)arena;
	text.len -= percent;
	if (!price_parse(&number, text) || (percent && number % 100 != 0))
		return false;
	number /= percent ? 100 : 1;
	if (number > MILLION)
		return false;
	*(int64_t *)at = number;
	return true;
}

/* The part of a decimal behind its point, to the millionth. */
static bool
read_millionths(struct slice text, int64_t *number)
{
	int64_t unit = MILLION;
	size_t i;

	*number = 0;
	for (i = 0; i < text.len; i++) {
		if (unit == 1 || text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		unit /= 10;
		*number += unit * (text.ptr[i] - '0');
	}
	return text.len > 0;
}

/* Sums are larger than the prices of common/llm/price.h may be. */
static bool
read_money(struct arena *arena, struct slice text, void *at)
{
	const char *point =
	    text.len > 0 ? memchr(text.ptr, '.', text.len) : NULL;
	struct slice usd = text;
	int64_t whole, part = 0;

	(void)arena;
	if (point != NULL)
		usd.len = (size_t)(point - text.ptr);
	if (!number_digits(usd, INT64_MAX / MILLION - 1, &whole) ||
	    (point != NULL &&
		!read_millionths(slice_after(text, usd.len + 1), &part)))
		return false;
	*(int64_t *)at = whole * MILLION + part;
	return true;
}

static const struct value_spec specs[] = {
	[VALUE_DURATION - VALUE_DURATION] = { "duration",
	    "500ms, 8s, 10m, 2h or 1d", "^[0-9]+(ms|s|m|h|d)$",
	    .bytes = sizeof(int64_t), .read = read_duration },
	[VALUE_SIZE - VALUE_DURATION] = { "size", "64KiB, 32MiB or 1GiB",
	    "^[0-9]+(B|KiB|MiB|GiB)$", .bytes = sizeof(int64_t),
	    .read = read_size },
	[VALUE_INT - VALUE_DURATION] = { "whole number", "digits only",
	    "^[0-9]+$", .bytes = sizeof(int64_t), .read = read_int },
	[VALUE_PRICE - VALUE_DURATION] = { "price",
	    "USD per million tokens, as 0.25, with at most 6 decimals",
	    "^[0-9]+([.][0-9]{1,6})?$", .bytes = sizeof(int64_t),
	    .read = read_decimal },
	[VALUE_SHARE - VALUE_DURATION] = { "share", "0.93 or 93%",
	    "^(0([.][0-9]{1,6})?|1([.]0{1,6})?|[0-9]{1,3}([.][0-9]{1,4})?%)$",
	    .bytes = sizeof(int64_t), .read = read_share },
	[VALUE_WEIGHT - VALUE_DURATION] = { "weight",
	    "a number, as 0.5, with at most 6 decimals; 0 weighs nothing",
	    "^[0-9]+([.][0-9]{1,6})?$", .bytes = sizeof(int64_t),
	    .read = read_decimal },
	[VALUE_MONEY - VALUE_DURATION] = { "sum of money",
	    "USD, as 25 or 0.50, with at most 6 decimals",
	    "^[0-9]+([.][0-9]{1,6})?$", .bytes = sizeof(int64_t),
	    .read = read_money },
};

_Static_assert(count_of(specs) == VALUE_ROLE - VALUE_DURATION,
    "every type of numbers has its row");

const struct value_spec *
number_spec(enum value_type type)
{
	return &specs[type - VALUE_DURATION];
}

static void
write_money(int64_t number, char text[VALUE_NUMBER_CHARS])
{
	size_t len = (size_t)snprintf(text, VALUE_NUMBER_CHARS, "%jd.%06jd",
	    (intmax_t)(number / MILLION), (intmax_t)(number % MILLION));

	while (text[len - 1] == '0')
		len--;
	len -= text[len - 1] == '.';
	text[len] = '\0';
}

void
value_write_number(enum value_type type, int64_t number,
    char text[VALUE_NUMBER_CHARS])
{
	const struct unit *units = durations;
	size_t i = count_of(durations);

	if (type == VALUE_SHARE) {
		snprintf(text, VALUE_NUMBER_CHARS, "%g%%",
		    (double)number / (double)PERCENT);
		return;
	}
	if (type == VALUE_MONEY) {
		write_money(number, text);
		return;
	}
	if (type == VALUE_SIZE) {
		units = sizes;
		i = count_of(sizes);
	} else if (type != VALUE_DURATION) {
		snprintf(text, VALUE_NUMBER_CHARS, "%jd", (intmax_t)number);
		return;
	}
	while (i-- > 1)
		if (number > 0 && number % units[i].factor == 0)
			break;
	snprintf(text, VALUE_NUMBER_CHARS, "%jd%s",
	    (intmax_t)(number / units[i].factor), units[i].name);
}
