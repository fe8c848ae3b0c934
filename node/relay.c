#include "node/relay.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/limit/allowance.h"
#include "common/llm/mask.h"
#include "common/net/http.h"
#include "node/dialect/bridge.h"
#include "node/remaining.h"

#define ANSWER_STEP   (64 * 1024) /* reserved of the memory at a time */
#define TREE_MAX      ((size_t)256 << 20)
#define HOLD_US       (15 * US_PER_SECOND) /* for the first content */
#define KEEP_ALIVE_US (15 * US_PER_SECOND)

#define OWN_FIELDS_MAX   3 /* of a stream's head */
#define EVERY_FIELDS_MAX (3 + REMAINING_MAX)
#define FIELDS_MAX       (OWN_FIELDS_MAX + EVERY_FIELDS_MAX)

void
relay_init(struct relay *r, const struct relay_wish *wish)
{
	*r = (struct relay){ .wish = *wish };
	sse_init(&r->sse, RELAY_EVENT_MAX);
	scan_init(&r->scan, wish->speaks);
	r->scan.count = wish->count;
	buf_init(&r->held, RELAY_HELD_MAX);
	buf_init(&r->last, RELAY_HELD_MAX);
	buf_init(&r->answer, RELAY_ANSWER_MAX);
}

void
relay_fini(struct relay *r)
{
	if (r->reserved > 0)
		allowance_give(r->wish.memory, r->reserved);
	bridge_free(r->wish.bridge);
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
	r->head_us = clock_mono_us();
	snprintf(r->content_type, sizeof(r->content_type), "%.*s",
	    SLICE_FMT(content_type));
}

static bool
streams(const struct relay *r)
{
	return r->wish.stream && r->status == 200;
}

static void
put(struct relay *r, struct slice bytes)
{
	r->sent_bytes += (int64_t)bytes.len;
	r->sent_us = clock_mono_us();
	r->full = !http_stream_put(r->wish.exchange, bytes);
}

/* The fields that every answer has, behind `count` of its own. */
static size_t
put_fields(const struct relay *r, struct http_field *fields, size_t count)
{
	fields[count++] =
	    (struct http_field){ "X-Request-Id", r->wish.request_id };
	if (r->wish.answers == DIALECT_MESSAGES)
		fields[count++] =
		    (struct http_field){ "request-id", r->wish.request_id };
	if (r->wish.dropped[0] != '\0')
		fields[count++] = (struct http_field){ "X-Router-Dropped",
			slice_of(r->wish.dropped) };
	if (r->wish.remaining != NULL)
		count = remaining_put(r->wish.remaining, fields, count);
	return count;
}

static void
start(struct relay *r)
{
	struct http_field fields[FIELDS_MAX] = {
		{ "Content-Type",
		    slice_of("text/event-stream; charset=utf-8") },
		{ "Cache-Control", slice_of("no-cache") },
		{ "X-Accel-Buffering", slice_of("no") },
	};
	size_t count = put_fields(r, fields, OWN_FIELDS_MAX);

	r->started = true;
	http_stream(r->wish.exchange, 200, fields, count);
	r->sent_us = clock_mono_us();
	if (r->held.len > 0)
		put(r, buf_slice(&r->held));
	buf_reset(&r->held);
}

static void
pass(struct relay *r, struct slice bytes)
{
	if (r->started) {
		put(r, bytes);
		return;
	}
	buf_put_slice(&r->held, bytes);
	if (r->held.failed)
		r->oversize = r->broken = true;
}

static void
pass_masked(struct relay *r, struct slice bytes)
{
	struct buf masked;

	if (r->wish.exchange == NULL || bytes.len == 0)
		return;
	if (!mask_wanted(bytes, r->key)) {
		pass(r, bytes);
		return;
	}
	buf_init(&masked, bytes.len);
	buf_put_slice(&masked, bytes);
	mask_over(masked.data, masked.len, r->key);
	pass(r, buf_slice(&masked));
	buf_fini(&masked);
}

/* In the caller's words, if they are others. */
static void
pass_event(struct relay *r, const struct sse_event *event)
{
	struct bridge *b = r->wish.bridge;

	if (b == NULL) {
		pass_masked(r, event->raw);
		return;
	}
	bridge_event(b, r->scan.root);
	pass_masked(r, buf_slice(&b->out));
	buf_reset(&b->out);
	r->broken |= bridge_broken(b);
}

static void
see(struct relay *r, const struct json_value *root)
{
	if (r->wish.on_answer != NULL && root != NULL)
		r->wish.on_answer(r->wish.arg, root);
}

/* The bridge's last words; usage is known by now. */
static void
conclude_bridge(struct relay *r)
{
	struct bridge *b = r->wish.bridge;
	struct usage usage;

	scan_usage(&r->scan, true, &usage);
	bridge_end(b, &usage);
	buf_put_slice(&r->last, buf_slice(&b->out));
	buf_reset(&b->out);
	r->broken |= bridge_broken(b) || r->last.failed;
}

static void
on_terminal(struct relay *r, const struct sse_event *event)
{
	see(r, r->scan.root);
	if (r->wish.bridge != NULL) {
		pass_event(r, event);
		conclude_bridge(r);
	} else {
		buf_put_slice(&r->last, event->raw);
	}
	mask_over(r->last.data, r->last.len, r->key);
}

static void
on_content(struct relay *r, const struct sse_event *event)
{
	if (r->first_content_us == 0)
		r->first_content_us = clock_mono_us();
	see(r, r->scan.root);
	if (!r->started && r->wish.exchange != NULL)
		start(r);
	pass_event(r, event);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct relay *r = arg;

	if (r->broken || r->scan.done)
		return; /* nothing counts behind the terminal event */
	switch (scan_event(&r->scan, event)) {
	case SCAN_USAGE:
		if (r->wish.bridge != NULL || r->wish.wants_usage)
			pass_event(r, event);
		return;
	case SCAN_TERMINAL:
		on_terminal(r, event);
		return;
	case SCAN_ERROR:
		buf_put_slice(&r->answer, event->data);
		r->broken = true;
		return;
	case SCAN_BROKEN:
		r->broken = true;
		return;
	case SCAN_CONTENT:
		on_content(r, event);
		return;
	case SCAN_QUIET:
		pass_event(r, event);
		return;
	}
}

bool
relay_reserve(struct relay *r)
{
	if (r->wish.stream)
		return true;
	if (!allowance_take(r->wish.memory, ANSWER_STEP))
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
		if (!allowance_take(r->wish.memory, ANSWER_STEP)) {
			r->oversize = r->starved = true;
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

/* What clients of each dialect take for a sign of life (and nothing more). */
static void
keep_alive(struct relay *r)
{
	struct fail_place place = relay_place(r);
	char event[96];

	if (r->wish.answers == DIALECT_MESSAGES && r->sent_bytes > 0)
		snprintf(event, sizeof(event),
		    "event: ping\ndata: {\"type\":\"ping\"}\n\n");
	else if (r->wish.answers == DIALECT_RESPONSES && place.sequence > 0)
		snprintf(event, sizeof(event),
		    "event: keepalive\ndata: {\"type\":\"keepalive\","
		    "\"sequence_number\":%lld}\n\n",
		    (long long)place.sequence - 1);
	else
		snprintf(event, sizeof(event), ": keep-alive\n\n");
	put(r, slice_of(event));
}

void
relay_tick(struct relay *r, int64_t now_us)
{
	if (!streams(r) || r->wish.exchange == NULL || r->broken ||
	    r->scan.done)
		return;
	if (!r->started && now_us - r->head_us >= HOLD_US)
		start(r);
	else if (r->started && !r->full && now_us - r->sent_us >= KEEP_ALIVE_US)
		keep_alive(r);
}

/* Say the whole answer again in the caller's dialect. */
static void
cross(struct relay *r, const struct json_value *root)
{
	struct bridge *b = r->wish.bridge;
	struct usage usage;

	scan_usage(&r->scan, true, &usage);
	bridge_whole(b, root, &usage);
	r->broken |= bridge_broken(b);
	buf_reset(&r->answer);
	buf_put_slice(&r->answer, buf_slice(&b->out));
	buf_fini(&b->out);
	r->oversize |= r->answer.failed;
}

bool
relay_whole(struct relay *r)
{
	const struct json_value *root;
	struct json_error error;
	struct arena arena;

	if (!scan_answer(&r->scan, buf_slice(&r->answer)))
		return false;
	if (!scan_complete(&r->scan) || r->wish.count ||
	    (r->wish.bridge == NULL && r->wish.on_answer == NULL))
		return true;
	arena_init(&arena, TREE_MAX);
	root = json_parse(&arena, buf_slice(&r->answer), &error);
	see(r, root);
	if (root != NULL && r->wish.bridge != NULL)
		cross(r, root);
	arena_fini(&arena);
	return root != NULL && !r->broken && !r->oversize;
}

bool
relay_complete(const struct relay *r)
{
	if (r->broken || r->oversize)
		return false;
	return r->status != 200 || scan_complete(&r->scan);
}

bool
relay_is_content(const struct relay *r)
{
	return !r->wish.stream && r->status == 200 && !r->scan.error;
}

struct fail_place
relay_place(const struct relay *r)
{
	const struct bridge *b = r->wish.bridge;
	struct fail_place place = { .request_id = r->wish.request_id,
		.model = r->wish.model };

	if (b == NULL) {
		place.response_id = slice_of(r->scan.response_id);
		place.sequence = r->scan.sequence + 1;
	} else {
		place.response_id = slice_of(b->telling.response_id);
		place.sequence = b->telling.number;
		place.created_at = b->telling.created_s;
	}
	return place;
}

void
relay_conclude(struct relay *r)
{
	if (!streams(r) || r->last.len > 0)
		return;
	/* Some leave Chat's marker out; a finish reason was seen. */
	if (r->wish.bridge != NULL)
		conclude_bridge(r);
	else if (r->scan.dialect == DIALECT_CHAT)
		buf_puts(&r->last, "data: [DONE]\n\n");
}

void
relay_finish(struct relay *r)
{
	if (!r->started)
		start(r);
	put(r, buf_slice(&r->last));
	http_stream_end(r->wish.exchange);
}

void
relay_answer(struct relay *r)
{
	struct http_field fields[FIELDS_MAX] = {
		{ "Content-Type", slice_of(r->content_type[0] != '\0' &&
						   r->wish.bridge == NULL
					       ? r->content_type
					       : "application/json") },
	};
	size_t count = put_fields(r, fields, 1);

	mask_over(r->answer.data, r->answer.len, r->key);
	r->sent_bytes += (int64_t)r->answer.len;
	http_answer(r->wish.exchange, r->status, fields, count, &r->answer);
}
