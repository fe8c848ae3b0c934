#include "node/record.h"

#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/llm/price.h"
#include "common/member/timing.h"
#include "common/member/worker.h"
#include "common/store/sum.h"
#include "node/caller.h"
#include "node/finding.h"
#include "node/node.h"
#include "node/order.h"
#include "node/reply.h"
#include "node/request.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "topology/load.h"

struct worth {
	struct usage usage;
	int64_t cost_microusd;
	struct slice price_book, provider_cost, provider_usage;
};

/* What the egress signed counts; our own view is compared with its hash. */
static void
worth_of_receipt(const struct receipt_row *row, struct worth *w)
{
	w->usage.input_tokens = row->input_tokens;
	w->usage.cache_read_tokens = row->cache_read_tokens;
	w->usage.cache_write_tokens = row->cache_write_tokens;
	w->usage.cache_write_1h_tokens = row->cache_write_1h_tokens;
	w->usage.output_tokens = row->output_tokens;
	w->usage.reasoning_tokens = row->reasoning_tokens;
	w->usage.image_tokens = row->image_tokens;
	w->usage.web_searches = row->web_searches;
	w->usage.source = usage_source_by_name(row->usage_source);
	w->cost_microusd = row->cost_microusd;
	w->price_book = row->price_book;
	w->provider_cost = row->provider_cost;
	w->provider_usage = row->provider_usage;
}

/* Our own view: the provider's figures, or an estimate that says so. */
static void
worth_of_scan(const struct request *r, struct worth *w)
{
	const struct attempt *a = &r->attempt;

	if (r->relay.scan.count) {
		w->usage.source = USAGE_NONE; /* counting is free */
	} else if (r->relay.scan.has_usage) {
		scan_usage(&r->relay.scan, relay_complete(&r->relay),
		    &w->usage);
	} else if (a->status == 200) {
		usage_estimate(&w->usage,
		    (int64_t)r->round.passage.splice.bytes,
		    r->shape.stream ? r->relay.scan.content_bytes
				    : a->answer_bytes);
	} else if (a->status == 0 && a->reached) {
		usage_estimate(&w->usage,
		    (int64_t)r->round.passage.splice.bytes, 0);
	}
	w->cost_microusd = price_cost(&r->round.route->price, &w->usage);
	w->price_book = slice_of(r->round.route->price_book);
	w->provider_cost = slice_of(r->relay.scan.usage.provider_cost);
	w->provider_usage = slice_of(r->relay.scan.usage.provider_figures);
}

static void
find_worth(const struct request *r, const char *state, struct worth *w)
{
	*w = (struct worth){ .price_book = { NULL, 0 } };
	if (strcmp(state, "open") == 0 || r->attempts == 0)
		return;
	if (r->attempt.message != NULL)
		worth_of_receipt(&r->attempt.receipt.row, w);
	else
		worth_of_scan(r, w);
}

void
record_usage(const struct request *r, struct usage *usage)
{
	struct worth w;

	find_worth(r, "settled", &w);
	*usage = w.usage;
}

/* Text of `from` stays with its attempt. */
static void
add_usage(struct usage *sum, const struct usage *from)
{
	sum->input_tokens += from->input_tokens;
	sum->cache_read_tokens += from->cache_read_tokens;
	sum->cache_write_tokens += from->cache_write_tokens;
	sum->cache_write_1h_tokens += from->cache_write_1h_tokens;
	sum->output_tokens += from->output_tokens;
	sum->reasoning_tokens += from->reasoning_tokens;
	sum->image_tokens += from->image_tokens;
	sum->web_searches += from->web_searches;
	if (from->source > sum->source)
		sum->source = from->source;
}

void
record_spend(struct request *r)
{
	bool open =
	    (r->intent == WRITING || r->intent == WRITTEN) && !r->round.settled;

	sum_attempts(r->desk->worker->turn, &r->id, r->attempts - open,
	    &r->round.spent, &r->round.spent_microusd);
}

/* All attempts of a request together; the worst-known source of any. */
static void
add_spent(const struct request *r, struct worth *w)
{
	if (r->round.settled)
		*w = (struct worth){ .price_book = w->price_book };
	add_usage(&w->usage, &r->round.spent);
	w->cost_microusd += r->round.spent_microusd;
}

/* What was sent, and what leaves when this row is written. */
static int64_t
answer_bytes(const struct request *r)
{
	size_t left = 0;

	if (r->fail == FAIL_NONE)
		left =
		    r->shape.stream ? r->relay.last.len : r->relay.answer.len;
	return r->relay.sent_bytes + (int64_t)left;
}

/* By its own name, as the egress's rows have it, or what was asked for. */
static struct slice
group_of(const struct request *r)
{
	return r->group != NULL ? r->group->name : r->shape.model;
}

static struct slice
cost_center_of(const struct request *r)
{
	const struct team *team = r->topology->team;

	return team != NULL ? team->cost_center : slice_of("");
}

static struct slice
region_of(const struct request *r)
{
	return r->round.route != NULL ? r->round.route->region : slice_of("");
}

static void
fill_request(const struct request *r, struct slice state, const struct worth *w,
    struct request_row *row)
{
	int64_t first = r->relay.first_content_us;
	const struct hold *hold = &r->admission.hold;
	/* Who was let in, and will be called, or was. */
	bool counts = hold->chain.count > 0 &&
		      r->shape.operation == OPERATION_GENERATE &&
		      (slice_is(state, "open") || admission_is_served(r));

	*row = (struct request_row){
		.id = r->id,
		.state = state,
		.received_at = r->received_us,
		.caller = r->caller->name,
		.user = r->caller->user,
		.project = r->caller->project,
		.dialect = slice_of(dialect_name(r->shape.dialect)),
		.group = group_of(r),
		.strategy = slice_of(
		    r->group != NULL ? strategy_name(r->group->strategy) : ""),
		.target = r->round.route != NULL ? r->round.route->target
						 : slice_of(""),
		.egress = r->round.route != NULL ? r->round.route->egress
						 : slice_of(""),
		.stream = r->shape.stream,
		.status = reply_status(r),
		.fail = slice_of(fail_name(r->fail)),
		.step = slice_of(request_step(
		    r->fail != FAIL_NONE ? r->failed_in : r->step)),
		.attempts = r->attempts,
		.body_bytes = (int64_t)r->body_text.len,
		.answer_bytes = answer_bytes(r),
		.input_tokens = w->usage.input_tokens,
		.cache_read_tokens = w->usage.cache_read_tokens,
		.cache_write_tokens = w->usage.cache_write_tokens,
		.cache_write_1h_tokens = w->usage.cache_write_1h_tokens,
		.output_tokens = w->usage.output_tokens,
		.reasoning_tokens = w->usage.reasoning_tokens,
		.image_tokens = w->usage.image_tokens,
		.web_searches = w->usage.web_searches,
		.usage_source = slice_of(usage_source_name(w->usage.source)),
		.price_book = w->price_book,
		.cost_microusd = w->cost_microusd,
		.first_byte_us = first > 0 ? first - r->begun_us : 0,
		.total_us = clock_mono_us() - r->begun_us,
		.topology = slice_of(r->topology->hash_text),
		.path = r->path,
		.client_id = r->client_id,
		.operation = slice_of(operation_name(r->shape.operation)),
		.dropped = slice_of(r->round.passage.dropped),
		.estimated_tokens = r->shape.input_estimate_tokens,
		.budget_day = counts ? hold->day : 0,
		.held_tokens = hold->budget.of[BUDGET_TOKENS],
		.held_microusd = hold->budget.of[BUDGET_MICROUSD],
		.queued_us = r->smoothing.queued_us,
		.bucket = slice_of(r->admission.bucket),
		.team = r->topology->self->team,
		.cost_center = cost_center_of(r),
		.region = region_of(r),
		.client = r->client,
		.environment = r->caller->environment,
		.fallbacks = r->fallbacks,
		.tags = r->tags,
	};
}

/* An egress counts its own calls by itself. */
static bool
is_own(const struct request *r)
{
	return r->round.route != NULL && r->round.route->egress.len == 0 &&
	       r->shape.operation == OPERATION_GENERATE;
}

static void
fill_attempt(const struct request *r, struct slice state, const struct worth *w,
    struct attempt_row *row)
{
	const struct attempt *a = &r->attempt;
	const struct budget_amounts *held = &r->admission.first;
	const struct receipt_row *signed_row =
	    a->message != NULL ? &a->receipt.row : NULL;
	enum fail fail = a->fail;

	if (fail == FAIL_NONE)
		fail =
		    r->round.judged; /* refused by the provider, or no answer */
	if (fail == FAIL_NONE && r->fail != FAIL_NONE)
		fail = r->fail; /* given up */
	*row = (struct attempt_row){
		.request = r->id,
		.number = a->number,
		.state = state,
		.origin = r->topology->self->name,
		.team = r->topology->self->team,
		.caller = r->caller->name,
		.user = r->caller->user,
		.project = r->caller->project,
		.group = group_of(r),
		.target = r->round.route != NULL ? r->round.route->target
						 : slice_of(""),
		.egress = r->round.route != NULL ? r->round.route->egress
						 : slice_of(""),
		.started_at =
		    r->received_us +
		    (a->started_us > 0 ? a->started_us - r->begun_us : 0),
		.status = a->status,
		.fail = slice_of(fail_name(fail)),
		.body_bytes = (int64_t)r->round.passage.splice.bytes,
		.answer_bytes = a->answer_bytes,
		.input_tokens = w->usage.input_tokens,
		.cache_read_tokens = w->usage.cache_read_tokens,
		.cache_write_tokens = w->usage.cache_write_tokens,
		.cache_write_1h_tokens = w->usage.cache_write_1h_tokens,
		.output_tokens = w->usage.output_tokens,
		.reasoning_tokens = w->usage.reasoning_tokens,
		.image_tokens = w->usage.image_tokens,
		.web_searches = w->usage.web_searches,
		.usage_source = slice_of(usage_source_name(w->usage.source)),
		.price_book = w->price_book,
		.cost_microusd = w->cost_microusd,
		.provider_cost = w->provider_cost,
		.stated_microusd = price_stated(w->provider_cost),
		.provider_usage = w->provider_usage,
		.first_byte_us =
		    a->first_byte_us > 0 ? a->first_byte_us - a->started_us : 0,
		.total_us = a->ended_us > 0 ? a->ended_us - a->started_us : 0,
		.owned_changes = (int64_t)r->round.passage.splice.changes,
		.receipt = slice_of("none"),
		.dialect = slice_of(dialect_name(r->round.passage.target)),
		.topology = slice_of(r->topology->hash_text),
		.class = slice_of(failure_name(r->round.failure)),
		.again = r->round.again,
		.after = slice_of(failure_name(r->round.after)),
		.probe = r->round.probe,
		.budget_day = is_own(r) ? r->admission.hold.day : 0,
		.held_tokens = is_own(r) ? held->of[BUDGET_TOKENS] : 0,
		.held_microusd = is_own(r) ? held->of[BUDGET_MICROUSD] : 0,
		.queued_us = r->round.queued_us,
		.region = region_of(r),
		.cost_center = cost_center_of(r),
	};
	if (a->events != NULL)
		row->answer_hash = attempt_answer_hash(a);
	if (signed_row == NULL)
		return;
	row->chain = signed_row->chain;
	row->chain_seq = signed_row->seq;
	row->receipt =
	    slice_of(a->fail == FAIL_TAMPERED ? "mismatch" : "verified");
}

void
record_rows(const struct request *r, const char *state,
    struct request_row *request, struct attempt_row *attempt)
{
	struct worth w;

	find_worth(r, state, &w);
	fill_attempt(r, slice_of(state), &w, attempt);
	add_spent(r, &w);
	fill_request(r, slice_of(state), &w, request);
}

bool
record_decision_is_due(struct request *r)
{
	if (r->plan.candidates == NULL)
		return false;
	order_hear(r);
	/* Without its intent the one beside that is not in the store either. */
	return r->intent != WRITTEN || r->plan.amended;
}

void
record_decision(struct request *r, enum ledger_batch b)
{
	const struct order_wish wish = order_wish_of(r);
	const struct contract_wish contract = order_contract(r, &wish);
	struct decision d;

	finding_rows(&d, &r->arena, &contract, &r->id);
	decision_put(r->desk->worker->turn, b, &d.row, d.candidates, d.count);
}

/* How well its input was guessed, where a provider counted it. */
static void
judge_estimate(const struct request *r)
{
	int64_t guess = r->shape.input_estimate_tokens, said;
	struct worth w;

	find_worth(r, "settled", &w);
	if (w.usage.source != USAGE_PROVIDER)
		return;
	said = usage_input(&w.usage);
	stat_add(STAT_ESTIMATED_TOKENS, (uint64_t)guess);
	stat_add(STAT_REPORTED_TOKENS, (uint64_t)said);
	stat_add(STAT_MISJUDGED_TOKENS,
	    (uint64_t)(guess > said ? guess - said : said - guess));
}

/* Counting takes no time worth a histogram. */
static void
note_timing(const struct request *r)
{
	int64_t first = r->relay.first_content_us;

	if (r->shape.operation != OPERATION_GENERATE)
		return;
	timings_note(r->desk->node->timings,
	    r->group != NULL ? r->group->name : slice_of(""),
	    timing_outcome(reply_status(r)),
	    first > 0 ? first - r->begun_us : 0, clock_mono_us() - r->begun_us);
}

void
record_stats(const struct request *r)
{
	if (r->fail != FAIL_NONE && r->fail != FAIL_CLIENT_GONE)
		stat_add(STAT_REFUSALS, 1);
	if (r->caller == NULL)
		return;
	stat_add(STAT_REQUESTS, 1);
	note_timing(r);
	if (r->attempts == 0)
		return;
	judge_estimate(r);
	if (r->round.passage.target != r->shape.dialect)
		stat_add(STAT_TRANSLATED, 1);
	if (r->round.passage.dropped[0] != '\0')
		stat_add(STAT_DROPPED, 1);
}
