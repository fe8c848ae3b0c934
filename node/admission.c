#include "node/admission.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/limit/bar.h"
#include "common/llm/estimate.h"
#include "common/llm/price.h"
#include "common/member/journal.h"
#include "common/member/limits.h"
#include "common/member/worker.h"
#include "node/caller.h"
#include "node/node.h"
#include "node/record.h"
#include "node/request.h"
#include "node/smoothing.h"
#include "topology/load.h"

#define BAR_MAX 512

static struct limits *
limits_of(const struct request *r)
{
	return r->desk->node->limits;
}

/* What the egress will hold the team to has to be held here, too. */
static bool
team_is_bounded(const struct topology *t)
{
	const struct team *team = t->team;
	bool bounded = false;
	int w;

	for (w = 0; team != NULL && w < BUDGET_WINDOWS; w++)
		bounded |= team->limits.budget.most[w][BUDGET_TOKENS] > 0 ||
			   team->limits.budget.most[w][BUDGET_MICROUSD] > 0;
	return bounded;
}

int64_t
admission_cap(const struct request *r, const struct route *route)
{
	int64_t cap = r->group->max_output;

	/* Who asks to think for long is to have room for an answer, too. */
	if (cap == 0 && r->admission.bounded)
		cap = max_i64(ESTIMATE_HELD_TOKENS,
		    r->shape.thinking_budget + ESTIMATE_OUTPUT_TOKENS);
	return least_i64(cap, route->max_output);
}

struct toll
admission_toll(const struct request *r)
{
	int64_t cap = least_i64(r->group->max_output, r->shape.output_cap);
	int64_t output = least_i64(r->group->output_estimate, cap);

	if (r->shape.operation == OPERATION_COUNT)
		return (struct toll){ 0, 0 };
	return (struct toll){ r->shape.input_estimate_tokens,
		output * max_i64(r->shape.choices, 1) };
}

static void
find_chain(struct request *r)
{
	const struct caller *c = r->caller;
	struct limits_who who[CHAIN_MAX] = {
		{ SCOPE_NODE, slice_of(""), slice_of("") },
	};
	size_t n = 1;

	if (c->project.len > 0)
		who[n++] = (struct limits_who){ SCOPE_PROJECT, c->project,
			slice_of("") };
	if (c->user.len > 0)
		who[n++] =
		    (struct limits_who){ SCOPE_USER, c->user, slice_of("") };
	who[n++] = (struct limits_who){ SCOPE_CALLER, c->name, c->tier };
	limits_chain(limits_of(r), &r->admission.chain, who, n);
}

/* What an attempt by this route may come to counts among the dearest. */
static void
add_worst(struct request *r, const struct route *route)
{
	struct budget_amounts *first = &r->admission.first;
	int64_t input = r->shape.input_estimate_tokens, output;

	output = least_i64(admission_cap(r, route), r->shape.output_cap) *
		 max_i64(r->shape.choices, 1);
	first->of[BUDGET_TOKENS] =
	    max_i64(first->of[BUDGET_TOKENS], input + output);
	first->of[BUDGET_MICROUSD] = max_i64(first->of[BUDGET_MICROUSD],
	    price_worst(&route->price, input, output));
}

/* One attempt at the dearest of those that can be tried. */
static void
find_worst(struct request *r)
{
	struct admission *a = &r->admission;
	size_t i;

	for (i = 0; i < r->plan.count && a->bounded; i++)
		if (r->plan.candidates[i].excluded == EXCLUSION_NONE)
			add_worst(r, r->plan.candidates[i].route);
	a->first.of[BUDGET_REQUESTS] = 1;
}

/* Which limit it was, for the row and for the caller. */
static enum fail
refuse(struct request *r, const struct chain_bar *bar)
{
	struct buf text;

	buf_init(&text, BAR_MAX);
	bar_name(&text, bar);
	r->admission.bucket = arena_text(&r->arena, buf_slice(&text));
	buf_reset(&text);
	bar_text(&text, bar);
	r->detail = arena_copy(&r->arena, buf_slice(&text));
	buf_fini(&text);
	r->retry_after_ms = (bar->wait_us + US_PER_MS - 1) / US_PER_MS;
	stat_add(STAT_LIMITED, 1);
	return limits_fail(bar->kind);
}

enum fail
admission_enter(struct request *r)
{
	struct toll toll = admission_toll(r);
	struct admission *a = &r->admission;
	struct chain_bar bar;

	a->bucket = "";
	find_chain(r);
	a->bounded = a->chain.is_bounded || team_is_bounded(r->topology);
	/* To count tokens costs none. */
	if (r->shape.operation == OPERATION_GENERATE)
		find_worst(r);
	a->wish.rate_tokens = toll.input_tokens + toll.output_tokens;
	a->wish.budget = a->first;
	if (limits_reserve(limits_of(r), &a->hold, &a->chain, &a->wish, &bar))
		return FAIL_NONE;
	return refuse(r, &bar);
}

enum fail
admission_extend(struct request *r)
{
	struct admission *a = &r->admission;
	struct budget_amounts more = { .of = { 0 } };
	struct chain_bar bar;
	int64_t spent;

	if (!a->bounded || a->hold.chain.count == 0 ||
	    r->shape.operation == OPERATION_COUNT)
		return FAIL_NONE;
	add_worst(r, r->round.route);
	record_spend(r);
	spent = usage_input(&r->round.spent) + usage_output(&r->round.spent);
	more.of[BUDGET_TOKENS] = max_i64(spent + a->first.of[BUDGET_TOKENS] -
					     a->hold.budget.of[BUDGET_TOKENS],
	    0);
	more.of[BUDGET_MICROUSD] =
	    max_i64(r->round.spent_microusd + a->first.of[BUDGET_MICROUSD] -
			a->hold.budget.of[BUDGET_MICROUSD],
		0);
	if (limits_extend(limits_of(r), &a->hold, &more, &bar))
		return FAIL_NONE;
	return refuse(r, &bar);
}

/* It came to more than was held: the sums have it, and block the next. */
static void
note_overdraft(struct request *r, const struct request_row *row)
{
	const struct budget_amounts *held = &r->admission.hold.budget;
	int64_t tokens = row->input_tokens + row->cache_read_tokens +
			 row->cache_write_tokens + row->cache_write_1h_tokens +
			 row->output_tokens + row->reasoning_tokens -
			 held->of[BUDGET_TOKENS];
	int64_t microusd = row->cost_microusd - held->of[BUDGET_MICROUSD];
	struct event_row event = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_OVERDRAFT),
		.target = row->target,
		.detail = slice_of(""),
		.by = slice_of("router"),
		.request = r->id,
		.team = slice_of(""),
		.caller = row->caller,
		.group = row->group,
		.bucket = slice_of(microusd > 0 ? "usd" : "tokens"),
	};
	struct buf text;

	if (!r->admission.bounded || (tokens <= 0 && microusd <= 0))
		return;
	buf_init(&text, BAR_MAX);
	if (tokens > 0)
		buf_printf(&text, "%lld tokens", (long long)tokens);
	if (microusd > 0) {
		buf_puts(&text, tokens > 0 ? ", " : "");
		bar_amount(&text, BUDGET_MICROUSD, microusd);
		buf_puts(&text, " USD");
		stat_add(STAT_OVERDRAFT_MICROUSD, (uint64_t)microusd);
	}
	event.outcome = buf_slice(&text);
	stat_add(STAT_OVERDRAFTS, 1);
	journal_put(r->desk->worker->turn, &r->desk->worker->ids, &event);
	buf_fini(&text);
}

bool
admission_is_served(const struct request *r)
{
	return r->round.calls > 0 || (r->estimated && r->fail == FAIL_NONE);
}

void
admission_settle(struct request *r, const struct request_row *row)
{
	struct admission *a = &r->admission;
	struct chain_spent spent = { .rate_tokens = 0 };
	struct toll real = { 0, 0 };

	if (row != NULL) {
		real.input_tokens = row->input_tokens + row->cache_read_tokens +
				    row->cache_write_tokens +
				    row->cache_write_1h_tokens;
		real.output_tokens = row->output_tokens + row->reasoning_tokens;
	}
	smoothing_leave(r, admission_is_served(r) ? &real : NULL);
	if (a->hold.chain.count == 0)
		return;
	if (row != NULL)
		note_overdraft(r, row);
	/* What it spent is posted with its row: see limits_post. */
	spent.rate_tokens = real.input_tokens + real.output_tokens;
	if (admission_is_served(r))
		limits_settle(limits_of(r), &a->hold, &spent);
	else
		limits_release(limits_of(r), &a->hold);
}
