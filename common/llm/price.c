#include "common/llm/price.h"

#include "common/format/pack.h"

#define TOKENS_A_PRICE INT64_C(1000000) /* prices are per million tokens */
#define DECIMALS       6
#define USD_MAX        1000000
#define MICROUSD       1000000
#define PRICE_MAX      ((int64_t)USD_MAX * MICROUSD)
#define PPM            1000000
#define DIGITS_MAX     18 /* that count of a stated cost: fit in 64 bits */
#define STATED_CHARS   64
#define EXPONENT_MAX   400 /* of what a double can be */
#define RATES          (sizeof(struct price_rates) / sizeof(int64_t))

static int64_t
either(int64_t price, int64_t otherwise)
{
	return price != PRICE_UNKNOWN ? price : max_i64(0, otherwise);
}

static struct price_rates
base_of(const struct price *p)
{
	return (struct price_rates){ p->input, p->cached_input,
		p->cache_write_5m, p->cache_write_1h, p->output, p->reasoning,
		p->image };
}

static struct price_rates
stated_at(const struct price *p, int64_t input_tokens)
{
	size_t i = p->tiers_count;

	while (i > 0 && input_tokens <= p->tiers[i - 1].above_tokens)
		i--;
	return i > 0 ? p->tiers[i - 1].rates : base_of(p);
}

struct price_rates
price_rates_at(const struct price *price, int64_t input_tokens)
{
	struct price_rates r = stated_at(price, input_tokens);

	r.input = either(r.input, 0);
	r.cached_input = either(r.cached_input, r.input);
	r.cache_write_5m = either(r.cache_write_5m, r.input);
	r.cache_write_1h = either(r.cache_write_1h, r.cache_write_5m);
	r.output = either(r.output, 0);
	r.reasoning = either(r.reasoning, r.output);
	r.image = either(r.image, r.input);
	return r;
}

static int64_t
whole(__int128 microusd)
{
	return microusd > INT64_MAX ? INT64_MAX : (int64_t)microusd;
}

/* A row that was damaged may say anything. */
static int64_t
all_input(const struct usage *u)
{
	return whole((__int128)u->input_tokens + u->cache_read_tokens +
		     u->cache_write_tokens + u->cache_write_1h_tokens);
}

int64_t
price_cost(const struct price *price, const struct usage *usage)
{
	struct price_rates r = price_rates_at(price, all_input(usage));
	int64_t images = min_i64(usage->image_tokens, usage->input_tokens);
	__int128 fees = 0, sum = 0;

	sum += (__int128)(usage->input_tokens - images) * r.input;
	sum += (__int128)images * r.image;
	sum += (__int128)usage->cache_read_tokens * r.cached_input;
	sum += (__int128)usage->cache_write_tokens * r.cache_write_5m;
	sum += (__int128)usage->cache_write_1h_tokens * r.cache_write_1h;
	sum += (__int128)usage->output_tokens * r.output;
	sum += (__int128)usage->reasoning_tokens * r.reasoning;
	if (usage->source != USAGE_NONE)
		fees += price->request_microusd;
	fees += (__int128)usage->web_searches * price->web_search_microusd;
	sum = (sum + TOKENS_A_PRICE / 2) / TOKENS_A_PRICE;
	return whole(sum + fees);
}

static __int128
dearest(const struct price_rates *r, int64_t input_tokens,
    int64_t output_tokens)
{
	int64_t input = max_i64(max_i64(r->input, r->cached_input),
	    max_i64(r->cache_write_5m, r->cache_write_1h));
	int64_t output = max_i64(r->output, r->reasoning);

	input = max_i64(input, r->image);
	return (__int128)input_tokens * max_i64(input, 0) +
	       (__int128)output_tokens * max_i64(output, 0);
}

int64_t
price_worst(const struct price *price, int64_t input_tokens,
    int64_t output_tokens)
{
	struct price_rates base = base_of(price);
	__int128 most = dearest(&base, input_tokens, output_tokens), tier;
	size_t i;

	for (i = 0; i < price->tiers_count &&
		    price->tiers[i].above_tokens < input_tokens;
	     i++) {
		tier = dearest(&price->tiers[i].rates, input_tokens,
		    output_tokens);
		most = tier > most ? tier : most;
	}
	most = (most + TOKENS_A_PRICE - 1) / TOKENS_A_PRICE;
	return whole(most + price->request_microusd);
}

static void
take_off(int64_t *price, int64_t off_ppm)
{
	if (*price > 0)
		*price = (*price * (PPM - off_ppm) + PPM / 2) / PPM;
}

void
price_discount(struct price *price, int64_t off_ppm)
{
	int64_t *const base[] = { &price->input, &price->cached_input,
		&price->cache_write_5m, &price->cache_write_1h, &price->output,
		&price->reasoning, &price->image, &price->request_microusd,
		&price->web_search_microusd };
	size_t i, k;

	for (i = 0; i < count_of(base); i++)
		take_off(base[i], off_ppm);
	for (i = 0; i < price->tiers_count; i++) {
		struct price_rates *r = &price->tiers[i].rates;
		int64_t *const rates[RATES] = { &r->input, &r->cached_input,
			&r->cache_write_5m, &r->cache_write_1h, &r->output,
			&r->reasoning, &r->image };

		for (k = 0; k < RATES; k++)
			take_off(rates[k], off_ppm);
	}
}

/* Digits from *at on; -1 when there are none, or the number passes max. */
static int64_t
digits(struct slice text, size_t *at, int64_t max)
{
	int64_t n = -1;

	for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9';
	     ++*at) {
		n = max_i64(n, 0) * 10 + (text.ptr[*at] - '0');
		if (n > max)
			return -1;
	}
	return n;
}

bool
price_parse(int64_t *price, struct slice usd)
{
	int64_t dollars, part = 0;
	size_t at = 0, from, decimals;

	dollars = digits(usd, &at, USD_MAX);
	if (dollars < 0)
		return false;
	if (at < usd.len && usd.ptr[at] == '.') {
		from = ++at;
		part = digits(usd, &at, MICROUSD - 1);
		decimals = at - from;
		if (part < 0 || decimals > DECIMALS)
			return false;
		for (; decimals < DECIMALS; decimals++)
			part *= 10;
	}
	if (at < usd.len || (dollars == USD_MAX && part > 0))
		return false;
	*price = dollars * MICROUSD + part;
	return true;
}

/* A decimal: its first digits that are not 0, times ten to the exponent. */
struct decimal {
	int64_t number;
	int64_t exponent;
	int digits;
};

/* One run of them; those behind DIGITS_MAX change nothing when rounded. */
static bool
take_digits(struct decimal *d, struct slice text, size_t *at, bool fraction)
{
	size_t from = *at;

	for (; *at < text.len && text.ptr[*at] >= '0' && text.ptr[*at] <= '9';
	     ++*at) {
		if (d->digits >= DIGITS_MAX) {
			d->exponent += !fraction;
			continue;
		}
		d->number = d->number * 10 + (text.ptr[*at] - '0');
		d->digits += d->number > 0;
		d->exponent -= fraction;
	}
	return *at > from;
}

/* "e-05" and its like, or nothing. */
static bool
take_exponent(struct decimal *d, struct slice text, size_t *at)
{
	bool minus;
	int64_t n;

	if (*at >= text.len || (text.ptr[*at] != 'e' && text.ptr[*at] != 'E'))
		return true;
	++*at;
	minus = *at < text.len && text.ptr[*at] == '-';
	*at += minus || (*at < text.len && text.ptr[*at] == '+');
	n = digits(text, at, EXPONENT_MAX);
	d->exponent += minus ? -n : n;
	return n >= 0;
}

/* Its whole part, rounded half up; past PRICE_MAX: false. */
static bool
round_decimal(int64_t *out, const struct decimal *d)
{
	int64_t n = d->number, exponent = d->exponent, last = 0;

	for (; exponent > 0 && n > 0; exponent--) {
		if (n > PRICE_MAX)
			return false;
		n *= 10;
	}
	for (; exponent < 0 && (n > 0 || last > 0); exponent++) {
		last = n % 10;
		n /= 10;
	}
	*out = n + (last >= 5);
	return *out <= PRICE_MAX;
}

bool
price_parse_stated(int64_t *microusd, struct slice usd)
{
	struct decimal d = { .exponent = DECIMALS };
	size_t at = 0;

	if (usd.len > STATED_CHARS || !take_digits(&d, usd, &at, false))
		return false;
	if (at < usd.len && usd.ptr[at] == '.') {
		at++;
		if (!take_digits(&d, usd, &at, true))
			return false;
	}
	if (!take_exponent(&d, usd, &at) || at < usd.len)
		return false;
	return round_decimal(microusd, &d);
}

int64_t
price_stated(struct slice usd)
{
	int64_t microusd;

	return price_parse_stated(&microusd, usd) ? microusd : 0;
}

static bool
rates_valid(const struct price_rates *r)
{
	const int64_t stated[] = { r->cached_input, r->cache_write_5m,
		r->cache_write_1h, r->reasoning, r->image };
	size_t i;

	for (i = 0; i < count_of(stated); i++)
		if (stated[i] < PRICE_UNKNOWN || stated[i] > PRICE_MAX)
			return false;
	return r->input >= 0 && r->input <= PRICE_MAX && r->output >= 0 &&
	       r->output <= PRICE_MAX;
}

bool
price_valid(const struct price *price)
{
	struct price_rates base = base_of(price);
	int64_t above = 0;
	size_t i;

	if (!rates_valid(&base) || price->request_microusd < 0 ||
	    price->request_microusd > PRICE_MAX ||
	    price->web_search_microusd < 0 ||
	    price->web_search_microusd > PRICE_MAX ||
	    price->tiers_count > PRICE_TIERS_MAX)
		return false;
	for (i = 0; i < price->tiers_count; i++) {
		if (price->tiers[i].above_tokens <= above ||
		    !rates_valid(&price->tiers[i].rates))
			return false;
		above = price->tiers[i].above_tokens;
	}
	return true;
}

static void
write_rates(struct buf *out, const struct price_rates *r)
{
	pack_int(out, r->input);
	pack_int(out, r->cached_input);
	pack_int(out, r->cache_write_5m);
	pack_int(out, r->cache_write_1h);
	pack_int(out, r->output);
	pack_int(out, r->reasoning);
	pack_int(out, r->image);
}

void
price_write(struct buf *out, const struct price *price)
{
	struct price_rates base = base_of(price);
	size_t i;

	pack_array(out, RATES + 3);
	write_rates(out, &base);
	pack_int(out, price->request_microusd);
	pack_int(out, price->web_search_microusd);
	pack_array(out, price->tiers_count);
	for (i = 0; i < price->tiers_count; i++) {
		pack_array(out, 1 + RATES);
		pack_int(out, price->tiers[i].above_tokens);
		write_rates(out, &price->tiers[i].rates);
	}
}

static struct price_rates
read_rates(struct unpack *u)
{
	struct price_rates r;

	r.input = unpack_int(u);
	r.cached_input = unpack_int(u);
	r.cache_write_5m = unpack_int(u);
	r.cache_write_1h = unpack_int(u);
	r.output = unpack_int(u);
	r.reasoning = unpack_int(u);
	r.image = unpack_int(u);
	return r;
}

static void
set_base(struct price *p, const struct price_rates *r)
{
	p->input = r->input;
	p->cached_input = r->cached_input;
	p->cache_write_5m = r->cache_write_5m;
	p->cache_write_1h = r->cache_write_1h;
	p->output = r->output;
	p->reasoning = r->reasoning;
	p->image = r->image;
}

void
price_read(struct unpack *u, struct price *price)
{
	struct price_rates base;
	size_t i, count;

	*price = (struct price){ .tiers_count = 0 };
	if (unpack_array(u) != RATES + 3)
		u->failed = true;
	base = read_rates(u);
	set_base(price, &base);
	price->request_microusd = unpack_int(u);
	price->web_search_microusd = unpack_int(u);
	count = unpack_array(u);
	if (count > PRICE_TIERS_MAX)
		u->failed = true;
	for (i = 0; i < count && !u->failed; i++) {
		if (unpack_array(u) != 1 + RATES)
			u->failed = true;
		price->tiers[i].above_tokens = unpack_int(u);
		price->tiers[i].rates = read_rates(u);
		price->tiers_count = i + 1;
	}
}
