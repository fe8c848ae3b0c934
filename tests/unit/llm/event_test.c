#include "tests/unit/llm/steps.h"

#include "common/base/crypto.h"

static void
begin(enum dialect dialect)
{
	stop(NULL);
	scan_init(&scan, dialect);
}

#define MESSAGE_START                                                          \
	"{\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock_1\","      \
	"\"type\":\"message\",\"role\":\"assistant\",\"content\":[],"          \
	"\"stop_reason\":null,\"usage\":{\"input_tokens\":25,"                 \
	"\"cache_creation_input_tokens\":100,\"cache_read_input_tokens\":"     \
	"2000,\"cache_creation\":{\"ephemeral_5m_input_tokens\":100,"          \
	"\"ephemeral_1h_input_tokens\":0},\"output_tokens\":1}}}"
#define BLOCK_START(block)                                                     \
	"{\"type\":\"content_block_start\",\"index\":0,"                       \
	"\"content_block\":" block "}"
#define BLOCK_DELTA(delta)                                                     \
	"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":" delta "}"

static void
messages_as_captured(void **state)
{
	static const struct step steps[] = {
		{ MESSAGE_START, SCAN_QUIET },
		{ "{\"type\":\"ping\"}", SCAN_QUIET },
		{ BLOCK_START("{\"type\":\"text\",\"text\":\"\"}"),
		    SCAN_QUIET },
		{ BLOCK_DELTA("{\"type\":\"text_delta\",\"text\":\"Let \"}"),
		    SCAN_CONTENT },
		{ "{\"type\":\"content_block_stop\",\"index\":0}", SCAN_QUIET },
		{ BLOCK_START("{\"type\":\"tool_use\",\"id\":\"toolu_1\","
			      "\"name\":\"f\",\"input\":{}}"),
		    SCAN_CONTENT },
		{ BLOCK_DELTA("{\"type\":\"input_json_delta\","
			      "\"partial_json\":\"\"}"),
		    SCAN_QUIET },
		{ BLOCK_DELTA("{\"type\":\"input_json_delta\","
			      "\"partial_json\":\"{\\\"city\\\"\"}"),
		    SCAN_CONTENT },
		{ "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
		  "\"tool_use\",\"stop_sequence\":null},\"usage\":"
		  "{\"input_tokens\":null,\"output_tokens\":42}}",
		    SCAN_QUIET },
		{ "{\"type\":\"message_stop\"}", SCAN_TERMINAL },
		{ "[DONE]", SCAN_QUIET },
	};
	struct usage u;

	(void)state;
	begin(DIALECT_MESSAGES);
	assert_steps(steps, 3);
	assert_true(scan.has_usage && !scan.content);
	assert_string_equal(scan.response_id, "msg_mock_1");
	assert_steps(steps + 3, 5);
	assert_false(scan_complete(&scan));
	scan_usage(&scan, false, &u);
	assert_int_equal(u.source, USAGE_PARTIAL);
	assert_int_equal(u.output_tokens,
	    usage_tokens_of_bytes(scan.content_bytes));
	assert_true(u.output_tokens > 1);
	assert_steps(steps + 8, 1);
	assert_true(scan.finished);
	assert_false(scan_complete(&scan));
	assert_steps(steps + 9, 2);
	assert_true(scan_complete(&scan));
	scan_usage(&scan, true, &u);
	assert_int_equal(u.source, USAGE_PROVIDER);
	assert_int_equal(u.input_tokens, 25);
	assert_int_equal(u.cache_read_tokens, 2000);
	assert_int_equal(u.cache_write_tokens, 100);
	assert_int_equal(u.output_tokens, 42);
}

static void
what_a_block_carries_is_content(void **state)
{
	static const struct step steps[] = {
		{ BLOCK_START("{\"type\":\"thinking\",\"thinking\":\"\","
			      "\"signature\":\"\"}"),
		    SCAN_QUIET },
		{ BLOCK_DELTA("{\"type\":\"thinking_delta\",\"thinking\":\"\","
			      "\"estimated_tokens\":9}"),
		    SCAN_QUIET },
		{ BLOCK_DELTA("{\"type\":\"thinking_delta\",\"thinking\":"
			      "\"The\"}"),
		    SCAN_CONTENT },
		{ BLOCK_DELTA("{\"type\":\"citations_delta\",\"citation\":"
			      "{\"type\":\"x\"}}"),
		    SCAN_CONTENT },
		{ BLOCK_START("{\"type\":\"redacted_thinking\",\"data\":"
			      "\"Zm9v\"}"),
		    SCAN_CONTENT },
		{ BLOCK_START("{\"type\":\"web_search_tool_result\","
			      "\"tool_use_id\":\"t\",\"content\":[{}]}"),
		    SCAN_CONTENT },
		{ "{\"type\":\"something_new\",\"text\":\"x\"}", SCAN_QUIET },
		{ "{}", SCAN_QUIET },
	};
	int64_t before;

	(void)state;
	begin(DIALECT_MESSAGES);
	assert_steps(steps, 2);
	assert_false(scan.content);
	assert_steps(steps + 2, count_of(steps) - 2);
	before = scan.content_bytes;
	assert_int_equal(look(BLOCK_DELTA("{\"type\":\"signature_delta\","
					  "\"signature\":\"c2ln\"}")),
	    SCAN_CONTENT);
	assert_int_equal(scan.content_bytes, before);
}

#define RESPONSE(type, status, rest)                                           \
	"{\"type\":\"response." type "\",\"response\":{\"id\":\"resp_1\","     \
	"\"object\":\"response\",\"status\":\"" status "\"," rest              \
	",\"output\":[]},\"sequence_number\":7}"
#define NO_ERROR "\"error\":null,\"usage\":null"
#define RESPONSES_USAGE                                                        \
	"\"usage\":{\"input_tokens\":2125,\"input_tokens_details\":"           \
	"{\"cached_tokens\":2000,\"cache_write_tokens\":0},"                   \
	"\"output_tokens\":42,\"output_tokens_details\":"                      \
	"{\"reasoning_tokens\":10},\"total_tokens\":2167}"

static void
responses_as_captured(void **state)
{
	static const struct step steps[] = {
		{ RESPONSE("created", "in_progress", NO_ERROR), SCAN_QUIET },
		{ RESPONSE("in_progress", "in_progress", NO_ERROR),
		    SCAN_QUIET },
		{ "{\"type\":\"keepalive\",\"sequence_number\":8}",
		    SCAN_QUIET },
		{ "{\"type\":\"response.output_item.added\",\"output_index\":"
		  "0,\"item\":{\"id\":\"rs_1\",\"type\":\"reasoning\","
		  "\"summary\":[],\"encrypted_content\":\"gAAA\"},"
		  "\"sequence_number\":9}",
		    SCAN_QUIET },
		{ "{\"type\":\"response.reasoning_summary_part.added\","
		  "\"part\":{\"type\":\"summary_text\",\"text\":\"\"},"
		  "\"sequence_number\":10}",
		    SCAN_QUIET },
		{ "{\"type\":\"response.reasoning_summary_text.delta\","
		  "\"delta\":\"\",\"sequence_number\":11}",
		    SCAN_QUIET },
		{ "{\"type\":\"response.reasoning_summary_text.delta\","
		  "\"delta\":\"hm\",\"sequence_number\":12}",
		    SCAN_CONTENT },
		{ "{\"type\":\"response.output_item.added\",\"item\":{\"id\":"
		  "\"fc_1\",\"type\":\"function_call\",\"name\":\"f\","
		  "\"arguments\":\"\"},\"sequence_number\":13}",
		    SCAN_CONTENT },
		{ "{\"type\":\"response.function_call_arguments.delta\","
		  "\"delta\":\"{}\",\"sequence_number\":14}",
		    SCAN_CONTENT },
		{ "{\"type\":\"response.web_search_call.searching\","
		  "\"sequence_number\":15}",
		    SCAN_CONTENT },
		{ RESPONSE("completed", "completed",
		      "\"error\":null," RESPONSES_USAGE),
		    SCAN_TERMINAL },
	};

	(void)state;
	begin(DIALECT_RESPONSES);
	assert_int_equal(scan.sequence, -1);
	assert_steps(steps, 6);
	assert_false(scan.content);
	assert_int_equal(scan.sequence, 11);
	assert_string_equal(scan.response_id, "resp_1");
	assert_steps(steps + 6, 4);
	assert_true(scan.content);
	assert_int_equal(scan.content_bytes, 4);
	assert_false(scan_complete(&scan));
	assert_steps(steps + 10, 1);
	assert_true(scan_complete(&scan));
	assert_int_equal(scan.usage.input_tokens, 125);
	assert_int_equal(scan.usage.output_tokens, 32);
	assert_int_equal(scan.usage.reasoning_tokens, 10);
	begin(DIALECT_RESPONSES);
	assert_int_equal(look(RESPONSE("incomplete", "incomplete",
			     "\"error\":null," RESPONSES_USAGE)),
	    SCAN_TERMINAL);
	assert_true(scan_complete(&scan));
}

static void
items_that_come_whole_are_content(void **state)
{
	(void)state;
	begin(DIALECT_RESPONSES);
	assert_int_equal(look("{\"type\":\"response.output_item.added\","
			      "\"item\":{\"type\":\"message\","
			      "\"content\":[]}}"),
	    SCAN_QUIET);
	assert_int_equal(look("{\"type\":\"response.content_part.added\","
			      "\"part\":{\"type\":\"output_text\","
			      "\"text\":\"\"}}"),
	    SCAN_QUIET);
	assert_int_equal(look("{\"type\":\"response.output_item.done\","
			      "\"item\":{\"type\":\"message\","
			      "\"content\":[{\"text\":\"hello\"}]}}"),
	    SCAN_CONTENT);
	assert_true(scan.content_bytes > 5);
}

static void
errors_of_every_dialect(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *name, *data;
	} errors[] = {
		{ DIALECT_MESSAGES, "error",
		    "{\"type\":\"error\",\"error\":{\"type\":"
		    "\"overloaded_error\",\"message\":\"Overloaded\"}}" },
		{ DIALECT_MESSAGES, "", "{\"type\":\"error\"}" },
		{ DIALECT_MESSAGES, "", "{\"error\":{\"message\":\"x\"}}" },
		{ DIALECT_RESPONSES, "error",
		    "{\"type\":\"error\",\"code\":\"rate_limit_exceeded\","
		    "\"message\":\"x\",\"param\":null}" },
		{ DIALECT_RESPONSES, "response.failed",
		    RESPONSE("failed", "failed",
			"\"error\":{\"code\":\"server_error\"}") },
		{ DIALECT_RESPONSES, "",
		    RESPONSE("completed", "failed",
			"\"error\":{\"code\":\"server_error\"}") },
		{ DIALECT_RESPONSES, "", "{\"error\":{\"code\":429}}" },
		{ DIALECT_RESPONSES, "response.failed", "{}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(errors); i++) {
		struct sse_event event = { .name = slice_of(errors[i].name),
			.data = slice_of(errors[i].data) };

		begin(errors[i].dialect);
		assert_int_equal(scan_event(&scan, &event), SCAN_ERROR);
		assert_true(scan.error);
		assert_false(scan.content || scan.done);
		assert_false(scan_complete(&scan));
		assert_non_null(scan.root);
	}
	assert_int_equal(look("no json"), SCAN_BROKEN);
	assert_null(scan.root);
}

static void
whole_answers_of_other_dialects(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *body;
		bool complete;
	} cases[] = {
		{ DIALECT_MESSAGES,
		    "{\"id\":\"msg_1\",\"type\":\"message\",\"content\":[],"
		    "\"usage\":{\"input_tokens\":7,\"output_tokens\":3}}",
		    true },
		{ DIALECT_MESSAGES,
		    "{\"type\":\"error\",\"error\":{\"type\":\"x\"}}", false },
		{ DIALECT_MESSAGES, "{\"type\":\"message\"}", false },
		{ DIALECT_RESPONSES,
		    "{\"id\":\"resp_1\",\"status\":\"completed\",\"error\":"
		    "null,\"output\":[]," RESPONSES_USAGE "}",
		    true },
		{ DIALECT_RESPONSES,
		    "{\"status\":\"incomplete\",\"error\":null,\"output\":[]}",
		    true },
		{ DIALECT_RESPONSES,
		    "{\"status\":\"failed\",\"error\":{\"code\":\"x\"},"
		    "\"output\":[]}",
		    false },
		{ DIALECT_RESPONSES, "{\"status\":\"cancelled\",\"output\":[]}",
		    false },
		{ DIALECT_CHAT, "{\"id\":\"c\"}", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		begin(cases[i].dialect);
		assert_true(scan_answer(&scan, slice_of(cases[i].body)));
		assert_int_equal(scan_complete(&scan), cases[i].complete);
		assert_int_equal(scan.has_usage,
		    strstr(cases[i].body, "usage") != NULL);
	}
}

#define TOOLS                                                                  \
	",\"tool_usage\":{\"web_search\":{\"num_requests\":3},"                \
	"\"image_gen\":{\"input_tokens\":9}}"

/* Beside the usage, and as good in a stream as whole. */
static void
searches_of_responses_are_counted(void **state)
{
	(void)state;
	begin(DIALECT_RESPONSES);
	assert_int_equal(look(RESPONSE("completed", "completed",
			     "\"error\":null," RESPONSES_USAGE TOOLS)),
	    SCAN_TERMINAL);
	assert_int_equal(scan.usage.web_searches, 3);
	assert_int_equal(scan.usage.input_tokens, 125);
	begin(DIALECT_RESPONSES);
	assert_true(scan_answer(&scan,
	    slice_of("{\"id\":\"resp_1\",\"status\":\"completed\","
		     "\"output\":[]," RESPONSES_USAGE TOOLS "}")));
	assert_int_equal(scan.usage.web_searches, 3);
	begin(DIALECT_RESPONSES);
	assert_true(scan_answer(&scan,
	    slice_of("{\"status\":\"completed\",\"output\":[],"
		     "\"tool_usage\":null}")));
	assert_int_equal(scan.usage.web_searches, 0);
}

static void
counts(void **state)
{
	static const char *const bad[] = { "{}", "{\"input_tokens\":\"7\"}",
		"{\"input_tokens\":null}", "[]", "x" };
	size_t i;

	(void)state;
	begin(DIALECT_MESSAGES);
	scan.count = true;
	assert_true(scan_answer(&scan, slice_of("{\"input_tokens\":7}")));
	assert_true(scan_complete(&scan));
	assert_false(scan.has_usage);
	for (i = 0; i < count_of(bad); i++) {
		begin(DIALECT_MESSAGES);
		scan.count = true;
		assert_false(scan_answer(&scan, slice_of(bad[i])));
		assert_false(scan_complete(&scan));
	}
	begin(DIALECT_MESSAGES);
	scan.count = true;
	assert_true(scan_answer(&scan,
	    slice_of("{\"type\":\"error\",\"error\":{\"type\":\"x\"}}")));
	assert_true(scan.error);
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(messages_as_captured),
		FRESH(what_a_block_carries_is_content),
		FRESH(responses_as_captured),
		FRESH(items_that_come_whole_are_content),
		FRESH(errors_of_every_dialect),
		FRESH(whole_answers_of_other_dialects),
		FRESH(searches_of_responses_are_counted),
		FRESH(counts),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
