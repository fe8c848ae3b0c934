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

#define ARENA_MAX ((size_t)256 << 20)
#define TEXT_MAX  (16u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	struct target_terms terms;
	struct buf out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, TEXT_MAX);
	turn_init(&f->turn, &f->arena, DIALECT_MESSAGES);
	f->terms.model = slice_of("gpt-5");
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

/* Written: the request from that key on. */
static void
writes(struct fixture *f, const char *key, const char *expected)
{
	struct json_error error;
	struct weave w;
	struct slice *parts;
	size_t i, count, bytes;
	const char *from;

	weave_init(&w);
	responses_target.write(&w, &f->turn, &f->terms);
	parts = weave_parts(&w, &f->arena, &count, &bytes);
	weave_fini(&w);
	buf_reset(&f->out);
	for (i = 0; i < count; i++)
		buf_put_slice(&f->out, parts[i]);
	assert_int_equal(f->out.len, bytes);
	assert_non_null(json_parse(&f->arena, buf_slice(&f->out), &error));
	from = strstr(buf_text(&f->out), key);
	assert_non_null(from);
	assert_string_equal(from, expected);
}

static struct part *
says(struct fixture *f, enum turn_role role, const char *raw)
{
	struct part *p =
	    turn_part(&f->turn, turn_go_on(&f->turn, role), PART_TEXT);

	p->text = slice_of(raw);
	return p;
}

static struct part *
calls(struct fixture *f, const char *id, const char *name)
{
	struct part *p = turn_part(&f->turn,
	    turn_go_on(&f->turn, TURN_ASSISTANT), PART_CALL);

	p->id = slice_of(id);
	p->name = slice_of(name);
	return p;
}

static struct part *
gets(struct fixture *f, const char *id, const char *raw)
{
	struct part *p =
	    turn_part(&f->turn, turn_results(&f->turn), PART_RESULT);

	p->id = slice_of(id);
	if (raw != NULL)
		turn_result_part(&f->turn, p, PART_TEXT)->text = slice_of(raw);
	return p;
}

static void
a_request_begins_with_what_stays(void **state)
{
	struct fixture *f = *state;
	struct tool *t;

	f->turn.stream = true;
	f->turn.effort = EFFORT_HIGH;
	f->turn.thoughts_shown = TO_YES;
	f->turn.temperature = slice_of("0.5");
	f->turn.parallel = TO_NO;
	f->turn.verbosity = slice_of("\"low\"");
	f->turn.service_tier = slice_of("\"standard_only\"");
	f->turn.metadata = slice_of("{\"a\":\"b\"}");
	f->turn.user = slice_of("\"u\"");
	f->terms.output_cap = 5;
	f->terms.reasons = true;
	t = turn_tool(&f->turn, TOOL_FUNCTION, slice_of("\"f\""), slice_of(""));
	t->description = slice_of("\"d\"");
	turn_tool(&f->turn, TOOL_HOSTED, slice_of("\"web_search\""),
	    slice_of(""));
	t = turn_tool(&f->turn, TOOL_CUSTOM, slice_of("\"g\""),
	    slice_of("\"ns\""));
	t->syntax = slice_of("\"lark\"");
	t->definition = slice_of("\"start: A\"");
	f->turn.choice = CHOICE_ONE;
	f->turn.chosen = t;
	says(f, TURN_SYSTEM, "\"s\"");
	says(f, TURN_USER, "\"u\"");
	writes(f, "{",
	    "{\"model\":\"gpt-5\",\"stream\":true,\"store\":false,\"tools\":["
	    "{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\","
	    "\"parameters\":{\"type\":\"object\",\"properties\":{}},"
	    "\"strict\":false},{\"type\":\"custom\",\"name\":\"ns__g\","
	    "\"format\":{\"type\":\"grammar\",\"syntax\":\"lark\","
	    "\"definition\":\"start: A\"}}],\"tool_choice\":{\"type\":"
	    "\"custom\",\"name\":\"ns__g\"},\"parallel_tool_calls\":false,"
	    "\"include\":[\"reasoning.encrypted_content\"],\"reasoning\":{"
	    "\"effort\":\"high\",\"summary\":\"auto\"},\"text\":{"
	    "\"verbosity\":\"low\"},\"max_output_tokens\":16,\"metadata\":{"
	    "\"a\":\"b\"},\"user\":\"u\",\"service_tier\":\"default\","
	    "\"input\":[{\"type\":\"message\",\"role\":\"system\","
	    "\"content\":[{\"type\":\"input_text\",\"text\":\"s\"}]},{"
	    "\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":"
	    "\"input_text\",\"text\":\"u\"}]}]}");
}

static void
a_model_that_does_not_reason_is_told_how_to_sample(void **state)
{
	struct fixture *f = *state;
	char user[128];

	f->turn.temperature = slice_of("0.5");
	f->turn.thinking_budget = 4000;
	f->turn.format = FORMAT_SCHEMA;
	f->turn.format_schema = slice_of("{\"type\":\"object\"}");
	f->turn.choice = CHOICE_ANY; /* of none */
	snprintf(user, sizeof(user), "\"%0100d\"", 7);
	f->turn.user = slice_of(user);
	writes(f, "{",
	    "{\"model\":\"gpt-5\",\"store\":false,\"temperature\":0.5,"
	    "\"text\":{\"format\":{\"type\":\"json_schema\",\"name\":"
	    "\"response\",\"schema\":{\"type\":\"object\"}}},\"user\":"
	    "\"d24ca8888d7d26530f23461dcebf623f\",\"input\":[]}");
}

static void
efforts_have_words(void **state)
{
	struct fixture *f = *state;

	f->terms.reasons = true;
	f->turn.thinking_budget = 4000;
	writes(f, "\"reasoning\":",
	    "\"reasoning\":{\"effort\":\"medium\"},\"input\":[]}");
	f->turn.thinking_budget = 0;
	f->turn.thinking_off = true;
	writes(f, "\"reasoning\":",
	    "\"reasoning\":{\"effort\":\"low\"},\"input\":[]}");
	f->turn.effort = EFFORT_NONE;
	writes(f, "\"reasoning\":",
	    "\"reasoning\":{\"effort\":\"none\"},\"input\":[]}");
}

static void
calls_and_results_are_paired(void **state)
{
	struct fixture *f = *state;
	struct part *p;

	says(f, TURN_USER, "\"a\"");
	gets(f, "\"nobody\"", "\"x\"");
	p = turn_part(&f->turn, turn_go_on(&f->turn, TURN_ASSISTANT),
	    PART_THINKING);
	p->text = slice_of("\"t\"");
	p->blob = slice_of("\"sig\"");
	p->blob_kind = BLOB_SIGNATURE;
	p = calls(f, "\"c1\"", "\"f\"");
	p->input = slice_of("{\"a\": \"b\"}");
	says(f, TURN_ASSISTANT, "\"say\"");
	p = calls(f, "\"c2\"", "\"g\"");
	p->custom = true;
	p->arguments = slice_of("\"in\"");
	calls(f, "\"c3\"", "\"f\"")->arguments = slice_of("\"\"");
	calls(f, "\"c4\"", "\"f\"")->arguments = slice_of("\"{}\"");
	gets(f, "\"c1\"", "\"r1\"")->failed = true;
	gets(f, "\"c2\"", NULL);
	p = gets(f, "\"c4\"", NULL);
	p->failed = true;
	p = turn_result_part(&f->turn, p, PART_IMAGE);
	p->media_type = slice_of("image/png");
	p->data = slice_of("AAAA");
	writes(f, "\"input\":",
	    "\"input\":[{\"type\":\"message\",\"role\":\"user\",\"content\":[{"
	    "\"type\":\"input_text\",\"text\":\"a\"}]},"
	    "{\"type\":\"function_call\",\"call_id\":\"c1\",\"name\":\"f\","
	    "\"arguments\":\"{\\\"a\\\": \\\"b\\\"}\",\"status\":"
	    "\"completed\"},{\"type\":\"message\",\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"output_text\",\"text\":\"say\"}]},"
	    "{\"type\":\"custom_tool_call\",\"call_id\":\"c2\",\"name\":\"g\","
	    "\"input\":\"in\",\"status\":\"completed\"},"
	    "{\"type\":\"function_call\",\"call_id\":\"c3\",\"name\":\"f\","
	    "\"arguments\":\"\",\"status\":\"completed\"},"
	    "{\"type\":\"function_call\",\"call_id\":\"c4\",\"name\":\"f\","
	    "\"arguments\":\"{}\",\"status\":\"completed\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c3\",\"output\":"
	    "\"aborted\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c1\",\"output\":"
	    "\"Error: r1\"},"
	    "{\"type\":\"custom_tool_call_output\",\"call_id\":\"c2\","
	    "\"output\":\"\"},"
	    "{\"type\":\"function_call_output\",\"call_id\":\"c4\",\"output\":"
	    "[{\"type\":\"input_text\",\"text\":\"Error\"},{\"type\":"
	    "\"input_image\",\"image_url\":\"data:image/png;base64,AAAA\"}]}]"
	    "}");
}

static void
one_id_may_come_twice(void **state)
{
	struct fixture *f = *state;
	char id[128];
	int i;

	for (i = 0; i < 2; i++) {
		calls(f, "\"c\"", "\"f\"")->input = slice_of("{}");
		gets(f, "\"c\"", "\"r\"");
	}
	gets(f, "\"c\"", "\"again\"");
	snprintf(id, sizeof(id), "\"%0100d\"", 1);
	calls(f, id, "\"f\"")->input = slice_of("{}");
	writes(f, "\"input\":",
	    "\"input\":[{\"type\":\"function_call\",\"call_id\":\"c\","
	    "\"name\":\"f\",\"arguments\":\"{}\",\"status\":\"completed\"},{"
	    "\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":"
	    "\"r\"},{\"type\":\"function_call\",\"call_id\":\"c\",\"name\":"
	    "\"f\",\"arguments\":\"{}\",\"status\":\"completed\"},{\"type\":"
	    "\"function_call_output\",\"call_id\":\"c\",\"output\":\"r\"},{"
	    "\"type\":\"function_call\",\"call_id\":"
	    "\"call_68c675d2855e1820c49eb9db\",\"name\":\"f\",\"arguments\":\"{"
	    "}\",\"status\":"
	    "\"completed\"},{\"type\":\"function_call_output\",\"call_id\":"
	    "\"call_68c675d2855e1820c49eb9db\",\"output\":\"aborted\"}]}");
}

static void
media_and_reasoning_are_written(void **state)
{
	struct fixture *f = *state;
	struct message *m = turn_message(&f->turn, TURN_USER);
	struct part *p = turn_part(&f->turn, m, PART_IMAGE);
	struct buf big;

	buf_init(&big, TEXT_MAX);
	while (big.len < 4 * WEAVE_SPAN_MIN)
		buf_puts(&big, "QUJD");
	p->url = slice_of("\"https://a/b\"");
	p->detail = slice_of("\"low\"");
	p = turn_part(&f->turn, m, PART_FILE);
	p->media_type = slice_of("application/pdf");
	p->data = buf_slice(&big);
	p = turn_part(&f->turn, m, PART_FILE);
	p->url = slice_of("\"https://a/b.pdf\"");
	p = turn_part(&f->turn, m, PART_FILE);
	p->text = slice_of("\"body\"");
	p->title = slice_of("\"T\"");
	m = turn_message(&f->turn, TURN_ASSISTANT);
	p = turn_part(&f->turn, m, PART_THINKING);
	p->text = slice_of("\"t\"");
	p->blob = slice_of("\"ee\"");
	p->blob_kind = BLOB_ENCRYPTED;
	turn_part(&f->turn, m, PART_REFUSAL)->text = slice_of("\"no\"");
	writes(f, "\"input\":[",
	    arena_printf(&f->arena,
		"\"input\":[{\"type\":\"message\",\"role\":\"user\","
		"\"content\":[{\"type\":\"input_image\",\"detail\":\"low\","
		"\"image_url\":\"https://a/b\"},{\"type\":\"input_file\","
		"\"filename\":\"document.pdf\",\"file_data\":"
		"\"data:application/pdf;base64,%s\"},{\"type\":\"input_file\","
		"\"file_url\":\"https://a/b.pdf\"},{\"type\":\"input_text\","
		"\"text\":\"T\\n\\nbody\"}]},{\"type\":\"reasoning\",\"id\":"
		"\"rs_e2cbed2e03eaa08cbd902546\",\"summary\":[{\"type\":"
		"\"summary_text\",\"text\":"
		"\"t\"}],\"encrypted_content\":\"ee\"},{\"type\":\"message\","
		"\"role\":\"assistant\",\"content\":[{\"type\":\"refusal\","
		"\"refusal\":\"no\"}]}]}",
		buf_text(&big)));
	buf_fini(&big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_request_begins_with_what_stays),
		TEST(a_model_that_does_not_reason_is_told_how_to_sample),
		TEST(efforts_have_words),
		TEST(calls_and_results_are_paired),
		TEST(one_id_may_come_twice),
		TEST(media_and_reasoning_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
