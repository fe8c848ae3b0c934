/*
 * The keywords of a model's price, and of a ceiling over prices.
 */
#include "topology/keys.h"
#include "topology/mesh.h"

#define TIER_TOKENS_MAX    INT64_C(100000000)
#define PIECE_MICROUSD_MAX INT64_C(1000000000)

/* A tier has the keys of a price; `rates` is where they go in the record. */
#define RATE(record, rates, rate, text)                                        \
	{                                                                      \
		.name = #rate, .type = VALUE_PRICE, AT(record, rates.rate),    \
		.help = text                                                   \
	}
#define RATE_REQUIRED(record, rates, rate, text)                               \
	{                                                                      \
		.name = #rate, .type = VALUE_PRICE, .required = true,          \
		AT(record, rates.rate), .help = text                           \
	}
#define RATES(record, rates)                                                   \
	RATE_REQUIRED(record, rates, input,                                    \
	    "USD per million input tokens; 0 is free"),                        \
	    RATE(record, rates, cached_input,                                  \
		"input read from the provider's cache; else as input"),        \
	    RATE(record, rates, cache_write_5m,                                \
		"input written to a 5 minute cache; else as input"),           \
	    RATE(record, rates, cache_write_1h,                                \
		"input written to a 1 hour cache; else as cache_write_5m"),    \
	    RATE_REQUIRED(record, rates, output,                               \
		"USD per million output tokens; 0 is free"),                   \
	    RATE(record, rates, reasoning,                                     \
		"reasoning tokens; else as output"),                           \
	    RATE(record, rates, image,                                         \
		"input tokens of images, where the provider tells them; else " \
		"as input")

static const struct keyword price_tier_keywords[] = { RATES(price_tier,
    rates) };

static const struct table price_tier_table = {
	TABLE("a tier of prices", price_tier_keywords, price_tier),
	.key_type = VALUE_INT
};

static const struct keyword price_keywords[] = {
	RATES(price_written, list),
	{ .name = "request",
	    .type = VALUE_MONEY,
	    AT(price_written, list.request_microusd),
	    .help = "USD for each call, beside its tokens; else none" },
	{ .name = "web_search",
	    .type = VALUE_MONEY,
	    AT(price_written, list.web_search_microusd),
	    .help = "USD for each search that the provider makes; else "
		    "none" },
	{ .name = "above",
	    .form = FORM_MAP,
	    .table = &price_tier_table,
	    AT(price_written, above),
	    COUNT(price_written, above_count),
	    .help = "prices of long requests, as {200000: {input: 6, output: "
		    "22.5}}: of all tokens of a request with more input than "
		    "that, cached or not" },
};

/* What a price says for itself, a tier of it has to say, too. */
static const struct {
	const char *name;
	size_t base, tier;
} restated[] = {
#define RESTATED(rate)                                                         \
	{                                                                      \
#rate, offsetof(struct price, rate),                           \
		    offsetof(struct price_tier, rates.rate)                    \
	}
	RESTATED(cached_input),
	RESTATED(cache_write_5m),
	RESTATED(cache_write_1h),
	RESTATED(reasoning),
	RESTATED(image),
#undef RESTATED
};

static bool
says(const void *record, size_t offset)
{
	int64_t rate;

	memcpy(&rate, (const char *)record + offset, sizeof(rate));
	return rate != PRICE_UNKNOWN;
}

static void
check_tier(struct reader *r, const struct yaml_node *node,
    const struct price *list, const struct price_tier *tier)
{
	size_t i;

	if (tier->above_tokens < 1 || tier->above_tokens > TIER_TOKENS_MAX)
		mistake_add(r->mistakes, r->source, node->place,
		    "'above' takes tokens from 1 to %jd, and this is %jd",
		    (intmax_t)TIER_TOKENS_MAX, (intmax_t)tier->above_tokens);
	for (i = 0; i < count_of(restated); i++)
		if (says(list, restated[i].base) &&
		    !says(tier, restated[i].tier))
			mistake_add(r->mistakes, r->source, node->place,
			    "the price says '%s', so its tier above %jd needs "
			    "it, too",
			    restated[i].name, (intmax_t)tier->above_tokens);
}

/* Among the lower ones: a mapping has no key twice. */
static void
insert_tier(struct price *list, const struct price_tier *tier)
{
	size_t at = list->tiers_count++;

	for (; at > 0 && list->tiers[at - 1].above_tokens > tier->above_tokens;
	     at--)
		list->tiers[at] = list->tiers[at - 1];
	list->tiers[at] = *tier;
}

static void
take_tiers(struct reader *r, const struct yaml_node *above,
    struct price_written *p)
{
	size_t i;

	if (p->above_count > PRICE_TIERS_MAX) {
		mistake_add(r->mistakes, r->source, above->place,
		    "'above' has at most %d tiers", PRICE_TIERS_MAX);
		return;
	}
	for (i = 0; i < p->above_count; i++) {
		check_tier(r, above, &p->list, &p->above[i]);
		insert_tier(&p->list, &p->above[i]);
	}
}

static void
price_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct yaml_item *above;
	struct price_written *p = record;

	if (p->list.request_microusd > PIECE_MICROUSD_MAX ||
	    p->list.web_search_microusd > PIECE_MICROUSD_MAX)
		mistake_add(r->mistakes, r->source, node->place,
		    "'request' and 'web_search' are USD for one, at most 1000");
	if (p->above_count == 0)
		return;
	above = yaml_find(node, slice_of("above"));
	take_tiers(r, above->value, p);
}

const struct table price_table = {
	TABLE("a price", price_keywords, price_written), .finish = price_finish
};

static const struct keyword price_ceiling_keywords[] = {
	{ .name = "input",
	    .type = VALUE_PRICE,
	    AT(price_ceiling, input),
	    .help = "USD per million input tokens, of the dearest tier; else "
		    "any" },
	{ .name = "output",
	    .type = VALUE_PRICE,
	    AT(price_ceiling, output),
	    .help = "USD per million output tokens, of the dearest tier; "
		    "else any" },
};

const struct table price_ceiling_table = { TABLE("max_price",
    price_ceiling_keywords, price_ceiling) };
