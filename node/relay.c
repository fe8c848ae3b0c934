#include "node/relay.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/limit/allowance.h"
#include "common/llm/mask.h"
#include "common/net/http.h"

#define MESSAGES_ID "request-id" /* the name its clients look for */
#define ANSWER_STEP (64 * 1024)  /* reserved of the memory at a time */

void
relay_init(struct relay *r, enum dialect dialect)
{
	*r = (struct relay){ 0 };
	sse_init(&r->sse, RELAY_EVENT_MAX);
	scan_init(&r->scan, dialect);
	buf_init(&r->held, RELAY_HELD_MAX);
	buf_init(&r->last, RELAY_EVENT_MAX);
	buf_init(&r->answer, RELAY_ANSWER_MAX);
}

void
relay_fini(struct relay *r)
{
	if (r->reserved > 0)
		allowance_give(r->memory, r->reserved);
	sse_fini(&r->sse);
	scan_fini(&r->scan);
	buf_fini(&r->held);
	buf_fini(&r->last);
	buf_fini(&r->answer);
	r->reserved = 0;
}

void
relay_head(struct relay *r, int status, struct slice content_type)
{
	r->status = status;
	snprintf(r->content_type, sizeof(r->content_type), "%.*s",
	    SLICE_FMT(content_type));
}

static bool
streams(const struct relay *r)
{
	return r->stream && r->status == 200;
}

static void
put(struct relay *r, struct slice bytes)
{
	r->sent_bytes += (int64_t)bytes.len;
	r->full = !http_stream_put(r->exchange, bytes);
}

/* How many to send: the last is for callers of Messages. */
static size_t
fields_of(const struct relay *r, size_t count)
{
	return r->caller == DIALECT_MESSAGES ? count : count - 1;
}

static void
start(struct relay *r)
{
	const struct http_field fields[] = {
		{ "Content-Type",
		    slice_of("text/event-stream; charset=utf-8") },
		{ "Cache-Control", slice_of("no-cache") },
		{ "X-Accel-Buffering", slice_of("no") },
		{ "X-Request-Id", r->request_id },
		{ MESSAGES_ID, r->request_id },
	};

	r->started = true;
	http_stream(r->exchange, 200, fields, fields_of(r, count_of(fields)));
	if (r->held.len > 0)
		put(r, buf_slice(&r->held));
	buf_reset(&r->held);
}

static void
pass(struct relay *r, struct slice raw)
{
	if (r->started) {
		put(r, raw);
		return;
	}
	buf_put_slice(&r->held, raw);
	if (r->held.failed)
		r->oversize = r->broken = true;
}

static void
pass_event(struct relay *r, struct slice raw)
{
	struct buf masked;

	if (r->exchange == NULL)
		return;
	if (!mask_wanted(raw, r->key)) {
		pass(r, raw);
		return;
	}
	buf_init(&masked, raw.len);
	buf_put_slice(&masked, raw);
	mask_over(masked.data, masked.len, r->key);
	pass(r, buf_slice(&masked));
	buf_fini(&masked);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct relay *r = arg;

	if (r->broken || r->scan.done)
		return; /* nothing counts behind the terminal event */
	switch (scan_event(&r->scan, event)) {
	case SCAN_USAGE:
		if (r->wants_usage)
			pass_event(r, event->raw);
		return;
	case SCAN_TERMINAL:
		buf_put_slice(&r->last, event->raw);
		mask_over(r->last.data, r->last.len, r->key);
		return;
	case SCAN_ERROR:
		buf_put_slice(&r->answer, event->data);
		r->broken = true;
		return;
	case SCAN_BROKEN:
		r->broken = true;
		return;
	case SCAN_CONTENT:
		if (r->first_content_us == 0)
			r->first_content_us = clock_mono_us();
		if (!r->started && r->exchange != NULL)
			start(r);
		pass_event(r, event->raw);
		return;
	case SCAN_QUIET:
		pass_event(r, event->raw);
		return;
	}
}

bool
relay_reserve(struct relay *r)
{
	if (r->stream)
		return true;
	if (!allowance_take(r->memory, ANSWER_STEP))
		return false;
	r->reserved += ANSWER_STEP;
	return true;
}

/* Gather: bounded by the shared memory, and for errors by little. */
static void
gather(struct relay *r, struct slice bytes)
{
	size_t most = r->status == 200 ? RELAY_ANSWER_MAX : RELAY_ERROR_MAX;

	if (r->oversize || bytes.len > most - r->answer.len) {
		r->oversize = true;
		return;
	}
	while (r->answer.len + bytes.len > r->reserved) {
		if (!allowance_take(r->memory, ANSWER_STEP)) {
			r->oversize = true;
			return;
		}
		r->reserved += ANSWER_STEP;
	}
	if (r->first_content_us == 0)
		r->first_content_us = clock_mono_us();
	buf_put_slice(&r->answer, bytes);
}

void
relay_take(struct relay *r, struct slice bytes)
{
	if (!streams(r))
		gather(r, bytes);
	else if (!r->broken && !sse_feed(&r->sse, bytes, on_event, r))
		r->broken = true;
}

bool
relay_complete(const struct relay *r)
{
	if (r->broken || r->oversize)
		return false;
	return r->status != 200 || scan_complete(&r->scan);
}

void
relay_finish(struct relay *r)
{
	if (!r->started)
		start(r);
	/* Some leave Chat's marker out; a finish reason was seen. */
	if (r->last.len == 0 && r->scan.dialect == DIALECT_CHAT)
		buf_puts(&r->last, "data: [DONE]\n\n");
	put(r, buf_slice(&r->last));
	http_stream_end(r->exchange);
}

void
relay_answer(struct relay *r)
{
	const struct http_field fields[] = {
		{ "Content-Type",
		    slice_of(r->content_type[0] != '\0' ? r->content_type
							: "application/json") },
		{ "X-Request-Id", r->request_id },
		{ MESSAGES_ID, r->request_id },
	};

	mask_over(r->answer.data, r->answer.len, r->key);
	r->sent_bytes += (int64_t)r->answer.len;
	http_answer(r->exchange, r->status, fields,
	    fields_of(r, count_of(fields)), &r->answer);
}
