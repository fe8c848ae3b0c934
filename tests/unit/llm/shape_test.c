#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/shape.h"

static struct arena arena;
static struct shape shape;
static const char *why;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static bool
read_as(enum dialect dialect, enum operation operation, struct slice text)
{
	const struct shape_wish wish = { dialect, operation };
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, text, &error);
	if (root == NULL)
		fail_msg("%.*s: %s at %zu", SLICE_FMT(text), error.why,
		    error.at);
	return shape_read(&shape, &arena, root, &wish, &why);
}

static bool
read_shape(struct slice text)
{
	return read_as(DIALECT_CHAT, OPERATION_GENERATE, text);
}

#define MODEL    "\"model\":\"fast\""
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define PLAIN    MODEL "," MESSAGES

static void
a_plain_request(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{" PLAIN "}")));
	assert_null(why);
	assert_int_equal(shape.dialect, DIALECT_CHAT);
	assert_true(slice_is(shape.model, "fast"));
	assert_false(shape.stream || shape.wants_usage || shape.tools);
	assert_int_equal(shape.choices, 1);
	assert_int_equal(shape.output_cap, 0);
}

static void
a_full_request(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{\"model\":\"f\\u0061st\"," MESSAGES
					",\"stream\":true,\"stream_options\":"
					"{\"x\":1,\"include_usage\":true},"
					"\"max_tokens\":5,\"n\":3,"
					"\"tools\":[{\"type\":\"function\"}],"
					"\"unknown\":{}}")));
	assert_true(slice_is(shape.model, "fast"));
	assert_true(shape.stream && shape.wants_usage && shape.tools);
	assert_int_equal(shape.choices, 3);
	assert_int_equal(shape.output_cap, 5);
}

static void
null_is_as_good_as_absent(void **state)
{
	(void)state;
	assert_true(read_shape(
	    slice_of("{" PLAIN ",\"stream\":null,\"stream_options\":null,"
		     "\"max_tokens\":null,\"max_completion_tokens\":null,"
		     "\"n\":null,\"tools\":null,\"functions\":null}")));
	assert_int_equal(shape.choices, 1);
	assert_int_equal(shape.output_cap, 0);
	assert_true(read_shape(slice_of(
	    "{" PLAIN ",\"stream_options\":{\"include_usage\":null}}")));
	assert_false(shape.wants_usage);
}

static void
the_larger_cap_counts(void **state)
{
	(void)state;
	assert_true(
	    read_shape(slice_of("{" PLAIN ",\"max_completion_tokens\":7}")));
	assert_int_equal(shape.output_cap, 7);
	assert_true(read_shape(slice_of(
	    "{" PLAIN ",\"max_tokens\":9,\"max_completion_tokens\":7}")));
	assert_int_equal(shape.output_cap, 9);
	assert_true(read_shape(
	    slice_of("{" PLAIN ",\"max_tokens\":9223372036854775807,"
		     "\"reasoning\":{\"max_tokens\":9223372036854775807}}")));
	assert_int_equal(shape.output_cap, OUTPUT_TOKENS_MAX);
	assert_int_equal(shape.thinking_budget, OUTPUT_TOKENS_MAX);
}

/* So that sums of them are no smaller than what is in them. */
static void
counts_have_an_end(void **state)
{
	(void)state;
	assert_true(
	    read_shape(slice_of("{" PLAIN ",\"max_tokens\":9223372036854775807,"
				"\"thinking\":{\"type\":\"enabled\","
				"\"budget_tokens\":9223372036854775000}}")));
	assert_int_equal(shape.output_cap, OUTPUT_TOKENS_MAX);
	assert_int_equal(shape.thinking_budget, OUTPUT_TOKENS_MAX);
}

static void
lists_of_tools_may_be_empty(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{" PLAIN ",\"tools\":[ \n],"
					"\"functions\":[]}")));
	assert_false(shape.tools);
	assert_true(read_shape(slice_of("{" PLAIN ",\"functions\":[{}]}")));
	assert_true(shape.tools);
}

/* Each is refused, and the reason names the field. */
static void
wrong_types_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{ "{" MESSAGES "}", "model" },
		{ "{\"model\":\"\"," MESSAGES "}", "model" },
		{ "{\"model\":null," MESSAGES "}", "model" },
		{ "{\"model\":7," MESSAGES "}", "model" },
		{ "{" MODEL "}", "messages" },
		{ "{" MODEL ",\"messages\":[]}", "messages" },
		{ "{" MODEL ",\"messages\":[ ]}", "messages" },
		{ "{" MODEL ",\"messages\":{}}", "messages" },
		{ "{" MODEL ",\"messages\":\"hi\"}", "messages" },
		{ "{" PLAIN ",\"stream\":1}", "stream" },
		{ "{" PLAIN ",\"stream\":\"true\"}", "stream" },
		{ "{" PLAIN ",\"stream_options\":true}", "stream_options" },
		{ "{" PLAIN ",\"stream_options\":[]}", "stream_options" },
		{ "{" PLAIN ",\"stream_options\":{\"include_usage\":1}}",
		    "stream_options.include_usage" },
		{ "{" PLAIN ",\"max_tokens\":0}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":-1}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":1.5}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":\"5\"}", "max_tokens" },
		{ "{" PLAIN ",\"max_completion_tokens\":1e3}",
		    "max_completion_tokens" },
		{ "{" PLAIN ",\"max_tokens\":99999999999999999999}",
		    "max_tokens" },
		{ "{" PLAIN ",\"n\":0}", "n " },
		{ "{" PLAIN ",\"n\":129}", "n " },
		{ "{" PLAIN ",\"tools\":{}}", "tools" },
		{ "{" PLAIN ",\"functions\":true}", "functions" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (read_shape(slice_of(bad[i].text)))
			fail_msg("%s was taken", bad[i].text);
		if (!slice_starts(slice_of(why), bad[i].field))
			fail_msg("%s: %s", bad[i].text, why);
	}
}

/* Or one name could take up the arena that the request still needs. */
static void
a_name_has_a_length(void **state)
{
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1 << 12);
	for (n = MODEL_BYTES_MAX - 2; n < MODEL_BYTES_MAX; n++) {
		buf_reset(&b);
		buf_puts(&b, "{\"model\":\"");
		memset(buf_room(&b, n), 'm', n);
		buf_grow(&b, n);
		buf_puts(&b, "\"," MESSAGES "}");
		assert_int_equal(read_shape(buf_slice(&b)),
		    n == MODEL_BYTES_MAX - 2);
	}
	buf_fini(&b);
}

/* A flag of the shape, by name, so that cases are data. */
static const struct {
	const char *name;
	size_t at;
} flags[] = {
#define FLAG(name)                                                             \
	{                                                                      \
#name, offsetof(struct shape, name)                            \
	}
	FLAG(stream),
	FLAG(wants_usage),
	FLAG(tools),
	FLAG(hosted_tools),
	FLAG(forced_tool),
	FLAG(one_call_at_a_time),
	FLAG(images),
	FLAG(documents),
	FLAG(audio),
	FLAG(structured),
	FLAG(reasoning),
	FLAG(state),
	FLAG(stores),
#undef FLAG
};

struct flag_case {
	const char *rest; /* of a plain body */
	const char *flags;
};

/* Exactly those flags, in the order above, each with a space behind it. */
static void
assert_flags(enum dialect dialect, const char *plain,
    const struct flag_case *cases, size_t count)
{
	struct buf text, got;
	size_t i, j;

	buf_init(&text, 1 << 12);
	buf_init(&got, 1 << 12);
	for (i = 0; i < count; i++) {
		buf_reset(&text);
		buf_reset(&got);
		buf_printf(&text, "{%s%s}", plain, cases[i].rest);
		if (!read_as(dialect, OPERATION_GENERATE, buf_slice(&text)))
			fail_msg("%s: %s", cases[i].rest, why);
		for (j = 0; j < count_of(flags); j++)
			if (*((const bool *)&shape + flags[j].at))
				buf_printf(&got, "%s ", flags[j].name);
		if (strcmp(buf_text(&got), cases[i].flags) != 0)
			fail_msg("%s: %s", cases[i].rest, buf_text(&got));
	}
	buf_fini(&text);
	buf_fini(&got);
}

#define USER(parts)                                                            \
	MODEL ",\"messages\":[{\"role\":\"user\",\"content\":[" parts "]}]"

static void
chat_tells_what_it_needs(void **state)
{
	static const struct flag_case cases[] = {
		{ "", "" },
		{ ",\"tools\":[{\"type\":\"function\"}]", "tools " },
		{ ",\"tools\":[{\"type\":\"custom\"}],"
		  "\"tool_choice\":\"auto\"",
		    "tools " },
		{ ",\"tools\":[{\"name\":\"flat\"}],"
		  "\"tool_choice\":\"required\"",
		    "tools forced_tool " },
		{ ",\"tools\":[{\"type\":\"x:web_search\"}]",
		    "tools hosted_tools " },
		{ ",\"web_search_options\":{}", "tools hosted_tools " },
		{ ",\"tool_choice\":{\"type\":\"function\"}", "forced_tool " },
		{ ",\"tool_choice\":{\"type\":\"allowed_tools\","
		  "\"allowed_tools\":{\"mode\":\"auto\",\"tools\":[]}}",
		    "" },
		{ ",\"tool_choice\":{\"type\":\"allowed_tools\","
		  "\"allowed_tools\":{\"mode\":\"required\"}}",
		    "forced_tool " },
		{ ",\"functions\":[{}],\"function_call\":{\"name\":\"f\"}",
		    "tools forced_tool " },
		{ ",\"parallel_tool_calls\":false", "one_call_at_a_time " },
		{ ",\"response_format\":{\"type\":\"text\"}", "" },
		{ ",\"response_format\":{\"type\":\"json_object\"}",
		    "structured " },
		{ ",\"response_format\":{\"type\":\"json_schema\"}",
		    "structured " },
		{ ",\"reasoning_effort\":\"none\"", "" },
		{ ",\"reasoning_effort\":\"low\"", "reasoning " },
		{ ",\"reasoning\":{\"enabled\":false}", "" },
		{ ",\"reasoning\":{\"effort\":\"low\"}", "reasoning " },
		{ ",\"thinking\":{\"type\":\"disabled\"}", "" },
		{ ",\"thinking\":{\"type\":\"enabled\"}", "reasoning " },
		{ ",\"store\":false", "" },
		{ ",\"store\":true", "stores " },
	};
	static const struct flag_case parts[] = {
		{ USER("{\"type\":\"text\",\"text\":\"image\"}"), "" },
		{ USER("{\"type\":\"image_\\u0075rl\"}"), "images " },
		{ USER("{\"type\":\"file\"}"), "documents " },
		{ USER("{\"type\":\"input_audio\"}"), "audio " },
	};

	(void)state;
	assert_flags(DIALECT_CHAT, PLAIN, cases, count_of(cases));
	assert_flags(DIALECT_CHAT, "", parts, count_of(parts));
}

static void
responses_tell_what_they_need(void **state)
{
	static const struct flag_case cases[] = {
		{ ",\"input\":\"hi\"", "wants_usage " },
		{ ",\"input\":\"hi\",\"tools\":[{\"type\":\"namespace\","
		  "\"tools\":[{\"type\":\"function\"}]}]",
		    "wants_usage tools " },
		{ ",\"input\":\"hi\",\"tools\":[{\"type\":"
		  "\"web_search\"}]",
		    "wants_usage tools hosted_tools " },
		{ ",\"input\":[{\"type\":\"additional_tools\",\"tools\":"
		  "[{\"type\":\"mcp\"}]}]",
		    "wants_usage tools hosted_tools " },
		{ ",\"input\":\"hi\",\"tool_choice\":{\"type\":"
		  "\"allowed_tools\",\"mode\":\"required\"}",
		    "wants_usage forced_tool " },
		{ ",\"input\":[{\"role\":\"user\",\"content\":["
		  "{\"type\":\"input_image\"},{\"type\":\"input_file\"}]}]",
		    "wants_usage images documents " },
		{ ",\"input\":[{\"type\":\"function_call_output\","
		  "\"output\":[{\"type\":\"input_image\"}]}]",
		    "wants_usage images " },
		{ ",\"input\":\"hi\",\"text\":{\"format\":{\"type\":"
		  "\"json_schema\"}}",
		    "wants_usage structured " },
		{ ",\"input\":\"hi\",\"reasoning\":{\"summary\":"
		  "\"auto\"}",
		    "wants_usage reasoning " },
		{ ",\"input\":\"hi\",\"reasoning\":{\"effort\":"
		  "\"none\"}",
		    "wants_usage " },
		{ ",\"input\":\"hi\",\"previous_response_id\":\"r\"",
		    "wants_usage state " },
		{ ",\"input\":\"hi\",\"conversation\":{\"id\":\"c\"}",
		    "wants_usage state " },
		{ ",\"input\":[{\"type\":\"item_reference\"}]",
		    "wants_usage state " },
		{ ",\"input\":[{\"id\":\"msg_1\"}]", "wants_usage state " },
		{ ",\"input\":\"hi\",\"store\":true", "wants_usage stores " },
	};

	(void)state;
	assert_flags(DIALECT_RESPONSES, MODEL, cases, count_of(cases));
	assert_true(read_as(DIALECT_RESPONSES, OPERATION_GENERATE,
	    slice_of("{" MODEL ",\"input\":[{\"role\":\"user\"},{\"role\":"
		     "\"user\"}],\"max_output_tokens\":20}")));
	assert_int_equal(shape.messages, 2);
	assert_int_equal(shape.output_cap, 20);
}

static void
messages_tell_what_they_need(void **state)
{
	static const struct flag_case cases[] = {
		{ "", "wants_usage " },
		{ ",\"tools\":[{\"name\":\"t\"},{\"type\":"
		  "\"bash_20250124\"}]",
		    "wants_usage tools " },
		{ ",\"tools\":[{\"type\":\"web_search_20250305\"}]",
		    "wants_usage tools hosted_tools " },
		{ ",\"tools\":[{\"type\":\"bash_\"}]", "wants_usage tools " },
		{ ",\"tools\":[{\"type\":\"bash\"}]",
		    "wants_usage tools hosted_tools " },
		{ ",\"tool_choice\":{\"type\":\"auto\","
		  "\"disable_parallel_tool_use\":true}",
		    "wants_usage one_call_at_a_time " },
		{ ",\"tool_choice\":{\"type\":\"any\"}",
		    "wants_usage forced_tool " },
		{ ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"t\"}",
		    "wants_usage forced_tool " },
		{ ",\"output_config\":{\"format\":{\"type\":"
		  "\"json_schema\"}}",
		    "wants_usage structured " },
		{ ",\"thinking\":{\"type\":\"adaptive\"}",
		    "wants_usage reasoning " },
	};
	static const struct flag_case parts[] = {
		{ USER("{\"type\":\"tool_result\",\"content\":[{\"type\":"
		       "\"image\"},{\"type\":\"document\"}]}"),
		    "wants_usage images documents " },
		{ USER("{\"type\":\"tool_use\",\"input\":{\"type\":"
		       "\"image\"}}"),
		    "wants_usage " },
	};

	(void)state;
	assert_flags(DIALECT_MESSAGES, PLAIN ",\"max_tokens\":9", cases,
	    count_of(cases));
	assert_flags(DIALECT_MESSAGES, "\"max_tokens\":9,", parts,
	    count_of(parts));
	assert_true(read_as(DIALECT_MESSAGES, OPERATION_GENERATE,
	    slice_of("{" PLAIN ",\"max_tokens\":5000,\"thinking\":{\"type\":"
		     "\"enabled\",\"budget_tokens\":2000}}")));
	assert_int_equal(shape.thinking_budget, 2000);
	assert_int_equal(shape.output_cap, 5000);
	assert_true(read_as(DIALECT_MESSAGES, OPERATION_GENERATE,
	    slice_of("{" PLAIN ",\"max_tokens\":0}")));
	assert_int_equal(shape.output_cap, 0);
}

static void
a_count_needs_no_cap(void **state)
{
	(void)state;
	assert_true(read_as(DIALECT_MESSAGES, OPERATION_COUNT,
	    slice_of("{" PLAIN ",\"max_tokens\":\"x\",\"stream\":1}")));
	assert_int_equal(shape.operation, OPERATION_COUNT);
	assert_false(shape.stream);
	assert_true(shape.input_estimate_tokens > 0);
}

static void
other_dialects_refuse_by_name_too(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *text, *field;
	} bad[] = {
		{ DIALECT_RESPONSES, "{\"input\":\"hi\"}", "model" },
		{ DIALECT_RESPONSES, "{" MODEL "}", "input" },
		{ DIALECT_RESPONSES, "{" PLAIN "}", "input" },
		{ DIALECT_RESPONSES, "{" MODEL ",\"input\":[]}", "input" },
		{ DIALECT_RESPONSES, "{" MODEL ",\"input\":[\"x\"]}", "input" },
		{ DIALECT_RESPONSES, "{" MODEL ",\"input\":{}}", "input" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"input\":\"x\",\"max_output_tokens\":0}",
		    "max_output_tokens" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"input\":\"x\",\"reasoning\":\"high\"}",
		    "reasoning" },
		{ DIALECT_RESPONSES, "{" MODEL ",\"input\":\"x\",\"store\":1}",
		    "store" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"input\":\"x\",\"tool_choice\":7}",
		    "tool_choice" },
		{ DIALECT_MESSAGES, "{" PLAIN "}", "max_tokens" },
		{ DIALECT_MESSAGES, "{" PLAIN ",\"max_tokens\":null}",
		    "max_tokens" },
		{ DIALECT_MESSAGES, "{" PLAIN ",\"max_tokens\":-1}",
		    "max_tokens" },
		{ DIALECT_MESSAGES,
		    "{" PLAIN ",\"max_tokens\":9,\"tool_choice\":\"auto\"}",
		    "tool_choice" },
		{ DIALECT_MESSAGES,
		    "{" PLAIN ",\"max_tokens\":9,\"thinking\":true}",
		    "thinking" },
		{ DIALECT_MESSAGES,
		    "{" PLAIN ",\"max_tokens\":9,\"thinking\":{\"type\":"
		    "\"enabled\",\"budget_tokens\":0}}",
		    "thinking.budget_tokens" },
		{ DIALECT_MESSAGES,
		    "{" PLAIN ",\"max_tokens\":9,\"tools\":[7]}", "tools" },
		{ DIALECT_CHAT, "{" PLAIN ",\"parallel_tool_calls\":\"no\"}",
		    "parallel_tool_calls" },
		{ DIALECT_CHAT, "{" PLAIN ",\"reasoning_effort\":3}",
		    "reasoning_effort" },
		{ DIALECT_CHAT, "[]", "the body" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (read_as(bad[i].dialect, OPERATION_GENERATE,
			slice_of(bad[i].text)))
			fail_msg("%s was taken", bad[i].text);
		if (!slice_starts(slice_of(why), bad[i].field))
			fail_msg("%s: %s", bad[i].text, why);
	}
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(a_plain_request),
		FRESH(a_full_request),
		FRESH(null_is_as_good_as_absent),
		FRESH(the_larger_cap_counts),
		FRESH(counts_have_an_end),
		FRESH(lists_of_tools_may_be_empty),
		FRESH(wrong_types_are_refused_by_name),
		FRESH(a_name_has_a_length),
		FRESH(chat_tells_what_it_needs),
		FRESH(responses_tell_what_they_need),
		FRESH(messages_tell_what_they_need),
		FRESH(a_count_needs_no_cap),
		FRESH(other_dialects_refuse_by_name_too),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
