/*
 * Answers of a hostile provider: as an event, as a whole body, as an error.
 * Figures are never negative; what is shown of an error is one JSON object
 * without the secret.
 */
#include <assert.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/fail.h"
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
	const struct usage *u = &s->usage;

	assert(u->input_tokens >= 0 && u->cache_read_tokens >= 0 &&
	       u->cache_write_tokens >= 0 && u->output_tokens >= 0 &&
	       u->reasoning_tokens >= 0);
	assert(memchr(u->provider_cost, '\0', sizeof(u->provider_cost)));
	assert(s->arena.used == 0);
}

static void
check_error(struct slice body, enum dialect dialect, int status)
{
	struct json_index index;
	struct json_error error;
	struct arena arena;
	struct buf out;
	enum fail f = fail_of_provider(status, body);

	assert(f > FAIL_NONE && f < FAIL_COUNT);
	buf_init(&out, 1 << 16);
	arena_init(&arena, 1 << 16);
	fail_provider_body(&out, dialect,
	    &(struct provider_error){ status, body, slice_of(SECRET) },
	    slice_of("req_1"));
	assert(json_index(&index, &arena, buf_slice(&out), &error));
	assert(json_index_find(&index, "error")->type == JSON_OBJECT);
	assert(memmem(out.data, out.len, SECRET, sizeof(SECRET) - 1) == NULL);
	arena_fini(&arena);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice body = slice_make(bytes, len);
	struct sse_event event = { .raw = body, .data = body };
	struct scan s;
	enum scan_kind kind;

	scan_init(&s, DIALECT_CHAT);
	kind = scan_event(&s, &event);
	assert(s.content || s.finished || kind != SCAN_CONTENT);
	assert((kind == SCAN_ERROR) == s.error);
	check_usage(&s);
	scan_event(&s, &event);
	check_usage(&s);
	scan_fini(&s);
	scan_init(&s, DIALECT_CHAT);
	if (!scan_answer(&s, body))
		assert(!s.content && !s.has_usage && !s.error);
	check_usage(&s);
	scan_fini(&s);
	check_error(body, DIALECT_CHAT, 400 + (int)(len % 100));
	check_error(body, DIALECT_MESSAGES, 429);
	return 0;
}
