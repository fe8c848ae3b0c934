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
#include "common/format/weave.h"
#include "node/dialect/responses/responses.h"

#define ARENA_MAX ((size_t)64 << 20)
#define TEXT_MAX  (16u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	const char *why;
	struct buf out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, TEXT_MAX);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->out);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

static bool
reads(struct fixture *f, struct slice body)
{
	struct json_error error;
	const struct json_value *root = json_parse(&f->arena, body, &error);

	assert_non_null(root);
	turn_init(&f->turn, &f->arena, DIALECT_RESPONSES);
	f->why = NULL;
	return responses_caller.read(&f->turn, root, &f->why);
}

static void
read_body(struct fixture *f, const char *body)
{
	if (!reads(f, slice_of(body)))
		fail_msg("%s", f->why);
}

static void
read_file(struct fixture *f, const char *name)
{
	char path[128];
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), "tests/golden/responses/%s", name);
	in = fopen(path, "r");
	assert_non_null(in);
	buf_reset(&f->out);
	len = fread(buf_room(&f->out, TEXT_MAX), 1, TEXT_MAX, in);
	fclose(in);
	if (!reads(f, arena_copy(&f->arena, slice_make(f->out.data, len))))
		fail_msg("%s", f->why);
}

static void
refuses(struct fixture *f, const char *body, const char *why)
{
	assert_false(reads(f, slice_of(body)));
	assert_string_equal(f->why, why);
}

/* What another dialect's target would have to leave out or refuse. */
static void
notes(struct fixture *f, const char *names)
{
	struct buf all;
	int c;

	buf_init(&all, TEXT_MAX);
	for (c = 0; c < CARRY_COUNT; c++)
		if (carry_has(&f->turn.carried, (enum carry)c))
			buf_printf(&all, "%s%s", all.len > 0 ? ", " : "",
			    carry_name((enum carry)c));
	assert_string_equal(buf_text(&all), names);
	buf_fini(&all);
}

/* The messages as the same dialect would write them. */
static void
means(struct fixture *f, const char *input)
{
	struct weave w;
	struct slice *parts;
	size_t i, count, bytes;

	weave_init(&w);
	responses_write_input(&w, &f->turn);
	parts = weave_parts(&w, &f->arena, &count, &bytes);
	weave_fini(&w);
	buf_reset(&f->out);
	for (i = 0; i < count; i++)
		buf_put_slice(&f->out, parts[i]);
	assert_string_equal(buf_text(&f->out), input);
}

static const struct tool *
tool(struct fixture *f, const char *wire)
{
	const struct tool *t = turn_tool_by_wire(&f->turn, slice_of(wire));

	assert_non_null(t);
	return t;
}

static void
same(struct slice s, const char *text)
{
	if (!slice_is(s, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(s), text);
}

static void
a_string_is_one_message(void **state)
{
	struct fixture *f = *state;

	read_body(f, "{\"model\":\"m\",\"input\":\"Say hi\","
		     "\"instructions\":\"Be terse.\"}");
	notes(f, "");
	means(f, "[{\"type\":\"message\",\"role\":\"system\",\"content\":[{"
		 "\"type\":\"input_text\",\"text\":\"Be terse.\"}]},"
		 "{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
		 "\"type\":\"input_text\",\"text\":\"Say hi\"}]}]");
}

static void
what_an_assistant_did_in_a_row_is_one_message(void **state)
{
	struct fixture *f = *state;
	const struct message *m;

	read_body(f,
	    "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":"
	    "\"summary_text\",\"text\":\"one\"},{\"type\":\"summary_text\","
	    "\"text\":\"two\"}],\"content\":null,\"encrypted_content\":\"ee\"},"
	    "{\"type\":\"message\",\"role\":\"assistant\",\"phase\":"
	    "\"commentary\",\"id\":\"m\",\"status\":\"completed\",\"content\":"
	    "[{\"type\":\"output_text\",\"text\":\"b\",\"annotations\":[]}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
	    "\"arguments\":\"{\\\"x\\\":1}\"},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"g\","
	    "\"input\":\"do\",\"namespace\":\"ns\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":"
	    "\"r1\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\","
	    "\"output\":[{\"type\":\"input_text\",\"text\":\"r2\"},"
	    "{\"type\":\"input_text\",\"text\":\"\"}],\"status\":"
	    "\"incomplete\"},"
	    "{\"role\":\"user\",\"content\":\"d\"}]}");
	assert_int_equal(f->turn.messages_count, 3);
	m = f->turn.messages->next;
	assert_int_equal(m->role, TURN_ASSISTANT);
	same(m->phase, "\"commentary\"");
	same(m->parts->text, "\"one\\n\\ntwo\"");
	assert_int_equal(m->parts->blob_kind, BLOB_ENCRYPTED);
	same(m->parts->blob, "\"ee\"");
	m = m->next;
	assert_int_equal(m->parts->kind, PART_RESULT);
	assert_int_equal(m->parts->next->kind, PART_RESULT);
	assert_true(m->parts->next->failed);
	assert_null(m->parts->next->content->next);
	assert_int_equal(m->parts->next->next->kind, PART_TEXT);
	notes(f, "custom_tools, namespaces, is_error, thinking, phase");
	means(f,
	    "[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
	    "\"type\":\"input_text\",\"text\":\"a\"}]},"
	    "{\"type\":\"reasoning\",\"id\":"
	    "\"rs_e2cbed2e03eaa08cbd902546\",\"summary\":[{\"type\":"
	    "\"summary_text\",\"text\":\"one\\n\\ntwo\"}],"
	    "\"encrypted_content\":\"ee\"},"
	    "{\"type\":\"message\",\"role\":\"assistant\",\"phase\":"
	    "\"commentary\",\"content\":[{\"type\":\"output_text\",\"text\":"
	    "\"b\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
	    "\"arguments\":\"{\\\"x\\\":1}\",\"status\":\"completed\"},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":"
	    "\"ns__g\",\"input\":\"do\",\"status\":\"completed\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":"
	    "\"r1\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\","
	    "\"output\":\"Error: r2\"},"
	    "{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
	    "\"input_text\",\"text\":\"d\"}]}]");
}

/* What came in between is behind all results, as other dialects want it. */
static void
a_late_result_goes_to_its_call(void **state)
{
	struct fixture *f = *state;
	const struct message *m;

	read_body(f,
	    "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c1\","
	    "\"name\":\"f\",\"arguments\":\"\"},{\"type\":\"function_call\","
	    "\"call_id\":\"c2\",\"name\":\"f\",\"arguments\":\"\"},"
	    "{\"role\":\"developer\",\"content\":\"d\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":"
	    "\"r1\"},{\"role\":\"user\",\"content\":\"u\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c2\",\"output\":"
	    "\"r2\"},{\"role\":\"user\",\"content\":\"v\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c0\",\"output\":"
	    "\"orphan\"}]}");
	m = f->turn.messages->next;
	assert_int_equal(m->role, TURN_USER);
	same(m->parts->id, "\"c1\"");
	same(m->parts->next->id, "\"c2\"");
	assert_null(m->parts->next->next);
	assert_int_equal(m->next->role, TURN_DEVELOPER);
	assert_int_equal(f->turn.messages_count, 6);
	same(f->turn.last->parts->id, "\"c0\"");

	read_body(f,
	    "{\"input\":[{\"type\":\"function_call\",\"call_id\":\"c1\","
	    "\"name\":\"f\",\"arguments\":\"\"},{\"role\":\"user\","
	    "\"content\":\"u\"},{\"type\":\"function_call_output\","
	    "\"call_id\":\"c1\",\"output\":\"r1\"},{\"role\":\"user\","
	    "\"content\":\"v\"}]}");
	m = f->turn.messages->next;
	assert_int_equal(m->parts->kind, PART_RESULT);
	same(m->parts->next->text, "\"u\"");
	assert_null(m->parts->next->next);
	same(m->next->parts->text, "\"v\"");
}

static void
images_and_files_are_kept_where_they_stand(void **state)
{
	struct fixture *f = *state;
	const struct part *p;

	read_file(f, "sdk-image.json");
	p = f->turn.messages->parts->next;
	assert_int_equal(p->kind, PART_IMAGE);
	same(p->media_type, "image/png");
	assert_true(slice_starts(p->data, "iVBORw0KGgo"));
	same(p->detail, "\"low\"");
	p = p->next;
	assert_int_equal(p->kind, PART_FILE);
	same(p->media_type, "application/pdf");
	same(p->title, "\"a.pdf\"");
	notes(f, "detail, documents");

	read_body(f,
	    "{\"input\":[{\"role\":\"user\",\"content\":["
	    "{\"type\":\"input_image\",\"image_url\":\"https://a/b.png\","
	    "\"detail\":\"auto\"},"
	    "{\"type\":\"input_file\",\"file_url\":\"https://a/b.pdf\"},"
	    "{\"type\":\"input_file\",\"file_id\":\"file-1\"},"
	    "{\"type\":\"input_image\",\"file_id\":\"file-2\"},"
	    "{\"type\":\"input_audio\",\"input_audio\":{}},"
	    "{\"type\":\"input_text\",\"text\":\"x\",\"prompt_cache_breakpoint"
	    "\":{\"mode\":\"explicit\"}},{\"type\":\"input_smell\"}]}]}");
	p = f->turn.messages->parts;
	same(p->url, "\"https://a/b.png\"");
	same(p->next->url, "\"https://a/b.pdf\"");
	assert_int_equal(p->next->next->kind, PART_TEXT);
	same(p->next->next->cache, "{\"mode\":\"explicit\"}");
	notes(f, "document URLs, file_id, audio, cache_control, unknown items");
}

static void
settings_are_read_and_noted(void **state)
{
	struct fixture *f = *state;

	read_file(f, "sdk-reasoning.json");
	assert_true(f->turn.stream);
	assert_int_equal(f->turn.effort, EFFORT_MEDIUM);
	assert_int_equal(f->turn.thoughts_shown, TO_YES);
	assert_int_equal(f->turn.output_cap, 900);
	same(f->turn.verbosity, "\"low\"");
	same(f->turn.metadata, "{\"k\":\"v\"}");
	notes(f, "effort, thoughts shown, prompt_cache_key, metadata, "
		 "verbosity, truncation");

	read_body(f,
	    "{\"input\":\"a\",\"temperature\":0.5,\"top_p\":0.9,"
	    "\"top_logprobs\":2,\"include\":[\"web_search_call.results\"],"
	    "\"reasoning\":{\"context\":\"all_turns\",\"mode\":\"pro\"},"
	    "\"prompt_cache_options\":{\"prewarm\":true},"
	    "\"safety_identifier\":\"u\",\"service_tier\":\"flex\","
	    "\"max_tool_calls\":3,\"context_management\":[{}],"
	    "\"client_metadata\":{\"a\":\"b\"},\"moderation\":{\"model\":1},"
	    "\"stream_options\":{\"include_obfuscation\":false},"
	    "\"new_field\":1,\"no_field\":null,\"metadata\":{},"
	    "\"truncation\":\"disabled\",\"store\":true,"
	    "\"text\":{\"format\":{\"type\":\"json_object\"}}}");
	same(f->turn.temperature, "0.5");
	same(f->turn.user, "\"u\"");
	assert_int_equal(f->turn.format, FORMAT_JSON);
	same(f->turn.carried.unknown[0], "new_field");
	assert_int_equal(f->turn.carried.unknown_count, 1);
	notes(f, "temperature, top_p, logprobs, json_object, "
		 "reasoning.context, reasoning.mode, prompt_cache_key, "
		 "prewarm, user, service_tier, client_metadata, include, "
		 "stream_options, context_management, max_tool_calls, "
		 "moderation, unknown fields");
}

static void
a_later_setting_counts(void **state)
{
	struct fixture *f = *state;

	read_body(f,
	    "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"type\":"
	    "\"configuration_update\",\"reasoning\":{\"effort\":\"high\"},"
	    "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":\"n\","
	    "\"schema\":{\"type\":\"object\"},\"strict\":true}}}],"
	    "\"reasoning\":{\"effort\":\"low\"}}");
	assert_int_equal(f->turn.effort, EFFORT_HIGH);
	assert_int_equal(f->turn.format, FORMAT_SCHEMA);
	same(f->turn.format_name, "\"n\"");
	same(f->turn.format_schema, "{\"type\":\"object\"}");
	same(f->turn.format_strict, "true");
}

#define TOOLS                                                                  \
	"\"tools\":[{\"type\":\"function\",\"name\":\"f\",\"parameters\":{"    \
	"\"type\":\"object\"},\"strict\":true,\"description\":\"d\"},"         \
	"{\"type\":\"custom\",\"name\":\"g\",\"format\":{\"type\":"            \
	"\"grammar\",\"syntax\":\"lark\",\"definition\":\"start: A\"}},"       \
	"{\"type\":\"namespace\",\"name\":\"ns\",\"description\":\"\","        \
	"\"tools\":[{\"type\":\"function\",\"name\":\"h\",\"parameters\":"     \
	"null,\"defer_loading\":true,\"output_schema\":{}}]},"                 \
	"{\"type\":\"tool_search\",\"execution\":\"client\",\"parameters\":{"  \
	"}},{\"type\":\"web_search\"}]"

static void
tools_of_all_kinds(void **state)
{
	struct fixture *f = *state;

	read_body(f, "{\"input\":\"a\"," TOOLS "}");
	assert_int_equal(f->turn.tools_count, 5);
	same(tool(f, "f")->schema, "{\"type\":\"object\"}");
	same(tool(f, "f")->strict, "true");
	assert_int_equal(tool(f, "g")->kind, TOOL_CUSTOM);
	same(tool(f, "g")->definition, "\"start: A\"");
	same(tool(f, "ns__h")->space, "\"ns\"");
	assert_true(tool(f, "tool_search")->search);
	assert_int_equal(tool(f, "web_search")->kind, TOOL_HOSTED);
	same(f->turn.carried.unknown[0], "output_schema");
	notes(f, "strict, custom_tools, namespaces, tool_search, "
		 "tool_reference, hosted_tools, unknown fields");

	read_body(f, "{\"input\":\"a\",\"tools\":[{\"type\":\"apply_patch\"},"
		     "{\"type\":\"local_shell\"}]}");
	assert_int_equal(f->turn.tools_count, 0);
	notes(f, "unknown items");
}

static void
tools_are_chosen(void **state)
{
	struct fixture *f = *state;

	read_body(f, "{\"tool_choice\":{\"type\":\"function\",\"name\":\"h\"},"
		     "\"input\":\"a\"," TOOLS "}");
	assert_int_equal(f->turn.choice, CHOICE_ONE);
	assert_ptr_equal(f->turn.chosen, tool(f, "ns__h"));
	read_body(f, "{\"tool_choice\":\"required\",\"input\":\"a\"," TOOLS
		     ",\"parallel_tool_calls\":false}");
	assert_int_equal(f->turn.choice, CHOICE_ANY);
	assert_int_equal(f->turn.parallel, TO_NO);
	read_body(f, "{\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":"
		     "\"auto\",\"tools\":[{\"type\":\"custom\",\"name\":\"g\"},"
		     "{\"type\":\"tool_search\"}]},\"input\":\"a\"," TOOLS "}");
	assert_int_equal(f->turn.choice, CHOICE_AUTO);
	assert_int_equal(f->turn.tools_count, 2);
	assert_ptr_equal(f->turn.tools->next, tool(f, "tool_search"));
	refuses(f,
	    "{\"tool_choice\":{\"type\":\"web_search\"},\"input\":\"a\"," TOOLS
	    "}",
	    "tool_choice forces a tool that only its provider can run");
	refuses(f,
	    "{\"tool_choice\":{\"type\":\"function\",\"name\":\"no\"},"
	    "\"input\":\"a\"," TOOLS "}",
	    "tool_choice names a tool that is not listed");
}

static void
tools_come_with_the_input(void **state)
{
	struct fixture *f = *state;

	read_body(f,
	    "{\"input\":[{\"type\":\"additional_tools\",\"role\":"
	    "\"developer\",\"tools\":[{\"type\":\"namespace\",\"name\":"
	    "\"functions\",\"tools\":[{\"type\":\"custom\",\"name\":\"exec\"}]}"
	    "]},{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"type\":\"tool_search_call\",\"call_id\":\"s1\",\"execution\":"
	    "\"client\",\"arguments\":{\"query\":\"q\"}},"
	    "{\"type\":\"tool_search_output\",\"call_id\":\"s1\",\"tools\":[{"
	    "\"type\":\"namespace\",\"name\":\"x\",\"tools\":[{\"type\":"
	    "\"function\",\"name\":\"y\"}]},{\"type\":\"function\",\"name\":"
	    "\"z\"}]},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"exec"
	    "\",\"input\":\"i\"},{\"type\":\"custom_tool_call_output\","
	    "\"call_id\":\"c\",\"output\":\"\"}]}");
	assert_int_equal(tool(f, "functions__exec")->kind, TOOL_CUSTOM);
	tool(f, "x__y");
	notes(f, "custom_tools, namespaces, additional_tools, tool_search");
	means(f,
	    "[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
	    "\"type\":\"input_text\",\"text\":\"a\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"s1\",\"name\":"
	    "\"tool_search\",\"arguments\":\"{\\\"query\\\":\\\"q\\\"}\","
	    "\"status\":\"completed\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"s1\",\"output\":"
	    "\"Tools that were found: x__y, z\"},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c\",\"name\":"
	    "\"functions__exec\",\"input\":\"i\",\"status\":\"completed\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c\","
	    "\"output\":\"\"}]");
}

static void
items_that_cannot_go_elsewhere_are_noted(void **state)
{
	struct fixture *f = *state;

	read_body(f,
	    "{\"input\":[{\"type\":\"compaction\",\"encrypted_content\":\"x\"},"
	    "{\"type\":\"web_search_call\",\"id\":\"ws\"},"
	    "{\"type\":\"shell_call\"},{\"role\":\"user\",\"content\":\"a\"},"
	    "{\"role\":\"system\",\"content\":\"b\"},{\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"},{\"type\":"
	    "\"output_text\",\"text\":\"t\",\"annotations\":[{}]}]}]}");
	notes(f, "hosted_tools, citations, refusal, system in the middle, "
		 "prefill, compaction, unknown items");
	assert_int_equal(f->turn.messages_count, 3);
}

static void
what_is_wrong_is_named(void **state)
{
	struct fixture *f = *state;

	refuses(f, "[]", "the body must be an object");
	refuses(f, "{}", "input is missing");
	refuses(f, "{\"input\":[]}", "input has nothing to answer");
	refuses(f, "{\"input\":1}", "input must be a string or an array");
	refuses(f, "{\"input\":[1]}", "input[0] must be an object");
	refuses(f, "{\"input\":[{\"role\":\"x\",\"content\":\"\"}]}",
	    "input[0].role must be system, developer, user or assistant");
	refuses(f, "{\"input\":[{\"role\":\"user\",\"content\":{}}]}",
	    "input[0].content must be a string or an array");
	refuses(f,
	    "{\"input\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":"
	    "\"user\",\"content\":[{\"type\":\"input_text\",\"text\":1}]}]}",
	    "input[1].content[0].text must be a string");
	refuses(f,
	    "{\"input\":[{\"role\":\"user\",\"content\":[{\"type\":"
	    "\"input_image\",\"image_url\":\"ftp://x\"}]}]}",
	    "input[0].content[0].image_url must be an http or https URL, or "
	    "a base64 data URL");
	refuses(f,
	    "{\"input\":[{\"type\":\"function_call\",\"name\":\"f\","
	    "\"arguments\":\"\"}]}",
	    "input[0].call_id must be a string, not empty");
	refuses(f, "{\"input\":[{\"id\":\"rs_1\"}]}",
	    "input[0] is a reference to an item that is not kept here: send "
	    "store:false and the items themselves");
	refuses(f, "{\"input\":\"a\",\"tools\":[{\"type\":\"function\"}]}",
	    "tools[0].name must be a string, not empty");
	refuses(f,
	    "{\"input\":[{\"type\":\"additional_tools\",\"tools\":[{}]}]}",
	    "input[0].tools[0].type must be a string, not empty");
	refuses(f,
	    "{\"input\":[{\"type\":\"additional_tools\",\"tools\":[{\"type\":"
	    "\"namespace\",\"name\":\"n\",\"tools\":[{}]}]}]}",
	    "input[0].tools[0].tools[0].type must be a string, not empty");
	refuses(f, "{\"input\":\"a\",\"temperature\":\"1\"}",
	    "temperature must be a number");
	refuses(f, "{\"input\":\"a\",\"reasoning\":{\"effort\":\"lots\"}}",
	    "reasoning.effort must be none, minimal, low, medium, high, xhigh "
	    "or max");
	refuses(f, "{\"input\":\"a\",\"max_output_tokens\":0}",
	    "max_output_tokens must be a whole number over 0");
}

static void
more_tools_than_fit_are_refused(void **state)
{
	struct fixture *f = *state;
	struct buf body;
	int i;

	buf_init(&body, TEXT_MAX);
	buf_puts(&body, "{\"input\":\"a\",\"tools\":[{\"type\":\"mcp\"}");
	for (i = 0; i < TOOLS_MAX; i++)
		buf_printf(&body, ",{\"type\":\"function\",\"name\":\"f%d\"}",
		    i);
	buf_puts(&body, "]}");
	refuses(f, buf_text(&body),
	    "tools[1024] is one tool too many: 1024 at most");
	buf_fini(&body);
}

static void
what_codex_sends_is_read(void **state)
{
	struct fixture *f = *state;

	read_file(f, "codex-additional-tools.json");
	assert_int_equal(tool(f, "functions__exec")->kind, TOOL_CUSTOM);
	assert_int_equal(f->turn.last->parts->kind, PART_RESULT);
	notes(f, "custom_tools, namespaces, additional_tools, effort, "
		 "reasoning.context, thinking, prompt_cache_key, verbosity, "
		 "client_metadata");
	read_file(f, "codex-apply-patch.json");
	assert_int_equal(tool(f, "apply_patch")->kind, TOOL_CUSTOM);
	assert_true(tool(f, "tool_search")->search);
	assert_int_equal(f->turn.last->parts->kind, PART_RESULT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_string_is_one_message),
		TEST(what_an_assistant_did_in_a_row_is_one_message),
		TEST(a_late_result_goes_to_its_call),
		TEST(images_and_files_are_kept_where_they_stand),
		TEST(settings_are_read_and_noted),
		TEST(a_later_setting_counts),
		TEST(tools_of_all_kinds),
		TEST(tools_are_chosen),
		TEST(tools_come_with_the_input),
		TEST(items_that_cannot_go_elsewhere_are_noted),
		TEST(what_is_wrong_is_named),
		TEST(more_tools_than_fit_are_refused),
		TEST(what_codex_sends_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
