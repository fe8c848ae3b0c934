#include "common/limit/chain.h"

#include <assert.h>
#include <string.h>

const char *
scope_level_name(enum scope_level l)
{
	static const char *const names[SCOPE_LEVELS] = {
		[SCOPE_NODE] = "node",
		[SCOPE_PROJECT] = "project",
		[SCOPE_USER] = "user",
		[SCOPE_CALLER] = "caller",
		[SCOPE_TEAM] = "team",
		[SCOPE_MEMBER] = "member",
	};

	return names[l];
}

const char *
limit_kind_name(enum limit_kind k)
{
	static const char *const names[LIMIT_KINDS] = {
		[LIMIT_RPM] = "rpm",
		[LIMIT_TPM] = "tpm",
		[LIMIT_CONCURRENT] = "concurrent",
		[LIMIT_BUDGET] = "budget",
	};

	return names[k];
}

/* A minute's worth may come at once: that is what "a minute" says. */
void
scope_set(struct scope *s, const struct limit_terms *terms, int64_t now_us)
{
	const struct rate_terms *r = &terms->rates;

	s->rates = *r;
	bucket_set(&s->requests, r->rpm, r->rpm, now_us);
	bucket_set(&s->tokens, r->tpm, r->tpm, now_us);
	budget_set(&s->budget, &terms->budget);
}

void
scope_empty(struct scope *s, int64_t last_us)
{
	bucket_empty(&s->requests, last_us);
	bucket_empty(&s->tokens, last_us);
}

bool
chain_is_limited(const struct chain *chain)
{
	size_t i;

	for (i = 0; i < chain->count; i++) {
		const struct scope *s = chain->scopes[i];

		if (s->rates.rpm > 0 || s->rates.tpm > 0 ||
		    s->rates.concurrent > 0 || s->budget.limited != 0)
			return true;
	}
	return false;
}

bool
chain_is_bounded(const struct chain *chain)
{
	size_t i;
	int w;

	for (i = 0; i < chain->count; i++)
		for (w = 0; w < BUDGET_WINDOWS; w++) {
			const int64_t *most =
			    chain->scopes[i]->budget.terms.most[w];

			if (most[BUDGET_TOKENS] > 0 ||
			    most[BUDGET_MICROUSD] > 0)
				return true;
		}
	return false;
}

/* Is this rate in the way, and for longer than what was found before? */
static void
check_rate(struct chain_bar *bar, const struct scope *s, enum limit_kind kind,
    int64_t wait_us)
{
	if (wait_us == 0 || (bar->scope != NULL && wait_us <= bar->wait_us))
		return;
	*bar = (struct chain_bar){
		.scope = s,
		.kind = kind,
		.wait_us = wait_us,
		.most = kind == LIMIT_RPM ? s->rates.rpm : s->rates.tpm,
	};
}

static void
check_rates(struct chain_bar *bar, const struct scope *s,
    const struct chain_wish *wish)
{
	int64_t now_us = wish->now_us;

	check_rate(bar, s, LIMIT_RPM, bucket_wait_us(&s->requests, 1, now_us));
	check_rate(bar, s, LIMIT_TPM,
	    bucket_wait_us(&s->tokens, wish->rate_tokens, now_us));
	if (bar->scope == NULL && s->rates.concurrent > 0 &&
	    s->running >= s->rates.concurrent)
		*bar = (struct chain_bar){
			.scope = s,
			.kind = LIMIT_CONCURRENT,
			.most = s->rates.concurrent,
			.running = s->running,
		};
}

static bool
budgets_fit(const struct chain *chain, const struct budget_amounts *wanted,
    struct chain_bar *bar)
{
	struct budget_bar in_the_way;
	bool fit = true;
	size_t i;

	for (i = 0; i < chain->count; i++) {
		struct scope *s = chain->scopes[i];

		if (budget_fits(&s->budget, wanted, &in_the_way) ||
		    (!fit && in_the_way.window <= bar->budget.window))
			continue;
		fit = false;
		*bar = (struct chain_bar){ .scope = s,
			.kind = LIMIT_BUDGET,
			.budget = in_the_way };
	}
	return fit;
}

/* Whoever read the clock before midnight may come after who did not. */
static int64_t
begin_day(const struct chain *chain, int64_t day)
{
	size_t i;

	for (i = 0; i < chain->count; i++)
		day = max_i64(day, chain->scopes[i]->budget.day);
	for (i = 0; i < chain->count; i++)
		budget_roll(&chain->scopes[i]->budget, day);
	return day;
}

/* One that is negative would open the budgets for others. */
static bool
is_whole(const struct chain_wish *wish)
{
	int u;

	for (u = 0; u < BUDGET_UNITS; u++)
		if (wish->budget.of[u] < 0)
			return false;
	return wish->rate_tokens >= 0;
}

static void
take(struct scope *s, const struct chain_wish *wish, int64_t day)
{
	bucket_take(&s->requests, 1, wish->now_us);
	bucket_take(&s->tokens, wish->rate_tokens, wish->now_us);
	s->running++;
	budget_hold(&s->budget, day, &wish->budget);
}

bool
chain_reserve(struct hold *h, const struct chain *chain,
    const struct chain_wish *wish, struct chain_bar *bar)
{
	int64_t day = begin_day(chain, wish->day);
	size_t i;

	assert(h->chain.count == 0 && chain->count > 0 && is_whole(wish));
	bar->scope = NULL;
	if (!budgets_fit(chain, &wish->budget, bar))
		return false;
	for (i = 0; i < chain->count; i++)
		check_rates(bar, chain->scopes[i], wish);
	if (bar->scope != NULL)
		return false;
	for (i = 0; i < chain->count; i++)
		take(chain->scopes[i], wish, day);
	h->chain = *chain;
	h->day = day;
	h->taken_us = wish->now_us;
	h->rate_tokens = wish->rate_tokens;
	h->budget = wish->budget;
	return true;
}

bool
chain_extend(struct hold *h, const struct budget_amounts *more,
    struct chain_bar *bar)
{
	size_t i;
	int u;

	if (!budgets_fit(&h->chain, more, bar))
		return false;
	for (i = 0; i < h->chain.count; i++)
		budget_hold(&h->chain.scopes[i]->budget, h->day, more);
	for (u = 0; u < BUDGET_UNITS; u++)
		h->budget.of[u] += more->of[u];
	return true;
}

static void
leave(struct hold *h, const struct budget_amounts *spent)
{
	size_t i;

	for (i = 0; i < h->chain.count; i++) {
		struct scope *s = h->chain.scopes[i];

		assert(s->running > 0);
		s->running--;
		budget_settle(&s->budget, h->day, &h->budget, spent);
	}
}

void
chain_settle(struct hold *h, const struct chain_spent *spent, int64_t now_us)
{
	size_t i;

	leave(h, &spent->budget);
	for (i = 0; i < h->chain.count; i++)
		bucket_settle(&h->chain.scopes[i]->tokens, h->rate_tokens,
		    h->taken_us, spent->rate_tokens, now_us);
	h->chain.count = 0;
}

void
chain_release(struct hold *h)
{
	const struct budget_amounts none = { .of = { 0 } };
	size_t i;

	leave(h, &none);
	for (i = 0; i < h->chain.count; i++) {
		struct scope *s = h->chain.scopes[i];

		bucket_give(&s->requests, 1, h->taken_us);
		bucket_give(&s->tokens, h->rate_tokens, h->taken_us);
	}
	h->chain.count = 0;
}

/* The one with the least left is what a client should go by. */
static void
look(struct chain_rate *rate, const struct bucket *b, int64_t now_us)
{
	int64_t left;

	if (b->per_minute == 0)
		return;
	left = bucket_left(b, now_us);
	if (rate->per_minute > 0 && left >= rate->left)
		return;
	*rate = (struct chain_rate){ b->per_minute, left,
		bucket_full_us(b, now_us) };
}

void
chain_look(const struct chain *chain, struct chain_rates *rates, int64_t now_us)
{
	size_t i;

	*rates = (struct chain_rates){ .requests = { 0 } };
	for (i = 0; i < chain->count; i++) {
		look(&rates->requests, &chain->scopes[i]->requests, now_us);
		look(&rates->tokens, &chain->scopes[i]->tokens, now_us);
	}
}
