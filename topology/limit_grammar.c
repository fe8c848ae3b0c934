/*
 * The keywords of limits, budgets and shaping, and of those who have them.
 */
#include "topology/keys.h"
#include "topology/mesh.h"

#define REQUESTS_MAX ((int64_t)10000000)    /* a minute, or under way */
#define TOKENS_MAX   ((int64_t)10000000000) /* a minute */
#define SUM_MAX      (1000000000 * PPM)     /* of a budget, in any unit */
#define QUEUE_MAX_MS (10 * MINUTE_MS)
#define DEPTH_MAX    10000
#define SECONDS      60 /* of a minute */

#define REQUESTS(word, of, field, what)                                        \
	{                                                                      \
		.name = (word), .type = VALUE_INT, .min = 1,                   \
		.max = REQUESTS_MAX, AT(of, field), .help = (what)             \
	}

#define TOKENS(word, of, field, what)                                          \
	{                                                                      \
		.name = (word), .type = VALUE_INT, .min = 1,                   \
		.max = TOKENS_MAX, AT(of, field), .help = (what)               \
	}

static const struct keyword rates_keywords[] = {
	REQUESTS("rpm", rate_terms, rpm, "requests a minute"),
	TOKENS("tpm", rate_terms, tpm, "tokens a minute, input and output"),
	REQUESTS("concurrent", rate_terms, concurrent, "requests under way"),
};

const struct table rates_table = { TABLE("limits", rates_keywords, rate_terms),
	.some = true };

#define SUM(word, value, window, unit, what)                                   \
	{                                                                      \
		.name = (word), .type = (value), .min = 1, .max = SUM_MAX,     \
		AT(budget_terms, most[window][unit]), .help = (what)           \
	}

/* A row of three for each window, in the order of the enums. */
#define SUMS(word, window, when)                                               \
	SUM(word "_requests", VALUE_INT, window, BUDGET_REQUESTS,              \
	    "requests " when),                                                 \
	    SUM(word "_tokens", VALUE_INT, window, BUDGET_TOKENS,              \
		"tokens " when ", input and output"),                          \
	    SUM(word "_usd", VALUE_MONEY, window, BUDGET_MICROUSD,             \
		"USD " when)

static const struct keyword budget_keywords[] = {
	SUMS("day", BUDGET_DAY, "a day of UTC"),
	SUMS("month", BUDGET_MONTH, "a month of UTC"),
	SUMS("lifetime", BUDGET_LIFETIME, "in all, for ever"),
	{ .name = "warn_at",
	    .type = VALUE_SHARE,
	    .fallback = "80%",
	    .min = PPM / 100,
	    .max = PPM,
	    AT(budget_terms, warn_ppm),
	    .help = "the share of a sum that is worth a warning" },
};

#define SUMS_COUNT (BUDGET_WINDOWS * BUDGET_UNITS)

_Static_assert(count_of(budget_keywords) == SUMS_COUNT + 1,
    "every sum has its key, and warn_at stands behind them");

static const char *
sum_name(size_t window, size_t unit)
{
	return budget_keywords[window * BUDGET_UNITS + unit].name;
}

/* A sum that a longer window's is smaller than can never be reached. */
static void
check_sum(struct reader *r, const struct yaml_node *node,
    const struct budget_terms *b, size_t window, size_t unit)
{
	const char *name = sum_name(window, unit);
	size_t longer;

	for (longer = window + 1; longer < BUDGET_WINDOWS; longer++) {
		if (b->most[longer][unit] == 0 ||
		    b->most[window][unit] <= b->most[longer][unit])
			continue;
		mistake_add(r->mistakes, r->source,
		    yaml_find(node, slice_of(name))->value->place,
		    "'%s' is more than '%s', so it can never be reached; make "
		    "it smaller or remove it",
		    name, sum_name(longer, unit));
		return;
	}
}

static void
budget_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	const struct yaml_item *warn = yaml_find(node, slice_of("warn_at"));
	struct budget_terms *b = record;
	size_t i;

	if (node->first == NULL) {
		*b = (struct budget_terms){ .warn_ppm = 0 };
		return;
	}
	if (warn != NULL && node->count == 1)
		mistake_add(r->mistakes, r->source, warn->key->place,
		    "'warn_at' is a share of a sum, and there is none; write "
		    "one, as 'month_usd', or remove it");
	for (i = 0; i < SUMS_COUNT; i++)
		check_sum(r, node, b, i / BUDGET_UNITS, i % BUDGET_UNITS);
}

const struct table budget_table = { TABLE("budget", budget_keywords,
					budget_terms),
	.some = true, .finish = budget_finish };

/* What waits how long unless said differs. */
#define SHAPING_KEYWORDS(queue_usual, depth_usual)                             \
	REQUESTS("rpm", shaping_terms, rpm, "request starts a minute"),        \
	    REQUESTS("burst", shaping_terms, burst,                            \
		"starts at once; else a second's worth of rpm"),               \
	    TOKENS("tpm", shaping_terms, tpm,                                  \
		"tokens a minute as reserved, input and output"),              \
	    TOKENS("input_tpm", shaping_terms, input_tpm,                      \
		"input tokens a minute, as estimated"),                        \
	    TOKENS("output_tpm", shaping_terms, output_tpm,                    \
		"output tokens a minute, as reserved"),                        \
	    TOKENS("token_burst", shaping_terms, token_burst,                  \
		"tokens at once; else ten seconds' worth"),                    \
	    REQUESTS("concurrent", shaping_terms, concurrent,                  \
		"requests under way"),                                         \
	    { .name = "queue",                                                 \
		    .type = VALUE_DURATION,                                    \
		    .fallback = (queue_usual),                                 \
		    .max = QUEUE_MAX_MS,                                       \
		    AT(shaping_terms, queue_ms),                               \
		    .help = "how long a request that does not fit may wait; "  \
			    "0s: it is refused at once" },                     \
	{                                                                      \
		.name = "queue_depth", .type = VALUE_INT,                      \
		.fallback = (depth_usual), .min = 1, .max = DEPTH_MAX,         \
		AT(shaping_terms, queue_depth),                                \
		.help = "how many may wait; who has less than its share "      \
			"of them still gets in, up to twice as many"           \
	}

static const struct keyword caller_shaping_keywords[] = { SHAPING_KEYWORDS("0s",
    "100") };
static const struct keyword account_shaping_keywords[] = {
	SHAPING_KEYWORDS("10s", "1000")
};

static const char *const token_rates[] = { "tpm", "input_tpm", "output_tpm" };

static bool
says(const struct yaml_node *node, const char *key)
{
	return yaml_find(node, slice_of(key)) != NULL;
}

static bool
says_token_rate(const struct yaml_node *node)
{
	size_t i;

	for (i = 0; i < count_of(token_rates); i++)
		if (says(node, token_rates[i]))
			return true;
	return false;
}

static struct yaml_place
key_place(const struct yaml_node *node, const char *key)
{
	return yaml_find(node, slice_of(key))->key->place;
}

/* A queue is of something, and somebody waits in it. */
static void
check_queue(struct reader *r, const struct yaml_node *node,
    const struct shaping_terms *s)
{
	const char *first = says(node, "queue") ? "queue" : "queue_depth";

	if (!says(node, first))
		return;
	if (!says(node, "rpm") && !says(node, "concurrent") &&
	    !says_token_rate(node))
		mistake_add(r->mistakes, r->source, key_place(node, first),
		    "'%s' waits for nothing: no rate and no 'concurrent' is "
		    "said; write one, as 'rpm', or remove it",
		    first);
	else if (says(node, "queue_depth") && s->queue_ms == 0)
		mistake_add(r->mistakes, r->source,
		    key_place(node, "queue_depth"),
		    "'queue_depth' is of no queue: nothing waits; write "
		    "'queue', as 8s, or remove it");
}

static void
shaping_finish(struct reader *r, const struct yaml_node *node, void *record)
{
	struct shaping_terms *s = record;

	if (node->first == NULL) {
		*s = (struct shaping_terms){ .rpm = 0 };
		return;
	}
	if (says(node, "burst") && !says(node, "rpm"))
		mistake_add(r->mistakes, r->source, key_place(node, "burst"),
		    "'burst' is how many of 'rpm' may start at once; write "
		    "'rpm', or remove it");
	if (says(node, "token_burst") && !says_token_rate(node))
		mistake_add(r->mistakes, r->source,
		    key_place(node, "token_burst"),
		    "'token_burst' is how many tokens of a minute may go at "
		    "once; write 'tpm', 'input_tpm' or 'output_tpm', or "
		    "remove it");
	check_queue(r, node, s);
	if (s->rpm > 0 && s->burst == 0)
		s->burst = s->rpm >= SECONDS ? s->rpm / SECONDS : 1;
}

const struct table caller_shaping_table = {
	TABLE("shaping", caller_shaping_keywords, shaping_terms), .some = true,
	.finish = shaping_finish
};

const struct table account_shaping_table = {
	TABLE("shaping", account_shaping_keywords, shaping_terms), .some = true,
	.finish = shaping_finish
};

static const struct keyword project_keywords[] = { LIMIT_KEYWORDS(party,
    "the project") };

const struct table project_table = { TABLE("a project", project_keywords,
					 party),
	.key_type = VALUE_NAME, .some = true };

static const struct keyword user_keywords[] = { LIMIT_KEYWORDS(party,
    "the user") };

const struct table user_table = { TABLE("a user", user_keywords, party),
	.key_type = VALUE_NAME, .some = true };

static const struct keyword tier_keywords[] = {
	LIMIT_KEYWORDS(tier, "a caller"),
	{ .name = "shaping",
	    .table = &caller_shaping_table,
	    AT(tier, shaping),
	    .help = "smooths the requests of a caller" },
};

const struct table tier_table = { TABLE("a tier", tier_keywords, tier),
	.key_type = VALUE_NAME, .some = true };
