#include "node/trial/errand.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/upstream.h"

#define CONNECT_MS 10000

struct errand {
	struct upstream *upstream;
	struct transfer *transfer;
	void (*done)(void *arg, const struct errand_answer *answer);
	void *arg;
	int64_t began_us;
	struct buf sent, got;
	struct slice pieces[1];
	struct errand_answer answer;
};

static void
note(char word[ERRAND_WORD_MAX], struct slice value)
{
	snprintf(word, ERRAND_WORD_MAX, "%.*s", SLICE_FMT(value));
}

static void
on_head(void *arg, int status)
{
	struct errand *e = arg;

	e->answer.status = status;
	note(e->answer.router_error,
	    transfer_header(e->transfer, "X-Router-Error"));
	note(e->answer.request, transfer_header(e->transfer, "X-Request-Id"));
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct errand *e = arg;

	buf_put_slice(&e->got, bytes);
	return true;
}

static void
on_end(void *arg, enum transfer_end end)
{
	struct errand *e = arg;

	e->transfer = NULL;
	e->answer.us = clock_mono_us() - e->began_us;
	e->answer.body = buf_slice(&e->got);
	e->answer.end = "";
	if (end != TRANSFER_OK) {
		e->answer.status = 0;
		e->answer.end = transfer_end_name(end);
	} else if (e->got.failed) {
		e->answer.status = 0;
		e->answer.end = "too-large";
	}
	e->done(e->arg, &e->answer);
}

struct errand *
errand_new(struct loop *loop,
    void (*done)(void *arg, const struct errand_answer *answer), void *arg)
{
	struct errand *e = xcalloc(1, sizeof(*e));

	e->upstream = upstream_new(loop);
	e->done = done;
	e->arg = arg;
	buf_init(&e->sent, ERRAND_ANSWER_MAX);
	buf_init(&e->got, ERRAND_ANSWER_MAX);
	return e;
}

void
errand_free(struct errand *e)
{
	if (e == NULL)
		return;
	assert(e->transfer == NULL);
	upstream_free(e->upstream);
	buf_fini(&e->sent);
	buf_fini(&e->got);
	free(e);
}

void
errand_go(struct errand *e, const struct errand_wish *wish)
{
	static const struct transfer_events events = {
		.on_head = on_head,
		.on_data = on_data,
		.on_end = on_end,
	};
	struct transfer_request request = {
		.url = wish->url,
		.fields = wish->fields,
		.fields_count = wish->fields_count,
		.auth_field = wish->auth_field,
		.auth_prefix = wish->auth_prefix,
		.key = wish->key,
		.body = e->pieces,
		.body_count = 1,
		.ca_file = wish->ca_file,
		.connect_ms = CONNECT_MS,
		.total_ms = ERRAND_TOTAL_MS,
	};

	assert(e->transfer == NULL);
	e->answer = (struct errand_answer){ .status = 0 };
	buf_reset(&e->sent);
	buf_reset(&e->got);
	buf_put_slice(&e->sent, wish->body);
	e->pieces[0] = buf_slice(&e->sent);
	e->began_us = clock_mono_us();
	e->transfer = transfer_start(e->upstream, &request, &events, e);
}
