#include "common/store/settlement.h"

#include "common/llm/price.h"

#define BYTES_PER_TOKEN 4

static void
add_estimate(int64_t *tokens, struct slice *source, int64_t estimate)
{
	*tokens += estimate;
	*source = slice_of("estimated");
}

static bool
has_usage(struct slice source)
{
	return source.len > 0 && !slice_is(source, "none");
}

void
settlement_interrupt(struct request_row *request, struct attempt_row *attempt)
{
	int64_t estimate = 0;

	if (attempt != NULL) {
		if (!has_usage(attempt->usage_source)) {
			estimate = attempt->body_bytes / BYTES_PER_TOKEN;
			add_estimate(&attempt->input_tokens,
			    &attempt->usage_source, estimate);
		}
		attempt->state = slice_of("interrupted");
		attempt->fail = slice_of("interrupted");
		if (attempt->receipt.len == 0)
			attempt->receipt = slice_of("none");
	}
	if (request == NULL)
		return;
	if (estimate > 0)
		add_estimate(&request->input_tokens, &request->usage_source,
		    estimate);
	request->state = slice_of("interrupted");
	request->fail = slice_of("interrupted");
}

/* The request's sum with one of its attempts' figures replaced. */
static void
replace(int64_t *sum, int64_t *figure, int64_t by)
{
	if (sum != NULL)
		*sum = max_i64(*sum - *figure + by, 0);
	*figure = by;
}

/*
 * What an earlier attempt came to says nothing of the one that was cut off:
 * the request stays interrupted, and what was held for it counts.
 */
static void
take_figures(struct request_row *q, struct attempt_row *a,
    const struct receipt_row *r)
{
	bool whole = q != NULL && (slice_is(a->state, "interrupted") ||
				      !slice_is(q->state, "interrupted"));

#define REPLACE(column)                                                        \
	replace(q != NULL ? &q->column : NULL, &a->column, r->column)
	REPLACE(input_tokens);
	REPLACE(cache_read_tokens);
	REPLACE(cache_write_tokens);
	REPLACE(cache_write_1h_tokens);
	REPLACE(output_tokens);
	REPLACE(reasoning_tokens);
	REPLACE(image_tokens);
	REPLACE(web_searches);
	REPLACE(cost_microusd);
#undef REPLACE
	a->usage_source = r->usage_source;
	a->price_book = r->price_book;
	a->provider_cost = r->provider_cost;
	a->stated_microusd = price_stated(r->provider_cost);
	a->provider_usage = r->provider_usage;
	a->status = r->status;
	a->state = slice_of("resettled");
	if (q == NULL)
		return;
	q->usage_source = r->usage_source;
	q->price_book = r->price_book;
	if (whole)
		q->state = slice_of("resettled");
}

static bool
same_tokens(const struct attempt_row *a, const struct receipt_row *r)
{
	return a->input_tokens == r->input_tokens &&
	       a->cache_read_tokens == r->cache_read_tokens &&
	       a->cache_write_tokens == r->cache_write_tokens &&
	       a->cache_write_1h_tokens == r->cache_write_1h_tokens &&
	       a->output_tokens == r->output_tokens &&
	       a->reasoning_tokens == r->reasoning_tokens &&
	       a->image_tokens == r->image_tokens &&
	       a->web_searches == r->web_searches;
}

/*
 * Only an attempt that came to its end saw all that the receipt is about; one
 * that failed here (link lost, caller gone) has a part of it at most.
 */
static bool
contradicts(const struct attempt_row *a, const struct receipt_row *r)
{
	if (a->fail.len > 0)
		return false;
	return memcmp(&a->answer_hash, &r->answer_hash, HASH_BYTES) != 0 ||
	       (slice_is(a->usage_source, "provider") && !same_tokens(a, r));
}

enum settlement_change
settlement_take(struct request_row *request, struct attempt_row *attempt,
    const struct receipt_row *receipt, bool agrees)
{
	bool interrupted = slice_is(attempt->state, "interrupted");

	if (attempt->chain.len > 0)
		return SETTLEMENT_SAME;
	/* Recovery left no view of our own that could disagree. */
	agrees = interrupted || (agrees && !contradicts(attempt, receipt));
	attempt->chain = receipt->chain;
	attempt->chain_seq = receipt->seq;
	attempt->receipt = slice_of(agrees ? "late" : "mismatch");
	if (!agrees && slice_is(attempt->usage_source, "provider"))
		return SETTLEMENT_MARKED;
	if (same_tokens(attempt, receipt) && !interrupted &&
	    attempt->cost_microusd == receipt->cost_microusd &&
	    attempt->status == receipt->status)
		return SETTLEMENT_MARKED;
	take_figures(request, attempt, receipt);
	return SETTLEMENT_RESETTLED;
}
