#include "tests/unit/llm/steps.h"

#include <stdlib.h>

#include "common/base/crypto.h"

#define CHUNK(choices)                                                         \
	"{\"id\":\"c1\",\"object\":\"chat.completion.chunk\",\"created\":1,"   \
	"\"model\":\"gpt-5\",\"choices\":[" choices "],\"usage\":null}"
#define DELTA(delta)                                                           \
	CHUNK("{\"index\":0,\"delta\":" delta ",\"logprobs\":null,"            \
	      "\"finish_reason\":null}")
#define FINISH(reason)                                                         \
	CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}")
#define USAGE                                                                  \
	"\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3,"             \
	"\"total_tokens\":15}"
#define ROLE DELTA("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}")

static void
openai_as_captured(void **state)
{
	static const struct step steps[] = {
		{ "", SCAN_QUIET },
		{ ROLE, SCAN_QUIET },
		{ DELTA("{\"content\":\"Hello f\"}"), SCAN_CONTENT },
		{ DELTA("{\"content\":\"rom\"}"), SCAN_CONTENT },
		{ FINISH("stop"), SCAN_CONTENT },
		{ "{\"id\":\"c1\",\"choices\":[],\"usage\":{"
		  "\"prompt_tokens\":2125,\"completion_tokens\":42,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":2000},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":10}}}",
		    SCAN_USAGE },
		{ "[DONE]", SCAN_TERMINAL },
	};

	(void)state;
	assert_steps(steps, 2);
	assert_false(scan.content);
	assert_steps(steps + 2, 2);
	assert_true(scan.content);
	assert_false(scan.finished || scan.has_usage || scan.done);
	assert_steps(steps + 4, 3);
	assert_true(scan.finished && scan.has_usage && scan.done);
	assert_false(scan.error);
	assert_int_equal(scan.usage.input_tokens, 125);
	assert_int_equal(scan.usage.cache_read_tokens, 2000);
	assert_int_equal(scan.usage.output_tokens, 32);
	assert_int_equal(scan.usage.reasoning_tokens, 10);
}

static void
whatever_a_reader_wants_is_content(void **state)
{
	static const char *const content[] = {
		DELTA("{\"content\":\"x\"}"),
		DELTA("{\"refusal\":\"no\"}"),
		DELTA("{\"reasoning_content\":\"hm\"}"),
		DELTA("{\"reasoning\":\"hm\"}"),
		DELTA("{\"reasoning_details\":[{\"type\":\"x\"}]}"),
		DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\"}]}"),
		DELTA("{\"function_call\":{\"name\":\"f\"}}"),
		DELTA("{\"role\":\"assistant\",\"content\":\"x\"}"),
		DELTA("{\"content\":\"\\u0000\"}"),
		CHUNK("{\"index\":0,\"delta\":{}},"
		      "{\"index\":1,\"delta\":{\"content\":\"x\"}}"),
	};
	static const char *const quiet[] = {
		ROLE,
		DELTA("{}"),
		DELTA("{\"role\":\"assistant\"}"),
		DELTA("{\"content\":null,\"tool_calls\":[]}"),
		DELTA("null"),
		CHUNK(""),
		"{\"choices\":[],\"prompt_filter_results\":[{\"x\":1}]}",
		"{\"choices\":null}",
		"{\"choices\":{\"delta\":{\"content\":\"x\"}}}",
		"{}",
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(quiet); i++)
		assert_int_equal(look(quiet[i]), SCAN_QUIET);
	assert_false(scan.content || scan.finished || scan.error);
	for (i = 0; i < count_of(content); i++)
		assert_int_equal(look(content[i]), SCAN_CONTENT);
	assert_true(scan.content);
	assert_false(scan.finished);
}

static void
usage_on_the_last_content_chunk(void **state)
{
	static const struct step steps[] = {
		{ DELTA("{\"content\":\"x\"}"), SCAN_CONTENT },
		{ "{\"choices\":[{\"delta\":{\"content\":\"y\"},"
		  "\"finish_reason\":\"stop\"}]," USAGE "}",
		    SCAN_CONTENT },
	};

	(void)state;
	assert_steps(steps, count_of(steps));
	assert_true(scan.has_usage && scan.finished);
	assert_false(scan.done);
	assert_int_equal(scan.usage.input_tokens, 12);
}

static void
usage_with_the_finish_reason_is_for_the_reader(void **state)
{
	(void)state;
	assert_int_equal(look("{\"choices\":[{\"delta\":{},"
			      "\"finish_reason\":\"stop\"}]," USAGE "}"),
	    SCAN_CONTENT);
	assert_true(scan.has_usage && scan.finished);
	assert_false(scan.content);
}

static void
usage_that_repeats_the_finish_reason(void **state)
{
	static const struct step steps[] = {
		{ DELTA("{\"content\":\"x\"}"), SCAN_CONTENT },
		{ FINISH("stop"), SCAN_CONTENT },
		{ FINISH("stop"), SCAN_QUIET },
		{ "{\"choices\":[{\"index\":0,\"delta\":{\"role\":"
		  "\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]"
		  ","
		  "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2,"
		  "\"cost\":0.00014}}",
		    SCAN_USAGE },
	};

	(void)state;
	assert_steps(steps, count_of(steps));
	assert_string_equal(scan.usage.provider_cost, "0.00014");
}

static void
usage_in_every_chunk_counts_last(void **state)
{
	static const struct step steps[] = {
		{ "{\"choices\":[{\"delta\":{\"role\":\"assistant\"}}],"
		  "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":0}}",
		    SCAN_QUIET },
		{ "{\"choices\":[{\"delta\":{\"content\":\"x\"}}],"
		  "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}",
		    SCAN_CONTENT },
		{ "{\"choices\":[{\"delta\":{\"content\":\"y\"}}],"
		  "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}}",
		    SCAN_CONTENT },
	};

	(void)state;
	assert_steps(steps, count_of(steps));
	assert_int_equal(scan.usage.output_tokens, 2);
}

static void
errors_inside_a_200(void **state)
{
	static const char *const errors[] = {
		"{\"error\":{\"message\":\"x\",\"code\":429}}",
		"{\"error\":\"x\"}",
		"{\"choices\":[],\"error\":{}}",
		"{\"object\":\"error\",\"message\":\"x\",\"code\":400}",
		"{\"error\":{\"code\":502},\"choices\":[{\"delta\":"
		"{\"content\":\"x\"},\"finish_reason\":\"error\"}]}",
		FINISH("error"),
		FINISH("abort"),
		FINISH("insufficient_system_resource"),
	};
	struct sse_event named = { .name = slice_of("error"),
		.data = slice_of("{\"message\":\"x\"}") };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(errors); i++) {
		start(NULL);
		assert_int_equal(look(errors[i]), SCAN_ERROR);
		assert_true(scan.error);
		assert_false(scan.content || scan.finished);
		stop(NULL);
	}
	start(NULL);
	assert_int_equal(scan_event(&scan, &named), SCAN_ERROR);
	assert_int_equal(look("{\"error\":null,\"choices\":[]}"), SCAN_QUIET);
}

static void
what_is_no_json_object_is_broken(void **state)
{
	static const char *const broken[] = { "x", "{", "{\"choices\":[}", "[]",
		"1", "null", "\"[DONE]\"", "[DONE", "{}{}",
		"{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(broken); i++)
		assert_int_equal(look(broken[i]), SCAN_BROKEN);
	assert_int_equal(look("[DONE] "), SCAN_TERMINAL);
}

static void
the_tree_is_there_until_the_next_event(void **state)
{
	(void)state;
	assert_int_equal(look(DELTA("{\"content\":\"x\"}")), SCAN_CONTENT);
	assert_non_null(json_find(scan.root, "choices"));
	assert_int_equal(look("[DONE]"), SCAN_TERMINAL);
	assert_null(scan.root);
	assert_int_equal(scan.arena.used, 0);
}

/* More values than the arena holds: refused, and nothing aborts. */
static void
too_many_values_are_broken(void **state)
{
	const size_t len = 4 << 20;
	char *text = malloc(len + 1);
	size_t i;

	(void)state;
	assert_non_null(text);
	memset(text, '1', len);
	memcpy(text, "{\"a\":[", 6);
	for (i = 7; i < len - 2; i += 2)
		text[i] = ',';
	memcpy(text + len - 3, "1]}", 4);
	assert_int_equal(look(text), SCAN_BROKEN);
	assert_int_equal(scan.arena.used, 0);
	free(text);
}

static void
whole_answers(void **state)
{
	(void)state;
	assert_true(scan_answer(&scan,
	    slice_of("{\"choices\":[{\"message\":{\"content\":\"x\"},"
		     "\"finish_reason\":\"stop\"}]," USAGE "}")));
	assert_true(
	    scan.content && scan.finished && scan.done && scan.has_usage);
	assert_false(scan.error);
	assert_int_equal(scan.usage.output_tokens, 3);
	start(NULL);
	assert_true(scan_answer(&scan,
	    slice_of("{\"error\":{\"message\":\"x\"},\"choices\":null}")));
	assert_true(scan.error);
	assert_false(scan.content || scan.done || scan.has_usage);
	start(NULL);
	assert_true(scan_answer(&scan, slice_of("{\"usage\":null}")));
	assert_false(scan.error || scan.has_usage || scan.content);
	assert_false(scan_answer(&scan, slice_of("<html>")));
	assert_false(scan_answer(&scan, slice_of("[]")));
	assert_false(scan_answer(&scan, slice_of("")));
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(openai_as_captured),
		FRESH(whatever_a_reader_wants_is_content),
		FRESH(usage_on_the_last_content_chunk),
		FRESH(usage_with_the_finish_reason_is_for_the_reader),
		FRESH(usage_that_repeats_the_finish_reason),
		FRESH(usage_in_every_chunk_counts_last),
		FRESH(errors_inside_a_200),
		FRESH(what_is_no_json_object_is_broken),
		FRESH(the_tree_is_there_until_the_next_event),
		FRESH(too_many_values_are_broken),
		FRESH(whole_answers),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
