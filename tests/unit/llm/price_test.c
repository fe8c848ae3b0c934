#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/crypto.h"
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
	PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN, PRICE_UNKNOWN };

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
	struct price price = { 1000000000000, 1000000000000, 1000000000000,
		1000000000000, 1000000000000, 1000000000000 };
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

static void
a_book_is_named_by_what_stands_in_it(void **state)
{
	struct price_entry book[3] = {
		{ slice_of("a/small"), { 1, 2, 3, 4, 5, 6 } },
		{ slice_of("a/smaller"), { 1, 2, 3, 4, 5, 6 } },
		{ slice_of("b/large"), { 7, 8, 9, 10, 11, 12 } },
	}, swapped;
	char name[PRICE_BOOK_CHARS], other[PRICE_BOOK_CHARS];
	int64_t *price;

	(void)state;
	price_book_name(name, book, 3);
	assert_int_equal(strlen(name), PRICE_BOOK_CHARS - 1);
	assert_int_equal(strspn(name, "0123456789abcdef"),
	    PRICE_BOOK_CHARS - 1);
	swapped = book[0];
	book[0] = book[2];
	book[2] = swapped;
	price_book_name(other, book, 3);
	assert_string_equal(name, other);
	for (price = &book[1].price.input; price <= &book[1].price.reasoning;
	     price++) {
		++*price;
		price_book_name(other, book, 3);
		assert_string_not_equal(name, other);
		--*price;
	}
	book[1].target = slice_of("a/smallest");
	price_book_name(other, book, 3);
	assert_string_not_equal(name, other);
	price_book_name(name, book, 2);
	assert_string_not_equal(name, other);
	price_book_name(name, NULL, 0);
	assert_string_not_equal(name, other);
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
		cmocka_unit_test(a_book_is_named_by_what_stands_in_it),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
