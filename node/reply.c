#include "node/reply.h"

#include "common/net/http.h"
#include "node/request.h"

#define FIELDS_MAX        (6 + REMAINING_MAX)
#define ESTIMATE_FIELDS   4
#define ESTIMATE_BODY_MAX 64
#define RETRY_AFTER_S     1 /* at least */
#define MS_PER_SECOND     1000

static struct provider_error
said_by_provider(const struct request *r)
{
	return (struct provider_error){
		.status = r->attempt.status,
		.body = buf_slice(&r->relay.answer),
		.secret = r->relay.key,
		.dialect = r->relay.scan.dialect,
	};
}

int
reply_status(const struct request *r)
{
	const struct provider_error said = said_by_provider(r);

	if (r->fail == FAIL_NONE)
		return r->estimated ? 200 : r->relay.status;
	if (r->fail == FAIL_PROVIDER_REFUSED)
		return fail_provider_status(&said, r->answers);
	return fail_status(r->fail, r->answers);
}

/*
 * As the provider said, or soon: links and stores come back by themselves.
 * Clients that know the finer one go by it.
 */
static size_t
put_retry_after(struct request *r, struct http_field *fields, size_t n)
{
	int64_t ms = r->retry_after_ms;
	int64_t s =
	    max_i64((ms + MS_PER_SECOND - 1) / MS_PER_SECOND, RETRY_AFTER_S);

	fields[n++] = (struct http_field){ "Retry-After",
		slice_of(arena_printf(&r->arena, "%lld", (long long)s)) };
	if (ms > 0)
		fields[n++] = (struct http_field){ "retry-after-ms",
			slice_of(
			    arena_printf(&r->arena, "%lld", (long long)ms)) };
	return n;
}

/*
 * Clients repeat by status alone unless they are told.  A provider's own 400
 * says nothing of it: some ask again without what it did not like.
 */
static bool
is_in_vain(const struct request *r, int status)
{
	if (r->fail == FAIL_PROVIDER_REFUSED && status == 400)
		return false;
	return !fail_retryable(r->fail);
}

/* The headers of a failure; gives how many. */
static size_t
fill_fields(struct request *r, int status, struct http_field fields[FIELDS_MAX])
{
	struct slice id = slice_of(r->id_text);
	size_t n = 0;

	fields[n++] =
	    (struct http_field){ "Content-Type", slice_of("application/json") };
	fields[n++] = (struct http_field){ "X-Request-Id", id };
	fields[n++] = (struct http_field){ "X-Router-Error",
		slice_of(fail_name(r->fail)) };
	if (r->answers == DIALECT_MESSAGES)
		fields[n++] = (struct http_field){ "request-id", id };
	if (is_in_vain(r, status))
		fields[n++] =
		    (struct http_field){ "x-should-retry", slice_of("false") };
	else if (status == 429 || status == 503 || status == 529)
		n = put_retry_after(r, fields, n);
	return remaining_put(&r->remaining, fields, n);
}

static void
answer_failure(struct request *r)
{
	const struct provider_error said = said_by_provider(r);
	struct http_field fields[FIELDS_MAX];
	struct slice id = slice_of(r->id_text);
	int status = reply_status(r);
	size_t count = fill_fields(r, status, fields);
	struct buf body;

	buf_init(&body, RELAY_ERROR_MAX);
	if (r->fail == FAIL_PROVIDER_REFUSED)
		fail_provider_body(&body, r->answers, &said, id);
	else
		fail_body(&body, r->answers, r->fail, r->detail, id);
	http_answer(r->exchange, status, fields, count, &body);
	buf_fini(&body);
}

/* The head is gone out: an error event, in the place of the terminal one. */
static void
end_stream_by_failure(struct request *r)
{
	const struct provider_error said = said_by_provider(r);
	const struct fail_place place = relay_place(&r->relay);
	struct buf event;

	buf_init(&event, RELAY_ERROR_MAX);
	if (r->fail == FAIL_PROVIDER_REFUSED)
		fail_provider_event(&event, r->answers, &said, &place);
	else
		fail_event(&event, r->answers, r->fail, r->detail, &place);
	(void)http_stream_put(r->exchange, buf_slice(&event));
	http_stream_end(r->exchange);
	buf_fini(&event);
}

/* count_tokens where nobody else counts: the header says what it is. */
static void
answer_estimate(struct request *r)
{
	struct slice id = slice_of(r->id_text);
	struct http_field fields[FIELDS_MAX] = {
		{ "Content-Type", slice_of("application/json") },
		{ "X-Request-Id", id },
		{ "request-id", id },
		{ "X-Router-Estimate", slice_of("true") },
	};
	size_t count = remaining_put(&r->remaining, fields, ESTIMATE_FIELDS);
	struct buf body;

	buf_init(&body, ESTIMATE_BODY_MAX);
	buf_printf(&body, "{\"input_tokens\":%lld}",
	    (long long)r->shape.input_estimate_tokens);
	http_answer(r->exchange, 200, fields, count, &body);
	buf_fini(&body);
}

void
reply(struct request *r)
{
	if (r->exchange == NULL || r->answered || r->fail == FAIL_CLIENT_GONE)
		return;
	if (!r->relay.started)
		remaining_note(r);
	if (r->fail != FAIL_NONE && r->relay.started)
		end_stream_by_failure(r);
	else if (r->fail != FAIL_NONE)
		answer_failure(r);
	else if (r->estimated)
		answer_estimate(r);
	else if (r->shape.stream)
		relay_finish(&r->relay);
	else
		relay_answer(&r->relay);
}
