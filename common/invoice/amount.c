#include "common/invoice/amount.h"

#define NANO_POWER   9
#define AMOUNT_MAX   (INT64_C(1000000) * AMOUNT_NANO)
#define GRAIN_MAX    (AMOUNT_NANO / 200) /* half a cent */
#define DIGITS_MAX   34                  /* more change nothing */
#define EXPONENT_MAX 64

/* The number times ten to the exponent. */
struct decimal {
	__int128 number;
	int exponent, digits;
};

static bool
take_digits(struct decimal *d, struct slice *text, bool fraction)
{
	size_t n = 0;

	for (; n < text->len && text->ptr[n] >= '0' && text->ptr[n] <= '9';
	     n++) {
		if (d->digits >= DIGITS_MAX) {
			d->exponent += !fraction;
			continue;
		}
		d->number = d->number * 10 + (text->ptr[n] - '0');
		d->digits += d->number > 0;
		d->exponent -= fraction;
		if (d->exponent < -EXPONENT_MAX)
			return false;
	}
	*text = slice_after(*text, n);
	return n > 0;
}

static bool
take_exponent(struct decimal *d, struct slice *text)
{
	int n = 0, sign = 1;
	size_t i;

	if (text->len == 0 || (text->ptr[0] | 0x20) != 'e')
		return true;
	*text = slice_after(*text, 1);
	if (text->len > 0 && (text->ptr[0] == '-' || text->ptr[0] == '+')) {
		sign = text->ptr[0] == '-' ? -1 : 1;
		*text = slice_after(*text, 1);
	}
	for (i = 0; i < text->len && text->ptr[i] >= '0' && text->ptr[i] <= '9';
	     i++) {
		n = n * 10 + (text->ptr[i] - '0');
		if (n > EXPONENT_MAX)
			return false;
	}
	*text = slice_after(*text, i);
	d->exponent += sign * n;
	return i > 0;
}

/* Rounded half up to a whole number; false past AMOUNT_MAX. */
static bool
round_decimal(const struct decimal *d, int64_t *whole)
{
	__int128 n = d->number;
	int last = 0, e = d->exponent;

	for (; e > 0 && n > 0; e--) {
		if (n > AMOUNT_MAX)
			return false;
		n *= 10;
	}
	for (; e < 0; e++) {
		last = (int)(n % 10);
		n /= 10;
	}
	n += last >= 5;
	*whole = n > AMOUNT_MAX ? 0 : (int64_t)n;
	return n <= AMOUNT_MAX;
}

static int64_t
grain_of(int exponent)
{
	int64_t place = 1;

	if (exponent < 0)
		return 0;
	for (; exponent > 0 && place < 2 * GRAIN_MAX; exponent--)
		place *= 10;
	return min_i64(place / 2, GRAIN_MAX);
}

bool
amount_read(struct amount *a, struct slice text, int power)
{
	struct decimal d = { .exponent = NANO_POWER + power };
	bool minus = text.len > 0 && text.ptr[0] == '-';

	text = slice_after(text, minus);
	if (text.len > 0 && text.ptr[0] == '$')
		text = slice_after(text, 1);
	if (!take_digits(&d, &text, false))
		return false;
	if (text.len > 0 && text.ptr[0] == '.') {
		text = slice_after(text, 1);
		if (!take_digits(&d, &text, true))
			return false;
	}
	if (!take_exponent(&d, &text) || text.len > 0 ||
	    !round_decimal(&d, &a->nano))
		return false;
	if (minus)
		a->nano = -a->nano;
	a->grain = grain_of(d.exponent);
	return true;
}

int64_t
amount_microusd(int64_t nano)
{
	int64_t half = nano < 0 ? -500 : 500;

	return (nano + half) / 1000;
}
