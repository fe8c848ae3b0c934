#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/splice.h"
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

#define ARENA_MAX ((size_t)16 << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	struct target_terms terms;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	f->terms = (struct target_terms){ .model = slice_of("m"),
		.cap_key = "max_tokens",
		.reasons = true,
		.quirks = QUIRK_USAGE_IN_STREAM | QUIRK_DEVELOPER_ROLE |
			  QUIRK_CUSTOM_TOOLS | QUIRK_REASONING_EFFORT |
			  QUIRK_PARALLEL_FLAG | QUIRK_JSON_SCHEMA |
			  QUIRK_OPENAI_FIELDS };
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	free(f);
	return 0;
}

/* The caller's body, said to a target; it has to be JSON. */
static const char *
said(struct fixture *f, enum dialect asks, const char *body)
{
	struct json_error error;
	struct splice splice;
	struct buf b;
	const char *text, *why = "";
	size_t i;

	turn_init(&f->turn, &f->arena, asks);
	if (!caller_face(asks)->read(&f->turn,
		json_parse(&f->arena, slice_of(body), &error), &why))
		fail_msg("%s: %s", why, body);
	assert_true(target_write(&splice, DIALECT_CHAT, &f->turn, &f->terms));
	buf_init(&b, ARENA_MAX);
	for (i = 0; i < splice.count; i++)
		buf_put_slice(&b, splice.parts[i]);
	text = arena_text(&f->arena, buf_slice(&b));
	buf_fini(&b);
	if (json_parse(&f->arena, slice_of(text), &error) == NULL)
		fail_msg("%s at %zu: %s", error.why, error.at, text);
	return text;
}

static void
assert_has(const char *text, const char *piece)
{
	if (strstr(text, piece) == NULL)
		fail_msg("%s\nis not in\n%s", piece, text);
}

static void
assert_lacks(const char *text, const char *piece)
{
	if (strstr(text, piece) != NULL)
		fail_msg("%s\nis in\n%s", piece, text);
}

#define HI          "\"input\":\"hi\""
#define USER(s)     "{\"role\":\"user\",\"content\":" s "}"
#define MESSAGES(s) "{\"max_tokens\":9,\"messages\":[" s "]}"
#define TOOL(id, s)                                                            \
	"{\"role\":\"tool\",\"tool_call_id\":\"" id "\",\"content\":" s "}"
#define CALLS(s)                                                               \
	"{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" s "]}"
#define USE(id)                                                                \
	"{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}" \
	"}"
#define CALL(id, args)                                                         \
	"{\"id\":\"" id "\",\"type\":\"function\",\"function\":{\"name\":"     \
	"\"f\",\"arguments\":\"" args "\"}}"

static void
a_plain_request(void **state)
{
	struct fixture *f = *state;

	f->terms.output_cap = 50;
	assert_string_equal(said(f, DIALECT_RESPONSES, "{" HI "}"),
	    "{\"model\":\"m\",\"max_tokens\":50,\"messages\":[" USER(
		"\"hi\"") "]}");
	assert_string_equal(said(f, DIALECT_RESPONSES,
				"{" HI ",\"stream\":true}"),
	    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_"
	    "usage\":true},\"max_tokens\":50,\"messages\":[" USER(
		"\"hi\"") "]}");
	f->terms.quirks = 0;
	f->terms.output_cap = 0;
	assert_string_equal(said(f, DIALECT_RESPONSES,
				"{" HI ",\"stream\":true}"),
	    "{\"model\":\"m\",\"stream\":true,\"messages\":[" USER(
		"\"hi\"") "]}");
}

static void
leading_instructions_are_one_message(void **state)
{
	struct fixture *f = *state;
	const char *body =
	    "{\"instructions\":\"a\",\"input\":[{\"role\":\"developer\","
	    "\"content\":\"b\"},{\"role\":\"user\",\"content\":\"c\"}]}";

	assert_has(said(f, DIALECT_RESPONSES, body),
	    "[{\"role\":\"system\",\"content\":\"a\\n\\nb\"}," USER("\"c\""));
	body = "{\"input\":[{\"role\":\"developer\",\"content\":\"b\"},{"
	       "\"role\":\"user\",\"content\":\"c\"}]}";
	assert_has(said(f, DIALECT_RESPONSES, body),
	    "[{\"role\":\"developer\",\"content\":\"b\"},");
	f->terms.quirks = 0;
	assert_has(said(f, DIALECT_RESPONSES, body),
	    "[{\"role\":\"system\",\"content\":\"b\"},");
}

static void
later_instructions_keep_their_place(void **state)
{
	struct fixture *f = *state;
	const char *body = MESSAGES(
	    USER("\"a\"") ",{\"role\":\"system\",\"content\":[{"
			  "\"type\":\"text\",\"text\":\"b\"},{"
			  "\"type\":\"text\",\"text\":\"c\"}]}," USER("\"d\""));

	assert_has(said(f, DIALECT_MESSAGES, body),
	    USER("\"a\"") ",{\"role\":\"system\",\"content\":\"b\\n\\nc\"}"
			  "," USER("\"d\""));
	f->terms.quirks = 0;
	assert_has(said(f, DIALECT_MESSAGES, body),
	    USER("\"a\"") "," USER("\"<system>\\nb\\nc\\n</system>\"") "," USER(
		"\"d\""));
}

static void
results_come_before_what_the_user_says(void **state)
{
	struct fixture *f = *state;
	const char *text = said(f, DIALECT_MESSAGES,
	    MESSAGES("{\"role\":\"assistant\",\"content\":[{\"type\":\"tool_"
		     "use\",\"id\":\"1\",\"name\":\"f\",\"input\":{\"a\":1}},"
		     "{\"type\":\"tool_use\",\"id\":\"2\",\"name\":\"f\","
		     "\"input\":{}}]}," USER(
			 "[{\"type\":\"text\",\"text\":\"so\"},{\"type\":"
			 "\"tool_result\",\"tool_use_id\":\"1\",\"content\":"
			 "\"one\"},{\"type\":\"tool_result\",\"tool_use_id\":"
			 "\"2\",\"is_error\":true,\"content\":[{\"type\":"
			 "\"text\",\"text\":\"x\"},{\"type\":\"text\","
			 "\"text\":\"y\"}]}]")));

	assert_has(text,
	    CALLS(CALL("1", "{\\\"a\\\":1}") "," CALL("2", "{}")) "," TOOL("1",
		"\"one\"") "," TOOL("2", "\"Error: x\\n\\ny\"") "," USER("\"so"
									 "\""));
}

static void
media_of_results_follow_with_the_user(void **state)
{
	struct fixture *f = *state;
	const char *text = said(f, DIALECT_MESSAGES,
	    MESSAGES("{\"role\":\"assistant\",\"content\":[" USE("1") "," USE(
		"2") "," USE("3") "]}," USER("[{\"type\":\"tool_result\","
					     "\"tool_use_id\":\"1\","
					     "\"content\":[{\"type\":\"image\","
					     "\"source\":{\"type\":"
					     "\"base64\",\"media_type\":"
					     "\"image/"
					     "png\",\"data\":\"AA==\"}}]"
					     "},{\"type\":\"tool_result\","
					     "\"tool_use_id\":\"2\"},{\"type\":"
					     "\"tool_result\",\"tool_use_id\":"
					     "\"3\",\"is_error\":true},{"
					     "\"type\":\"text\",\"text\":"
					     "\"so\"}]")));

	assert_has(text,
	    TOOL("1", "\"[image attached]\"") "," TOOL("2",
		"\"\"") "," TOOL("3",
		"\"Error\"") "," USER("[{\"type\":\"image_url\",\"image_"
				      "url\":{\"url\":\"data:image/png;"
				      "base64,AA==\"}},{\"type\":\"text\","
				      "\"text\":\"so\"}]"));
}

static void
media_are_parts(void **state)
{
	struct fixture *f = *state;
	const char *text = said(f, DIALECT_RESPONSES,
	    "{\"input\":[" USER(
		"[{\"type\":\"input_image\",\"image_url\":\"https://x/a\","
		"\"detail\":\"low\"},{\"type\":\"input_file\",\"filename\":"
		"\"a.pdf\",\"file_data\":\"data:application/pdf;base64,AA\"},"
		"{\"type\":\"input_file\",\"file_data\":\"data:a\\\"b;base64,"
		"AA\"}]") "]}");

	assert_has(text,
	    USER("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/a"
		 "\",\"detail\":\"low\"}},{\"type\":\"file\",\"file\":{"
		 "\"filename\":\"a.pdf\",\"file_data\":\"data:application/pdf;"
		 "base64,AA\"}},{\"type\":\"file\",\"file\":{\"filename\":"
		 "\"document\",\"file_data\":\"data:a\\\"b;base64,AA\"}}]"));
	text = said(f, DIALECT_MESSAGES,
	    MESSAGES(
		USER("[{\"type\":\"document\",\"title\":\"t\",\"source\":{"
		     "\"type\":\"text\",\"media_type\":\"text/plain\",\"data\":"
		     "\"words\"}},{\"type\":\"text\",\"text\":\"q\"}]")));
	assert_has(text, USER("[{\"type\":\"text\",\"text\":\"t\\n\\nwords\"},{"
			      "\"type\":\"text\","
			      "\"text\":\"q\"}]"));
}

static void
what_an_assistant_said_is_one_message(void **state)
{
	struct fixture *f = *state;
	const char *body =
	    "{\"input\":[{\"type\":\"reasoning\",\"summary\":[{\"type\":"
	    "\"summary_text\",\"text\":\"hm\"}]},{\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"output_text\",\"text\":\"a\"},{\"type\":"
	    "\"refusal\",\"refusal\":\"b\"}]},{\"type\":\"function_call\","
	    "\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"{}\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"1\",\"output\":\"r\"}]}";

	assert_has(said(f, DIALECT_RESPONSES, body),
	    "[{\"role\":\"assistant\",\"content\":\"a\\n\\nb\",\"tool_calls\":"
	    "[" CALL("1", "{}") "]}," TOOL("1", "\"r\"") "]");
	f->terms.quirks |= QUIRK_REASONING_BACK;
	assert_has(said(f, DIALECT_RESPONSES, body),
	    "\"reasoning_content\":\"hm\",\"tool_calls\":");
	f->terms.quirks |= QUIRK_SHORT_TOOL_IDS;
	assert_lacks(said(f, DIALECT_RESPONSES, body), "\"id\":\"1\"");
	assert_lacks(said(f, DIALECT_MESSAGES,
			 MESSAGES(USER("\"a\"") ",{\"role\":\"assistant\","
						"\"content\":[]}")),
	    "assistant");
}

#define PATCH                                                                  \
	"{\"type\":\"custom\",\"name\":\"patch\",\"description\":\"d\","       \
	"\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","                \
	"\"definition\":\"start: X\"}}"
#define PATCHED                                                                \
	"{" HI ",\"tools\":[" PATCH                                            \
	"],\"tool_choice\":{\"type\":\"custom\",\"name\":\"patch\"}}"
#define INPUT_SCHEMA                                                           \
	"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"            \
	"\"string\"}},\"required\":[\"input\"],\"additionalProperties\":"      \
	"false}"

static void
freeform_tools_are_wrapped_where_they_are_not_known(void **state)
{
	struct fixture *f = *state;
	const char *text = said(f, DIALECT_RESPONSES, PATCHED);

	assert_has(text,
	    "[{\"type\":\"custom\",\"custom\":{\"name\":\"patch\","
	    "\"description\":\"d\",\"format\":{\"type\":\"grammar\","
	    "\"grammar\":{\"syntax\":\"lark\",\"definition\":\"start: X\"}}}}"
	    "],\"tool_choice\":{\"type\":\"custom\",\"custom\":{\"name\":"
	    "\"patch\"}}");
	f->terms.quirks = 0;
	text = said(f, DIALECT_RESPONSES, PATCHED);
	assert_has(text,
	    "[{\"type\":\"function\",\"function\":{\"name\":\"patch\","
	    "\"description\":\"d\\n\\nThe input follows this grammar (lark):"
	    "\\nstart: X\",\"parameters\":" INPUT_SCHEMA "}}],"
	    "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":"
	    "\"patch\"}}");
	text = said(f, DIALECT_RESPONSES,
	    "{\"input\":[{\"type\":\"custom_tool_call\",\"call_id\":\"1\","
	    "\"name\":\"patch\",\"input\":\"a\\n\"}]}");
	assert_has(text, "\"arguments\":\"{\\\"input\\\":\\\"a\\\\n\\\"}\"");
}

static void
tools_have_a_schema_and_a_name_of_their_space(void **state)
{
	struct fixture *f = *state;
	const char *text = said(f, DIALECT_RESPONSES,
	    "{" HI ",\"tools\":[{\"type\":\"namespace\",\"name\":\"s\","
	    "\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{"
	    "\"type\":\"object\"},\"strict\":true}]},{\"type\":\"function\","
	    "\"name\":\"g\"},{\"type\":\"web_search\"}],\"tool_choice\":"
	    "\"required\",\"parallel_tool_calls\":false}");

	assert_has(text,
	    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":"
	    "\"s__f\",\"parameters\":{\"type\":\"object\"},\"strict\":true}},{"
	    "\"type\":\"function\",\"function\":{\"name\":\"g\","
	    "\"parameters\":{\"type\":\"object\",\"properties\":{}}}}],"
	    "\"tool_choice\":\"required\",\"parallel_tool_calls\":false");
	f->terms.quirks = 0;
	assert_lacks(said(f, DIALECT_RESPONSES,
			 "{" HI ",\"tools\":[{\"type\":\"function\","
			 "\"name\":\"g\"}],\"parallel_tool_calls\":false}"),
	    "parallel");
	assert_lacks(said(f, DIALECT_RESPONSES,
			 "{" HI ",\"tools\":[{\"type\":\"web_search\"}],"
			 "\"tool_choice\":\"auto\"}"),
	    "tool");
}

static void
formats(void **state)
{
	struct fixture *f = *state;
	const char *schema =
	    "{" HI ",\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":"
	    "\"n\",\"description\":\"d\",\"strict\":true,\"schema\":{\"type\":"
	    "\"object\"}}}}";

	assert_has(said(f, DIALECT_RESPONSES, schema),
	    "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{"
	    "\"name\":\"n\",\"description\":\"d\",\"strict\":true,\"schema\":{"
	    "\"type\":\"object\"}}}");
	assert_has(said(f, DIALECT_RESPONSES,
		       "{" HI ",\"text\":{\"format\":{\"type\":"
		       "\"json_object\"}}}"),
	    "\"response_format\":{\"type\":\"json_object\"}");
	assert_has(said(f, DIALECT_MESSAGES,
		       "{\"max_tokens\":9,\"messages\":[" USER(
			   "\"a\"") "],\"output_config\":{\"format\":{"
				    "\"type\":\"json_schema\",\"schema\":{}}}"
				    "}"),
	    "\"json_schema\":{\"name\":\"response\",\"schema\":{}}");
	f->terms.quirks = 0;
	assert_has(said(f, DIALECT_RESPONSES, schema),
	    "\"response_format\":{\"type\":\"json_object\"}");
}

#define THINKING(s)                                                            \
	"{\"max_tokens\":9,\"messages\":[" USER("\"a\"") "],\"thinking\":{" s  \
							 "}}"

static const struct {
	enum dialect asks;
	const char *body, *effort;
} efforts[] = {
	{ DIALECT_RESPONSES, "{" HI ",\"reasoning\":{\"effort\":\"xhigh\"}}",
	    "xhigh" },
	{ DIALECT_RESPONSES, "{" HI ",\"reasoning\":{\"effort\":\"none\"}}",
	    "none" },
	{ DIALECT_MESSAGES, THINKING("\"type\":\"disabled\""), "low" },
	{ DIALECT_MESSAGES,
	    THINKING("\"type\":\"enabled\",\"budget_tokens\":8000"), "medium" },
	{ DIALECT_CHAT,
	    "{\"messages\":[" USER(
		"\"a\"") "],\"reasoning\":{\"max_tokens\":9000}}",
	    "high" },
};

static void
efforts_are_words(void **state)
{
	struct fixture *f = *state;
	char wanted[64];
	size_t i;

	for (i = 0; i < count_of(efforts); i++) {
		snprintf(wanted, sizeof(wanted), "\"reasoning_effort\":\"%s\"",
		    efforts[i].effort);
		f->terms.reasons = true;
		assert_has(said(f, efforts[i].asks, efforts[i].body), wanted);
		f->terms.reasons = false;
		assert_lacks(said(f, efforts[i].asks, efforts[i].body),
		    "reasoning_effort");
	}
}

static void
sampling_and_labels(void **state)
{
	struct fixture *f = *state;
	const char *body = "{\"messages\":[" USER(
	    "\"a\"") "],\"temperature\":0.5,\"top_p\":1e0,\"stop\":\"x\","
		     "\"seed\":1,\"presence_penalty\":1,\"frequency_"
		     "penalty\":2,\"logit_bias\":{\"5\":1},\"verbosity\":"
		     "\"low\",\"user\":\"u\",\"prompt_cache_key\":\"k\","
		     "\"service_tier\":\"flex\"}";
	const char *text = said(f, DIALECT_CHAT, body);

	assert_has(text,
	    "\"temperature\":0.5,\"top_p\":1e0,\"stop\":[\"x\"],\"seed\":1,"
	    "\"presence_penalty\":1,\"frequency_penalty\":2,\"logit_bias\":{"
	    "\"5\":1}");
	assert_has(text,
	    "\"verbosity\":\"low\",\"user\":\"u\",\"prompt_cache_key\":\"k\","
	    "\"service_tier\":\"flex\"");
	f->terms.quirks &= ~(unsigned)QUIRK_OPENAI_FIELDS;
	text = said(f, DIALECT_CHAT, body);
	assert_lacks(text, "verbosity");
	assert_lacks(text, "service_tier");
}

static void
long_values_are_not_copied(void **state)
{
	struct fixture *f = *state;
	size_t before = f->arena.used;
	struct buf b;
	int i;

	buf_init(&b, ARENA_MAX);
	buf_puts(&b, "{\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
		     "\"content\":[{\"type\":\"image\",\"source\":{\"type\":"
		     "\"base64\",\"media_type\":\"image/png\",\"data\":\"");
	for (i = 0; i < 1000000; i++)
		buf_putc(&b, 'A');
	buf_puts(&b, "\"}}]}]}");
	(void)said(f, DIALECT_MESSAGES, buf_text(&b));
	/* But for the copy that the test makes. */
	assert_true(f->arena.used - before < 1000000 + 65536);
	buf_fini(&b);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_plain_request),
		story(leading_instructions_are_one_message),
		story(later_instructions_keep_their_place),
		story(results_come_before_what_the_user_says),
		story(media_of_results_follow_with_the_user),
		story(media_are_parts),
		story(what_an_assistant_said_is_one_message),
		story(freeform_tools_are_wrapped_where_they_are_not_known),
		story(tools_have_a_schema_and_a_name_of_their_space),
		story(formats),
		story(efforts_are_words),
		story(sampling_and_labels),
		story(long_values_are_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
