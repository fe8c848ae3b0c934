#pragma once
/*
 * price: what tokens cost.  Prices are integers: micro-USD per million
 * tokens, so USD per million times 1e6.  Cost is summed over the buckets and
 * rounded half up once, to whole micro-USD.  Pure.
 */
#include "common/llm/usage.h"

struct buf;

#define PRICE_UNKNOWN    (-1)
#define PRICE_BOOK_CHARS 17 /* 16 hex digits and a NUL */

/* PRICE_UNKNOWN where not stated: then the rule beside it applies. */
struct price {
	int64_t input;
	int64_t cached_input;   /* else as input */
	int64_t cache_write_5m; /* else as input */
	int64_t cache_write_1h; /* else as cache_write_5m */
	int64_t output;
	int64_t reasoning; /* else as output */
};

/* Micro-USD for these tokens. */
int64_t price_cost(const struct price *price, const struct usage *usage);

/*
 * The most that so much can cost: input at the dearest of its prices, written
 * to a cache or not, output as reasoning where that is dearer.
 */
int64_t price_worst(const struct price *price, int64_t input_tokens,
    int64_t output_tokens);

/* "0.25" USD per million to 250000; at most 6 decimals, 0 to 1,000,000. */
must_check bool price_parse(int64_t *price, struct slice usd);

/*
 * A price book names one set of prices for good: the hash of all models'
 * names and prices in order of name.
 */
struct price_entry {
	struct slice target; /* provider/model */
	struct price price;
};
void price_book_name(char name[PRICE_BOOK_CHARS],
    const struct price_entry *entries, size_t count);
