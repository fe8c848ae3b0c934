#include "egress/answer.h"

#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/llm/mask.h"
#include "common/llm/price.h"
#include "common/llm/retry.h"
#include "common/member/worker.h"
#include "egress/call.h"
#include "egress/egress.h"
#include "topology/load.h"

#define OUT_MAX (ANSWER_MAX + ANSWER_EVENT_MAX)

void
answer_init(struct call *c)
{
	sse_init(&c->sse, ANSWER_EVENT_MAX);
	scan_init(&c->scan, c->envelope.dialect);
	c->scan.count = c->envelope.operation == OPERATION_COUNT;
	buf_init(&c->answer, ANSWER_MAX);
	buf_init(&c->out, OUT_MAX);
	hashing_init(&c->hashing);
}

void
answer_fini(struct call *c)
{
	sse_fini(&c->sse);
	scan_fini(&c->scan);
	buf_fini(&c->answer);
	buf_fini(&c->out);
}

void
answer_pump(struct call *c)
{
	size_t taken;

	if (c->stream == NULL) {
		buf_reset(&c->out);
		return;
	}
	taken = stream_send(c->stream, buf_slice(&c->out));
	buf_drop(&c->out, taken);
}

static void
emit(struct call *c, struct slice bytes)
{
	hashing_add(&c->hashing, bytes.ptr, bytes.len);
	c->answer_bytes += (int64_t)bytes.len;
	buf_put_slice(&c->out, bytes);
	answer_pump(c);
}

static struct slice
key_of(const struct call *c)
{
	return c->key != NULL ? secret_view(c->key) : slice_of("");
}

static void
emit_event(struct call *c, struct slice raw)
{
	struct buf copy;

	if (!mask_wanted(raw, key_of(c))) {
		emit(c, raw);
		return;
	}
	buf_init(&copy, raw.len);
	buf_put_slice(&copy, raw);
	mask_over(copy.data, copy.len, key_of(c));
	emit(c, buf_slice(&copy));
	buf_fini(&copy);
}

/* What it means is kept, its words go by. */
static void
hear_error(struct call *c, struct slice event)
{
	const struct failure_signs signs = {
		.fail = fail_of_provider(0, event),
		.status = c->status,
		.body = event,
		.router_error = slice_of(c->router_error),
	};

	c->said = signs.fail;
	c->said_class = failure_of(&signs);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct call *c = arg;
	enum scan_kind kind;

	if (c->broken)
		return;
	kind = scan_event(&c->scan, event);
	if (kind == SCAN_ERROR && c->said == FAIL_NONE)
		hear_error(c, event->data);
	if (kind == SCAN_BROKEN)
		c->broken = true;
	else
		emit_event(c, event->raw);
}

void
answer_head(struct call *c, int status)
{
	struct slice type = transfer_header(c->transfer, "content-type");
	struct slice error = transfer_header(c->transfer, "x-router-error");

	c->status = status;
	snprintf(c->router_error, sizeof(c->router_error), "%.*s",
	    SLICE_FMT(error));
	snprintf(c->content_type, sizeof(c->content_type), "%.*s",
	    SLICE_FMT(type));
	c->retry_after_ms = retry_after_ms(transfer_header(c->transfer,
					       "retry-after"),
	    transfer_header(c->transfer, "retry-after-ms"), clock_wall_us());
	c->streams = status == 200 && c->envelope.stream;
	if (c->streams && c->stream != NULL)
		stream_head(c->stream, status, slice_of(c->content_type),
		    c->retry_after_ms);
}

static void
gather(struct call *c, struct slice bytes)
{
	struct allowance *memory = &c->dock->egress->process->body_memory;
	size_t most = c->status == 200 ? ANSWER_MAX : ANSWER_ERROR_MAX;
	size_t body = (size_t)c->envelope.body_bytes;

	/* An error body may be cut, an answer may not. */
	if (bytes.len > most - c->answer.len) {
		c->broken = c->status == 200;
		return;
	}
	while (c->answer.len + bytes.len > c->reserved - body) {
		if (!allowance_take(memory, ANSWER_STEP)) {
			c->broken = true;
			return;
		}
		c->reserved += ANSWER_STEP;
	}
	buf_put_slice(&c->answer, bytes);
}

void
answer_take(struct call *c, struct slice bytes)
{
	if (!c->streams)
		gather(c, bytes);
	else if (!sse_feed(&c->sse, bytes, on_event, c))
		c->broken = true;
}

/* A gathered answer leaves at its end: masked, or an error made fit. */
static void
emit_gathered(struct call *c)
{
	const struct provider_error said = { c->status, buf_slice(&c->answer),
		key_of(c), c->envelope.dialect };
	struct slice type = slice_of(c->content_type);
	struct buf error;

	if (c->stream == NULL)
		return;
	if (c->status == 200) {
		stream_head(c->stream, 200, type, 0);
		mask_over(c->answer.data, c->answer.len, key_of(c));
		emit(c, buf_slice(&c->answer));
		return;
	}
	if (c->retry_after_ms == 0)
		c->retry_after_ms = fail_provider_retry_after_ms(&said);
	buf_init(&error, ANSWER_ERROR_MAX);
	fail_provider_body(&error, c->envelope.dialect, &said, slice_of(""));
	stream_head(c->stream, c->status, slice_of("application/json"),
	    c->retry_after_ms);
	emit(c, buf_slice(&error));
	buf_fini(&error);
}

static enum fail
judge(const struct call *c, enum transfer_end end)
{
	if (end == TRANSFER_SLOW)
		return FAIL_UPSTREAM_TIMEOUT;
	if (end != TRANSFER_OK || c->broken)
		return FAIL_UPSTREAM_FAILED;
	if (c->status / 100 != 2)
		return fail_of_provider(c->status, buf_slice(&c->answer));
	if (c->scan.error && c->streams)
		return c->said;
	if (c->scan.error)
		return fail_of_provider(0, buf_slice(&c->answer));
	if (c->status == 200 && !scan_complete(&c->scan))
		return FAIL_UPSTREAM_FAILED;
	return FAIL_NONE;
}

void
answer_end(struct call *c, enum transfer_end end)
{
	c->over = true;
	c->reached = transfer_reached(end);
	c->ended_us = clock_mono_us();
	if (!c->streams && c->status == 200 &&
	    !scan_answer(&c->scan, buf_slice(&c->answer)))
		c->broken = true;
	c->fail = judge(c, end);
	if (!c->streams && c->status != 0 && !c->broken)
		emit_gathered(c);
}

static void
find_usage(const struct call *c, struct usage *u)
{
	*u = (struct usage){ .source = USAGE_NONE };
	if (c->scan.count)
		return; /* counting is free */
	if (c->scan.has_usage) {
		scan_usage(&c->scan, c->fail == FAIL_NONE, u);
	} else if (c->status == 200) {
		usage_estimate(u, (int64_t)c->splice.bytes,
		    c->streams ? c->scan.content_bytes : c->answer_bytes);
	} else if (c->status == 0 && c->reached) {
		usage_estimate(u, (int64_t)c->splice.bytes, 0);
	}
}

/* An error inside of a stream has its class; all else shows by its end. */
enum failure
answer_class(const struct call *c)
{
	const struct failure_signs signs = {
		.fail = c->fail,
		.status = c->status,
		.keyless = c->keyless,
		.body = c->streams ? slice_of("") : buf_slice(&c->answer),
		.router_error = slice_of(c->router_error),
	};

	if (c->said != FAIL_NONE && c->fail == c->said)
		return c->said_class;
	return failure_of(&signs);
}

void
answer_worth(struct call *c, struct attempt_row *row)
{
	struct hashing h = c->hashing;
	struct usage u;

	if (c->status == 0 && c->answer.max == 0) {
		/* Never begun: the hash of nothing. */
		hashing_init(&h);
	}
	find_usage(c, &u);
	row->input_tokens = u.input_tokens;
	row->cache_read_tokens = u.cache_read_tokens;
	row->cache_write_tokens = u.cache_write_tokens;
	row->cache_write_1h_tokens = u.cache_write_1h_tokens;
	row->output_tokens = u.output_tokens;
	row->reasoning_tokens = u.reasoning_tokens;
	row->image_tokens = u.image_tokens;
	row->web_searches = u.web_searches;
	row->usage_source = slice_of(usage_source_name(u.source));
	row->cost_microusd = price_cost(&c->model->price, &u);
	row->provider_cost = slice_of(c->scan.usage.provider_cost);
	row->stated_microusd = price_stated(row->provider_cost);
	row->provider_usage = slice_of(c->scan.usage.provider_figures);
	row->answer_hash = hashing_done(&h);
	row->class = slice_of(failure_name(answer_class(c)));
	row->first_byte_us =
	    c->first_byte_us > 0 ? c->first_byte_us - c->begun_us : 0;
	row->total_us =
	    (c->ended_us > 0 ? c->ended_us : clock_mono_us()) - c->begun_us;
}
