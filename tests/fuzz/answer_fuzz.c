/*
 * Answers of a hostile provider, the first byte picks the dialect: as an
 * event, as a stream, as a whole body, as an error.  Figures are never
 * negative; what is shown of an error is one JSON object, or one event,
 * without the secret.
 */
#include <assert.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/failure.h"
#include "common/llm/retry.h"
#include "common/llm/scan.h"

#define SECRET "hunter2"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static void
check_usage(const struct scan *s)
{
	struct usage u;

	scan_usage(s, scan_complete(s), &u);
	assert(u.input_tokens >= 0 && u.cache_read_tokens >= 0 &&
	       u.cache_write_tokens >= 0 && u.cache_write_1h_tokens >= 0 &&
	       u.output_tokens >= 0 && u.reasoning_tokens >= 0);
	assert(u.image_tokens >= 0 && u.image_tokens <= u.input_tokens);
	assert(u.web_searches >= 0);
	assert(memchr(u.provider_cost, '\0', sizeof(u.provider_cost)));
	assert(memchr(u.provider_figures, '\0', sizeof(u.provider_figures)));
	assert(memchr(s->response_id, '\0', sizeof(s->response_id)));
	assert(s->content_bytes >= 0);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct scan *s = arg;
	bool done = s->done, error = s->error;
	enum scan_kind kind = scan_event(s, event);

	assert((s->root != NULL) >= (kind == SCAN_CONTENT));
	assert(s->content || s->finished || kind != SCAN_CONTENT);
	assert(error || (kind == SCAN_ERROR) == s->error);
	assert(done || (kind == SCAN_TERMINAL) == s->done);
	assert(kind != SCAN_USAGE || s->dialect == DIALECT_CHAT);
	assert(kind != SCAN_BROKEN || s->arena.used == 0);
	check_usage(s);
}

static void
check_stream(struct slice body, enum dialect dialect)
{
	struct sse_event event = { .raw = body, .data = body };
	struct scan s;
	struct sse sse;

	scan_init(&s, dialect);
	on_event(&s, &event);
	on_event(&s, &event);
	scan_fini(&s);
	assert(s.arena.used == 0);
	scan_init(&s, dialect);
	sse_init(&sse, 1 << 16);
	if (!sse_feed(&sse, body, on_event, &s))
		assert(sse.failed);
	sse_fini(&sse);
	scan_fini(&s);
}

static void
check_answer(struct slice body, enum dialect dialect, bool count)
{
	struct scan s;

	scan_init(&s, dialect);
	s.count = count;
	if (!scan_answer(&s, body))
		assert(!s.content && !s.has_usage && !s.error && !s.done);
	assert(!count || !s.has_usage);
	assert(!(s.error && scan_complete(&s)));
	check_usage(&s);
	assert(s.arena.used == 0);
	scan_fini(&s);
}

static void
check_shown(struct buf *out, enum dialect caller)
{
	struct json_index index;
	struct json_error error;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	assert(json_index(&index, &arena, buf_slice(out), &error));
	assert(json_index_find(&index, "error")->type == JSON_OBJECT);
	assert((json_index_find(&index, "type") != NULL) ==
	       (caller == DIALECT_MESSAGES));
	assert(memmem(out->data, out->len, SECRET, strlen(SECRET)) == NULL);
	arena_fini(&arena);
}

static void
on_last(void *arg, const struct sse_event *event)
{
	assert(event->data.len > 0);
	++*(int *)arg;
}

static void
check_last_event(struct buf *out)
{
	struct sse sse;
	int events = 0;
	bool whole;

	sse_init(&sse, 1 << 17);
	whole = sse_feed(&sse, buf_slice(out), on_last, &events);
	assert(whole && events == 1 && sse_rest(&sse).len == 0);
	assert(memmem(out->data, out->len, SECRET, strlen(SECRET)) == NULL);
	sse_fini(&sse);
}

static void
check_error(const struct provider_error *said, enum dialect caller)
{
	static const struct fail_place place = { .sequence = 7 };
	int told = fail_provider_status(said, caller);
	struct buf out;

	assert(told >= 400 && told < 600);
	buf_init(&out, 1 << 17);
	fail_provider_body(&out, caller, said, slice_of("req_1"));
	check_shown(&out, caller);
	buf_reset(&out);
	fail_provider_event(&out, caller, said, &place);
	check_last_event(&out);
	buf_fini(&out);
}

/* A failure has a class, and a wait is none that overflows. */
static void
check_class(const struct provider_error *said)
{
	const struct failure_signs signs = {
		.fail = fail_of_provider(said->status, said->body),
		.status = said->status,
		.body = said->body,
	};
	enum failure class = failure_of(&signs);
	int64_t ms = fail_provider_retry_after_ms(said);

	assert(class > FAILURE_NONE && class < FAILURES);
	assert(class != FAILURE_MEMBER && class != FAILURE_THROTTLED);
	assert(ms >= 0 && ms <= INT64_C(10000000000));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct provider_error said = { .secret = slice_of(SECRET) };
	struct slice body;
	enum fail f;
	int caller;

	if (len == 0)
		return 0;
	body = slice_make(bytes + 1, len - 1);
	said.dialect = (enum dialect)(bytes[0] % DIALECTS);
	said.body = body;
	said.status = len % 4 == 0 ? 0 : 400 + (int)(len % 200);
	check_stream(body, said.dialect);
	check_answer(body, said.dialect, false);
	check_answer(body, said.dialect, true);
	check_class(&said);
	f = fail_of_provider(said.status, body);
	assert(f > FAIL_NONE && f < FAIL_COUNT);
	f = fail_of_provider(200, body);
	assert(f < FAIL_COUNT);
	for (caller = 0; caller < DIALECTS; caller++)
		check_error(&said, (enum dialect)caller);
	assert(retry_after_ms(body, slice_of(""), 0) >= 0);
	assert(retry_after_ms(slice_of(""), body, 0) >= 0);
	return 0;
}
