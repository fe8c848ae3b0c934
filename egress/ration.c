#include "egress/ration.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/limit/bar.h"
#include "common/llm/price.h"
#include "common/member/gatehouse.h"
#include "common/member/journal.h"
#include "common/member/limits.h"
#include "common/member/worker.h"
#include "egress/account.h"
#include "egress/answer.h"
#include "egress/call.h"
#include "egress/capacity.h"
#include "egress/egress.h"
#include "topology/load.h"

#define TEXT_MAX  RATION_DETAIL_CHARS
#define NAMES_MAX ((size_t)1024 * 1024) /* of teams' own accounts */

static struct limits *
limits_of(const struct call *c)
{
	return c->dock->egress->limits;
}

static const struct team *
team_of(const struct call *c)
{
	return mesh_team(&c->topology->mesh, c->envelope.team);
}

void
ration_find(struct call *c)
{
	const struct limits_who team = { SCOPE_TEAM, c->envelope.team,
		slice_of("") };
	struct ration *r = &c->ration;

	limits_chain(limits_of(c), &r->chain, &team, 1);
	r->bounded = chain_is_bounded(&r->chain);
	r->gate = gatehouse_account(c->dock->egress->gates, c->account,
	    c->model->provider, c->topology->serial);
	r->weighed =
	    r->bounded || r->gate != NULL || team_of(c)->limits.rates.tpm > 0;
}

static void
tell_bar(struct ration *r, const struct chain_bar *bar)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	bar_text(&text, bar);
	snprintf(r->detail, sizeof(r->detail), "%.*s",
	    SLICE_FMT(buf_slice(&text)));
	buf_fini(&text);
}

static bool
reserve(struct call *c)
{
	struct ration *r = &c->ration;
	int64_t input = r->toll.input_tokens;
	struct chain_wish wish = {
		.rate_tokens = input + r->toll.output_tokens,
	};
	struct chain_bar bar;

	if (c->envelope.operation == OPERATION_GENERATE)
		wish.budget.of[BUDGET_REQUESTS] = 1;
	if (r->bounded && c->envelope.operation == OPERATION_GENERATE) {
		wish.budget.of[BUDGET_TOKENS] = input + r->most_output;
		wish.budget.of[BUDGET_MICROUSD] =
		    price_worst(&c->model->price, input, r->most_output);
	}
	if (limits_reserve(limits_of(c), &r->hold, &r->chain, &wish, &bar))
		return true;
	r->fail = limits_fail(bar.kind);
	r->retry_after_ms = (bar.wait_us + US_PER_MS - 1) / US_PER_MS;
	tell_bar(r, &bar);
	stat_add(STAT_LIMITED, 1);
	return false;
}

static void
on_turn(void *arg)
{
	struct call *c = arg;

	loop_soon(c->dock->worker->loop, &c->wake);
}

static void
line_up(struct call *c)
{
	const struct gate_wish wish = {
		.party = c->envelope.team,
		.flow = c->envelope.caller,
		.part = c->model->name,
		.weight = team_of(c)->weight,
		.toll = c->ration.toll,
		.max_wait_us =
		    min_i64(c->max_wait_ms, c->remaining_ms) * US_PER_MS,
		.bell = &c->dock->bell,
		.call = on_turn,
		.arg = c,
	};

	(void)gate_enter(c->ration.gate, &c->ration.pass, &wish,
	    clock_mono_us());
}

/* "provider openai rpm", "model openai/gpt-5-mini tpm" */
static void
name_bucket(struct call *c)
{
	const struct gate_pass *p = &c->ration.pass;

	snprintf(c->ration.detail, sizeof(c->ration.detail), "%s %.*s %s",
	    p->of_part ? "model" : "provider",
	    SLICE_FMT(p->of_part ? c->model->target : p->gate->name),
	    shaper_bucket_name(p->bucket));
}

/* Behind its name, for who has to come again. */
static void
tell_wait(struct ration *r)
{
	size_t n = strlen(r->detail);

	snprintf(r->detail + n, sizeof(r->detail) - n,
	    ": the next place is free in about %lld ms.",
	    (long long)r->retry_after_ms);
}

static void
note(struct call *c, const char *outcome)
{
	const struct gate_pass *p = &c->ration.pass;
	struct worker *w = c->dock->worker;
	struct event_row row = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_UPSTREAM_SHAPED),
		.target = c->envelope.target,
		.detail = slice_of(""),
		.by = slice_of("router"),
		.request = c->envelope.request,
		.team = c->envelope.team,
		.caller = c->envelope.caller,
		.group = c->envelope.group,
		.outcome = slice_of(outcome),
		.waited_us = p->waited ? clock_mono_us() - p->since_us : 0,
	};

	name_bucket(c);
	row.bucket = slice_of(c->ration.detail);
	if (strcmp(outcome, "refused") == 0)
		row.retry_us = p->wait_us;
	c->ration.queued_us = row.waited_us;
	stat_add(STAT_UPSTREAM_SHAPED, 1);
	journal_put(w->turn, &w->ids, &row);
}

static enum pass_state
look(struct call *c)
{
	struct ration *r = &c->ration;
	enum pass_state state = gate_state(&r->pass);

	if (state == PASS_IN && r->pass.waited)
		note(c, "queued");
	if (state != PASS_REFUSED)
		return state;
	note(c, "refused");
	r->fail = FAIL_UPSTREAM_CAPACITY_THROTTLED;
	r->retry_after_ms =
	    max_i64((r->pass.wait_us + US_PER_MS - 1) / US_PER_MS, 1);
	tell_wait(r);
	return state;
}

enum pass_state
ration_enter(struct call *c)
{
	struct ration *r = &c->ration;

	if (r->pass.gate != NULL)
		return look(c);
	if (r->hold.chain.count == 0 && !reserve(c))
		return PASS_REFUSED;
	/* Nobody waits for what is closed. */
	if (r->gate == NULL || capacity_is_closed(c))
		return PASS_IN;
	line_up(c);
	return look(c);
}

static void
note_overdraft(struct call *c, const struct attempt_row *row, int64_t tokens)
{
	const struct budget_amounts *held = &c->ration.hold.budget;
	int64_t more_tokens = tokens - held->of[BUDGET_TOKENS];
	int64_t more = row->cost_microusd - held->of[BUDGET_MICROUSD];
	struct worker *w = c->dock->worker;
	char outcome[64];
	struct event_row event = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_OVERDRAFT),
		.target = row->target,
		.detail = slice_of(""),
		.by = slice_of("router"),
		.request = row->request,
		.team = row->team,
		.caller = row->caller,
		.group = row->group,
		.bucket = slice_of(more > 0 ? "usd" : "tokens"),
	};

	if (!c->ration.bounded || (more_tokens <= 0 && more <= 0))
		return;
	snprintf(outcome, sizeof(outcome), "%lld tokens, %lld microusd",
	    (long long)max_i64(more_tokens, 0), (long long)max_i64(more, 0));
	event.outcome = slice_of(outcome);
	stat_add(STAT_OVERDRAFTS, 1);
	stat_add(STAT_OVERDRAFT_MICROUSD, (uint64_t)max_i64(more, 0));
	journal_put(w->turn, &w->ids, &event);
}

static struct toll
toll_of(const struct attempt_row *row)
{
	return (struct toll){
		row->input_tokens + row->cache_read_tokens +
		    row->cache_write_tokens + row->cache_write_1h_tokens,
		row->output_tokens + row->reasoning_tokens,
	};
}

void
ration_give_back(struct call *c)
{
	struct attempt_row row = { .number = c->envelope.attempt };
	struct toll real;

	if (c->ration.pass.gate == NULL)
		return;
	answer_worth(c, &row);
	real = toll_of(&row);
	gate_leave(&c->ration.pass, &real, clock_mono_us());
}

/* What it spent is posted with its row: see limits_post. */
static void
settle(struct call *c, const struct attempt_row *row)
{
	struct ration *r = &c->ration;
	struct toll real = toll_of(row);
	const struct chain_spent spent = {
		.rate_tokens = real.input_tokens + real.output_tokens,
	};

	gate_leave(&r->pass, &real, clock_mono_us());
	if (r->hold.chain.count == 0)
		return;
	note_overdraft(c, row, spent.rate_tokens);
	limits_settle(limits_of(c), &r->hold, &spent);
}

void
ration_leave(struct call *c, const struct attempt_row *row)
{
	struct ration *r = &c->ration;

	if (row != NULL) {
		settle(c, row);
		return;
	}
	if (gate_state(&r->pass) == PASS_WAITS)
		note(c, "gone");
	gate_undo(&r->pass, clock_mono_us());
	if (r->hold.chain.count > 0)
		limits_release(limits_of(c), &r->hold);
}

void
ration_adopt(struct dock *d)
{
	const struct topology *t = d->worker->topology;
	struct gatehouse *gates = d->egress->gates;
	struct arena arena;
	size_t i, k;

	arena_init(&arena, NAMES_MAX);
	for (i = 0; i < t->egress->providers_count; i++) {
		const struct provider *p = &t->egress->providers[i];

		gatehouse_adopt_account(gates, p->name, p, t->serial);
		for (k = 0; k < p->team_keys_count; k++)
			gatehouse_adopt_account(gates,
			    account_name(&arena, p, p->team_keys[k].team), p,
			    t->serial);
	}
	arena_fini(&arena);
}
