#include "egress/call.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/format/json.h"
#include "common/llm/quirk.h"
#include "common/member/timing.h"
#include "common/member/worker.h"
#include "common/net/preface.h"
#include "common/net/upstream.h"
#include "egress/answer.h"
#include "egress/capacity.h"
#include "egress/deadline.h"
#include "egress/egress.h"
#include "egress/envelope.h"
#include "egress/offer.h"
#include "egress/parcel.h"
#include "topology/load.h"

#define MAGIC     0x63616c6cu
#define ARENA_MAX ((size_t)32 * 1024 * 1024) /* a body's tree, mostly */
#define URL_MAX   2048

/*
 * One call, in order.  A step does its part and gives the next one, or
 * CALL_WAIT until an event runs the call again.  Until FETCH a call may be
 * refused (the node hears THROTTLED and nothing was called); from its intent
 * row on, every way leads to RECEIPT.
 */
static enum call_step step_verify(struct call *c);
static enum call_step step_envelope(struct call *c);
static enum call_step step_body(struct call *c);
static enum call_step step_ration(struct call *c);
static enum call_step step_capacity(struct call *c);
static enum call_step step_fetch(struct call *c);
static enum call_step step_relay(struct call *c);
static enum call_step step_receipt(struct call *c);

static const struct {
	const char *name;
	enum call_step (*run)(struct call *c);
} steps[] = {
	[CALL_VERIFY] = { "verify", step_verify }, /* signed, fresh, first */
	[CALL_ENVELOPE] = { "envelope", step_envelope }, /* may this team? */
	[CALL_BODY] = { "body", step_body },       /* all of it, unaltered */
	[CALL_RATION] = { "ration", step_ration }, /* its team's, its turn */
	[CALL_CAPACITY] = { "capacity", step_capacity }, /* is it well? */
	[CALL_FETCH] = { "fetch", step_fetch }, /* intent row, then call */
	[CALL_RELAY] = { "relay", step_relay }, /* the answer goes by */
	[CALL_RECEIPT] = { "receipt", step_receipt }, /* row, receipt, END */
};

static void
free_call(void *arg)
{
	struct call *c = arg;

	buf_fini(&c->body);
	answer_fini(c);
	buf_fini(&c->job.message);
	secret_free(c->key);
	topology_release(c->topology);
	arena_fini(&c->arena);
	free(c);
}

static void
retire(struct call *c)
{
	capacity_leave(c, true);
	ration_leave(c, c->settlement == CALL_WRITTEN ? &c->row : NULL);
	claim_release(c->dock, &c->claim);
	if (c->reserved > 0)
		allowance_give(&c->dock->egress->process->body_memory,
		    c->reserved);
	loop_task_cancel(&c->wake);
	list_remove(&c->link);
	c->dock->calls_count--;
	c->magic = 0;
	loop_task_init(&c->wake, free_call, c);
	loop_rest(c->dock->worker->loop, &c->wake);
}

static void
run(void *arg)
{
	struct call *c = arg;
	enum call_step next;

	assert(c->magic == MAGIC);
	while (c->step != CALL_DONE) {
		next = steps[c->step].run(c);
		if (next == CALL_WAIT)
			return;
		c->step = next;
	}
	retire(c);
}

/* Nothing was called: the node hears why, and may go elsewhere. */
static enum call_step
refuse_for(struct call *c, enum fail fail, const char *detail)
{
	log_warn("call refused", log_str("peer", c->peer.name),
	    log_slice("target", c->envelope.target),
	    log_slice("team", c->envelope.team),
	    log_str("step", steps[c->step].name),
	    log_str("why", fail_name(fail)), log_str("detail", detail));
	stat_add(STAT_ENVELOPES_REFUSED, 1);
	if (c->stream != NULL)
		stream_refuse(c->stream, slice_of(fail_name(fail)), 0);
	c->stream = NULL;
	return CALL_DONE;
}

static enum call_step
refuse(struct call *c, enum fail fail)
{
	return refuse_for(c, fail, "");
}

static enum call_step
step_verify(struct call *c)
{
	const struct envelope *e = &c->envelope;
	const struct topology *t = c->topology;
	int64_t skew = c->received_us - e->issued_us;

	if (c->dock->draining)
		return refuse(c, FAIL_SHUTTING_DOWN);
	if (!c->straight || !slice_is(e->origin, c->peer.name) ||
	    !slice_eq(e->egress, t->self->name) ||
	    !seal_check_again(&c->dock->seals, &c->seal, &c->peer.key,
		OPEN_CONTEXT, c->envelope_text))
		return refuse(c, FAIL_FORGED);
	if (skew > ENVELOPE_SKEW_US || skew < -ENVELOPE_SKEW_US)
		return refuse(c, FAIL_STALE_REQUEST);
	if (!claim_take(c->dock, &c->claim, e))
		return refuse(c, FAIL_ALREADY_KNOWN);
	return CALL_ENVELOPE;
}

/* The team may not, or nobody could. */
static enum fail
fail_of_exclusion(enum exclusion why)
{
	return why == EXCLUSION_NOT_OFFERED || why == EXCLUSION_DIALECT
		   ? FAIL_NO_ELIGIBLE_TARGET
		   : FAIL_TEAM_NOT_ALLOWED;
}

/* What the topology grants, whatever the node's policy chose. */
static enum call_step
step_envelope(struct call *c)
{
	const struct envelope *e = &c->envelope;
	const struct topology *t = c->topology;
	enum exclusion why = envelope_judge(&c->model, t, e);
	const struct team *team;
	size_t room;

	if (why != EXCLUSION_NONE)
		return refuse_for(c, fail_of_exclusion(why),
		    exclusion_name(why));
	/* Its topology is the dock's: a call is judged in the turn it came. */
	team = mesh_team(&t->mesh, e->team);
	memcpy(c->price_book, offer_book(c->dock, team), sizeof(c->price_book));
	c->account = account_name(&c->arena, c->model->provider, e->team);
	if (e->body_bytes > t->egress->max_body_bytes)
		return refuse(c, FAIL_REQUEST_TOO_LARGE);
	/* And room for a whole answer's beginning, before it is paid for. */
	room = (size_t)e->body_bytes + (e->stream ? 0 : ANSWER_STEP);
	if (!allowance_take(&c->dock->egress->process->body_memory, room))
		return refuse(c, FAIL_OVERLOADED);
	c->reserved = room;
	c->body.max = (size_t)e->body_bytes;
	return CALL_BODY;
}

static enum call_step
step_body(struct call *c)
{
	enum fail fail;
	struct hash h;

	if (c->interruption != FAIL_NONE)
		return refuse(c, c->interruption);
	if (c->body.failed)
		return refuse(c, FAIL_FORGED);
	if (!c->body_here)
		return CALL_WAIT;
	h = hash_of(c->body.data, c->body.len);
	if ((int64_t)c->body.len != c->envelope.body_bytes ||
	    !crypto_equal(&h, &c->envelope.body_hash, sizeof(h)))
		return refuse(c, FAIL_FORGED);
	ration_find(c);
	fail = parcel_make(c);
	return fail == FAIL_NONE ? CALL_RATION : refuse(c, fail);
}

/* Nothing is written of who is put off: nothing is called. */
static enum call_step
put_off(struct call *c, enum fail fail, int64_t retry_after_ms)
{
	char reason[THROTTLED_REASON_MAX];

	snprintf(reason, sizeof(reason), "%s%s%s", fail_name(fail),
	    c->ration.detail[0] != '\0' ? THROTTLED_MARK_TEXT : "",
	    c->ration.detail);
	stat_add(STAT_PUT_OFF, 1);
	if (c->stream != NULL)
		stream_refuse(c->stream, slice_of(reason), retry_after_ms);
	c->stream = NULL;
	return CALL_DONE;
}

static enum call_step
step_ration(struct call *c)
{
	const struct ration *r = &c->ration;

	if (c->interruption != FAIL_NONE)
		return refuse(c, c->interruption);
	switch (ration_enter(c)) {
	case PASS_WAITS:
		return CALL_WAIT;
	case PASS_REFUSED:
		return put_off(c, r->fail, r->retry_after_ms);
	default:
		return CALL_CAPACITY;
	}
}

static enum call_step
step_capacity(struct call *c)
{
	int64_t retry_after_ms;
	enum fail fail = capacity_enter(c, &retry_after_ms);

	if (fail == FAIL_NONE)
		return CALL_FETCH;
	c->ration.detail[0] = '\0';
	return put_off(c, fail, retry_after_ms);
}

static struct slice
region_of(const struct call *c)
{
	if (c->model == NULL)
		return slice_of("");
	return provider_region(c->model->provider, c->topology->self);
}

static struct slice
cost_center_of(const struct call *c)
{
	const struct team *team =
	    mesh_team(&c->topology->mesh, c->envelope.team);

	return team != NULL ? team->cost_center : slice_of("");
}

static void
fill_row(struct call *c, const char *state)
{
	const struct envelope *e = &c->envelope;

	c->row = (struct attempt_row){
		.request = e->request,
		.number = e->attempt,
		.state = slice_of(state),
		.origin = e->origin,
		.team = e->team,
		.caller = e->caller,
		.user = e->user,
		.project = e->project,
		.group = e->group,
		.target = e->target,
		.egress = c->topology->self->name,
		.started_at = c->received_us,
		.status = c->status,
		.fail = slice_of(fail_name(c->fail)),
		.body_bytes = (int64_t)c->splice.bytes,
		.answer_bytes = c->answer_bytes,
		.price_book = slice_of(c->price_book),
		.usage_source = slice_of(usage_source_name(USAGE_NONE)),
		.owned_changes = (int64_t)c->splice.changes,
		.receipt = slice_of(""),
		.dialect = slice_of(dialect_name(e->dialect)),
		.topology = slice_of(c->topology->hash_text),
		.budget_day = c->ration.hold.day,
		.held_tokens = c->ration.hold.budget.of[BUDGET_TOKENS],
		.held_microusd = c->ration.hold.budget.of[BUDGET_MICROUSD],
		.queued_us = c->ration.queued_us,
		.region = region_of(c),
		.cost_center = cost_center_of(c),
	};
}

static void
on_intent(void *arg, bool stored)
{
	struct call *c = arg;

	c->intent = CALL_WRITTEN;
	c->intent_refused = !stored;
	run(c);
}

static enum call_step
intend(struct call *c)
{
	fill_row(c, "open");
	ledger_intend(c->dock->worker->turn, NULL, &c->row);
	ledger_wait_init(&c->wait, on_intent, c);
	ledger_await(c->dock->worker->turn, LEDGER_INTENTS, &c->wait);
	c->intent = CALL_WRITING;
	return CALL_WAIT;
}

static void
on_head(void *arg, int status)
{
	struct call *c = arg;

	c->first_byte_us = clock_mono_us();
	answer_head(c, status);
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct call *c = arg;

	/* What the link has not taken yet comes first. */
	c->paused = c->out.len > 0;
	c->held_up |= c->paused;
	if (c->paused)
		return false;
	answer_take(c, bytes);
	if (c->streams && c->scan.content_bytes > 0)
		capacity_prove(c);
	if (c->broken)
		loop_soon(c->dock->worker->loop, &c->wake);
	return true;
}

static void
on_end(void *arg, enum transfer_end end)
{
	struct call *c = arg;

	if (end != TRANSFER_OK)
		log_warn("provider call failed",
		    log_slice("target", c->envelope.target),
		    log_str("end", transfer_end_name(end)),
		    log_str("why", transfer_why(c->transfer)));
	c->transfer = NULL;
	answer_end(c, end);
	loop_soon(c->dock->worker->loop, &c->wake);
}

static const struct transfer_events transfer_events = {
	.on_head = on_head,
	.on_data = on_data,
	.on_end = on_end,
};

static void
start(struct call *c)
{
	const struct provider *p = c->model->provider;
	const struct egress_file *file = c->topology->egress;
	const struct envelope *e = &c->envelope;
	const struct preface preface =
	    preface_of(e->dialect, e->api_version, e->api_beta);
	struct transfer_request request = {
		.fields = preface.fields,
		.fields_count = preface.count,
		.auth_field = p->type->auth_field,
		.auth_prefix = p->type->auth_prefix,
		.key = c->key,
		.body = c->splice.parts,
		.body_count = c->splice.count,
		.ca_file = p->ca_file.len > 0 ? p->ca_file.ptr : NULL,
		.proxy =
		    file->https_proxy.len > 0 ? file->https_proxy.ptr : NULL,
		.connect_ms = file->timeouts.connect_ms,
		.first_byte_ms = file->timeouts.first_byte_ms,
		.idle_ms = file->timeouts.idle_ms,
	};
	struct buf url;

	c->total_ms = deadline_left_ms(c->remaining_ms,
	    clock_mono_us() - c->begun_us, file->timeouts.total_ms);
	request.total_ms = c->total_ms;
	buf_init(&url, URL_MAX);
	provider_put_url(&url, p, e->dialect, e->operation);
	request.url = buf_text(&url);
	c->transfer = transfer_start(c->dock->worker->upstream, &request,
	    &transfer_events, c);
	buf_fini(&url);
	stat_add(STAT_ATTEMPTS, 1);
}

static enum call_step
step_fetch(struct call *c)
{
	const struct provider *p = c->model->provider;
	struct slice secret;

	if (c->intent == CALL_NOT_WRITTEN)
		return intend(c);
	if (c->intent == CALL_WRITING)
		return CALL_WAIT;
	if (c->intent_refused)
		return refuse(c, FAIL_STORE_UNAVAILABLE);
	c->fail = c->interruption;
	secret = account_secret(p, c->envelope.team);
	if (secret.len > 0)
		c->key = process_secret(c->dock->egress->process, secret);
	c->keyless = c->key == NULL && secret.len > 0;
	if (c->keyless && c->fail == FAIL_NONE)
		c->fail = FAIL_UPSTREAM_FAILED;
	if (c->fail != FAIL_NONE)
		return CALL_RECEIPT; /* there is an intent: it gets a row */
	stream_accept(c->stream);
	answer_init(c);
	start(c);
	return CALL_RELAY;
}

static enum call_step
step_relay(struct call *c)
{
	bool hopeless = c->interruption != FAIL_NONE || c->broken;
	bool given_up = !c->over && c->interruption != FAIL_NONE;

	if (!c->over && !hopeless)
		return CALL_WAIT;
	if (c->transfer != NULL) {
		transfer_cancel(c->transfer);
		c->transfer = NULL;
		answer_end(c, TRANSFER_TRUNCATED);
	}
	capacity_leave(c, given_up);
	if (c->interruption != FAIL_NONE)
		c->fail = c->interruption;
	ration_give_back(c);
	if (c->stream != NULL && c->out.len > 0)
		return CALL_WAIT; /* on_room goes on, or patience_tick */
	return CALL_RECEIPT;
}

static void
on_sealed(void *arg, struct slice message)
{
	struct call *c = arg;

	c->settlement = CALL_WRITTEN;
	if (c->stream != NULL)
		stream_end(c->stream, message);
	else
		downlinks_tell(c->dock,
		    &(struct receipt_way){ c->envelope.origin, c->lane },
		    message);
	c->stream = NULL;
	run(c);
}

/* Counting takes no time worth a histogram. */
static void
note_timing(const struct call *c)
{
	enum timing_outcome outcome = timing_outcome(c->status);

	if (c->envelope.operation != OPERATION_GENERATE)
		return;
	if (c->interruption == FAIL_CLIENT_GONE)
		outcome = TIMING_GONE;
	else if (outcome == TIMING_OK && c->fail != FAIL_NONE)
		outcome = TIMING_FAILED;
	timings_note(c->dock->egress->timings, c->model->provider->name,
	    outcome, c->row.first_byte_us, c->row.total_us);
}

static enum call_step
step_receipt(struct call *c)
{
	if (c->settlement == CALL_WRITTEN)
		return CALL_DONE;
	if (c->settlement == CALL_WRITING)
		return CALL_WAIT;
	c->settlement = CALL_WRITING;
	capacity_leave(c, c->interruption != FAIL_NONE);
	fill_row(c, "settled");
	answer_worth(c, &c->row);
	note_timing(c);
	c->job.call = on_sealed;
	c->job.arg = c;
	stat_add(STAT_REQUESTS, 1);
	notary_sign(c->dock->notary, &c->job, &c->row);
	return CALL_WAIT;
}

static void
on_stream_data(void *arg, struct slice bytes)
{
	struct call *c = arg;

	/* The buffer was reserved whole: its room is what credit is for. */
	buf_put_slice(&c->body, bytes);
	stream_taken(c->stream, bytes.len);
	if (c->body.failed)
		loop_soon(c->dock->worker->loop, &c->wake);
}

static void
on_stream_room(void *arg)
{
	struct call *c = arg;

	c->read_us = clock_mono_us();
	answer_pump(c);
	if (c->out.len > 0)
		return;
	if (c->transfer != NULL && c->paused) {
		c->paused = false;
		transfer_resume(c->transfer);
	}
	if (c->over)
		loop_soon(c->dock->worker->loop, &c->wake);
}

static void
on_stream_end(void *arg, enum stream_end end)
{
	struct call *c = arg;

	if (end == STREAM_DONE) {
		c->body_here = true;
		loop_soon(c->dock->worker->loop, &c->wake);
		return;
	}
	c->stream = NULL;
	call_interrupt(c, FAIL_CLIENT_GONE);
}

static const struct stream_events stream_events = {
	.on_data = on_stream_data,
	.on_room = on_stream_room,
	.on_end = on_stream_end,
};

/* The path has to be the origin alone: nobody relays here yet. */
static bool
came_straight(const struct link *l, const struct open_request *open)
{
	return open->path_len == 1 &&
	       slice_is(open->path[0], link_peer(l)->name);
}

void
call_begin(struct dock *d, struct link *l, struct stream *s,
    const struct open_request *open)
{
	struct call *c = xcalloc(1, sizeof(*c));

	c->magic = MAGIC;
	c->dock = d;
	c->stream = s;
	c->peer = *link_peer(l);
	c->lane = link_peer_lane(l);
	c->topology = topology_hold(d->worker->topology);
	arena_init(&c->arena, ARENA_MAX);
	buf_init(&c->body, 0);
	c->received_us = clock_wall_us();
	c->begun_us = clock_mono_us();
	c->envelope_text = arena_copy(&c->arena, open->envelope);
	c->seal = open->seal;
	c->remaining_ms = deadline_bound_ms(open->remaining_ms);
	c->max_wait_ms = deadline_bound_ms(open->max_wait_ms);
	/* An envelope that cannot be read is refused like a forged one. */
	c->straight = came_straight(l, open) &&
		      envelope_read(&c->envelope, c->envelope_text);
	loop_task_init(&c->wake, run, c);
	ledger_wait_init(&c->wait, on_intent, c);
	list_init(&c->job.link);
	list_push(&d->calls, &c->link);
	d->calls_count++;
	stream_serve(s, &stream_events, c);
	/* At once: the body may come in the same packet, and wants its room. */
	run(c);
}

void
call_interrupt(struct call *c, enum fail fail)
{
	if (c->interruption == FAIL_NONE && c->step < CALL_RECEIPT)
		c->interruption = fail;
	/* Also the second time: a call that waits for room has none to come. */
	loop_soon(c->dock->worker->loop, &c->wake);
}
