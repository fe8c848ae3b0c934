#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define ARENA_MAX (8u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	const char *why;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	turn_init(&f->turn, &f->arena, DIALECT_MESSAGES);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	free(f);
	return 0;
}

static bool
read_text(struct fixture *f, const char *body)
{
	struct json_error error;
	const struct json_value *root =
	    json_parse(&f->arena, slice_of(body), &error);

	assert_non_null(root);
	turn_init(&f->turn, &f->arena, DIALECT_MESSAGES);
	f->why = NULL;
	return messages_caller.read(&f->turn, root, &f->why);
}

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"

/* A body of the members and a user who says hi. */
static const struct turn *
turn_of(struct fixture *f, const char *members)
{
	const char *body =
	    arena_printf(&f->arena, "{\"model\":\"m\",%s," HI "}", members);

	if (!read_text(f, body))
		fail_msg("%s: %s", body, f->why);
	return &f->turn;
}

/* A body of these messages. */
static const struct turn *
said(struct fixture *f, const char *messages)
{
	const char *body = arena_printf(&f->arena,
	    "{\"model\":\"m\",\"messages\":[%s]}", messages);

	if (!read_text(f, body))
		fail_msg("%s: %s", body, f->why);
	return &f->turn;
}

static bool
has(struct fixture *f, enum carry c)
{
	return carry_has(&f->turn.carried, c);
}

static void
assert_text(struct slice got, const char *wanted)
{
	assert_string_equal(slice_is(got, wanted) ? wanted
						  : strndup(got.ptr, got.len),
	    wanted);
}

static void
system_and_turns_are_messages(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = turn_of(f,
	    "\"system\":\"be \\\"brief\\\"\",\"max_tokens\":7,\"stream\":true");
	const struct message *m = t->messages;

	assert_int_equal(t->messages_count, 2);
	assert_int_equal(m->role, TURN_SYSTEM);
	assert_text(m->parts->text, "\"be \\\"brief\\\"\"");
	assert_int_equal(m->next->role, TURN_USER);
	assert_text(m->next->parts->text, "\"hi\"");
	assert_int_equal(t->output_cap, 7);
	assert_true(t->stream);
	assert_int_equal(t->carried.has[0] | t->carried.has[1], 0);
}

static void
a_billing_header_is_left_out(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = turn_of(f,
	    "\"system\":[{\"type\":\"text\",\"text\":\"x-anthropic-billing-"
	    "header: cc=1;\"},{\"type\":\"text\",\"text\":\"You.\","
	    "\"cache_control\":{\"type\":\"ephemeral\"}}]");

	assert_true(has(f, CARRY_BILLING_HEADER));
	assert_true(has(f, CARRY_CACHE_MARKS));
	assert_text(t->messages->parts->text, "\"You.\"");
	assert_text(t->messages->parts->cache, "{\"type\":\"ephemeral\"}");
	assert_null(t->messages->parts->next);
}

static void
a_late_system_message_stays_where_it_is(void **state)
{
	struct fixture *f = *state;
	static const char body[] =
	    "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
	    "{\"role\":\"system\",\"content\":\"env\",\"output_config\":"
	    "{\"effort\":\"%s\"}}],\"output_config\":{\"effort\":\"medium\"}}";
	char same[300], other[300];

	snprintf(same, sizeof(same), body, "medium");
	snprintf(other, sizeof(other), body, "low");
	assert_true(read_text(f, same));
	assert_int_equal(f->turn.last->role, TURN_SYSTEM);
	assert_true(has(f, CARRY_LATE_SYSTEM));
	assert_false(has(f, CARRY_OWN_EFFORT));
	assert_int_equal(f->turn.effort, EFFORT_MEDIUM);
	assert_true(read_text(f, other));
	assert_true(has(f, CARRY_OWN_EFFORT));
	assert_int_equal(f->turn.effort, EFFORT_MEDIUM);
}

static void
calls_and_results_make_the_round(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = said(f,
	    "{\"role\":\"user\",\"content\":\"go\"},"
	    "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\","
	    "\"thinking\":\"hm\",\"signature\":\"c2ln\"},"
	    "{\"type\":\"redacted_thinking\",\"data\":\"cmVk\"},"
	    "{\"type\":\"text\",\"text\":\"ok\"},"
	    "{\"type\":\"tool_use\",\"id\":\"a\",\"name\":\"f\",\"input\":{}},"
	    "{\"type\":\"tool_use\",\"id\":\"b\",\"name\":\"f\",\"input\":"
	    "{\"x\":1},\"caller\":{\"type\":\"direct\"}}]},"
	    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":"
	    "\"and\"},{\"type\":\"tool_result\",\"tool_use_id\":\"a\","
	    "\"content\":\"one\"},{\"type\":\"tool_result\",\"tool_use_id\":"
	    "\"b\",\"is_error\":true,\"content\":[{\"type\":\"text\","
	    "\"text\":\"two\"},{\"type\":\"image\",\"source\":{\"type\":"
	    "\"base64\",\"media_type\":\"image\\/"
	    "png\",\"data\":\"QUJD\"}}]}]}");
	const struct part *p = t->messages->next->parts;

	assert_int_equal(p->blob_kind, BLOB_SIGNATURE);
	assert_text(p->blob, "\"c2ln\"");
	assert_text(p->text, "\"hm\"");
	assert_int_equal(p->next->blob_kind, BLOB_REDACTED);
	p = p->next->next->next;
	assert_int_equal(p->kind, PART_CALL);
	assert_text(p->next->input, "{\"x\":1}");
	p = t->last->parts;
	assert_int_equal(p->kind, PART_RESULT);
	assert_text(p->content->text, "\"one\"");
	assert_false(p->failed);
	p = p->next;
	assert_text(p->id, "\"b\"");
	assert_true(p->failed);
	assert_text(p->content->next->media_type, "image/png");
	assert_text(p->content->next->data, "QUJD");
	assert_text(p->next->text, "\"and\"");
	assert_true(has(f, CARRY_THOUGHTS));
	assert_true(has(f, CARRY_TOOL_ERROR));
	assert_true(has(f, CARRY_RESULT_MEDIA));
	assert_false(has(f, CARRY_HOSTED_TOOLS));
	assert_false(has(f, CARRY_PREFILL));
}

static void
media_are_parts(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = said(f,
	    "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":"
	    "{\"type\":\"url\",\"url\":\"https://x/a.png\"}},{\"type\":"
	    "\"document\",\"title\":\"a.pdf\",\"citations\":{\"enabled\":true},"
	    "\"source\":{\"type\":\"base64\",\"media_type\":\"application/"
	    "pdf\","
	    "\"data\":\"QUJD\"}},{\"type\":\"document\",\"source\":{\"type\":"
	    "\"text\",\"media_type\":\"text/plain\",\"data\":\"words\"}},"
	    "{\"type\":\"search_result\",\"source\":\"http://s\",\"title\":"
	    "\"T\",\"content\":[{\"type\":\"text\",\"text\":\"found\"}]},"
	    "{\"type\":\"text\",\"text\":\"\"}]}");
	const struct part *p = t->messages->parts;

	assert_int_equal(p->kind, PART_IMAGE);
	assert_text(p->url, "\"https://x/a.png\"");
	p = p->next;
	assert_int_equal(p->kind, PART_FILE);
	assert_text(p->title, "\"a.pdf\"");
	assert_text(p->media_type, "application/pdf");
	p = p->next;
	assert_text(p->text, "\"words\"");
	p = p->next;
	assert_text(p->text, "\"T\\nhttp://s\\n\\nfound\"");
	assert_null(p->next);
	assert_true(has(f, CARRY_DOCUMENT_CITATIONS));
	assert_true(has(f, CARRY_SEARCH_RESULTS));
	assert_false(has(f, CARRY_DOCUMENT_URLS));
}

static void
tools_of_each_kind_are_read(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = turn_of(f,
	    "\"tools\":[{\"name\":\"f\",\"description\":\"d\","
	    "\"input_schema\":{\"type\":\"object\"},\"strict\":true},"
	    "{\"type\":\"bash_20250124\",\"name\":\"bash\"},"
	    "{\"name\":\"DeferredToolPlaceholder\",\"defer_loading\":true,"
	    "\"input_schema\":{}},"
	    "{\"type\":\"web_search_20250305\",\"name\":\"web_search\","
	    "\"max_uses\":8}],\"tool_choice\":{\"type\":\"tool\",\"name\":"
	    "\"f\",\"disable_parallel_tool_use\":true}");

	assert_int_equal(t->tools_count, 3);
	assert_text(t->tools->wire, "f");
	assert_text(t->tools->strict, "true");
	assert_true(t->tools->next->schema.len > 0);
	assert_int_equal(t->tools->next->next->kind, TOOL_HOSTED);
	assert_int_equal(t->choice, CHOICE_ONE);
	assert_ptr_equal(t->chosen, t->tools);
	assert_int_equal(t->parallel, TO_NO);
	assert_true(has(f, CARRY_HOSTED_TOOLS));
	assert_true(has(f, CARRY_TYPED_TOOLS));
	assert_true(has(f, CARRY_TOOL_REFERENCE));
	turn_of(f, "\"tools\":[{\"type\":\"computer_20250124\"}]");
	assert_true(has(f, CARRY_UNKNOWN_ITEMS));
}

static void
typed_tools_have_schemas_that_are_json(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = turn_of(f,
	    "\"tools\":[{\"type\":\"bash_1\"},{\"type\":\"text_editor_1\"},"
	    "{\"type\":\"memory_1\"}]");
	const struct tool *tool;
	struct json_error error;

	for (tool = t->tools; tool != NULL; tool = tool->next) {
		assert_non_null(json_parse(&f->arena, tool->schema, &error));
		assert_non_null(
		    json_parse(&f->arena, tool->description, &error));
	}
	assert_int_equal(t->tools_count, 3);
}

static void
thinking_and_effort_are_read(void **state)
{
	struct fixture *f = *state;

	turn_of(f,
	    "\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":8000}");
	assert_int_equal(f->turn.thinking_budget, 8000);
	assert_int_equal(f->turn.effort, EFFORT_MEDIUM);
	assert_true(has(f, CARRY_THINKING_BUDGET));
	turn_of(f,
	    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"omitted\"},"
	    "\"output_config\":{\"effort\":\"max\",\"format\":{\"type\":"
	    "\"json_schema\",\"schema\":{\"type\":\"object\"}},"
	    "\"task_budget\":{\"total\":9}}");
	assert_int_equal(f->turn.effort, EFFORT_MAX);
	assert_int_equal(f->turn.thoughts_shown, TO_NO);
	assert_int_equal(f->turn.format, FORMAT_SCHEMA);
	assert_text(f->turn.format_schema, "{\"type\":\"object\"}");
	assert_true(has(f, CARRY_TASK_BUDGET));
	turn_of(f, "\"thinking\":{\"type\":\"disabled\"}");
	assert_true(f->turn.thinking_off);
	turn_of(f,
	    "\"output_format\":{\"type\":\"json_schema\",\"schema\":{}}");
	assert_int_equal(f->turn.format, FORMAT_SCHEMA);
}

static void
labels_and_sampling_are_read(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = turn_of(f,
	    "\"temperature\":0.5,\"top_p\":0.9,\"top_k\":40,"
	    "\"stop_sequences\":[\"END\"],\"metadata\":{\"user_id\":\"u\"},"
	    "\"service_tier\":\"standard_only\",\"speed\":\"standard\","
	    "\"mcp_servers\":[],\"inference_geo\":null");

	assert_text(t->temperature, "0.5");
	assert_text(t->top_k, "40");
	assert_text(t->stops[0], "\"END\"");
	assert_text(t->user, "\"u\"");
	assert_text(t->service_tier, "\"default\"");
	assert_true(has(f, CARRY_TOP_K));
	assert_true(has(f, CARRY_STOP));
	assert_false(has(f, CARRY_SPEED));
	assert_false(has(f, CARRY_HOSTED_TOOLS));
	assert_false(has(f, CARRY_INFERENCE_GEO));
}

static const struct {
	const char *members;
	enum carry feature;
} noted[] = {
	{ "\"max_tokens\":0", CARRY_CACHE_FILL },
	{ "\"cache_control\":{\"type\":\"ephemeral\"}", CARRY_CACHE_MARKS },
	{ "\"speed\":\"fast\"", CARRY_SPEED },
	{ "\"inference_geo\":\"eu\"", CARRY_INFERENCE_GEO },
	{ "\"container\":\"c\"", CARRY_ACCOUNT_IDS },
	{ "\"mcp_servers\":[{}]", CARRY_HOSTED_TOOLS },
	{ "\"metadata\":{\"x\":\"y\"}", CARRY_METADATA },
	{ "\"diagnostics\":{}", CARRY_DIAGNOSTICS },
	{ "\"context_management\":{\"edits\":[{\"type\":"
	  "\"clear_thinking_20251015\"}]}",
	    CARRY_CONTEXT_CLEARING },
	{ "\"context_management\":{\"edits\":[{\"type\":"
	  "\"compact_20260112\"}]}",
	    CARRY_CONTEXT_EDITS },
	{ "\"somewhat\":1", CARRY_UNKNOWN },
	{ "\"output_config\":{\"new\":1}", CARRY_UNKNOWN },
};

static const struct {
	const char *message;
	enum carry feature;
} noted_messages[] = {
	{ "{\"role\":\"assistant\",\"content\":\"So\"}", CARRY_PREFILL },
	{ "{\"role\":\"user\",\"content\":[{\"type\":\"new\"}]}",
	    CARRY_UNKNOWN_ITEMS },
	{ "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\","
	  "\"new\":1}]}",
	    CARRY_UNKNOWN },
	{ "{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":"
	  "{\"type\":\"file\",\"file_id\":\"f\"}}]}",
	    CARRY_FILE_IDS },
	{ "{\"role\":\"assistant\",\"content\":[{\"type\":\"server_tool_use\"},"
	  "{\"type\":\"web_search_tool_result\"}]}",
	    CARRY_HOSTED_TOOLS },
	{ "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\","
	  "\"tool_use_id\":\"a\",\"content\":[{\"type\":\"tool_reference\","
	  "\"tool_name\":\"Grep\"}]}]}",
	    CARRY_TOOL_REFERENCE },
	{ "{\"role\":\"user\",\"content\":[{\"type\":\"document\",\"source\":"
	  "{\"type\":\"url\",\"url\":\"https://x\"}}]}",
	    CARRY_DOCUMENT_URLS },
	{ "{\"role\":\"assistant\",\"content\":[{\"type\":\"compaction\"}]}",
	    CARRY_COMPACTION },
};

static void
nothing_is_ignored_in_silence(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(noted); i++) {
		turn_of(f, noted[i].members);
		if (!has(f, noted[i].feature))
			fail_msg("%s is not noted", noted[i].members);
	}
	for (i = 0; i < count_of(noted_messages); i++) {
		said(f, noted_messages[i].message);
		if (!has(f, noted_messages[i].feature))
			fail_msg("%s is not noted", noted_messages[i].message);
	}
}

static const struct {
	const char *body, *why;
} wrongs[] = {
	{ "{}", "messages must be an array" },
	{ "{\"messages\":7}", "messages must be an array" },
	{ "{" HI ",\"system\":7}", "system must be a string or an array" },
	{ "{" HI ",\"max_tokens\":1.5}", "max_tokens must be an integer" },
	{ "{" HI ",\"tools\":{}}", "tools must be an array" },
	{ "{" HI ",\"tools\":[{}]}", "tools[0].name must be a string" },
	{ "{" HI ",\"thinking\":\"on\"}", "thinking must be an object" },
	{ "{" HI ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\"}}",
	    "tool_choice.name must be that of a tool which the caller runs" },
	{ "{\"messages\":[{\"role\":\"tool\"}]}",
	    "messages[0].role must be user, assistant or system" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":7}]}",
	    "messages[0].content must be a string or an array" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[7]}]}",
	    "messages[0].content[0] must be an object" },
	{ "{\"messages\":[7]}", "messages[0] must be an object" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"tool_use\"}]}]}",
	    "messages[0].content[0].type cannot stand here" },
	{ "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
	  "\"tool_result\",\"tool_use_id\":\"a\",\"content\":[{\"type\":"
	  "\"text\",\"text\":\"\"},{\"type\":\"text\"}]}]}]}",
	    "messages[0].content[0].content[1].text must be a string" },
};

static void
wrong_types_are_named(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(wrongs); i++) {
		assert_false(read_text(f, wrongs[i].body));
		assert_string_equal(f->why, wrongs[i].why);
	}
}

static void
too_many_tools_are_refused(void **state)
{
	struct fixture *f = *state;
	struct buf b;
	int i;

	buf_init(&b, 1u << 20);
	buf_puts(&b, "{" HI ",\"tools\":[");
	for (i = 0; i <= TOOLS_MAX; i++)
		buf_printf(&b, "%s{\"name\":\"f%d\"}", i > 0 ? "," : "", i);
	buf_puts(&b, "]}");
	assert_false(read_text(f, buf_text(&b)));
	assert_string_equal(f->why, "tools has too many: 1024 at most");
	buf_fini(&b);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(system_and_turns_are_messages),
		story(a_billing_header_is_left_out),
		story(a_late_system_message_stays_where_it_is),
		story(calls_and_results_make_the_round),
		story(media_are_parts),
		story(tools_of_each_kind_are_read),
		story(typed_tools_have_schemas_that_are_json),
		story(thinking_and_effort_are_read),
		story(labels_and_sampling_are_read),
		story(nothing_is_ignored_in_silence),
		story(wrong_types_are_named),
		story(too_many_tools_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
