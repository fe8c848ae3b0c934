#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/fail.h"

static struct arena arena;
static struct buf out;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&out, 1 << 17);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&out);
	return 0;
}

static const struct json_value *
parsed(struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, text, &error);
	if (root == NULL)
		fail_msg("%s at %zu of %.*s", error.why, error.at,
		    SLICE_FMT(text));
	return root;
}

static void
assert_word(const struct json_value *object, const char *name, const char *want)
{
	const struct json_value *v = json_find(object, name);
	struct slice text;

	if (want == NULL) {
		assert_non_null(v);
		assert_int_equal(v->type, JSON_NULL);
		return;
	}
	assert_true(json_text(v, &arena, &text));
	if (!slice_is(text, want))
		fail_msg("%s is %.*s, not %s", name, SLICE_FMT(text), want);
}

static void
rows_are_whole(void **state)
{
	const char *text;
	int f;

	(void)state;
	for (f = FAIL_NONE + 1; f < FAIL_COUNT; f++) {
		enum fail fail = (enum fail)f;

		assert_int_equal(fail_by_name(slice_of(fail_name(fail))), fail);
		assert_in_range(fail_status(fail), 400, 599);
		text = fail_text(fail);
		assert_true(strlen(text) > 10);
		assert_int_equal(text[strlen(text) - 1], '.');
		if (fail_status(fail) == 503)
			assert_true(fail_retryable(fail) ||
				    fail == FAIL_UPSTREAM_QUOTA_EXHAUSTED);
	}
	assert_string_equal(fail_name(FAIL_NONE), "");
	assert_int_equal(fail_by_name(slice_of("")), FAIL_NONE);
	assert_int_equal(fail_by_name(slice_of("nothing")), FAIL_NONE);
}

static void
bodies_are_of_their_dialect(void **state)
{
	const struct json_value *root, *error;
	int d;

	(void)state;
	for (d = 0; d < DIALECTS; d++) {
		buf_reset(&out);
		fail_body(&out, (enum dialect)d, FAIL_UNKNOWN_GROUP,
		    slice_of("It was \"x\"."), slice_of("req_1"));
		root = parsed(buf_slice(&out));
		error = json_find(root, "error");
		assert_word(root, "request_id", "req_1");
		assert_word(error, "message",
		    "No model group has that name. GET /v1/models lists the "
		    "groups. It was \"x\".");
		if (d == DIALECT_MESSAGES) {
			assert_word(root, "type", "error");
			assert_word(error, "type", "not_found_error");
			assert_null(json_find(error, "code"));
			continue;
		}
		assert_word(error, "type", "invalid_request_error");
		assert_word(error, "code", "model_not_found");
		assert_word(error, "param", NULL);
		assert_null(json_find(root, "type"));
	}
	buf_reset(&out);
	fail_body(&out, DIALECT_CHAT, FAIL_OVERLOADED, slice_of(NULL),
	    slice_of(NULL));
	root = parsed(buf_slice(&out));
	assert_null(json_find(root, "request_id"));
	assert_word(json_find(root, "error"), "message",
	    fail_text(FAIL_OVERLOADED));
}

static void
check_event(void *arg, const struct sse_event *event)
{
	enum dialect d = *(enum dialect *)arg;
	const struct json_value *root = parsed(event->data), *error;

	switch (d) {
	case DIALECT_CHAT:
		assert_int_equal(event->name.len, 0);
		error = json_find(root, "error");
		break;
	case DIALECT_RESPONSES:
		assert_true(slice_is(event->name, "response.failed"));
		assert_word(root, "type", "response.failed");
		error = json_find(json_find(root, "response"), "error");
		break;
	default:
		assert_true(slice_is(event->name, "error"));
		assert_word(root, "type", "error");
		error = json_find(root, "error");
		assert_word(error, "type", "timeout_error");
	}
	assert_word(error, "message", fail_text(FAIL_UPSTREAM_TIMEOUT));
	if (d != DIALECT_MESSAGES)
		assert_word(error, "code", "upstream_timeout");
	*(enum dialect *)arg = DIALECTS;
}

static void
events_are_one_event_of_their_dialect(void **state)
{
	enum dialect seen;
	struct sse s;
	int d;

	(void)state;
	for (d = 0; d < DIALECTS; d++) {
		seen = (enum dialect)d;
		buf_reset(&out);
		fail_event(&out, seen, FAIL_UPSTREAM_TIMEOUT, slice_of(NULL),
		    slice_of("req_1"));
		sse_init(&s, 4096);
		assert_true(sse_feed(&s, buf_slice(&out), check_event, &seen));
		assert_int_equal(sse_rest(&s).len, 0);
		assert_int_equal(seen, DIALECTS);
		sse_fini(&s);
	}
}

static const struct {
	int status;
	enum fail fail;
	const char *body;
} answers[] = {
	{ 200, FAIL_NONE, "" },
	{ 0, FAIL_UPSTREAM_FAILED, "" },
	{ 100, FAIL_UPSTREAM_FAILED, "" },
	{ 301, FAIL_UPSTREAM_FAILED, "" },
	{ 400, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"message\":\"bad\",\"type\":"
	    "\"invalid_request_error\",\"code\":\"context_length_exceeded\"}"
	    "}" },
	{ 401, FAIL_UPSTREAM_FAILED,
	    "{\"error\":{\"code\":\"invalid_api_key\"}}" },
	{ 403, FAIL_UPSTREAM_FAILED, "no" },
	{ 404, FAIL_UPSTREAM_FAILED,
	    "{\"error\":{\"code\":\"DeploymentNotFound\"}}" },
	{ 408, FAIL_UPSTREAM_FAILED, "" },
	{ 413, FAIL_PROVIDER_REFUSED, "" },
	{ 422, FAIL_PROVIDER_REFUSED, "{\"detail\":[{\"msg\":\"x\"}]}" },
	{ 498, FAIL_UPSTREAM_FAILED, "{\"error\":\"capacity_exceeded\"}" },
	{ 500, FAIL_UPSTREAM_FAILED, "" },
	{ 502, FAIL_UPSTREAM_FAILED, "<html>" },
	{ 529, FAIL_UPSTREAM_FAILED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}" },
	/* Rates. */
	{ 429, FAIL_UPSTREAM_RATE_LIMITED, "" },
	{ 429, FAIL_UPSTREAM_RATE_LIMITED, "slow down" },
	{ 429, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"error\":{\"message\":\"Rate limit reached for gpt-5 on tokens "
	    "per min (TPM): Limit 30000, Used 29000, Requested 2000. Please "
	    "try again in 1.2s.\",\"type\":\"tokens\",\"param\":null,"
	    "\"code\":\"rate_limit_exceeded\"}}" },
	{ 429, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"object\":\"error\",\"type\":\"rate_limited\","
	    "\"code\":\"1300\",\"message\":\"Rate limit exceeded\"}" },
	{ 429, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"message\":\"x\",\"details\":{\"error_code\":"
	    "\"ramp_limit_exceeded\"}}}" },
	{ 429, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"error\":{\"code\":429,\"message\":\"Provider returned error\","
	    "\"metadata\":{\"limit_source\":"
	    "\"upstream_provider_shared_pool\"}}}" },
	{ 402, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"error\":{\"code\":402,\"metadata\":{\"limit_source\":"
	    "\"openrouter_in_flight_budget\"}}}" },
	/* A request that no minute has room for. */
	{ 429, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"message\":\"Request too large for gpt-5 on tokens "
	    "per min (TPM)\",\"code\":\"rate_limit_exceeded\"}}" },
	{ 403, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"message\":\"Input token count + max_tokens must be "
	    "less than the context length\"}}" },
	/* Quotas. */
	{ 402, FAIL_UPSTREAM_QUOTA_EXHAUSTED, "" },
	{ 402, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"message\":\"Insufficient Balance\"}}" },
	{ 429, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"message\":\"You exceeded your current quota\","
	    "\"type\":\"insufficient_quota\",\"code\":"
	    "\"insufficient_quota\"}}" },
	{ 429, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"type\":\"x\",\"code\":"
	    "\"project_spend_limit_exceeded\"}}" },
	{ 429, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"code\":\"billing_hard_limit_reached\"}}" },
	{ 429, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\","
	    "\"details\":{\"error_code\":\"enforced_spend_limit_reached\"}}}" },
	{ 400, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
	    "\"message\":\"Your credit balance is too low to access the "
	    "Anthropic API.\"}}" },
	{ 400, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"message\":\"You have reached your specified API "
	    "usage limits.\"}}" },
	{ 403, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"error\":{\"code\":\"blocked_api_access\"}}" },
};

static void
providers_answers_are_sorted(void **state)
{
	enum fail f;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(answers); i++) {
		f = fail_of_provider(answers[i].status,
		    slice_of(answers[i].body));
		if (f != answers[i].fail)
			fail_msg("%d %s is %s", answers[i].status,
			    answers[i].body, fail_name(f));
	}
}

static const struct json_value *
shown(enum dialect d, int status, const char *body)
{
	const struct provider_error said = { status, slice_of(body),
		slice_of("hunter2") };

	buf_reset(&out);
	fail_provider_body(&out, d, &said, slice_of("req_1"));
	return parsed(buf_slice(&out));
}

static void
a_complaint_keeps_its_words(void **state)
{
	static const struct {
		const char *body, *message, *type, *code, *param;
	} cases[] = {
		{ "{\"error\":{\"message\":\"Too \\\"big\\\"\",\"type\":\"t\","
		  "\"param\":\"messages\",\"code\":\"c\",\"x\":1}}",
		    "Too \"big\"", "t", "c", "messages" },
		{ "{\"object\":\"error\",\"message\":\"m\",\"type\":"
		  "\"BadRequestError\",\"param\":null,\"code\":400}",
		    "m", "BadRequestError", "400", NULL },
		{ "{\"error\":\"just words\"}", "just words",
		    "invalid_request_error", NULL, NULL },
		{ "{\"detail\":\"d\"}", "d", "invalid_request_error", NULL,
		    NULL },
		{ "{\"detail\":[{\"loc\":[1],\"msg\":\"first\"}]}", "first",
		    "invalid_request_error", NULL, NULL },
		{ "{\"message\":\"m\"}", "m", "invalid_request_error", NULL,
		    NULL },
		{ "{\"type\":\"error\",\"error\":{\"type\":\"api_error\","
		  "\"message\":\"m\"},\"request_id\":\"r\"}",
		    "m", "api_error", NULL, NULL },
		{ " plain text\n", "plain text\n", "invalid_request_error",
		    NULL, NULL },
		{ "\n<html><body>hunter2</body></html>",
		    "The provider answered 400 and gave no reason.",
		    "invalid_request_error", NULL, NULL },
		{ "", "The provider answered 400 and gave no reason.",
		    "invalid_request_error", NULL, NULL },
		{ "[1]", "The provider answered 400 and gave no reason.",
		    "invalid_request_error", NULL, NULL },
		{ "{\"error\":{\"message\":{\"no\":1},\"type\":[]}}",
		    "The provider answered 400 and gave no reason.",
		    "invalid_request_error", NULL, NULL },
		{ "{\"error\":{\"message\":\"key hunter\\u0032 and "
		  "sk-0123456789abcdef\",\"type\":\"hunter2\","
		  "\"code\":\"xhunter2\",\"param\":\"hunter2hunter2\"}}",
		    "key [key] and [key]", "[key]", "x[key]", "[key][key]" },
	};
	const struct json_value *root, *error;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		root = shown(DIALECT_CHAT, 400, cases[i].body);
		error = json_find(root, "error");
		assert_word(root, "request_id", "req_1");
		assert_word(error, "message", cases[i].message);
		assert_word(error, "type", cases[i].type);
		assert_word(error, "code", cases[i].code);
		assert_word(error, "param", cases[i].param);
		root = shown(DIALECT_MESSAGES, 400, cases[i].body);
		assert_word(root, "type", "error");
		assert_word(json_find(root, "error"), "message",
		    cases[i].message);
		assert_null(json_find(json_find(root, "error"), "code"));
	}
	assert_word(json_find(shown(DIALECT_CHAT, 502, "x"), "error"), "type",
	    "server_error");
	assert_word(json_find(shown(DIALECT_MESSAGES, 529, "x"), "error"),
	    "type", "overloaded_error");
}

/* The secret stands across the place where the message is cut. */
static void
long_messages_are_cut_but_not_inside_a_key(void **state)
{
	const struct json_value *root;
	struct slice text;
	struct buf body;
	size_t before;

	(void)state;
	buf_init(&body, 1 << 18);
	for (before = 2030; before < 2060; before++) {
		buf_reset(&body);
		buf_puts(&body, "{\"error\":{\"message\":\"");
		memset(buf_room(&body, before), '.', before);
		buf_grow(&body, before);
		buf_puts(&body, "hunter2\xe2\x82\xac\xe2\x82\xac\"}}");
		root = shown(DIALECT_CHAT, 400, buf_text(&body));
		assert_null(
		    memmem(out.data, out.len, "hunt", sizeof("hunt") - 1));
		assert_null(memmem(out.data, out.len, "\xef\xbf\xbd", 3));
		assert_true(
		    json_text(json_find(json_find(root, "error"), "message"),
			&arena, &text));
		assert_in_range(text.len, 2030, 2048);
		arena_fini(&arena);
	}
	buf_reset(&body);
	memset(buf_room(&body, 200000), 'x', 200000);
	buf_grow(&body, 200000);
	root = shown(DIALECT_CHAT, 500, buf_text(&body));
	assert_true(json_text(json_find(json_find(root, "error"), "message"),
	    &arena, &text));
	assert_int_equal(text.len, 2048);
	assert_int_equal(fail_of_provider(429, buf_slice(&body)),
	    FAIL_UPSTREAM_RATE_LIMITED);
	buf_fini(&body);
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		FRESH(bodies_are_of_their_dialect),
		FRESH(events_are_one_event_of_their_dialect),
		cmocka_unit_test(providers_answers_are_sorted),
		FRESH(a_complaint_keeps_its_words),
		FRESH(long_messages_are_cut_but_not_inside_a_key),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
