#include "common/llm/fail.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/complaint.h"
#include "common/llm/mask.h"

#define RETRY_DIGITS_MAX  7
#define BODY_BYTES_MAX    16384
#define MESSAGE_BYTES_MAX 2048
#define WORD_BYTES_MAX    128 /* of a provider's type, code or param */

static const struct row {
	const char *name, *type, *code, *text;
	int status;
	bool retryable;
} table[FAIL_COUNT] = {
	[FAIL_NONE] = { "", "", "", "", 200, false },
#define FAIL(id, said, http, again, openai_type, openai_code, what)            \
	[FAIL_##id] = { said, openai_type, openai_code, what, http, again },
#include "common/llm/fail.def"
#undef FAIL
};

const char *
fail_name(enum fail f)
{
	return table[f].name;
}

int
fail_status(enum fail f)
{
	return table[f].status;
}

bool
fail_retryable(enum fail f)
{
	return table[f].retryable;
}

const char *
fail_text(enum fail f)
{
	return table[f].text;
}

enum fail
fail_by_name(struct slice name)
{
	size_t i;

	for (i = 1; i < FAIL_COUNT; i++)
		if (slice_is(name, table[i].name))
			return (enum fail)i;
	return FAIL_NONE;
}

/* Anthropic's error types follow the status. */
static const char *
messages_type(int status)
{
	switch (status) {
	case 401:
		return "authentication_error";
	case 402:
		return "billing_error";
	case 403:
		return "permission_error";
	case 404:
		return "not_found_error";
	case 409:
		return "conflict_error";
	case 413:
		return "request_too_large";
	case 429:
		return "rate_limit_error";
	case 408:
	case 504:
		return "timeout_error";
	case 503:
	case 529:
		return "overloaded_error";
	default:
		return status >= 500 ? "api_error" : "invalid_request_error";
	}
}

static const char *
openai_type(int status)
{
	switch (status) {
	case 402:
		return "insufficient_quota";
	case 429:
		return "rate_limit_error";
	default:
		return status >= 500 ? "server_error" : "invalid_request_error";
	}
}

/* What stands in an error body; empty code and param are null. */
struct error_words {
	struct slice message, type, code, param;
};

static void
put_or_null(struct json_writer *w, const char *name, struct slice text)
{
	json_key(w, name);
	if (text.len > 0)
		json_put_text(w, text);
	else
		json_put_null(w);
}

static void
put_body(struct buf *out, enum dialect dialect, const struct error_words *words,
    struct slice request_id)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	if (dialect == DIALECT_MESSAGES)
		json_field_text(&w, "type", slice_of("error"));
	json_key(&w, "error");
	json_open(&w, '{');
	json_field_text(&w, "message", words->message);
	json_field_text(&w, "type", words->type);
	if (dialect != DIALECT_MESSAGES) {
		put_or_null(&w, "param", words->param);
		put_or_null(&w, "code", words->code);
	}
	json_close(&w, '}');
	if (request_id.len > 0)
		json_field_text(&w, "request_id", request_id);
	json_close(&w, '}');
}

/* The last event of a Responses stream tells inside the response. */
static void
put_failed_response(struct buf *out, const struct error_words *words)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	json_field_text(&w, "type", slice_of("response.failed"));
	json_key(&w, "response");
	json_open(&w, '{');
	json_field_text(&w, "object", slice_of("response"));
	json_field_text(&w, "status", slice_of("failed"));
	json_key(&w, "error");
	json_open(&w, '{');
	json_field_text(&w, "code", words->code);
	json_field_text(&w, "message", words->message);
	json_close(&w, '}');
	json_close(&w, '}');
	json_close(&w, '}');
}

/* The table's words; the message is built in `message`. */
static struct error_words
words_of(struct buf *message, enum dialect dialect, enum fail f,
    struct slice detail)
{
	const struct row *row = &table[f];
	const char *type = dialect == DIALECT_MESSAGES
			       ? messages_type(row->status)
			       : row->type;

	assert(f > FAIL_NONE && f < FAIL_COUNT);
	buf_puts(message, row->text);
	if (detail.len > 0) {
		buf_putc(message, ' ');
		buf_put_slice(message, detail);
	}
	return (struct error_words){ .message = buf_slice(message),
		.type = slice_of(type),
		.code = slice_of(row->code) };
}

void
fail_body(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id)
{
	struct error_words words;
	struct buf message;

	buf_init(&message, BODY_BYTES_MAX);
	words = words_of(&message, dialect, f, detail);
	put_body(out, dialect, &words, request_id);
	buf_fini(&message);
}

void
fail_event(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id)
{
	static const char *const names[DIALECTS] = {
		[DIALECT_CHAT] = "",
		[DIALECT_RESPONSES] = "response.failed",
		[DIALECT_MESSAGES] = "error",
	};
	struct error_words words;
	struct buf message, body;

	buf_init(&message, BODY_BYTES_MAX);
	buf_init(&body, 8 * BODY_BYTES_MAX);
	words = words_of(&message, dialect, f, detail);
	if (dialect == DIALECT_RESPONSES)
		put_failed_response(&body, &words);
	else
		put_body(&body, dialect, &words, request_id);
	sse_write(out, slice_of(names[dialect]), buf_slice(&body));
	buf_fini(&body);
	buf_fini(&message);
}

static enum fail
classify(int status, const struct complaint *c)
{
	/* OpenRouter's 402 for too much at once passes by itself. */
	if (slice_is(c->reason, "openrouter_in_flight_budget"))
		return FAIL_UPSTREAM_RATE_LIMITED;
	if (status == 402 || complaint_is_quota(c))
		return FAIL_UPSTREAM_QUOTA_EXHAUSTED;
	switch (status) {
	case 429: /* or a single request that is over a whole minute's */
		return complaint_is_size(c) ? FAIL_PROVIDER_REFUSED
					    : FAIL_UPSTREAM_RATE_LIMITED;
	case 403: /* Together's status for context length */
		return complaint_is_size(c) ? FAIL_PROVIDER_REFUSED
					    : FAIL_UPSTREAM_FAILED;
	case 401:
	case 404:
	case 408:
	case 424:
	case 498: /* Groq: out of capacity */
	case 499: /* Groq: cancelled */
		return FAIL_UPSTREAM_FAILED;
	default:
		return FAIL_PROVIDER_REFUSED;
	}
}

enum fail
fail_of_provider(int status, struct slice body)
{
	struct complaint c;
	struct arena arena;
	enum fail f;

	if (status >= 200 && status < 300)
		return FAIL_NONE;
	if (status < 400 || status >= 500)
		return FAIL_UPSTREAM_FAILED;
	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, body);
	f = classify(status, &c);
	arena_fini(&arena);
	return f;
}

/* Masked first and cut then: half a key would not be known for one. */
static struct slice
fit(struct arena *arena, struct slice text, struct slice secret, size_t max)
{
	struct slice fitting;
	struct buf b;

	buf_init(&b, text.len * (sizeof(MASK) - 1));
	mask_put(&b, text, secret);
	fitting = buf_slice(&b);
	if (fitting.len > max) {
		fitting.len = max;
		while (fitting.len > 0 &&
		       ((uint8_t)fitting.ptr[fitting.len] & 0xc0) == 0x80)
			fitting.len--;
	}
	fitting = arena_copy(arena, fitting);
	buf_fini(&b);
	return fitting;
}

void
fail_provider_body(struct buf *out, enum dialect dialect,
    const struct provider_error *error, struct slice request_id)
{
	struct slice secret = error->secret;
	int status = error->status;
	struct error_words words;
	struct complaint c;
	struct arena arena;

	arena_init(&arena, 2 * COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, error->body);
	words.message = fit(&arena, c.message, secret, MESSAGE_BYTES_MAX);
	words.type = fit(&arena, c.type, secret, WORD_BYTES_MAX);
	words.code = fit(&arena, c.code, secret, WORD_BYTES_MAX);
	words.param = fit(&arena, c.param, secret, WORD_BYTES_MAX);
	if (words.message.len == 0)
		words.message = slice_of(arena_printf(&arena,
		    "The provider answered %d and gave no reason.", status));
	if (words.type.len == 0)
		words.type =
		    slice_of(dialect == DIALECT_MESSAGES ? messages_type(status)
							 : openai_type(status));
	put_body(out, dialect, &words, request_id);
	arena_fini(&arena);
}

int64_t
retry_after_ms(struct slice header)
{
	int64_t seconds = 0;
	size_t i;

	for (i = 0; i < header.len; i++) {
		if (header.ptr[i] < '0' || header.ptr[i] > '9' ||
		    i >= RETRY_DIGITS_MAX)
			return 0;
		seconds = seconds * 10 + header.ptr[i] - '0';
	}
	return seconds * 1000;
}
