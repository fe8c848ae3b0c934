#include "common/llm/price.h"

#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/base/memory.h"

#define TOKENS_A_PRICE 1000000 /* prices are per million tokens */
#define DECIMALS       6
#define USD_MAX        1000000
#define MICROUSD       1000000
#define BOOK_CONTEXT   "gsr/price-book/v1"

static int64_t
either(int64_t price, int64_t otherwise)
{
	return price != PRICE_UNKNOWN ? price : max_i64(0, otherwise);
}

int64_t
price_cost(const struct price *price, const struct usage *usage)
{
	int64_t input = either(price->input, 0);
	int64_t output = either(price->output, 0);
	int64_t write = either(price->cache_write_5m, input);
	__int128 sum = 0;

	sum += (__int128)usage->input_tokens * input;
	sum += (__int128)usage->cache_read_tokens *
	       either(price->cached_input, input);
	sum += (__int128)usage->cache_write_tokens * write;
	sum += (__int128)usage->cache_write_1h_tokens *
	       either(price->cache_write_1h, write);
	sum += (__int128)usage->output_tokens * output;
	sum += (__int128)usage->reasoning_tokens *
	       either(price->reasoning, output);
	sum = (sum + TOKENS_A_PRICE / 2) / TOKENS_A_PRICE;
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

int64_t
price_worst(const struct price *price, int64_t input_tokens,
    int64_t output_tokens)
{
	int64_t input = max_i64(max_i64(price->input, price->cached_input),
	    max_i64(price->cache_write_5m, price->cache_write_1h));
	int64_t output = max_i64(price->output, price->reasoning);
	__int128 sum = (__int128)input_tokens * max_i64(input, 0) +
		       (__int128)output_tokens * max_i64(output, 0);

	sum = (sum + TOKENS_A_PRICE - 1) / TOKENS_A_PRICE;
	return sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
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
	int64_t whole, part = 0;
	size_t at = 0, from, decimals;

	whole = digits(usd, &at, USD_MAX);
	if (whole < 0)
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
	if (at < usd.len || (whole == USD_MAX && part > 0))
		return false;
	*price = whole * MICROUSD + part;
	return true;
}

static int
by_target(const void *a, const void *b)
{
	struct slice x = (*(const struct price_entry *const *)a)->target;
	struct slice y = (*(const struct price_entry *const *)b)->target;
	size_t shorter = min_size(x.len, y.len);
	int order = shorter > 0 ? memcmp(x.ptr, y.ptr, shorter) : 0;

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

static void
hash_number(struct hashing *h, int64_t number)
{
	uint8_t bytes[8];
	int i;

	for (i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	hashing_add(h, bytes, sizeof(bytes));
}

static void
hash_entry(struct hashing *h, const struct price_entry *e)
{
	hash_number(h, (int64_t)e->target.len);
	hashing_add(h, e->target.ptr, e->target.len);
	hash_number(h, e->price.input);
	hash_number(h, e->price.cached_input);
	hash_number(h, e->price.cache_write_5m);
	hash_number(h, e->price.cache_write_1h);
	hash_number(h, e->price.output);
	hash_number(h, e->price.reasoning);
}

void
price_book_name(char name[PRICE_BOOK_CHARS], const struct price_entry *entries,
    size_t count)
{
	const struct price_entry **sorted = xcalloc(count, sizeof(*sorted));
	struct hashing h;
	struct hash book;
	size_t i;

	for (i = 0; i < count; i++)
		sorted[i] = &entries[i];
	qsort(sorted, count, sizeof(*sorted), by_target);
	hashing_init(&h);
	hashing_add(&h, BOOK_CONTEXT, sizeof(BOOK_CONTEXT));
	for (i = 0; i < count; i++)
		hash_entry(&h, sorted[i]);
	book = hashing_done(&h);
	hex_write(name, book.bytes, (PRICE_BOOK_CHARS - 1) / 2);
	free(sorted);
}
