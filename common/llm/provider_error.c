#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/llm/complaint.h"
#include "common/llm/fail.h"
#include "common/llm/mask.h"

#define MESSAGE_BYTES_MAX 2048
#define WORD_BYTES_MAX    128 /* of a provider's type, code or param */

/* A prompt of fewer tokens is none that is too long. */
#define COUNT_DIGITS_MIN 3
#define COUNT_DIGITS_MAX 9

static enum fail
fail_of_status(int status)
{
	switch (status) {
	case 408:
	case 424:
	case 499: /* Groq: cancelled */
		return FAIL_UPSTREAM_FAILED;
	default:
		return status >= 400 && status < 500 ? FAIL_PROVIDER_REFUSED
						     : FAIL_UPSTREAM_FAILED;
	}
}

static enum fail
fail_of_class(enum complaint_class class, int status)
{
	switch (class) {
	case COMPLAINT_QUOTA:
		return FAIL_UPSTREAM_QUOTA_EXHAUSTED;
	case COMPLAINT_RATE:
		return FAIL_UPSTREAM_RATE_LIMITED;
	case COMPLAINT_OVERLOADED:
		return FAIL_UPSTREAM_OVERLOADED;
	case COMPLAINT_AUTH: /* the platform's fault, not the caller's */
	case COMPLAINT_MODEL:
		return FAIL_UPSTREAM_FAILED;
	case COMPLAINT_CONTEXT:
	case COMPLAINT_POLICY:
	case COMPLAINT_SIZE:
	case COMPLAINT_FALTER: /* the caller can read what it made */
		return status < 500 ? FAIL_PROVIDER_REFUSED
				    : FAIL_UPSTREAM_FAILED;
	case COMPLAINT_OTHER:
		break;
	}
	return fail_of_status(status);
}

enum fail
fail_of_provider(int status, struct slice body)
{
	bool inside = status == 0 || status / 100 == 2;
	struct complaint c;
	struct arena arena;
	enum fail f;

	if (inside && body.len == 0)
		return status == 0 ? FAIL_UPSTREAM_FAILED : FAIL_NONE;
	if (!inside && (status < 400 || status > 599))
		return FAIL_UPSTREAM_FAILED;
	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, body);
	if (status != 0 && inside && !c.stated)
		f = FAIL_NONE;
	else
		f = fail_of_class(complaint_classify(&c, inside ? 0 : status),
		    inside ? 0 : status);
	arena_fini(&arena);
	return f;
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

static int
told_status(const struct provider_error *error, enum complaint_class class,
    enum dialect caller)
{
	bool refused = error->status >= 400 && error->status < 600;

	if (refused && caller == error->dialect)
		return error->status;
	if (class == COMPLAINT_SIZE)
		return 413;
	if (!refused || class == COMPLAINT_CONTEXT || class == COMPLAINT_POLICY)
		return 400;
	return error->status == 422 ? 400 : error->status;
}

static enum complaint_class
classify(const struct provider_error *error, const struct complaint *c)
{
	return complaint_classify(c, error->status >= 400 ? error->status : 0);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of a name ("gpt-4-0613") or of a part of a number. */
static bool
is_joint(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '_';
}

/* Is the number from..to a word of its own, and not of "1,000" or "1.5"? */
static bool
stands_alone(struct slice text, size_t from, size_t to)
{
	if (from > 0 && is_joint(text.ptr[from - 1]))
		return false;
	if (to < text.len && is_joint(text.ptr[to]))
		return false;
	if (from > 1 && strchr(",.", text.ptr[from - 1]) != NULL &&
	    is_digit(text.ptr[from - 2]))
		return false;
	return to + 1 >= text.len || strchr(",.", text.ptr[to]) == NULL ||
	       !is_digit(text.ptr[to + 1]);
}

/* The next whole number that may count tokens; false when there is none. */
static bool
next_count(struct slice text, size_t *at, struct slice *count)
{
	size_t from;

	for (; *at < text.len; ++*at) {
		if (!is_digit(text.ptr[*at]))
			continue;
		from = *at;
		while (*at < text.len && is_digit(text.ptr[*at]))
			++*at;
		*count = slice_make(text.ptr + from, *at - from);
		if (stands_alone(text, from, *at) &&
		    count->len >= COUNT_DIGITS_MIN &&
		    count->len <= COUNT_DIGITS_MAX)
			return true;
		--*at;
	}
	return false;
}

static bool
is_more(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return a.len > b.len;
	return memcmp(a.ptr, b.ptr, a.len) > 0;
}

/* Clients compact the conversation on exactly these words. */
static struct slice
prompt_too_long(struct arena *arena, struct slice message)
{
	struct slice a, b;
	size_t at = 0;

	if (slice_starts(message, "prompt is too long"))
		return message;
	if (!next_count(message, &at, &a) || !next_count(message, &at, &b) ||
	    slice_eq(a, b))
		return slice_of(arena_printf(arena, "prompt is too long: %.*s",
		    SLICE_FMT(message)));
	if (is_more(b, a)) {
		struct slice less = a;

		a = b;
		b = less;
	}
	return slice_of(arena_printf(arena,
	    "prompt is too long: %.*s tokens > %.*s maximum", SLICE_FMT(a),
	    SLICE_FMT(b)));
}

/* By what it means, in the words that the caller's clients act on. */
static void
translate(struct error_words *words, struct arena *arena,
    enum complaint_class class, enum dialect caller)
{
	bool messages = caller == DIALECT_MESSAGES;

	words->type = slice_of("invalid_request_error");
	words->code = words->param = words->error_code = slice_of("");
	switch (class) {
	case COMPLAINT_CONTEXT:
		words->code = slice_of("context_length_exceeded");
		if (messages)
			words->message = prompt_too_long(arena, words->message);
		break;
	case COMPLAINT_POLICY:
		words->code = slice_of("content_policy_violation");
		break;
	case COMPLAINT_SIZE:
		words->code = slice_of("request_too_large");
		if (messages)
			words->type = words->code;
		break;
	default:
		break;
	}
}

static void
find_words(struct error_words *words, struct arena *arena,
    const struct provider_error *error, enum dialect caller)
{
	struct slice secret = error->secret;
	enum complaint_class class;
	struct complaint c;
	int status;

	complaint_read(&c, arena, error->body);
	class = classify(error, &c);
	status = told_status(error, class, caller);
	*words = (struct error_words){
		.message = fit(arena, c.message, secret, MESSAGE_BYTES_MAX),
		.type = fit(arena, c.type, secret, WORD_BYTES_MAX),
		.code = fit(arena, c.code, secret, WORD_BYTES_MAX),
		.param = fit(arena, c.param, secret, WORD_BYTES_MAX),
		.error_code = fit(arena, c.error_code, secret, WORD_BYTES_MAX),
	};
	if (words->message.len == 0)
		words->message = slice_of(arena_printf(arena,
		    "The provider answered %d and gave no reason.", status));
	if (caller != error->dialect)
		translate(words, arena, class, caller);
	if (words->type.len == 0)
		words->type =
		    slice_of(caller == DIALECT_MESSAGES ? messages_type(status)
							: openai_type(status));
}

void
fail_provider_body(struct buf *out, enum dialect caller,
    const struct provider_error *error, struct slice request_id)
{
	struct error_words words;
	struct arena arena;

	arena_init(&arena, 2 * COMPLAINT_ARENA_BYTES);
	find_words(&words, &arena, error, caller);
	fail_write(out, caller, &words, request_id);
	arena_fini(&arena);
}

void
fail_provider_event(struct buf *out, enum dialect caller,
    const struct provider_error *error, const struct fail_place *place)
{
	struct error_words words;
	struct arena arena;

	arena_init(&arena, 2 * COMPLAINT_ARENA_BYTES);
	find_words(&words, &arena, error, caller);
	/* A Responses stream has another word for it than its body. */
	if (slice_is(words.code, "content_policy_violation"))
		words.code = slice_of("invalid_prompt");
	fail_write_event(out, caller, &words, place);
	arena_fini(&arena);
}

int
fail_provider_status(const struct provider_error *error, enum dialect caller)
{
	struct complaint c;
	struct arena arena;
	int status;

	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, error->body);
	status = told_status(error, classify(error, &c), caller);
	arena_fini(&arena);
	return status;
}

int64_t
fail_provider_retry_after_ms(const struct provider_error *error)
{
	struct complaint c;
	struct arena arena;
	int64_t ms;

	switch (fail_of_provider(error->status, error->body)) {
	case FAIL_NONE:
	case FAIL_PROVIDER_REFUSED:
		return 0;
	default:
		break;
	}
	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, error->body);
	ms = complaint_retry_after_ms(&c);
	arena_fini(&arena);
	return ms;
}
