#include "node/round.h"

#include <assert.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/llm/envelope.h"
#include "common/member/target.h"
#include "common/member/worker.h"
#include "common/store/decision.h"
#include "node/affinity.h"
#include "node/caller.h"
#include "node/eligible.h"
#include "node/lesson.h"
#include "node/node.h"
#include "node/order.h"
#include "node/record.h"
#include "node/request.h"
#include "node/throttle.h"
#include "node/uplink.h"
#include "node/verdict.h"
#include "node/wording.h"
#include "topology/load.h"

/* Of one request: an attempt's number is a byte in its key. */
#define ATTEMPTS_MAX 64

/* The wait before the same target again: so much, and as much at random. */
#define AGAIN_MS 150
/* Who calls keeps the deadline and says so; this is for when it does not. */
#define LATE_MS 1000

static struct retries *
retries_of(const struct request *r)
{
	return &r->desk->node->retries;
}

/* What the last attempt has left behind is done with. */
static void
clear(struct request *r)
{
	attempt_fini(&r->attempt);
	memset(&r->attempt, 0, sizeof(r->attempt));
	relay_fini(&r->relay);
	memset(&r->relay, 0, sizeof(r->relay));
	r->intent = NOT_WRITTEN;
	r->round.settled = false;
	r->round.queued_us = 0;
	r->round.judged = FAIL_NONE;
	r->round.failure = FAILURE_NONE;
	r->retry_after_ms = 0;
	r->detail = slice_of("");
}

static void
exclude(struct request *r, struct candidate *c, enum exclusion why)
{
	c->excluded = why;
	c->detail = arena_text(&r->arena, r->detail);
	r->plan.amended = true;
}

/* The body as this target wants it; else why it cannot be told. */
static enum fail
word(struct request *r, struct candidate *c)
{
	enum fail fail;

	r->round.route = c->route;
	r->root = r->whole;
	r->round.thoughts_removed = false;
	arena_fini(&r->round.spare);
	/* Most have one round: only further ones need memory of their own. */
	if (r->round.draft != NULL)
		request_room(r, &r->round.spare);
	r->round.draft = r->round.draft == NULL ? &r->arena : &r->round.spare;
	fail = wording_make(r);
	if (fail != FAIL_NONE)
		r->detail = arena_copy(&r->arena, r->detail);
	return fail;
}

/* Larger than whom the prompt was too long for? */
static bool
is_larger(const struct request *r, const struct candidate *c)
{
	int64_t room = c->route->context_tokens;

	return room == 0 || room > r->round.candidate->route->context_tokens;
}

/* Why the first of those that could not be told the request could not. */
struct refusal {
	enum fail fail;
	struct slice detail;
};

static bool
wants_larger(const struct request *r)
{
	return r->attempts > 0 &&
	       failure_other(r->round.failure) == OTHER_LARGER;
}

static struct candidate *
next_candidate(struct request *r)
{
	struct plan *p = &r->plan;
	struct candidate *c;

	while (p->next < p->order_count) {
		c = &p->candidates[p->order[p->next++]];
		if (c->excluded == EXCLUSION_NONE &&
		    (!wants_larger(r) || is_larger(r, c)))
			return c;
	}
	return NULL;
}

/* Nobody is left: what the last attempt came to, or why there was none. */
static enum fail
give_up(struct request *r, const struct refusal *unworded)
{
	const char *detail;
	enum fail fail;

	if (r->attempts > 0) {
		r->retry_after_ms = eligible_wait_ms(&r->plan);
		if (r->intent != NOT_WRITTEN)
			return r->round.judged;
		/* The last candidates were not called. */
		r->round.judged = r->round.last;
		r->round.failure = r->round.after;
		return r->round.last;
	}
	r->detail = unworded->detail;
	if (unworded->fail != FAIL_NONE)
		return unworded->fail;
	fail =
	    eligible_refusal(&r->plan, &r->arena, &detail, &r->retry_after_ms);
	r->detail = slice_of(detail);
	return fail;
}

static bool
is_disabled(const struct candidate *c)
{
	return target_is_disabled(c->state, clock_wall_us());
}

/* Its turn has come, and nothing of the last one is wanted any more. */
static void
enter(struct request *r, struct candidate *c)
{
	if (r->attempts > 0)
		stat_add(STAT_FALLBACKS, 1);
	r->round.candidate = c;
	r->round.again = false;
	clear(r);
}

static void
note_backoff(struct request *r, struct candidate *c, int64_t now)
{
	struct target_look look;

	target_look(c->state, &look, now, clock_wall_us());
	c->wait_us = max_i64(look.wait_us, 1);
	c->backoff = look.kind;
	exclude(r, c, EXCLUSION_BACKING_OFF);
}

enum fail
round_begin(struct request *r)
{
	const struct route *last = r->round.route;
	struct refusal unworded = { .fail = FAIL_NONE };
	int64_t now = clock_mono_us();
	struct candidate *c;
	enum fail fail;

	while ((c = next_candidate(r)) != NULL) {
		r->detail = slice_of("");
		if (is_disabled(c)) {
			exclude(r, c, EXCLUSION_DISABLED);
			continue;
		}
		if (!order_find_way(r, c)) {
			exclude(r, c, EXCLUSION_UNREACHABLE);
			continue;
		}
		fail = word(r, c);
		if (fail != FAIL_NONE) {
			exclude(r, c, EXCLUSION_NOT_CARRIED);
			if (unworded.fail == FAIL_NONE &&
			    fail != FAIL_NO_ELIGIBLE_TARGET)
				unworded = (struct refusal){ fail, r->detail };
		} else if (target_enter(c->state, now, &r->round.probe)) {
			enter(r, c);
			r->round.entered = true;
			return FAIL_NONE;
		} else if (order_pin(r).len > 0) {
			/* An operator asks for it all the same. */
			enter(r, c);
			return FAIL_NONE;
		} else {
			note_backoff(r, c, now);
		}
	}
	r->round.passage =
	    (struct passage){ .target = r->shape.dialect, .dropped = "" };
	r->round.route = last;
	return give_up(r, &unworded);
}

static void
on_intent(void *arg, bool stored)
{
	struct request *r = arg;

	r->intent = stored ? WRITTEN : WRITE_REFUSED;
	/* It was none: no row, no call. */
	if (!stored)
		r->attempts--;
	request_run(r);
}

void
round_intend(struct request *r)
{
	struct request_row request;
	struct attempt_row attempt;

	record_spend(r);
	r->attempts++;
	r->fallbacks += r->round.after != FAILURE_NONE && !r->round.again;
	r->attempt.request = r->id;
	r->attempt.number = r->attempts;
	record_rows(r, "open", &request, &attempt);
	ledger_intend(r->desk->worker->turn, &request, &attempt);
	if (r->attempts == 1)
		record_decision(r, LEDGER_INTENTS);
	ledger_wait_init(&r->wait, on_intent, r);
	ledger_await(r->desk->worker->turn, LEDGER_INTENTS, &r->wait);
	r->intent = WRITING;
}

static void
on_head(void *arg, int status, struct slice content_type)
{
	struct request *r = arg;

	relay_head(&r->relay, status, content_type);
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct request *r = arg;

	/* Over a link credit bounds what comes; a transfer can be paused. */
	if (r->round.route->local != NULL && r->relay.full)
		return false;
	relay_take(&r->relay, bytes);
	if (!r->relay.full)
		attempt_taken(&r->attempt, bytes.len);
	else
		r->relay.unpaid += bytes.len;
	if (r->relay.broken || r->relay.oversize)
		request_wake(r);
	return true;
}

static void
on_end(void *arg)
{
	request_wake(arg);
}

static const struct attempt_events events = {
	.on_head = on_head,
	.on_data = on_data,
	.on_end = on_end,
};

/* The group's own, where it has them. */
static struct timeouts
timeouts_of(const struct request *r)
{
	struct timeouts t = r->topology->node->timeouts;
	const struct timeouts *g = &r->group->timeouts;

	t.attempt_ms = g->attempt_ms > 0 ? g->attempt_ms : t.attempt_ms;
	t.first_byte_ms =
	    g->first_byte_ms > 0 ? g->first_byte_ms : t.first_byte_ms;
	t.idle_ms = g->idle_ms > 0 ? g->idle_ms : t.idle_ms;
	return t;
}

static int64_t
call_ms(const struct request *r, const struct timeouts *t)
{
	int64_t left = request_left_ms(r);

	return t->attempt_ms > 0 ? min_i64(left, t->attempt_ms) : left;
}

static void
fill_envelope(const struct request *r, struct envelope *e)
{
	int64_t cap = r->shape.output_cap;
	int64_t most = admission_cap(r, r->round.route);

	if (most > 0 && (cap == 0 || cap > most))
		cap = most;
	*e = (struct envelope){
		.origin = r->topology->self->name,
		.request = r->id,
		.attempt = r->attempt.number,
		.egress = r->round.route->egress,
		.issued_us = clock_wall_us(),
		.team = r->topology->self->team,
		.caller = r->caller->pseudonym,
		.user = r->caller->user,
		.project = r->caller->project,
		.group = r->group->name,
		.target = r->round.route->target,
		.dialect = r->round.passage.target,
		.operation = r->shape.operation,
		.api_version = wording_api_version(r),
		.api_beta = wording_api_beta(r),
		.stream = r->shape.stream,
		.output_cap = min_i64(cap, OUTPUT_TOKENS_MAX),
		.topology = r->topology->hash,
	};
}

void
round_call(struct request *r)
{
	const struct timeouts timeouts = timeouts_of(r);
	struct envelope envelope;
	struct attempt_spec spec = {
		.desk = r->desk,
		.topology = r->topology,
		.timeouts = &timeouts,
		.route = r->round.route,
		.body = &r->round.passage.splice,
		.dialect = r->round.passage.target,
		.operation = r->shape.operation,
		.api_version = wording_api_version(r),
		.api_beta = wording_api_beta(r),
		.envelope = &envelope,
		.node = r->topology->self->name,
		.remaining_ms = call_ms(r, &timeouts),
		.max_wait_ms = throttle_wait_ms(r, call_ms(r, &timeouts)),
		.events = &events,
		.arg = r,
	};

	fill_envelope(r, &envelope);
	if (!attempt_start(&r->attempt, &spec))
		return;
	r->round.calls++;
	if (r->attempt.key != NULL)
		r->relay.key = secret_view(r->attempt.key);
}

/* What the egress signed counts: it saw the provider's own words. */
static enum failure
classify(const struct request *r, enum fail fail)
{
	const struct attempt *a = &r->attempt;
	struct failure_signs signs = {
		.fail = fail,
		.status = a->status,
		.keyless = a->keyless,
		.refused = a->throttled,
		.router_error = slice_of(a->router_error),
	};

	if (fail == FAIL_NONE || fail == FAIL_CLIENT_GONE)
		return FAILURE_NONE;
	/* What it was about was lost with the link. */
	if (a->fail == FAIL_EGRESS_UNREACHABLE)
		return FAILURE_MEMBER;
	if (!relay_is_content(&r->relay))
		signs.body = buf_slice(&r->relay.answer);
	if (a->message != NULL)
		signs.told = a->receipt.row.class;
	return failure_of(&signs);
}

void
round_leave(struct request *r)
{
	bool late = r->interruption == FAIL_UPSTREAM_TIMEOUT &&
		    r->attempt.called_us > 0;

	/* It was refused, and its caller left before anybody looked. */
	if (r->attempt.throttled && r->round.judged == FAIL_NONE)
		r->round.calls--;
	if (late)
		r->round.failure = FAILURE_TIMEOUT;
	lesson_learn(r, late ? FAILURE_TIMEOUT : FAILURE_NONE, !late, false);
}

/* Which limit or bucket it was, for the row and for the caller. */
static void
note_refusal(struct request *r)
{
	const char *detail = r->attempt.detail;

	r->admission.bucket = arena_printf(&r->arena, "egress %.*s",
	    (int)strcspn(detail, ":"), detail);
	r->detail = slice_of(arena_printf(&r->arena, "At the egress %.*s: %s",
	    SLICE_FMT(r->round.route->egress), detail));
}

enum fail
round_judge(struct request *r)
{
	enum fail fail = verdict_of(r);

	if (fail == FAIL_NONE) {
		relay_conclude(&r->relay);
		if (r->relay.broken)
			fail = FAIL_UPSTREAM_FAILED;
	}
	r->round.judged = fail;
	r->round.failure = classify(r, fail);
	if (fail != FAIL_NONE) {
		r->retry_after_ms = verdict_wait_ms(r);
		r->round.calls -= r->attempt.throttled;
		if (r->attempt.throttled && r->attempt.detail[0] != '\0')
			note_refusal(r);
		return fail;
	}
	lesson_learn(r, FAILURE_NONE, false, false);
	if (r->affinity != 0)
		affinity_note(r->desk->node->affinity, r->affinity,
		    r->round.route->affinity, clock_mono_us());
	return fail;
}

/* Its row; the request goes on. */
static void
settle_attempt(struct request *r)
{
	struct request_row request;
	struct attempt_row attempt;

	attempt_cancel(&r->attempt);
	record_rows(r, "settled", &request, &attempt);
	throttle_leave(r, &attempt);
	request.state = slice_of("open");
	ledger_settle(r->desk->worker->turn, &request, &attempt);
	if (r->attempt.message != NULL)
		uplink_keep(r->desk, &r->attempt.receipt,
		    buf_slice(r->attempt.message));
}

static bool
may_go_on(const struct request *r)
{
	return !r->relay.started && r->exchange != NULL &&
	       r->interruption == FAIL_NONE && r->intent == WRITTEN &&
	       r->attempts < ATTEMPTS_MAX && request_left_ms(r) > 1 &&
	       !ledger_stuck(r->desk->worker->turn);
}

static bool
may_try_again(struct request *r, int64_t *wait_ms)
{
	*wait_ms = max_i64(r->retry_after_ms, AGAIN_MS) +
		   (int64_t)(lesson_random(r) % AGAIN_MS);
	return failure_again(r->round.failure) && !r->round.again &&
	       r->retry_after_ms <= RETRIES_WAIT_MAX_MS &&
	       *wait_ms < request_left_ms(r) &&
	       !is_disabled(r->round.candidate) &&
	       !target_is_put_off(r->round.candidate->state, clock_mono_us()) &&
	       retries_take(retries_of(r));
}

/*
 * The egress was lost or said no, and has signed nothing: the same target by
 * the next parent, each once.
 */
static bool
has_other_way(struct request *r)
{
	struct candidate *c = r->round.candidate;

	if ((r->round.failure != FAILURE_MEMBER &&
		r->round.failure != FAILURE_THROTTLED) ||
	    r->attempt.message != NULL || r->round.route->local != NULL)
		return false;
	c->gone |= 1u << r->round.route->parent;
	return order_find_way(r, c);
}

/* Nobody else is asked: the first that may be asked again says when. */
static bool
stop(struct request *r)
{
	if (r->retry_after_ms > 0)
		r->retry_after_ms = eligible_wait_ms(&r->plan);
	return false;
}

bool
round_goes_on(struct request *r, enum fail fail, int64_t *wait_ms)
{
	bool again, other_way;

	assert(fail != FAIL_NONE);
	r->round.candidate->wait_us = r->retry_after_ms * US_PER_MS;
	if (!may_go_on(r)) {
		lesson_learn(r, r->round.failure, false, false);
		return false;
	}
	again = may_try_again(r, wait_ms);
	lesson_learn(r, r->round.failure, false, again);
	other_way = !again && has_other_way(r);
	if (other_way)
		r->plan.next--; /* its turn comes once more */
	if (!again && (failure_other(r->round.failure) == OTHER_NO ||
			  r->plan.next >= r->plan.order_count))
		return stop(r);
	settle_attempt(r);
	r->round.settled = true;
	r->round.after = r->round.failure;
	r->round.last = fail;
	r->round.again = again;
	if (again) {
		stat_add(STAT_RETRIES, 1);
		clear(r);
	} else {
		*wait_ms = 0;
	}
	return true;
}

bool
round_is_put_off(struct request *r)
{
	struct target_look look;

	if (!r->round.entered || r->round.route->egress.len == 0 ||
	    !target_is_put_off(r->round.candidate->state, clock_mono_us()))
		return false;
	target_look(r->round.candidate->state, &look, clock_mono_us(),
	    clock_wall_us());
	lesson_learn(r, FAILURE_NONE, true, false);
	r->round.judged = r->round.last;
	r->round.failure = r->round.after;
	r->retry_after_ms = (look.wait_us + US_PER_MS - 1) / US_PER_MS;
	return true;
}

bool
round_is_late(struct request *r, int64_t now_us)
{
	const struct timeouts t = timeouts_of(r);
	struct attempt *a = &r->attempt;
	int64_t since_ms = (now_us - attempt_due_us(a)) / US_PER_MS - LATE_MS;
	int64_t quiet_ms = (now_us - a->heard_us) / US_PER_MS - LATE_MS;
	bool late;

	if (!attempt_is_live(a))
		return false;
	late = t.attempt_ms > 0 && since_ms > t.attempt_ms;
	/* A transfer of our own looks at these by itself. */
	if (r->round.route->local == NULL) {
		late |= a->first_byte_us == 0 && since_ms > t.first_byte_ms;
		late |= a->first_byte_us > 0 && !r->relay.full &&
			quiet_ms > t.idle_ms;
	}
	if (!late)
		return false;
	attempt_cancel(a);
	a->fail = FAIL_UPSTREAM_TIMEOUT;
	return true;
}
