#include "node/request.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/format/json.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "common/store/sum.h"
#include "node/caller.h"
#include "node/client.h"
#include "node/closing.h"
#include "node/node.h"
#include "node/order.h"
#include "node/presence.h"
#include "node/recall.h"
#include "node/record.h"
#include "node/reply.h"
#include "node/round.h"
#include "node/tag.h"
#include "node/throttle.h"
#include "node/uplink.h"
#include "node/wording.h"
#include "topology/load.h"

#define MAGIC 0x72657175u
/*
 * A body's tree has its bound; what is made of both is a few times as large.
 */
#define TREE_MAX      ((size_t)16 * 1024 * 1024)
#define ARENA_MAX     ((size_t)128 * 1024 * 1024)
#define TIMES_BODY    16
#define CLIENT_ID_MAX 128

/*
 * One request, in order (SPEC part 4).  A step does its part and gives the
 * next one, or STEP_WAIT until an event runs the request again; refusing is
 * `return request_fail(r, FAIL_…)`, which leads to SETTLE like everything.
 */
static enum step step_auth(struct request *r);
static enum step step_body(struct request *r);
static enum step step_parse(struct request *r);
static enum step step_filter(struct request *r);
static enum step step_recall(struct request *r);
static enum step step_sift(struct request *r);
static enum step step_admit(struct request *r);
static enum step step_smooth(struct request *r);
static enum step step_order(struct request *r);
static enum step step_word(struct request *r);
static enum step step_throttle(struct request *r);
static enum step step_pause(struct request *r);
static enum step step_attempt(struct request *r);
static enum step step_relay(struct request *r);
static enum step step_settle(struct request *r);

static const struct {
	const char *name;
	enum step (*run)(struct request *r);
} steps[] = {
	[STEP_AUTH] = { "auth", step_auth },       /* whose token is it? */
	[STEP_BODY] = { "body", step_body },       /* wait for all of it */
	[STEP_PARSE] = { "parse", step_parse },    /* its shape */
	[STEP_FILTER] = { "filter", step_filter }, /* may it use the group? */
	[STEP_RECALL] = { "recall", step_recall }, /* what it leans on */
	[STEP_SIFT] = { "sift", step_sift },       /* who can serve it */
	[STEP_ADMIT] = { "admit", step_admit },    /* all limits at once */
	[STEP_SMOOTH] = { "smooth", step_smooth }, /* bursts wait here */
	[STEP_ORDER] = { "order", step_order },    /* who is asked first */
	[STEP_WORD] = { "word", step_word },       /* as the next one speaks */
	[STEP_THROTTLE] = { "throttle",
	    step_throttle }, /* its turn at an account of our own */
	[STEP_PAUSE] = { "pause", step_pause }, /* before it is asked again */
	[STEP_ATTEMPT] = { "attempt",
	    step_attempt },                        /* intent row, then call */
	[STEP_RELAY] = { "relay", step_relay },    /* the answer goes by */
	[STEP_SETTLE] = { "settle", step_settle }, /* row, then last bytes */
	[STEP_DONE] = { "done", NULL },
};

const char *
request_step(enum step step)
{
	return steps[step].name;
}

static void
free_request(void *arg)
{
	struct request *r = arg;

	order_fini(r);
	attempt_fini(&r->attempt);
	relay_fini(&r->relay);
	loop_timer_free(r->round.pause);
	routes_release(r->routes);
	arena_fini(&r->round.spare);
	token_book_release(r->book);
	topology_release(r->topology);
	arena_fini(&r->arena);
	free(r);
}

/* Settled, and its exchange is over: it rests until the turn's end. */
static void
retire(struct request *r)
{
	if (r->step != STEP_DONE || r->exchange != NULL)
		return;
	loop_task_cancel(&r->wake);
	list_remove(&r->link);
	r->desk->requests_count--;
	r->magic = 0;
	loop_task_init(&r->wake, free_request, r);
	loop_rest(r->desk->worker->loop, &r->wake);
}

static enum step
request_fail(struct request *r, enum fail fail)
{
	r->fail = fail;
	r->failed_in = r->step;
	return STEP_SETTLE;
}

static enum step
refuse(struct request *r, enum fail fail, const char *detail)
{
	r->detail = slice_of(detail);
	return request_fail(r, fail);
}

void
request_run(struct request *r)
{
	enum step next;

	assert(r->magic == MAGIC);
	if (r->interruption != FAIL_NONE && r->step < STEP_SETTLE)
		r->step = request_fail(r, r->interruption);
	while (r->step != STEP_DONE) {
		next = steps[r->step].run(r);
		if (next == STEP_WAIT)
			return;
		r->step = next;
	}
	retire(r);
}

static void
run(void *arg)
{
	request_run(arg);
}

/* Events of the attempt only note and wake; the steps act. */
void
request_wake(struct request *r)
{
	loop_soon(r->desk->worker->loop, &r->wake);
}

static enum step
step_auth(struct request *r)
{
	callers_refresh(r->desk->node->callers, &r->desk->book);
	r->book = token_book_hold(r->desk->book);
	r->caller = caller_find(r->book,
	    caller_token(http_header(r->exchange, "Authorization"),
		http_header(r->exchange, "x-api-key")));
	if (r->caller == NULL)
		return request_fail(r, FAIL_UNAUTHORIZED);
	presence_note(r->caller->presence, r->received_us);
	switch (caller_state(r->caller, r->received_us)) {
	case TOKEN_REVOKED:
		return request_fail(r, FAIL_TOKEN_REVOKED);
	case TOKEN_EXPIRED:
		return request_fail(r, FAIL_TOKEN_EXPIRED);
	case TOKEN_ACTIVE:
		break;
	}
	if (r->desk->draining)
		return request_fail(r, FAIL_SHUTTING_DOWN);
	if (ledger_stuck(r->desk->worker->turn))
		return request_fail(r, FAIL_STORE_UNAVAILABLE);
	return STEP_BODY;
}

static enum step
step_body(struct request *r)
{
	if (!r->body_here)
		return STEP_WAIT;
	r->body_text = http_body(r->exchange);
	return STEP_PARSE;
}

/* Some clients send a Responses body where they want a chat answer. */
static enum dialect
asked_in(const struct request *r)
{
	if (r->kind.dialect == DIALECT_CHAT &&
	    json_find(r->root, "input") != NULL &&
	    json_find(r->root, "messages") == NULL)
		return DIALECT_RESPONSES;
	return r->kind.dialect;
}

void
request_room(const struct request *r, struct arena *arena)
{
	arena_init(arena, ARENA_MAX + TIMES_BODY * r->body_text.len);
}

bool
request_parse(struct request *r, struct arena *arena, struct slice body,
    struct json_error *error)
{
	arena->max = arena->used + TREE_MAX;
	r->root = json_parse(arena, body, error);
	arena->max = arena->used + ARENA_MAX + TIMES_BODY * body.len;
	return r->root != NULL;
}

static enum step
step_parse(struct request *r)
{
	struct shape_wish wish = { .operation = r->kind.operation };
	struct json_error error;
	const char *why;

	if (!request_parse(r, &r->arena, r->body_text, &error) ||
	    r->root->type != JSON_OBJECT) {
		why = arena_printf(&r->arena,
		    "The body is not a JSON object: %s at byte %zu.",
		    r->root == NULL ? error.why : "an object is expected",
		    r->root == NULL ? error.at : 0);
		return refuse(r, FAIL_INVALID_REQUEST, why);
	}
	wish.dialect = asked_in(r);
	if (!shape_read(&r->shape, &r->arena, r->root, &wish, &why))
		return refuse(r, FAIL_INVALID_REQUEST, why);
	return STEP_FILTER;
}

static enum step
step_filter(struct request *r)
{
	const char *why;

	r->group = node_group(r->topology->node, r->shape.model);
	if (r->group == NULL)
		return request_fail(r, FAIL_UNKNOWN_GROUP);
	if (!caller_may_use(r->caller, r->group->name))
		return request_fail(r, FAIL_GROUP_NOT_ALLOWED);
	if (!tags_read(&r->tags, &r->arena,
		http_header(r->exchange, "X-Router-Tags"), &why))
		return refuse(r, FAIL_INVALID_REQUEST, why);
	r->routes = desk_routes(r->desk, r->topology);
	retries_earn(&r->desk->node->retries);
	return STEP_RECALL;
}

static enum step
step_recall(struct request *r)
{
	enum fail fail = recall_expand(r);

	return fail == FAIL_NONE ? STEP_SIFT : request_fail(r, fail);
}

/* Who cannot be asked to count is not asked: what is estimated is here. */
static enum step
step_sift(struct request *r)
{
	enum fail fail;
	enum order_end end = order_sift(r, &fail);

	if (end == ORDER_REFUSED)
		return request_fail(r, fail);
	r->estimated = end == ORDER_ESTIMATE;
	return STEP_ADMIT;
}

static enum step
step_admit(struct request *r)
{
	enum fail fail = admission_enter(r);

	if (fail != FAIL_NONE)
		return request_fail(r, fail);
	return r->estimated ? STEP_SETTLE : STEP_SMOOTH;
}

/* While it waited, some may have begun to back off. */
static enum step
sift_again(struct request *r)
{
	enum fail fail;
	enum order_end end = order_sift(r, &fail);

	if (end == ORDER_REFUSED)
		return request_fail(r, fail);
	r->estimated = end == ORDER_ESTIMATE;
	return r->estimated ? STEP_SETTLE : STEP_ORDER;
}

static enum step
step_smooth(struct request *r)
{
	enum fail fail;

	if (!smoothing_enter(r, &fail))
		return STEP_WAIT;
	if (fail != FAIL_NONE)
		return request_fail(r, fail);
	return r->smoothing.queued_us > 0 ? sift_again(r) : STEP_ORDER;
}

static enum step
step_order(struct request *r)
{
	enum fail fail;
	enum order_end end = order_make(r, &fail);

	if (end == ORDER_REFUSED)
		return request_fail(r, fail);
	return end == ORDER_WAIT ? STEP_WAIT : STEP_WORD;
}

/* The path that the row tells: origin, then the egress. */
static void
note_path(struct request *r)
{
	struct slice self = r->topology->self->name;

	r->path = self;
	if (r->round.route->egress.len > 0)
		r->path = slice_of(arena_printf(&r->arena, "%.*s>%.*s",
		    SLICE_FMT(self), SLICE_FMT(r->round.route->egress)));
}

static enum step
step_word(struct request *r)
{
	enum fail fail = round_begin(r);

	if (fail == FAIL_NONE)
		fail = admission_extend(r);
	if (fail != FAIL_NONE)
		return request_fail(r, fail);
	note_path(r);
	return STEP_THROTTLE;
}

static enum step
step_throttle(struct request *r)
{
	switch (throttle_enter(r)) {
	case PASS_WAITS:
		return STEP_WAIT;
	case PASS_REFUSED:
		return STEP_WORD;
	default:
		return STEP_ATTEMPT;
	}
}

static void
on_pause(void *arg)
{
	struct request *r = arg;

	r->round.paused = false;
	request_wake(r);
}

static enum step
step_pause(struct request *r)
{
	enum fail fail;

	if (r->round.paused)
		return STEP_WAIT;
	if (round_is_put_off(r))
		return STEP_WORD;
	fail = admission_extend(r);
	return fail == FAIL_NONE ? STEP_THROTTLE : request_fail(r, fail);
}

static enum step
pause(struct request *r, int64_t ms)
{
	if (r->round.pause == NULL)
		r->round.pause =
		    loop_timer_new(r->desk->worker->loop, on_pause, r);
	loop_timer_set(r->round.pause, ms * US_PER_MS);
	r->round.paused = true;
	return STEP_PAUSE;
}

static enum step
step_attempt(struct request *r)
{
	switch (r->intent) {
	case NOT_WRITTEN:
		wording_answer(r);
		if (!relay_reserve(&r->relay))
			return request_fail(r, FAIL_OVERLOADED);
		round_intend(r);
		return STEP_WAIT;
	case WRITING:
		return STEP_WAIT;
	case WRITE_REFUSED:
		return request_fail(r, FAIL_STORE_UNAVAILABLE);
	case WRITTEN:
		break;
	}
	round_call(r);
	return STEP_RELAY;
}

static enum step
step_relay(struct request *r)
{
	bool hopeless = r->relay.broken || r->relay.oversize;
	int64_t wait_ms;
	enum fail fail;

	if (attempt_is_live(&r->attempt) && !hopeless)
		return STEP_WAIT;
	fail = round_judge(r);
	if (fail == FAIL_NONE)
		return STEP_SETTLE;
	if (!round_goes_on(r, fail, &wait_ms))
		return request_fail(r, fail);
	return r->round.again ? pause(r, wait_ms) : STEP_WORD;
}

static enum step
step_settle(struct request *r)
{
	if (r->settlement == NOT_WRITTEN) {
		attempt_cancel(&r->attempt);
		round_leave(r);
		if (closing_write(r))
			return STEP_WAIT;
	}
	if (r->settlement == WRITING)
		return STEP_WAIT;
	record_stats(r);
	reply(r);
	return STEP_DONE;
}

static struct slice
client_id_of(struct request *r)
{
	struct slice id = http_header(r->exchange, "X-Request-Id");
	size_t i;

	for (i = 0; i < id.len; i++)
		if (id.ptr[i] <= ' ' || id.ptr[i] > '~' || id.ptr[i] == '"' ||
		    id.ptr[i] == '\\')
			return slice_of("");
	if (id.len > CLIENT_ID_MAX)
		return slice_of("");
	return arena_copy(&r->arena, id);
}

void
request_begin(struct desk *d, struct http_exchange *x,
    const struct request_kind *kind)
{
	struct request *r = xcalloc(1, sizeof(*r));

	r->magic = MAGIC;
	r->desk = d;
	r->exchange = x;
	r->kind = *kind;
	r->answers = kind->dialect;
	r->shape.dialect = kind->dialect;
	r->shape.operation = kind->operation;
	r->topology = topology_hold(d->worker->topology);
	arena_init(&r->arena, ARENA_MAX);
	r->received_us = clock_wall_us();
	r->begun_us = clock_mono_us();
	r->id = id_next(&d->worker->ids, r->received_us);
	memcpy(r->id_text, "req_", 4);
	id_write(&r->id, r->id_text + 4);
	r->client_id = client_id_of(r);
	r->client = arena_copy(&r->arena,
	    client_name(http_header(r->exchange, "User-Agent")));
	r->path = r->topology->self->name;
	r->round.passage.dropped = "";
	r->shape.model =
	    r->shape.model.ptr == NULL ? slice_of("") : r->shape.model;
	loop_task_init(&r->wake, run, r);
	list_init(&r->wait.link);
	list_push(&d->requests, &r->link);
	if (d->requests_count++ == 0)
		desk_watch_deadlines(d);
	http_set_owner(x, r);
	run(r);
}

void
request_on_body(struct request *r)
{
	r->body_here = true;
	run(r);
}

/* The caller's socket took bytes: the attempt may send more. */
void
request_on_sent(struct request *r)
{
	size_t unpaid = r->relay.unpaid;

	if (!r->relay.full || http_stream_waiting(r->exchange) > 0)
		return;
	r->relay.full = false;
	r->relay.unpaid = 0;
	if (attempt_is_live(&r->attempt))
		attempt_taken(&r->attempt, unpaid);
}

void
request_on_gone(struct request *r)
{
	stat_add(STAT_CLIENTS_GONE, 1);
	request_interrupt(r, FAIL_CLIENT_GONE);
}

void
request_on_done(struct request *r)
{
	r->exchange = NULL;
	r->relay.wish.exchange = NULL;
	/* Without its exchange the body is gone too: nothing may read it. */
	if (r->step < STEP_SETTLE)
		request_interrupt(r, FAIL_CLIENT_GONE);
	else
		retire(r);
}

void
request_on_refused(struct request *r, enum fail fail, const char *why)
{
	r->answered = true;
	r->detail = slice_of(why);
	request_interrupt(r, fail);
}

void
request_interrupt(struct request *r, enum fail fail)
{
	if (r->step >= STEP_SETTLE)
		return;
	r->interruption = fail;
	run(r);
}

int64_t
request_left_ms(const struct request *r)
{
	int64_t spent = (clock_mono_us() - r->begun_us) / US_PER_MS;
	int64_t total = r->topology->node->timeouts.total_ms;

	if (r->group != NULL && r->group->timeouts.total_ms > 0)
		total = r->group->timeouts.total_ms;
	return max_i64(total - spent, 1);
}

void
request_tick(struct request *r, int64_t now_us)
{
	if (request_left_ms(r) <= 1)
		request_interrupt(r, FAIL_UPSTREAM_TIMEOUT);
	else if (r->step == STEP_RELAY && round_is_late(r, now_us))
		request_wake(r);
	else if (r->step == STEP_RELAY)
		relay_tick(&r->relay, now_us);
}
