#include "node/smoothing.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/member/gatehouse.h"
#include "common/member/journal.h"
#include "common/member/worker.h"
#include "node/caller.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

#define NAME_MAX_BYTES 160

static struct slice
name_gate(char name[NAME_MAX_BYTES], const char *kind, struct slice whose)
{
	snprintf(name, NAME_MAX_BYTES, "%s %.*s", kind, SLICE_FMT(whose));
	return slice_of(name);
}

static struct gate *
gate_of(const struct request *r, enum smoothed whose)
{
	const struct topology *t = r->topology;
	struct gatehouse *h = r->desk->node->gates;
	const struct tier *tier;
	char name[NAME_MAX_BYTES];

	if (whose == SMOOTH_GROUP)
		return gatehouse_gate(h,
		    name_gate(name, "group", r->group->name),
		    &r->group->shaping, t->serial);
	tier = node_tier(t->node, r->caller->tier);
	return tier == NULL ? NULL
			    : gatehouse_gate(h,
				  name_gate(name, "caller", r->caller->name),
				  &tier->shaping, t->serial);
}

static void
on_turn(void *arg)
{
	request_wake(arg);
}

/* One flow: whoever comes first is served first. */
static void
line_up(struct request *r, struct gate *g, struct gate_pass *p)
{
	const struct gate_wish wish = {
		.party = slice_of("all"),
		.flow = slice_of("all"),
		.weight = 1,
		.toll = admission_toll(r),
		.max_wait_us = request_left_ms(r) * US_PER_MS,
		.bell = &r->desk->bell,
		.call = on_turn,
		.arg = r,
	};

	(void)gate_enter(g, p, &wish, clock_mono_us());
}

static void
note(struct request *r, const struct gate_pass *p, const char *outcome)
{
	int64_t waited_us = p->waited ? clock_mono_us() - p->since_us : 0;
	struct event_row row = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_SHAPED),
		.target = slice_of(""),
		.detail = slice_of(""),
		.by = slice_of("router"),
		.request = r->id,
		.team = slice_of(""),
		.caller = r->caller->name,
		.group = r->group->name,
		.bucket = slice_of(r->admission.bucket),
		.outcome = slice_of(outcome),
		.waited_us = waited_us,
	};

	if (strcmp(outcome, "refused") == 0)
		row.retry_us = p->wait_us;
	r->smoothing.queued_us += waited_us;
	stat_add(STAT_SHAPED, 1);
	journal_put(r->desk->worker->turn, &r->desk->worker->ids, &row);
}

static void
name_bucket(struct request *r, const struct gate *g, const struct gate_pass *p)
{
	r->admission.bucket = arena_printf(&r->arena, "%.*s %s",
	    SLICE_FMT(g->name), shaper_bucket_name(p->bucket));
}

static enum fail
refuse_shaped(struct request *r, struct gate_pass *p)
{
	name_bucket(r, p->gate, p);
	note(r, p, "refused");
	r->retry_after_ms = (p->wait_us + US_PER_MS - 1) / US_PER_MS;
	r->detail = slice_of(arena_printf(&r->arena,
	    "%s: the next place is free in about %lld ms.", r->admission.bucket,
	    (long long)r->retry_after_ms));
	return FAIL_TRAFFIC_SHAPED;
}

/* One gate's answer; true: on to the next. */
static bool
pass_gate(struct request *r, struct gate_pass *p, enum fail *fail)
{
	switch (gate_state(p)) {
	case PASS_WAITS:
		return false;
	case PASS_REFUSED:
		*fail = refuse_shaped(r, p);
		return true;
	case PASS_IN:
		if (p->waited) {
			name_bucket(r, p->gate, p);
			note(r, p, "queued");
		}
		return true;
	case PASS_NONE:
		break;
	}
	return true;
}

bool
smoothing_enter(struct request *r, enum fail *fail)
{
	struct smoothing *s = &r->smoothing;
	struct gate_pass *p;
	struct gate *g;

	*fail = FAIL_NONE;
	for (; s->next < SMOOTHINGS; s->next++) {
		p = &s->passes[s->next];
		g = p->gate != NULL ? NULL : gate_of(r, s->next);
		if (g != NULL)
			line_up(r, g, p);
		if (!pass_gate(r, p, fail))
			return false;
		if (*fail != FAIL_NONE)
			return true;
	}
	return true;
}

/* Others write into a pass while it waits: its words are read after. */
void
smoothing_leave_line(struct request *r)
{
	struct smoothing *s = &r->smoothing;
	struct gate_pass *p = &s->passes[min_size(s->next, SMOOTHINGS - 1)];
	enum pass_state state = gate_state(p);
	const struct gate *g = p->gate;

	if (s->next == SMOOTHINGS || !(state == PASS_WAITS || state == PASS_IN))
		return;
	gate_undo(p, clock_mono_us());
	name_bucket(r, g, p);
	note(r, p, "gone");
}

void
smoothing_leave(struct request *r, const struct toll *real)
{
	int64_t now_us = clock_mono_us();
	size_t i;

	for (i = 0; i < SMOOTHINGS; i++)
		if (real != NULL)
			gate_leave(&r->smoothing.passes[i], real, now_us);
		else
			gate_undo(&r->smoothing.passes[i], now_us);
}

/* Who waits has an active token, or had one: the one of that name now. */
static void
adopt_callers(struct desk *d, const struct topology *t)
{
	int64_t now_us = clock_wall_us();
	const struct caller *c;
	const struct tier *tier;
	char name[NAME_MAX_BYTES];
	size_t at = 0;

	callers_refresh(d->node->callers, &d->book);
	while ((c = caller_next(d->book, &at)) != NULL) {
		tier = node_tier(t->node, c->tier);
		if (tier != NULL && caller_state(c, now_us) == TOKEN_ACTIVE)
			gatehouse_adopt(d->node->gates,
			    name_gate(name, "caller", c->name), &tier->shaping,
			    t->serial);
	}
}

void
smoothing_adopt(struct desk *d)
{
	const struct topology *t = d->worker->topology;
	char name[NAME_MAX_BYTES];
	size_t i;

	for (i = 0; i < t->node->groups_count; i++)
		gatehouse_adopt(d->node->gates,
		    name_gate(name, "group", t->node->groups[i].name),
		    &t->node->groups[i].shaping, t->serial);
	adopt_callers(d, t);
}
