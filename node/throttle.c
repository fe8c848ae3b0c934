#include "node/throttle.h"

#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/member/gatehouse.h"
#include "common/member/journal.h"
#include "common/member/worker.h"
#include "node/caller.h"
#include "node/lesson.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

/* May nobody else be tried after this candidate? */
static bool
is_last(const struct request *r)
{
	const struct plan *p = &r->plan;
	size_t i;

	for (i = p->next; i < p->order_count; i++)
		if (p->candidates[p->order[i]].excluded == EXCLUSION_NONE)
			return false;
	return true;
}

int64_t
throttle_wait_ms(const struct request *r, int64_t left_ms)
{
	return is_last(r) ? left_ms - left_ms / 8 : 0;
}

static void
on_turn(void *arg)
{
	request_wake(arg);
}

static void
line_up(struct request *r, struct gate *g)
{
	const struct gate_wish wish = {
		.party = r->caller->name,
		.flow = slice_of("all"),
		.part = r->round.route->local->name,
		.weight = 1,
		.toll = admission_toll(r),
		.max_wait_us =
		    throttle_wait_ms(r, request_left_ms(r)) * US_PER_MS,
		.bell = &r->desk->bell,
		.call = on_turn,
		.arg = r,
	};

	(void)gate_enter(g, &r->round.capacity, &wish, clock_mono_us());
}

static void
name_bucket(struct request *r, const struct gate *g)
{
	const struct gate_pass *p = &r->round.capacity;

	r->admission.bucket = arena_printf(&r->arena, "%s %.*s %s",
	    p->of_part ? "model" : "provider",
	    SLICE_FMT(p->of_part ? r->round.route->target : g->name),
	    shaper_bucket_name(p->bucket));
}

static void
note(struct request *r, const struct gate *g, const char *outcome)
{
	const struct gate_pass *p = &r->round.capacity;
	struct event_row row = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_UPSTREAM_SHAPED),
		.target = r->round.route->target,
		.detail = slice_of(""),
		.by = slice_of("router"),
		.request = r->id,
		.team = r->topology->self->team,
		.caller = r->caller->name,
		.group = r->group->name,
		.outcome = slice_of(outcome),
		.waited_us = p->waited ? clock_mono_us() - p->since_us : 0,
	};

	name_bucket(r, g);
	row.bucket = slice_of(r->admission.bucket);
	if (strcmp(outcome, "refused") == 0)
		row.retry_us = p->wait_us;
	r->round.queued_us = row.waited_us;
	stat_add(STAT_UPSTREAM_SHAPED, 1);
	journal_put(r->desk->worker->turn, &r->desk->worker->ids, &row);
}

/* Nothing was called: the next one, or an answer that says when. */
static void
refuse(struct request *r)
{
	struct candidate *c = r->round.candidate;

	note(r, r->round.capacity.gate, "refused");
	c->wait_us = max_i64(r->round.capacity.wait_us, 1);
	c->backoff = BACKOFF_NONE;
	c->excluded = EXCLUSION_THROTTLED;
	c->detail = r->admission.bucket;
	r->plan.amended = true;
	lesson_learn(r, FAILURE_NONE, true, false);
	gate_undo(&r->round.capacity, clock_mono_us());
}

enum pass_state
throttle_enter(struct request *r)
{
	const struct model *m = r->round.route->local;
	struct gate_pass *p = &r->round.capacity;
	struct gate *g = NULL;
	enum pass_state state;

	if (m != NULL && p->gate == NULL)
		g = gatehouse_account(r->desk->node->gates, m->provider->name,
		    m->provider, r->topology->serial);
	if (g != NULL)
		line_up(r, g);
	state = gate_state(p);
	if (state == PASS_REFUSED)
		refuse(r);
	else if (state == PASS_IN && p->waited)
		note(r, p->gate, "queued");
	return state == PASS_NONE ? PASS_IN : state;
}

void
throttle_leave(struct request *r, const struct attempt_row *row)
{
	struct gate_pass *p = &r->round.capacity;
	const struct gate *g = p->gate;
	struct toll real;

	/* Others write into a pass while it waits. */
	if (gate_state(p) == PASS_WAITS) {
		gate_undo(p, clock_mono_us());
		note(r, g, "gone");
	}
	if (row == NULL || r->attempt.started_us == 0) {
		gate_undo(p, clock_mono_us());
		return;
	}
	real.input_tokens = row->input_tokens + row->cache_read_tokens +
			    row->cache_write_tokens +
			    row->cache_write_1h_tokens;
	real.output_tokens = row->output_tokens + row->reasoning_tokens;
	gate_leave(p, &real, clock_mono_us());
}

void
throttle_adopt(struct desk *d)
{
	const struct topology *t = d->worker->topology;
	size_t i;

	for (i = 0; i < t->node->providers_count; i++)
		gatehouse_adopt_account(d->node->gates,
		    t->node->providers[i].name, &t->node->providers[i],
		    t->serial);
}
