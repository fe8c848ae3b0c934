#include "node/strategy/external.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/upstream.h"
#include "topology/group.h"

#define STATUS_OK 200

struct external_ask {
	struct external_line *line;
	const struct external_policy *policy;
	struct secret *secret;
	struct transfer *transfer; /* NULL: it is over */
	struct slice body;         /* ours */
	struct buf text;
	struct external_answer answer;
	int64_t began_us;
	void (*done)(void *arg);
	void *arg;
};

static const char *const end_names[EXTERNAL_ENDS] = {
	[EXTERNAL_OK] = "ok",
	[EXTERNAL_TIMEOUT] = "timeout",
	[EXTERNAL_UNREACHABLE] = "unreachable",
	[EXTERNAL_UNTRUSTED] = "untrusted",
	[EXTERNAL_STATUS] = "status",
	[EXTERNAL_TOO_LARGE] = "too-large",
	[EXTERNAL_BROKEN] = "broken",
	[EXTERNAL_BUSY] = "busy",
};

const char *
external_end_name(enum external_end end)
{
	assert((size_t)end < EXTERNAL_ENDS);
	return end_names[end];
}

/* The last thing that is done with the ask: done may free it. */
static void
finish(struct external_ask *a, enum external_end end, const char *why)
{
	a->transfer = NULL;
	a->line->under_way--;
	a->answer.end = end;
	a->answer.took_us = clock_mono_us() - a->began_us;
	if (end == EXTERNAL_OK)
		a->answer.text = buf_slice(&a->text);
	else
		log_warn("policy service failed",
		    log_slice("url", a->policy->url),
		    log_str("end", external_end_name(end)),
		    log_int("status", a->answer.status), log_str("why", why));
	a->done(a->arg);
}

/* The rest of the answer would change nothing. */
static void
give_up(struct external_ask *a, enum external_end end, const char *why)
{
	transfer_cancel(a->transfer);
	finish(a, end, why);
}

static void
on_head(void *arg, int status)
{
	struct external_ask *a = arg;

	a->answer.status = status;
	if (status != STATUS_OK)
		give_up(a, EXTERNAL_STATUS, "its status is not 200");
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct external_ask *a = arg;

	buf_put_slice(&a->text, bytes);
	if (a->text.failed)
		give_up(a, EXTERNAL_TOO_LARGE, "its answer is too large");
	return true;
}

static enum external_end
end_of(enum transfer_end end)
{
	switch (end) {
	case TRANSFER_OK:
		return EXTERNAL_OK;
	case TRANSFER_SLOW:
		return EXTERNAL_TIMEOUT;
	case TRANSFER_NO_NAME:
	case TRANSFER_NO_ROUTE:
		return EXTERNAL_UNREACHABLE;
	case TRANSFER_NO_TRUST:
		return EXTERNAL_UNTRUSTED;
	case TRANSFER_TOO_LARGE:
		return EXTERNAL_TOO_LARGE;
	default:
		return EXTERNAL_BROKEN;
	}
}

static void
on_end(void *arg, enum transfer_end end)
{
	struct external_ask *a = arg;

	finish(a, end_of(end), transfer_why(a->transfer));
}

static const struct transfer_events events = { on_head, on_data, on_end };

static void
send_out(struct external_ask *a)
{
	const struct external_policy *p = a->policy;
	const struct http_field type = { "Content-Type",
		slice_of("application/json") };
	const struct transfer_request request = {
		.url = p->url.ptr,
		.fields = &type,
		.fields_count = 1,
		.auth_field = "Authorization",
		.auth_prefix = "Bearer ",
		.key = a->secret,
		.body = &a->body,
		.body_count = 1,
		.ca_file = p->ca_file.len > 0 ? p->ca_file.ptr : NULL,
		/* The whole one comes first: a slow connection is a timeout. */
		.connect_ms = p->timeout_ms * 2,
		.total_ms = p->timeout_ms,
	};

	a->transfer = transfer_start(a->line->upstream, &request, &events, a);
}

struct external_ask *
external_start(const struct external_spec *spec, void (*done)(void *arg),
    void *arg)
{
	struct external_ask *a;
	char *body;

	assert(spec->policy->timeout_ms > 0 && spec->body.len > 0);
	if (spec->line->under_way >= EXTERNAL_ASKS_MAX)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->line = spec->line;
	a->policy = spec->policy;
	a->secret = spec->secret != NULL ? secret_hold(spec->secret) : NULL;
	body = xmalloc(spec->body.len);
	memcpy(body, spec->body.ptr, spec->body.len);
	a->body = slice_make(body, spec->body.len);
	buf_init(&a->text, EXTERNAL_ANSWER_BYTES);
	a->began_us = clock_mono_us();
	a->done = done;
	a->arg = arg;
	a->line->under_way++;
	send_out(a);
	return a;
}

const struct external_answer *
external_answer(const struct external_ask *a)
{
	assert(a->transfer == NULL);
	return &a->answer;
}

void
external_free(struct external_ask *a)
{
	if (a == NULL)
		return;
	if (a->transfer != NULL) {
		transfer_cancel(a->transfer);
		a->line->under_way--;
	}
	secret_free(a->secret);
	buf_fini(&a->text);
	free((char *)a->body.ptr);
	free(a);
}
