#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/price.h"

static void
texts_become_integers(void **state)
{
	static const struct {
		const char *usd;
		int64_t price;
	} good[] = { { "0", 0 }, { "0.25", 250000 }, { "1", 1000000 },
		{ "15.00", 15000000 }, { "0.000001", 1 }, { "0.1234", 123400 },
		{ "1000000", 1000000000000 },
		{ "1000000.000000", 1000000000000 },
		{ "999999.999999", 999999999999 }, { "007", 7000000 } };
	static const char *const bad[] = { "", ".", ".5", "1.", "-1", "+1",
		"0.0000001", "1000000.000001", "1000001", "1e3", "1,5", " 1",
		"1 ", "1.2.3", "$1", "99999999999999999999", "0.99999999999999",
		"x" };
	int64_t price;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++) {
		assert_true(price_parse(&price, slice_of(good[i].usd)));
		assert_true(price == good[i].price);
	}
	for (i = 0; i < count_of(bad); i++)
		if (price_parse(&price, slice_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
}

static const struct price unknown = { PRICE_UNKNOWN, PRICE_UNKNOWN,
	PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN,
	PRICE_UNKNOWN, 0, 0, 0, { { 0 } } };

static void
each_bucket_has_its_price_or_its_rule(void **state)
{
	struct usage usage = { .input_tokens = 1000000,
		.cache_read_tokens = 1000000,
		.cache_write_tokens = 1000000,
		.output_tokens = 1000000,
		.reasoning_tokens = 1000000 };
	struct price price = unknown;

	(void)state;
	assert_int_equal(price_cost(&price, &usage), 0);
	price.input = 1;
	price.output = 10;
	assert_int_equal(price_cost(&price, &usage), 3 * 1 + 2 * 10);
	price.cached_input = 100;
	assert_int_equal(price_cost(&price, &usage), 100 + 2 * 1 + 2 * 10);
	price.cache_write_5m = 1000;
	assert_int_equal(price_cost(&price, &usage), 1 + 100 + 1000 + 20);
	price.reasoning = 10000;
	assert_int_equal(price_cost(&price, &usage),
	    1 + 100 + 1000 + 10 + 10000);
	price.cached_input = 0;
	assert_int_equal(price_cost(&price, &usage), 1 + 1000 + 10 + 10000);
}

static void
an_hour_in_the_cache_has_a_price_of_its_own(void **state)
{
	struct usage usage = { .cache_write_tokens = 1000000,
		.cache_write_1h_tokens = 1000000 };
	struct price price = unknown;

	(void)state;
	price.input = 1;
	assert_int_equal(price_cost(&price, &usage), 1 + 1);
	price.cache_write_5m = 10;
	assert_int_equal(price_cost(&price, &usage), 10 + 10);
	price.cache_write_1h = 100;
	assert_int_equal(price_cost(&price, &usage), 10 + 100);
	price.cache_write_5m = PRICE_UNKNOWN;
	assert_int_equal(price_cost(&price, &usage), 1 + 100);
}

static void
a_cost_is_rounded_once_half_up(void **state)
{
	struct price price = unknown;
	struct usage usage = { .input_tokens = 1 };

	(void)state;
	price.input = 499999;
	assert_int_equal(price_cost(&price, &usage), 0);
	price.input = 500000;
	assert_int_equal(price_cost(&price, &usage), 1);
	price.input = 1499999;
	assert_int_equal(price_cost(&price, &usage), 1);
	/* Two buckets of 0.4 are 0.8, not 0 twice. */
	price.input = price.output = 400000;
	usage.output_tokens = 1;
	assert_int_equal(price_cost(&price, &usage), 1);
}

static void
no_sum_overflows(void **state)
{
	struct price price = { .input = 1000000000000,
		.cached_input = 1000000000000,
		.cache_write_5m = 1000000000000,
		.cache_write_1h = 1000000000000,
		.output = 1000000000000,
		.reasoning = 1000000000000 };
	struct usage usage = { .input_tokens = 1000000000000,
		.cache_read_tokens = 1000000000000,
		.cache_write_tokens = 1000000000000,
		.cache_write_1h_tokens = 1000000000000,
		.output_tokens = 1000000000000,
		.reasoning_tokens = 1000000000000 };

	(void)state;
	assert_true(price_cost(&price, &usage) == 6000000000000000000);
	usage.input_tokens = INT64_MAX;
	assert_true(price_cost(&price, &usage) == INT64_MAX);
}

/* Numbers as long as need be: limbs to the base of a million, low first. */
#define LIMBS 16
#define BASE  1000000

struct big {
	uint64_t limb[LIMBS];
};

static void
big_add_product(struct big *sum, int64_t a, int64_t b)
{
	uint64_t x[4], y[4], carry = 0;
	size_t i, k;

	for (i = 0; i < 4; i++, a /= BASE, b /= BASE) {
		x[i] = (uint64_t)(a % BASE);
		y[i] = (uint64_t)(b % BASE);
	}
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++)
			sum->limb[i + k] += x[i] * y[k];
	for (i = 0; i < LIMBS; i++) {
		carry += sum->limb[i];
		sum->limb[i] = carry % BASE;
		carry /= BASE;
	}
}

/* Without the lowest limb, which is rounded half up; INT64_MAX: too large. */
static int64_t
big_rounded(const struct big *sum)
{
	struct big up = *sum;
	int64_t n = 0;
	size_t i;

	if (sum->limb[0] >= BASE / 2)
		big_add_product(&up, BASE, 1);
	for (i = LIMBS; i-- > 1;) {
		if (n > (INT64_MAX - (int64_t)up.limb[i]) / BASE)
			return INT64_MAX;
		n = n * BASE + (int64_t)up.limb[i];
	}
	return n;
}

static uint64_t seed = 20260731;

static int64_t
draw(int64_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return below > 0 ? (int64_t)((seed >> 20) % (uint64_t)below) : 0;
}

/* Small ones are as likely as large ones. */
static int64_t
draw_size(int64_t most)
{
	while (most > 1 && draw(2) == 0)
		most /= 10;
	return draw(most + 1);
}

static int64_t
draw_rate(void)
{
	return draw(3) == 0 ? PRICE_UNKNOWN : draw_size(1000000000000);
}

static struct price_rates
draw_rates(void)
{
	return (struct price_rates){ draw_size(1000000000000), draw_rate(),
		draw_rate(), draw_rate(), draw_size(1000000000000), draw_rate(),
		draw_rate() };
}

static struct price
draw_price(void)
{
	struct price_rates r = draw_rates();
	struct price p = { r.input, r.cached_input, r.cache_write_5m,
		r.cache_write_1h, r.output, r.reasoning, r.image,
		draw(2) * draw_size(1000000000000),
		draw(2) * draw_size(1000000000000), (size_t)draw(5),
		{ { 0 } } };
	int64_t above = 0;
	size_t i;

	for (i = 0; i < p.tiers_count; i++) {
		above += 1 + draw_size(1000000);
		p.tiers[i] = (struct price_tier){ above, draw_rates() };
	}
	return p;
}

/* Of no more than that, whatever it was used for. */
static struct usage
draw_usage(int64_t input, int64_t output)
{
	struct usage u = { .source = (enum usage_source)draw(4) };

	u.cache_read_tokens = draw(2) * draw(input + 1);
	u.cache_write_tokens = draw(2) * draw(input - u.cache_read_tokens + 1);
	u.cache_write_1h_tokens = draw(2) * draw(input - u.cache_read_tokens -
						 u.cache_write_tokens + 1);
	u.input_tokens = input - u.cache_read_tokens - u.cache_write_tokens -
			 u.cache_write_1h_tokens;
	u.input_tokens =
	    draw(2) == 0 ? u.input_tokens : draw(u.input_tokens + 1);
	u.image_tokens = draw(2) * draw(u.input_tokens + 1);
	u.reasoning_tokens = draw(2) * draw(output + 1);
	u.output_tokens = output - u.reasoning_tokens;
	return u;
}

static int64_t
said(int64_t rate, int64_t otherwise)
{
	return rate >= 0 ? rate : otherwise;
}

/* The same by the rules as they are written down, with a million's limbs. */
static int64_t
reference_cost(const struct price *p, const struct usage *u)
{
	struct price_rates r = { p->input, p->cached_input, p->cache_write_5m,
		p->cache_write_1h, p->output, p->reasoning, p->image };
	int64_t all = u->input_tokens + u->cache_read_tokens +
		      u->cache_write_tokens + u->cache_write_1h_tokens;
	int64_t write;
	struct big sum = { { 0 } };
	size_t i;

	for (i = 0; i < p->tiers_count; i++)
		if (all > p->tiers[i].above_tokens)
			r = p->tiers[i].rates;
	write = said(r.cache_write_5m, r.input);
	big_add_product(&sum, u->input_tokens - u->image_tokens, r.input);
	big_add_product(&sum, u->image_tokens, said(r.image, r.input));
	big_add_product(&sum, u->cache_read_tokens,
	    said(r.cached_input, r.input));
	big_add_product(&sum, u->cache_write_tokens, write);
	big_add_product(&sum, u->cache_write_1h_tokens,
	    said(r.cache_write_1h, write));
	big_add_product(&sum, u->output_tokens, r.output);
	big_add_product(&sum, u->reasoning_tokens, said(r.reasoning, r.output));
	if (u->source != USAGE_NONE)
		big_add_product(&sum, p->request_microusd, BASE);
	for (i = 0; i < (size_t)u->web_searches; i++)
		big_add_product(&sum, p->web_search_microusd, BASE);
	return big_rounded(&sum);
}

#define ROUNDS 200000

static void
every_cost_is_that_of_longer_numbers(void **state)
{
	size_t round, large = 0;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		struct price p = draw_price();
		struct usage u = draw_usage(draw_size(1000000000000),
		    draw_size(1000000000000));

		u.web_searches = draw(2) * draw(20);
		assert_true(price_valid(&p));
		assert_true(price_cost(&p, &u) == reference_cost(&p, &u));
		large += price_cost(&p, &u) > 1000000;
	}
	assert_in_range(large, ROUNDS / 10, ROUNDS);
}

static void
nothing_within_what_is_reserved_costs_more(void **state)
{
	size_t round, near = 0;

	(void)state;
	for (round = 0; round < ROUNDS; round++) {
		struct price p = draw_price();
		int64_t input = draw_size(3000000), output = draw_size(1000000);
		int64_t worst = price_worst(&p, input, output);
		struct usage u = draw_usage(draw(input + 1), draw(output + 1));

		assert_true(price_cost(&p, &u) <= worst);
		u = draw_usage(input, output);
		assert_true(price_cost(&p, &u) <= worst);
		near += worst > 1 && price_cost(&p, &u) > worst / 2;
	}
	assert_true(near > ROUNDS / 20); /* it is no idle bound */
}

static void
a_long_request_is_dearer_as_a_whole(void **state)
{
	struct price p = unknown;
	struct usage u = { .input_tokens = 100000,
		.cache_read_tokens = 60000,
		.cache_write_tokens = 40000,
		.output_tokens = 1000 };
	struct price_rates r;

	(void)state;
	p.input = 3000000;
	p.output = 15000000;
	p.tiers_count = 2;
	p.tiers[0] = (struct price_tier){ 200000,
		{ 6000000, -1, -1, -1, 22500000, -1, -1 } };
	p.tiers[1] = (struct price_tier){ 500000,
		{ 10000000, 1000000, -1, -1, 50000000, -1, -1 } };
	assert_int_equal(price_cost(&p, &u), 200000 * 3 + 1000 * 15);
	u.cache_write_1h_tokens = 1;
	assert_int_equal(price_cost(&p, &u), 200001 * 6 + 22500);
	u.output_tokens = 1000000; /* output makes no request a long one */
	assert_int_equal(price_cost(&p, &u), 200001 * 6 + 22500000);
	u = (struct usage){ .cache_read_tokens = 500001 };
	assert_int_equal(price_cost(&p, &u), 500001);
	r = price_rates_at(&p, 500000);
	assert_int_equal(r.cache_write_1h, 6000000);
	assert_int_equal(r.reasoning, 22500000);
	assert_int_equal(price_worst(&p, 200000, 1), 600015);
	assert_int_equal(price_worst(&p, 200001, 0), 200001 * 6);
	/* A tier that is cheaper makes no bound lower. */
	p.tiers[0].rates = (struct price_rates){ 1, -1, -1, -1, 1, -1, -1 };
	p.tiers_count = 1;
	assert_int_equal(price_worst(&p, 200001, 0), 200001 * 3);
}

static void
what_is_billed_by_the_piece_is_added(void **state)
{
	struct price p = unknown;
	struct usage u = { .image_tokens = 5, .input_tokens = 10 };

	(void)state;
	p.request_microusd = 5000;
	p.web_search_microusd = 10000;
	assert_int_equal(price_cost(&p, &u), 0);
	u.source = USAGE_ESTIMATED;
	assert_int_equal(price_cost(&p, &u), 5000);
	u.web_searches = 3;
	assert_int_equal(price_cost(&p, &u), 35000);
	assert_int_equal(price_worst(&p, 0, 0), 5000);
	p.input = 1000000;
	p.image = 3000000;
	assert_int_equal(price_cost(&p, &u), 35000 + 5 + 15);
	assert_int_equal(price_worst(&p, 10, 0), 5000 + 30);
}

static void
a_discount_is_off_every_price(void **state)
{
	struct price p = { 1000000, PRICE_UNKNOWN, 3, 5, 0, 1000000000000, 7,
		15, 25, 1,
		{ { 10, { 8, 9, 10, PRICE_UNKNOWN, 12, 13, 14 } } } };
	struct price want = { 900000, PRICE_UNKNOWN, 3, 5, 0, 900000000000, 6,
		14, 23, 1, { { 10, { 7, 8, 9, PRICE_UNKNOWN, 11, 12, 13 } } } };
	struct price all = p;

	(void)state;
	price_discount(&p, 0);
	assert_memory_equal(&p, &all, sizeof(p));
	price_discount(&p, 100000);
	assert_memory_equal(&p, &want, sizeof(p));
	price_discount(&p, 1000000);
	assert_int_equal(p.reasoning + p.web_search_microusd +
			     p.tiers[0].rates.image,
	    0);
	assert_int_equal(p.cached_input, PRICE_UNKNOWN);
}

static void
a_stated_cost_becomes_an_integer(void **state)
{
	static const struct {
		const char *usd;
		int64_t microusd;
	} good[] = { { "0", 0 }, { "0.00014", 140 }, { "1e-05", 10 },
		{ "1.5E-6", 2 }, { "1.4999999999999999999999e-6", 1 },
		{ "0.0000005", 1 }, { "0.00000049999", 0 }, { "12", 12000000 },
		{ "1e2", 100000000 }, { "1E+2", 100000000 },
		{ "1000000", 1000000000000 }, { "1e-400", 0 },
		{ "999999.9999994", 999999999999 },
		{ "0.123456789012345678901", 123457 },
		{ "00000000000000000000000000000001.5", 1500000 },
		{ "0.000000000000000000000000000001e30", 1000000 },
		{ "123456789012345678901234e-20", 1234567890 } };
	static const char *const bad[] = { "", "-1", "+1", ".5", "1.", "e5",
		"1e", "1e+", "1e401", "1000000.0000005", "1e7", "1e300", " 1",
		"1 ", "0x1", "nan", "1,5", "1.2.3",
		"99999999999999999999999999",
		("0.00000000000000000000000000000000000000000000000000000000001"
		 "00000") };
	int64_t n;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++) {
		if (!price_parse_stated(&n, slice_of(good[i].usd)) ||
		    n != good[i].microusd)
			fail_msg("%s", good[i].usd);
		assert_true(price_stated(slice_of(good[i].usd)) == n);
	}
	for (i = 0; i < count_of(bad); i++) {
		if (price_parse_stated(&n, slice_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
		assert_int_equal(price_stated(slice_of(bad[i])), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_become_integers),
		cmocka_unit_test(each_bucket_has_its_price_or_its_rule),
		cmocka_unit_test(an_hour_in_the_cache_has_a_price_of_its_own),
		cmocka_unit_test(a_cost_is_rounded_once_half_up),
		cmocka_unit_test(no_sum_overflows),
		cmocka_unit_test(every_cost_is_that_of_longer_numbers),
		cmocka_unit_test(nothing_within_what_is_reserved_costs_more),
		cmocka_unit_test(a_long_request_is_dearer_as_a_whole),
		cmocka_unit_test(what_is_billed_by_the_piece_is_added),
		cmocka_unit_test(a_discount_is_off_every_price),
		cmocka_unit_test(a_stated_cost_becomes_an_integer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
