#include "tests/unit/llm/words.h"

#include <stdio.h>

#include "common/base/crypto.h"
#include "common/format/sse.h"

static void
rows_are_whole(void **state)
{
	const char *text;
	int f;

	(void)state;
	for (f = FAIL_NONE + 1; f < FAIL_COUNT; f++) {
		enum fail fail = (enum fail)f;

		assert_int_equal(fail_by_name(slice_of(fail_name(fail))), fail);
		assert_in_range(fail_status(fail, DIALECT_CHAT), 400, 599);
		assert_in_range(fail_status(fail, DIALECT_MESSAGES), 400, 599);
		text = fail_text(fail);
		assert_true(strlen(text) > 10);
		assert_int_equal(text[strlen(text) - 1], '.');
		if (fail_status(fail, DIALECT_RESPONSES) == 503)
			assert_true(fail_retryable(fail) ||
				    fail == FAIL_UPSTREAM_QUOTA_EXHAUSTED);
	}
	assert_int_equal(fail_status(FAIL_UPSTREAM_OVERLOADED, DIALECT_CHAT),
	    503);
	assert_int_equal(fail_status(FAIL_UPSTREAM_OVERLOADED,
			     DIALECT_MESSAGES),
	    529);
	assert_string_equal(fail_name(FAIL_NONE), "");
	assert_int_equal(fail_by_name(slice_of("")), FAIL_NONE);
	assert_int_equal(fail_by_name(slice_of("nothing")), FAIL_NONE);
}

/* By this word clients send the whole conversation, without a thread. */
static void
a_thread_is_refused_by_code(void **state)
{
	const struct json_value *error;

	(void)state;
	buf_reset(&out);
	fail_body(&out, DIALECT_MESSAGES, FAIL_THREAD_NOT_SERVED, slice_of(""),
	    slice_of(""));
	error = json_find(parsed(buf_slice(&out)), "error");
	assert_word(error, "type", "invalid_request_error");
	assert_word(json_find(error, "details"), "error_code",
	    "thread_unsupported_request");
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
	const struct json_value *root = parsed(event->data), *error, *response;
	int64_t n;

	switch (d) {
	case DIALECT_CHAT:
		assert_int_equal(event->name.len, 0);
		error = json_find(root, "error");
		assert_word(error, "type", "server_error");
		assert_word(error, "code", NULL);
		break;
	case DIALECT_RESPONSES:
		assert_true(slice_is(event->name, "response.failed"));
		assert_word(root, "type", "response.failed");
		assert_true(json_int(json_find(root, "sequence_number"), &n));
		assert_int_equal(n, 8);
		response = json_find(root, "response");
		assert_word(response, "id", "resp_1");
		assert_word(response, "model", "gpt-5");
		assert_word(response, "object", "response");
		assert_word(response, "status", "failed");
		assert_word(response, "usage", NULL);
		assert_word(response, "incomplete_details", NULL);
		assert_int_equal(json_find(response, "output")->type,
		    JSON_ARRAY);
		assert_true(json_int(json_find(response, "created_at"), &n));
		assert_int_equal(n, 1700000000);
		error = json_find(response, "error");
		assert_word(error, "code", "server_error");
		break;
	default:
		assert_true(slice_is(event->name, "error"));
		assert_word(root, "type", "error");
		assert_word(root, "request_id", "req_1");
		error = json_find(root, "error");
		assert_word(error, "type", "timeout_error");
	}
	assert_word(error, "message", fail_text(FAIL_UPSTREAM_TIMEOUT));
	*(enum dialect *)arg = DIALECTS;
}

static const struct fail_place place = {
	.request_id = { "req_1", 5 },
	.response_id = { "resp_1", 6 },
	.model = { "gpt-5", 5 },
	.sequence = 8,
	.created_at = 1700000000,
};

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
		    &place);
		sse_init(&s, 4096);
		assert_true(sse_feed(&s, buf_slice(&out), check_event, &seen));
		assert_int_equal(sse_rest(&s).len, 0);
		assert_int_equal(seen, DIALECTS);
		sse_fini(&s);
	}
}

static bool
out_has(const char *text)
{
	return memmem(out.data, out.len, text, strlen(text)) != NULL;
}

static void
codes_that_clients_act_on(void **state)
{
	static const struct {
		enum fail fail;
		const char *code;
	} codes[] = {
		{ FAIL_UPSTREAM_OVERLOADED, "server_is_overloaded" },
		{ FAIL_UPSTREAM_RATE_LIMITED, "rate_limit_exceeded" },
		{ FAIL_UPSTREAM_QUOTA_EXHAUSTED, "insufficient_quota" },
		{ FAIL_UPSTREAM_FAILED, "server_error" },
		{ FAIL_OVERLOADED, "server_error" },
	};
	const struct provider_error said = {
		.body = slice_of(
		    "{\"type\":\"response.failed\",\"response\":{\"error\":"
		    "{\"code\":\"context_length_exceeded\",\"message\":"
		    "\"Your input exceeds the context window\"}}}"),
		.dialect = DIALECT_RESPONSES,
	};
	char text[80];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(codes); i++) {
		buf_reset(&out);
		fail_event(&out, DIALECT_RESPONSES, codes[i].fail,
		    slice_of(NULL), &place);
		snprintf(text, sizeof(text), "\"code\":\"%s\"", codes[i].code);
		assert_true(out_has(text));
	}
	buf_reset(&out);
	fail_provider_event(&out, DIALECT_RESPONSES, &said, &place);
	assert_true(out_has("event: response.failed\n"));
	assert_true(out_has("\"code\":\"context_length_exceeded\""));
	buf_reset(&out);
	fail_provider_event(&out, DIALECT_MESSAGES, &said, &place);
	assert_true(out_has("event: error\n"));
	assert_true(out_has("prompt is too long: Your input exceeds"));
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		FRESH(a_thread_is_refused_by_code),
		FRESH(bodies_are_of_their_dialect),
		FRESH(events_are_one_event_of_their_dialect),
		FRESH(codes_that_clients_act_on),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
