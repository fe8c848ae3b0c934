#include "node/attempt.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/llm/envelope.h"
#include "common/llm/retry.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/net/preface.h"
#include "common/net/upstream.h"
#include "node/node.h"
#include "node/uplink.h"
#include "topology/load.h"

#define URL_MAX     2048
#define WAIT_MAX_MS (INT64_C(400) * 24 * 3600 * 1000)

static void
finish(struct attempt *a, enum fail fail)
{
	assert(!a->over);
	a->over = true;
	a->ended_us = clock_mono_us();
	if (a->fail == FAIL_NONE)
		a->fail = fail;
	/* Its receipt may still come before its row is written. */
	if (a->message != NULL || a->ended)
		list_remove(&a->waiting);
	a->events->on_end(a->arg);
}

static void
saw_head(struct attempt *a, int status, struct slice content_type)
{
	a->status = status;
	a->first_byte_us = a->heard_us = clock_mono_us();
	a->events->on_head(a->arg, status, content_type);
}

/* The bytes were taken: they belong to the answer. */
static bool
pass_on(struct attempt *a, struct slice bytes)
{
	if (!a->events->on_data(a->arg, bytes))
		return false;
	hashing_add(&a->hashing, bytes.ptr, bytes.len);
	a->heard_us = clock_mono_us();
	a->answer_bytes += (int64_t)bytes.len;
	return true;
}

static void
on_transfer_head(void *arg, int status)
{
	struct attempt *a = arg;

	/* Also of a 200: an error event may be what it is about. */
	a->retry_after_ms = retry_after_ms(transfer_header(a->transfer,
					       "retry-after"),
	    transfer_header(a->transfer, "retry-after-ms"), clock_wall_us());
	if (status / 100 != 2)
		snprintf(a->router_error, sizeof(a->router_error), "%.*s",
		    SLICE_FMT(transfer_header(a->transfer, "x-router-error")));
	saw_head(a, status, transfer_header(a->transfer, "content-type"));
}

static bool
on_transfer_data(void *arg, struct slice bytes)
{
	struct attempt *a = arg;

	a->paused = !pass_on(a, bytes);
	return !a->paused;
}

static enum fail
fail_of_end(enum transfer_end end)
{
	switch (end) {
	case TRANSFER_OK:
		return FAIL_NONE;
	case TRANSFER_SLOW:
		return FAIL_UPSTREAM_TIMEOUT;
	default:
		return FAIL_UPSTREAM_FAILED;
	}
}

static void
on_transfer_end(void *arg, enum transfer_end end)
{
	struct attempt *a = arg;

	if (end != TRANSFER_OK)
		log_warn("provider call failed",
		    log_slice("target", a->route->target),
		    log_str("end", transfer_end_name(end)),
		    log_str("why", transfer_why(a->transfer)));
	a->transfer = NULL;
	a->reached = transfer_reached(end);
	finish(a, fail_of_end(end));
}

static const struct transfer_events transfer_events = {
	.on_head = on_transfer_head,
	.on_data = on_transfer_data,
	.on_end = on_transfer_end,
};

static bool
start_local(struct attempt *a, const struct attempt_spec *spec)
{
	const struct provider *p = a->route->local->provider;
	const struct timeouts *t = spec->timeouts;
	const struct preface preface =
	    preface_of(spec->dialect, spec->api_version, spec->api_beta);
	struct transfer_request request = {
		.fields = preface.fields,
		.fields_count = preface.count,
		.auth_field = p->type->auth_field,
		.auth_prefix = p->type->auth_prefix,
		.body = a->body->parts,
		.body_count = a->body->count,
		.ca_file = p->ca_file.len > 0 ? p->ca_file.ptr : NULL,
		.connect_ms = t->connect_ms,
		.first_byte_ms = t->first_byte_ms,
		.idle_ms = t->idle_ms,
		.total_ms = spec->remaining_ms,
	};
	struct buf url;

	if (p->secret.len > 0) {
		a->key = process_secret(a->desk->node->process, p->secret);
		a->keyless = a->key == NULL;
		if (a->keyless) {
			a->fail = FAIL_UPSTREAM_FAILED;
			return false;
		}
	}
	buf_init(&url, URL_MAX);
	provider_put_url(&url, p, spec->dialect, spec->operation);
	request.url = buf_text(&url);
	request.key = a->key;
	a->transfer = transfer_start(a->desk->worker->upstream, &request,
	    &transfer_events, a);
	buf_fini(&url);
	return true;
}

/* Queue as much of the body as the stream takes. */
static void
pump_body(struct attempt *a)
{
	struct slice part;
	size_t taken;

	while (a->part < a->body->count) {
		part = slice_after(a->body->parts[a->part], a->part_at);
		taken = stream_send(a->stream, part);
		a->part_at += taken;
		if (taken < part.len)
			return; /* on_room comes */
		a->part++;
		a->part_at = 0;
	}
	if (!a->body_sent)
		stream_end(a->stream, slice_make(NULL, 0));
	a->body_sent = true;
}

static void
on_stream_room(void *arg)
{
	struct attempt *a = arg;

	if (!a->body_sent)
		pump_body(a);
}

static void
on_stream_accepted(void *arg)
{
	struct attempt *a = arg;

	a->called_us = clock_mono_us();
}

/* A peer's number: a header's is bounded where it is read. */
static int64_t
sane_wait_ms(int64_t ms)
{
	return min_i64(max_i64(ms, 0), WAIT_MAX_MS);
}

/* Up to the mark, or all. */
static size_t
name_length(struct slice reason)
{
	size_t n = 0;

	while (n < reason.len && reason.ptr[n] != THROTTLED_MARK)
		n++;
	return n;
}

static void
on_stream_throttled(void *arg, const struct throttled *why)
{
	struct attempt *a = arg;
	size_t name = name_length(why->reason);
	enum fail fail = fail_by_name(slice_make(why->reason.ptr, name));

	a->stream = NULL;
	a->throttled = fail != FAIL_NONE;
	a->retry_after_ms = sane_wait_ms(why->retry_after_ms);
	if (name < why->reason.len)
		snprintf(a->detail, sizeof(a->detail), "%.*s",
		    SLICE_FMT(slice_after(why->reason, name + 1)));
	finish(a, fail != FAIL_NONE ? fail : FAIL_UPSTREAM_FAILED);
}

static void
on_stream_head(void *arg, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	struct attempt *a = arg;

	a->retry_after_ms = sane_wait_ms(retry_after_ms);
	saw_head(a, status, content_type);
}

/* Never refused: what is on its way is bounded by the stream's credit. */
static void
on_stream_data(void *arg, struct slice bytes)
{
	struct attempt *a = arg;
	bool taken;

	a->owed += (int64_t)bytes.len;
	taken = pass_on(a, bytes);
	assert(taken);
}

static bool
receipt_agrees(const struct attempt *a)
{
	struct hash mine = attempt_answer_hash(a);

	return memcmp(&mine, &a->receipt.row.answer_hash, sizeof(mine)) == 0;
}

static void
finish_by_receipt(struct attempt *a)
{
	enum fail fail = fail_by_name(a->receipt.row.fail);

	if (a->receipt.row.fail.len > 0 && fail == FAIL_NONE)
		fail = FAIL_UPSTREAM_FAILED;
	a->status = (int)a->receipt.row.status;
	if (!receipt_agrees(a))
		fail = FAIL_TAMPERED;
	finish(a, fail);
}

static void
on_stream_end(void *arg, enum stream_end end)
{
	struct attempt *a = arg;

	a->stream = NULL;
	a->ended = end == STREAM_DONE;
	if (end != STREAM_DONE)
		finish(a, end == STREAM_LOST ? FAIL_EGRESS_UNREACHABLE
					     : FAIL_UPSTREAM_FAILED);
	else if (a->message != NULL)
		finish_by_receipt(a);
}

void
attempt_on_receipt(struct attempt *a, struct slice message)
{
	bool readable;

	if (a->message != NULL)
		return;
	/* Keep the bytes: the row's text points into them. */
	a->message = xcalloc(1, sizeof(*a->message));
	buf_init(a->message, RECEIPT_MAX);
	buf_put_slice(a->message, message);
	readable = receipt_read(&a->receipt, buf_slice(a->message));
	assert(readable);
	if (a->ended && !a->over)
		finish_by_receipt(a);
}

void
attempt_on_loss(struct attempt *a)
{
	list_remove(&a->waiting);
	if (!a->over)
		finish(a, FAIL_EGRESS_UNREACHABLE);
}

static const struct stream_events stream_events = {
	.on_accepted = on_stream_accepted,
	.on_throttled = on_stream_throttled,
	.on_head = on_stream_head,
	.on_data = on_stream_data,
	.on_room = on_stream_room,
	.on_end = on_stream_end,
};

static void
describe_body(const struct splice *body, struct envelope *e)
{
	struct hashing h;
	size_t i;

	hashing_init(&h);
	for (i = 0; i < body->count; i++)
		hashing_add(&h, body->parts[i].ptr, body->parts[i].len);
	e->body_hash = hashing_done(&h);
	e->body_bytes = (int64_t)body->bytes;
}

static bool
start_by_link(struct attempt *a, const struct attempt_spec *spec)
{
	const char *path[] = { spec->node.ptr };
	const struct open_hop hop = { .path = path,
		.path_len = 1,
		.remaining_ms = spec->remaining_ms,
		.max_wait_ms = spec->max_wait_ms };
	struct uplink *u = desk_uplink(a->desk, a->route->egress);
	struct buf bytes;

	a->fail = FAIL_EGRESS_UNREACHABLE;
	if (u == NULL) /* it was a parent when the request began */
		return false;
	describe_body(a->body, spec->envelope);
	buf_init(&bytes, ENVELOPE_MAX);
	envelope_write(&bytes, spec->envelope);
	if (!bytes.failed)
		a->stream = link_open(uplink_link(u), buf_slice(&bytes), &hop,
		    &stream_events, a);
	buf_fini(&bytes);
	if (a->stream == NULL) {
		if (link_is_full(uplink_link(u)))
			a->fail = FAIL_OVERLOADED;
		return false;
	}
	a->fail = FAIL_NONE;
	a->judged = uplink_judges(u);
	uplink_expect(u, a);
	pump_body(a);
	return true;
}

bool
attempt_start(struct attempt *a, const struct attempt_spec *spec)
{
	a->desk = spec->desk;
	a->route = spec->route;
	a->body = spec->body;
	a->events = spec->events;
	a->arg = spec->arg;
	a->started_us = clock_mono_us();
	a->called_us = a->route->local != NULL ? a->started_us : 0;
	a->max_wait_ms = spec->max_wait_ms;
	hashing_init(&a->hashing);
	list_init(&a->waiting);
	stat_add(STAT_ATTEMPTS, 1);
	if (a->route->local != NULL ? start_local(a, spec)
				    : start_by_link(a, spec))
		return true;
	a->over = true;
	a->ended_us = a->started_us;
	return false;
}

bool
attempt_is_live(const struct attempt *a)
{
	return a->events != NULL && !a->over;
}

int64_t
attempt_due_us(const struct attempt *a)
{
	return a->called_us > 0 ? a->called_us
				: a->started_us + a->max_wait_ms * US_PER_MS;
}

void
attempt_taken(struct attempt *a, size_t bytes)
{
	size_t credit;

	if (a->transfer != NULL && a->paused) {
		a->paused = false;
		transfer_resume(a->transfer);
	}
	if (a->stream == NULL)
		return;
	/* It was quiet because we were: what follows has its time from now. */
	a->heard_us = clock_mono_us();
	credit = min_size(bytes, (size_t)a->owed);
	a->owed -= (int64_t)credit;
	if (credit > 0)
		stream_taken(a->stream, credit);
}

void
attempt_cancel(struct attempt *a)
{
	if (!attempt_is_live(a))
		return;
	a->reached = a->transfer != NULL;
	if (a->transfer != NULL)
		transfer_cancel(a->transfer);
	if (a->stream != NULL)
		stream_cancel(a->stream);
	a->transfer = NULL;
	a->stream = NULL;
	a->over = true;
	a->ended_us = clock_mono_us();
	list_remove(&a->waiting);
}

void
attempt_fini(struct attempt *a)
{
	if (a->events == NULL)
		return;
	attempt_cancel(a);
	list_remove(&a->waiting);
	secret_free(a->key);
	if (a->message != NULL)
		buf_fini(a->message);
	free(a->message);
}

struct hash
attempt_answer_hash(const struct attempt *a)
{
	struct hashing h = a->hashing;

	return hashing_done(&h);
}
