#pragma once
/*
 * price: what a call costs.  Prices are integers: micro-USD per million
 * tokens, so USD per million times 1e6, and micro-USD for what is billed by
 * the piece.  Cost is summed over all of it and rounded half up once, to whole
 * micro-USD.  Pure.
 *
 * A long request is dearer as a whole: all its tokens, output too, have the
 * prices of the highest tier that its input passes, and input is all that was
 * read, from a cache or to one.  So Anthropic ("if input tokens exceed 200K,
 * all tokens are charged at premium", cache reads and writes counted), Google
 * ("prompts > 200k tokens") and OpenAI ("prompts with >272K input tokens").
 */
#include "common/llm/usage.h"

struct buf;
struct unpack;

#define PRICE_UNKNOWN   (-1)
#define PRICE_TIERS_MAX 4

/* Of tokens.  PRICE_UNKNOWN where not stated: then the rule beside it. */
struct price_rates {
	int64_t input;
	int64_t cached_input;   /* else as input */
	int64_t cache_write_5m; /* else as input */
	int64_t cache_write_1h; /* else as cache_write_5m */
	int64_t output;
	int64_t reasoning; /* else as output */
	int64_t image;     /* input tokens of images; else as input */
};

/* Of requests with more input than that. */
struct price_tier {
	int64_t above_tokens;
	struct price_rates rates;
};

struct price {
	/* As in price_rates. */
	int64_t input, cached_input, cache_write_5m, cache_write_1h;
	int64_t output, reasoning, image;
	int64_t request_microusd; /* of a call that was answered, or may be */
	int64_t web_search_microusd; /* of each search the provider made */
	size_t tiers_count;
	struct price_tier tiers[PRICE_TIERS_MAX]; /* lowest first */
};

/* Those of a request with so much input, with no PRICE_UNKNOWN left. */
struct price_rates price_rates_at(const struct price *price,
    int64_t input_tokens);

/*
 * Micro-USD for this usage of one call.  The fee of a request is due where
 * the usage has a source: of what was refused nothing is known, or owed.
 */
int64_t price_cost(const struct price *price, const struct usage *usage);

/*
 * The most that a call with so much can cost: input at the dearest of its
 * prices, written to a cache or not, output as reasoning where that is dearer,
 * by the dearest tier that the input may reach; and the request's fee.  Web
 * searches come on top: nobody knows beforehand how many a provider makes.
 */
int64_t price_worst(const struct price *price, int64_t input_tokens,
    int64_t output_tokens);

/* A share of it off, in millionths; each price is rounded half up. */
void price_discount(struct price *price, int64_t off_ppm);

/* "0.25" USD per million to 250000; at most 6 decimals, 0 to 1,000,000. */
must_check bool price_parse(int64_t *price, struct slice usd);

/*
 * A JSON number of USD to micro-USD, rounded half up; what rounds to more
 * than 1,000,000 USD, or is negative, is none.
 */
must_check bool price_parse_stated(int64_t *microusd, struct slice usd);

/* The same; 0 when it is none. */
int64_t price_stated(struct slice usd);

/* Is each in its range, and the tiers in order? */
must_check bool price_valid(const struct price *price);

/* As msgpack; to be read, then checked by price_valid. */
void price_write(struct buf *out, const struct price *price);
void price_read(struct unpack *u, struct price *price);
