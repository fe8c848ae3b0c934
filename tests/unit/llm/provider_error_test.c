#include "tests/unit/llm/words.h"

#include "common/base/crypto.h"

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
	{ 498, FAIL_UPSTREAM_OVERLOADED, "{\"error\":\"capacity_exceeded\"}" },
	{ 500, FAIL_UPSTREAM_FAILED, "" },
	{ 502, FAIL_UPSTREAM_FAILED, "<html>" },
	{ 424, FAIL_UPSTREAM_FAILED, "{\"error\":{\"message\":\"x\"}}" },
	{ 500, FAIL_UPSTREAM_FAILED,
	    "{\"error\":{\"message\":\"The context window fell out\"}}" },
	{ 200, FAIL_NONE, "{\"choices\":[],\"error\":null}" },
	{ 200, FAIL_NONE, "{\"type\":\"message\",\"content\":[]}" },
	/* Overload. */
	{ 503, FAIL_UPSTREAM_OVERLOADED, "" },
	{ 503, FAIL_UPSTREAM_OVERLOADED,
	    "{\"error\":{\"type\":\"service_unavailable_error\",\"code\":"
	    "\"server_is_overloaded\"}}" },
	{ 429, FAIL_UPSTREAM_OVERLOADED,
	    "{\"object\":\"error\",\"message\":\"Service tier capacity "
	    "exceeded for this model.\",\"type\":\"invalid_request_error\","
	    "\"code\":null}" },
	{ 429, FAIL_UPSTREAM_OVERLOADED,
	    "{\"type\":\"service_tier_capacity_exceeded\",\"code\":"
	    "\"3505\"}" },
	{ 429, FAIL_UPSTREAM_OVERLOADED,
	    "{\"error\":{\"message\":\"System is experiencing high demand\","
	    "\"code\":\"429\"}}" },
	{ 529, FAIL_UPSTREAM_OVERLOADED,
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
	/* Inside of an answer. */
	{ 0, FAIL_UPSTREAM_OVERLOADED,
	    "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\","
	    "\"message\":\"Overloaded\"}}" },
	{ 0, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\","
	    "\"message\":\"x\",\"param\":null}" },
	{ 0, FAIL_UPSTREAM_QUOTA_EXHAUSTED,
	    "{\"type\":\"response.failed\",\"response\":{\"id\":\"r\","
	    "\"error\":{\"code\":\"insufficient_quota\"}}}" },
	{ 0, FAIL_PROVIDER_REFUSED,
	    "{\"type\":\"response.failed\",\"response\":{\"error\":"
	    "{\"code\":\"context_length_exceeded\"}}}" },
	{ 0, FAIL_UPSTREAM_FAILED,
	    "{\"type\":\"response.failed\",\"response\":{\"error\":"
	    "{\"code\":\"server_error\"}}}" },
	{ 0, FAIL_UPSTREAM_RATE_LIMITED, "{\"error\":{\"code\":429}}" },
	{ 0, FAIL_UPSTREAM_OVERLOADED,
	    "{\"id\":\"g\",\"choices\":[{\"finish_reason\":\"error\"}],"
	    "\"error\":{\"code\":503,\"message\":\"Provider error\"}}" },
	{ 0, FAIL_UPSTREAM_FAILED, "{\"choices\":[]}" },
	{ 200, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"message\":\"This model's maximum context length "
	    "is 5 tokens\",\"code\":400}}" },
	/* What no other model or account would take. */
	{ 400, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"code\":\"content_filter\",\"innererror\":"
	    "{\"code\":\"ResponsibleAIPolicyViolation\"}}}" },
	{ 403, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"code\":403,\"message\":\"flagged\","
	    "\"metadata\":{\"reasons\":[\"violence\"]}}}" },
	{ 413, FAIL_PROVIDER_REFUSED,
	    "{\"error\":{\"code\":\"rate_limit_exceeded\",\"type\":"
	    "\"tokens\"}}" },
	{ 402, FAIL_UPSTREAM_RATE_LIMITED,
	    "{\"error\":{\"message\":\"Insufficient credits now\","
	    "\"metadata\":{\"limit_source\":"
	    "\"openrouter_in_flight_budget\"}}}" },
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
		slice_of("hunter2"), d };

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

static void
a_messages_error_keeps_its_code(void **state)
{
	const struct json_value *error;

	(void)state;
	error = json_find(shown(DIALECT_MESSAGES, 429,
			      "{\"type\":\"error\",\"error\":{\"type\":"
			      "\"rate_limit_error\",\"message\":\"m\","
			      "\"details\":{\"error_code\":"
			      "\"ramp_limit_exceeded\"}}}"),
	    "error");
	assert_word(json_find(error, "details"), "error_code",
	    "ramp_limit_exceeded");
}

#define CHAT(message, type, code)                                              \
	"{\"error\":{\"message\":\"" message "\",\"type\":\"" type             \
	"\",\"param\":\"messages\",\"code\":" code "}}"

/* What a provider said in one dialect, told in another. */
static const struct {
	enum dialect from, to;
	int status, told;
	const char *body, *type, *code, *message;
} told[] = {
	{ DIALECT_CHAT, DIALECT_MESSAGES, 400, 400,
	    CHAT("This model's maximum context length is 128000 tokens. "
		 "However, you requested 130500 tokens (130000 in the "
		 "messages, 500 in the completion).",
		"invalid_request_error", "\"context_length_exceeded\""),
	    "invalid_request_error", "",
	    "prompt is too long: 130500 tokens > 128000 maximum" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, 400, 400,
	    "{\"object\":\"error\",\"message\":\"The input (9001 tokens) is "
	    "longer than the model's context length (8192 tokens).\","
	    "\"type\":\"BadRequestError\",\"code\":400}",
	    "invalid_request_error", "",
	    "prompt is too long: 9001 tokens > 8192 maximum" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, 422, 400,
	    "{\"message\":\"Prompt contains 40000 tokens, too large for model "
	    "with 32768 maximum context length\"}",
	    "invalid_request_error", "",
	    "prompt is too long: 40000 tokens > 32768 maximum" },
	{ DIALECT_RESPONSES, DIALECT_MESSAGES, 400, 400,
	    CHAT("gpt-4-0613 of 1,000 or 1.555: the context window of 8192",
		"x", "null"),
	    "invalid_request_error", "",
	    "prompt is too long: gpt-4-0613 of 1,000 or 1.555: the context "
	    "window of 8192" },
	{ DIALECT_MESSAGES, DIALECT_RESPONSES, 400, 400,
	    "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\","
	    "\"message\":\"prompt is too long: 210000 tokens > 200000 "
	    "maximum\"}}",
	    "invalid_request_error", "context_length_exceeded",
	    "prompt is too long: 210000 tokens > 200000 maximum" },
	{ DIALECT_CHAT, DIALECT_RESPONSES, 403, 400,
	    CHAT("Input token count + max_tokens must be less than the context "
		 "length",
		"x", "null"),
	    "invalid_request_error", "context_length_exceeded",
	    "Input token count + max_tokens must be less than the context "
	    "length" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, 400, 400,
	    CHAT("no hunter2", "x", "\"content_filter\""),
	    "invalid_request_error", "", "no [key]" },
	{ DIALECT_MESSAGES, DIALECT_CHAT, 400, 400,
	    "{\"error\":{\"type\":\"invalid_request_error\",\"message\":"
	    "\"Output blocked by content filtering policy\"}}",
	    "invalid_request_error", "content_policy_violation",
	    "Output blocked by content filtering policy" },
	{ DIALECT_MESSAGES, DIALECT_CHAT, 413, 413,
	    "{\"error\":{\"type\":\"request_too_large\",\"message\":\"m\"}}",
	    "invalid_request_error", "request_too_large", "m" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, 429, 413,
	    CHAT("Request too large for gpt-5", "tokens",
		"\"rate_limit_exceeded\""),
	    "request_too_large", "", "Request too large for gpt-5" },
	{ DIALECT_CHAT, DIALECT_MESSAGES, 400, 400,
	    CHAT("bad tool", "x", "\"y\""), "invalid_request_error", "",
	    "bad tool" },
	{ DIALECT_CHAT, DIALECT_CHAT, 422, 422, CHAT("m", "t", "\"c\""), "t",
	    "c", "m" },
	{ DIALECT_CHAT, DIALECT_CHAT, 200, 400,
	    CHAT("m", "t", "\"context_length_exceeded\""), "t",
	    "context_length_exceeded", "m" },
};

static void
other_dialects_are_told_in_their_words(void **state)
{
	const struct json_value *error;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(told); i++) {
		const struct provider_error said = { told[i].status,
			slice_of(told[i].body), slice_of("hunter2"),
			told[i].from };

		buf_reset(&out);
		fail_provider_body(&out, told[i].to, &said, slice_of("req_1"));
		error = json_find(parsed(buf_slice(&out)), "error");
		assert_word(error, "message", told[i].message);
		assert_word(error, "type", told[i].type);
		if (told[i].to != DIALECT_MESSAGES)
			assert_word(error, "code", told[i].code);
		assert_int_equal(fail_provider_status(&said, told[i].to),
		    told[i].told);
	}
}

static void
a_wait_is_told_where_it_helps(void **state)
{
	static const struct {
		int status;
		int64_t ms;
		const char *body;
	} cases[] = {
		{ 429, 1200, CHAT("Please try again in 1.2s.", "t", "\"c\"") },
		{ 402, 4000,
		    "{\"error\":{\"metadata\":{\"limit_source\":"
		    "\"openrouter_in_flight_budget\",\"retry_after_seconds\":"
		    "4}}}" },
		{ 503, 20000, "Busy: retry after 20 seconds" },
		{ 0, 3000, CHAT("retry in 3s", "t", "\"slow_down\"") },
		{ 400, 0, CHAT("Try again in 5s with less", "t", "\"c\"") },
		{ 200, 0, "{\"retry_after\":5}" },
		{ 429, 0, "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		const struct provider_error said = { cases[i].status,
			slice_of(cases[i].body), slice_of(""), DIALECT_CHAT };

		assert_int_equal(fail_provider_retry_after_ms(&said),
		    cases[i].ms);
	}
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(providers_answers_are_sorted),
		FRESH(a_complaint_keeps_its_words),
		FRESH(long_messages_are_cut_but_not_inside_a_key),
		FRESH(a_messages_error_keeps_its_code),
		FRESH(other_dialects_are_told_in_their_words),
		cmocka_unit_test(a_wait_is_told_where_it_helps),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
