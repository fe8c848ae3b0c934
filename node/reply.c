#include "node/reply.h"

#include "common/net/http.h"
#include "node/request.h"

#define FIELDS_MAX    4
#define RETRY_AFTER_S 1 /* at least */

/* As the provider said, or soon: links and stores come back by themselves. */
static int64_t
retry_after_s(const struct request *r)
{
	return max_i64((r->retry_after_ms + 999) / 1000, RETRY_AFTER_S);
}

static void
answer_failure(struct request *r)
{
	struct slice id = slice_of(r->id_text);
	struct http_field fields[FIELDS_MAX] = {
		{ "Content-Type", slice_of("application/json") },
		{ "X-Request-Id", id },
		{ "X-Router-Error", slice_of(fail_name(r->fail)) },
	};
	struct provider_error said = { .body = buf_slice(&r->relay.answer),
		.secret = r->relay.key };
	size_t count = 3;
	int status = fail_status(r->fail);
	struct buf body;

	buf_init(&body, RELAY_ERROR_MAX);
	if (r->fail == FAIL_PROVIDER_REFUSED) {
		status = r->attempt.status;
		said.status = status;
		fail_provider_body(&body, r->shape.dialect, &said, id);
	} else {
		fail_body(&body, r->shape.dialect, r->fail, r->detail, id);
	}
	if (status == 429 || status == 503)
		fields[count++] = (struct http_field){ "Retry-After",
			slice_of(arena_printf(&r->arena, "%lld",
			    (long long)retry_after_s(r))) };
	http_answer(r->exchange, status, fields, count, &body);
	buf_fini(&body);
}

/* The head is gone out: an error event, then the dialect's terminal marker. */
static void
end_stream_by_failure(struct request *r)
{
	struct buf event;

	buf_init(&event, RELAY_ERROR_MAX);
	fail_event(&event, r->shape.dialect, r->fail, r->detail,
	    slice_of(r->id_text));
	(void)http_stream_put(r->exchange, buf_slice(&event));
	http_stream_end(r->exchange);
	buf_fini(&event);
}

void
reply(struct request *r)
{
	if (r->exchange == NULL || r->answered || r->fail == FAIL_CLIENT_GONE)
		return;
	if (r->fail != FAIL_NONE && r->relay.started)
		end_stream_by_failure(r);
	else if (r->fail != FAIL_NONE)
		answer_failure(r);
	else if (r->shape.stream)
		relay_finish(&r->relay);
	else
		relay_answer(&r->relay);
}
