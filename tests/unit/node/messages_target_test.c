#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/weave.h"
#include "node/dialect/messages/messages.h"

#define ARENA_MAX (16u << 20)

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
	turn_init(&f->turn, &f->arena, DIALECT_CHAT);
	f->terms =
	    (struct target_terms){ .model = slice_of("m"), .reasons = true };
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

/* The body for the turn, joined; it has to be JSON. */
static const char *
written(struct fixture *f)
{
	struct slice *parts;
	struct json_error error;
	struct weave w;
	struct buf b;
	size_t i, count, bytes;
	const char *text;

	weave_init(&w);
	messages_target.write(&w, &f->turn, &f->terms);
	parts = weave_parts(&w, &f->arena, &count, &bytes);
	buf_init(&b, ARENA_MAX);
	for (i = 0; i < count; i++)
		buf_put_slice(&b, parts[i]);
	text = arena_text(&f->arena, buf_slice(&b));
	buf_fini(&b);
	weave_fini(&w);
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

static struct part *
text_part(struct fixture *f, struct message *m, const char *raw)
{
	struct part *p = turn_part(&f->turn, m, PART_TEXT);

	p->text = slice_of(raw);
	return p;
}

static void
say(struct fixture *f, enum turn_role role, const char *raw)
{
	text_part(f, turn_message(&f->turn, role), raw);
}

static struct part *
call(struct fixture *f, const char *id, const char *arguments)
{
	struct part *p = turn_part(&f->turn,
	    turn_go_on(&f->turn, TURN_ASSISTANT), PART_CALL);

	p->id = slice_of(id);
	p->name = slice_of("\"f\"");
	p->arguments = slice_of(arguments);
	return p;
}

static struct part *
result(struct fixture *f, const char *id, const char *raw)
{
	struct part *p =
	    turn_part(&f->turn, turn_results(&f->turn), PART_RESULT);

	p->id = slice_of(id);
	turn_result_part(&f->turn, p, PART_TEXT)->text = slice_of(raw);
	return p;
}

static struct tool *
tool(struct fixture *f, enum tool_kind kind, const char *name)
{
	return turn_tool(&f->turn, kind, slice_of(name), slice_of(""));
}

#define TEXT(s)   "{\"type\":\"text\",\"text\":\"" s "\"}"
#define USER(s)   "{\"role\":\"user\",\"content\":[" s "]}"
#define SYSTEM(s) "{\"role\":\"system\",\"content\":[" s "]}"
#define AGENT(s)  "{\"role\":\"assistant\",\"content\":[" s "]}"
#define SAID(s)   "\"messages\":[" s "]}"
#define CALL(id)                                                               \
	"{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"f\",\"input\":{}" \
	"}"
#define RESULT(id, s)                                                          \
	"{\"type\":\"tool_result\",\"tool_use_id\":\"" id                      \
	"\",\"content\":[" TEXT(s) "]}"
#define ABORTED(id)                                                            \
	"{\"type\":\"tool_result\",\"tool_use_id\":\"" id                      \
	"\",\"content\":\"aborted\",\"is_error\":true}"

static void
a_plain_request(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_SYSTEM, "\"be\"");
	say(f, TURN_DEVELOPER, "\"brief\"");
	say(f, TURN_USER, "\"hi\"");
	f->turn.stream = true;
	f->terms.output_cap = 50;
	assert_string_equal(written(f),
	    "{\"model\":\"m\",\"stream\":true,\"max_tokens\":50,"
	    "\"system\":[" TEXT("be") "," TEXT("brief") "]," SAID(
		USER(TEXT("hi"))));
}

static void
roles_merge_and_empty_ones_go(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"a\"");
	say(f, TURN_USER, "\"b\"");
	say(f, TURN_ASSISTANT, "\"\"");
	turn_part(&f->turn, f->turn.last, PART_REFUSAL)->text =
	    slice_of("\"no\"");
	say(f, TURN_ASSISTANT, "\" \\n\"");
	say(f, TURN_DEVELOPER, "\"late\"");
	say(f, TURN_USER, "\"c\"");
	assert_has(written(f),
	    SAID(USER(TEXT("a") "," TEXT("b")) "," AGENT(TEXT("no")) "," SYSTEM(
		TEXT("late")) "," USER(TEXT("c"))));
	assert_has(written(f), "\"max_tokens\":8192");
}

static void
system_prompts_alone_are_what_the_user_says(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_SYSTEM, "\"hi\"");
	assert_has(written(f), SAID(USER(TEXT("hi"))));
	assert_lacks(written(f), "\"system\"");
}

static void
every_call_has_its_result_next(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"go\"");
	call(f, "\"a\"", "\"\"");
	call(f, "\"b\"", "\"{}\"");
	say(f, TURN_SYSTEM, "\"late\"");
	result(f, "\"b\"", "\"two\"");
	result(f, "\"gone\"", "\"orphan\"");
	result(f, "\"a\"", "\"one\"")->failed = true;
	text_part(f, f->turn.last, "\"and\"");
	call(f, "\"c\"", "\"{}\"");
	say(f, TURN_USER, "\"so\"");
	assert_has(written(f),
	    SAID(USER(TEXT("go")) "," AGENT(CALL("a") "," CALL("b")) "," USER(
		"{\"type\":\"tool_result\",\"tool_use_id\":\"a\",\"content\":"
		"[" TEXT("one") "],\"is_error\":true}," RESULT("b",
		    "two")) "," SYSTEM(TEXT("late")) "," USER(TEXT("and")) "," AGENT(CALL("c")) "," USER(ABORTED("c") "," TEXT("so"))));
}

static void
ids_may_occur_again(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"go\"");
	call(f, "\"0\"", "\"{}\"");
	result(f, "\"0\"", "\"one\"");
	call(f, "\"0\"", "\"{}\"");
	result(f, "\"0\"", "\"two\"");
	call(f, "\"0\"", "\"{}\"");
	assert_has(written(f),
	    SAID(USER(TEXT("go")) "," AGENT(CALL("0")) "," USER(
		RESULT("0", "one")) "," AGENT(CALL("0")) "," USER(RESULT("0",
		"two")) "," AGENT(CALL("0")) "," USER(ABORTED("0"))));
}

static void
ids_get_the_letters_of_the_api(void **state)
{
	struct fixture *f = *state;
	const char *text, *a, *b, *c;

	say(f, TURN_USER, "\"go\"");
	call(f, "\"f.x:1\"", "\"{}\"");
	call(f, "\"f:x.1\"", "\"{}\"");
	result(f, "\"f.x:1\"", "\"r\"");
	text = written(f);
	a = strstr(text, "\"id\":\"f_x_1_");
	assert_non_null(a);
	b = strstr(a + 1, "\"id\":\"f_x_1_");
	assert_non_null(b);
	c = strstr(text, "\"tool_use_id\":\"f_x_1_");
	assert_memory_equal(strchr(a, ':'), strchr(c, ':'), 17);
	assert_memory_not_equal(strchr(a, ':'), strchr(b, ':'), 17);
}

static void
media_are_woven_in(void **state)
{
	struct fixture *f = *state;
	struct part *p;
	const char *text;

	say(f, TURN_USER, "\"look\"");
	p = turn_part(&f->turn, f->turn.last, PART_IMAGE);
	p->media_type = slice_of("image/jpg");
	p->data = slice_of("QUJD");
	p = turn_part(&f->turn, f->turn.last, PART_IMAGE);
	p->url = slice_of("\"https://x/a.png\"");
	p = turn_part(&f->turn, f->turn.last, PART_FILE);
	p->media_type = slice_of("application/pdf");
	p->title = slice_of("\"a.pdf\"");
	p->data = slice_of("QUJD");
	p = turn_part(&f->turn, f->turn.last, PART_FILE);
	p->media_type = slice_of("text/csv");
	p->data = slice_of("YSwiYiIK");
	text = written(f);
	assert_has(text, "{\"type\":\"image\",\"source\":{\"type\":\"base64\","
			 "\"media_type\":\"image/jpeg\",\"data\":\"QUJD\"}}");
	assert_has(text,
	    "{\"type\":\"image\",\"source\":{\"type\":\"url\",\"url\":"
	    "\"https://x/a.png\"}}");
	assert_has(text,
	    "{\"type\":\"document\",\"source\":{\"type\":\"base64\","
	    "\"media_type\":\"application/pdf\",\"data\":\"QUJD\"},\"title\":"
	    "\"a.pdf\"}");
	assert_has(text,
	    "{\"type\":\"document\",\"source\":{\"type\":\"text\","
	    "\"media_type\":\"text/plain\",\"data\":\"a,\\\"b\\\"\\n\"}}");
}

static void
tools_and_choice(void **state)
{
	struct fixture *f = *state;
	struct tool *t;
	const char *text;

	say(f, TURN_USER, "\"go\"");
	t = tool(f, TOOL_FUNCTION, "\"f\"");
	t->description = slice_of("\"does\"");
	t->schema = slice_of("{\"properties\":{\"x\":{}}}");
	t->strict = slice_of("true");
	f->turn.chosen = t;
	f->turn.choice = CHOICE_ONE;
	f->turn.parallel = TO_NO;
	tool(f, TOOL_FUNCTION, "\"none\"");
	tool(f, TOOL_HOSTED, "\"web_search\"");
	t = tool(f, TOOL_CUSTOM, "\"patch\"");
	t->description = slice_of("\"patches\"");
	t->syntax = slice_of("\"lark\"");
	t->definition = slice_of("\"start: x\"");
	text = written(f);
	assert_has(text,
	    "\"tools\":[{\"name\":\"f\",\"description\":\"does\","
	    "\"input_schema\":{\"type\":\"object\",\"properties\":{\"x\":{}}},"
	    "\"strict\":true},{\"name\":\"none\",\"input_schema\":{\"type\":"
	    "\"object\",\"properties\":{}}},{\"name\":\"patch\","
	    "\"description\":\"patches\\n\\nThe input is text after this "
	    "grammar (lark):\\nstart: x\",\"input_schema\":{\"type\":"
	    "\"object\",\"properties\":{\"input\":{\"type\":\"string\"}},"
	    "\"required\":[\"input\"],\"additionalProperties\":false}}],"
	    "\"tool_choice\":{\"type\":\"tool\",\"name\":\"f\","
	    "\"disable_parallel_tool_use\":true}");
	f->turn.choice = CHOICE_UNSET;
	assert_has(written(f),
	    "\"tool_choice\":{\"type\":\"auto\",\"disable_parallel");
	f->turn.choice = CHOICE_NONE;
	assert_has(written(f), "\"tool_choice\":{\"type\":\"none\"}");
}

static void
custom_calls_are_wrapped(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"go\"");
	call(f, "\"a\"", "\"+line\\n\"")->custom = true;
	assert_has(written(f), "\"input\":{\"input\":\"+line\\n\"}");
}

static void
thinking_goes_back_only_with_its_blob(void **state)
{
	struct fixture *f = *state;
	struct message *m;
	struct part *p;

	say(f, TURN_USER, "\"go\"");
	m = turn_message(&f->turn, TURN_ASSISTANT);
	turn_part(&f->turn, m, PART_THINKING)->text = slice_of("\"bare\"");
	p = turn_part(&f->turn, m, PART_THINKING);
	p->blob_kind = BLOB_ENCRYPTED;
	p->blob = slice_of("\"other\"");
	p = turn_part(&f->turn, m, PART_THINKING);
	p->text = slice_of("\"hm\"");
	p->blob_kind = BLOB_SIGNATURE;
	p->blob = slice_of("\"c2ln\"");
	p = turn_part(&f->turn, m, PART_THINKING);
	p->blob_kind = BLOB_REDACTED;
	p->blob = slice_of("\"cmVk\"");
	text_part(f, m, "\"done\"");
	assert_has(written(f),
	    AGENT("{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":"
		  "\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":"
		  "\"cmVk\"}," TEXT("done")));
}

static const struct {
	enum effort effort;
	int64_t budget, cap;
	bool reasons;
	const char *has, *lacks;
} thoughts[] = {
	{ EFFORT_UNSET, 0, 0, true, "\"temperature\":0.5", "\"thinking\"" },
	{ EFFORT_HIGH, 0, 0, true,
	    "\"thinking\":{\"type\":\"adaptive\",\"display\":\"summarized\"},"
	    "\"output_config\":{\"effort\":\"high\"}",
	    "\"temperature\"" },
	{ EFFORT_MINIMAL, 0, 0, true, "{\"effort\":\"low\"}", "minimal" },
	{ EFFORT_NONE, 0, 0, true, "\"thinking\":{\"type\":\"disabled\"}",
	    "\"output_config\"" },
	{ EFFORT_HIGH, 0, 0, false, "\"temperature\":0.5", "\"thinking\"" },
	{ EFFORT_MEDIUM, 4096, 0, true,
	    "{\"type\":\"enabled\",\"budget_tokens\":4096,", "\"effort\"" },
	{ EFFORT_MEDIUM, 4096, 2000, true, "\"budget_tokens\":1999,",
	    "\"effort\"" },
	{ EFFORT_MEDIUM, 4096, 1000, true, "\"max_tokens\":1000",
	    "\"thinking\"" },
};

static void
effort_becomes_thinking(void **state)
{
	struct fixture *f = *state;
	size_t i;

	say(f, TURN_USER, "\"go\"");
	f->turn.temperature = slice_of("0.5");
	f->turn.thoughts_shown = TO_YES;
	for (i = 0; i < count_of(thoughts); i++) {
		f->turn.effort = thoughts[i].effort;
		f->turn.thinking_budget = thoughts[i].budget;
		f->turn.output_cap = thoughts[i].cap;
		f->terms.reasons = thoughts[i].reasons;
		assert_has(written(f), thoughts[i].has);
		assert_lacks(written(f), thoughts[i].lacks);
	}
}

static void
a_forced_call_is_not_thought_about(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"go\"");
	tool(f, TOOL_FUNCTION, "\"f\"");
	f->turn.choice = CHOICE_ANY;
	f->turn.effort = EFFORT_HIGH;
	assert_lacks(written(f), "\"thinking\"");
	assert_has(written(f), "\"tool_choice\":{\"type\":\"any\"}");
}

static void
a_budget_needs_thinking_in_the_tool_loop(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"go\"");
	call(f, "\"a\"", "\"{}\"");
	result(f, "\"a\"", "\"r\"");
	f->turn.thinking_budget = 2048;
	assert_lacks(written(f), "\"thinking\"");
	say(f, TURN_USER, "\"next\"");
	assert_has(written(f), "\"thinking\":{\"type\":\"enabled\"");
}

static const struct {
	const char *temperature, *top_p, *has, *lacks;
} samplings[] = {
	{ "0.2", "0.5", "\"temperature\":0.2", "top_p" },
	{ "1.7", "", "\"temperature\":1", "1.7" },
	{ "1", "0.5", "\"top_p\":0.5", "temperature" },
	{ "", "1", "\"model\"", "top_p" },
};

static void
one_of_temperature_and_top_p(void **state)
{
	struct fixture *f = *state;
	size_t i;

	say(f, TURN_USER, "\"go\"");
	for (i = 0; i < count_of(samplings); i++) {
		f->turn.temperature = slice_of(samplings[i].temperature);
		f->turn.top_p = slice_of(samplings[i].top_p);
		assert_has(written(f), samplings[i].has);
		assert_lacks(written(f), samplings[i].lacks);
	}
}

static void
labels_formats_and_marks(void **state)
{
	struct fixture *f = *state;
	struct slice stops[] = { slice_of("\"END\""), slice_of("\"\\n\"") };
	const char *text, *at;
	int i, marks = 0;

	for (i = 0; i < 6; i++)
		text_part(f, turn_message(&f->turn, TURN_USER), "\"x\"")
		    ->cache =
		    slice_of("{\"mode\":\"explicit\",\"ttl\":\"12h\"}");
	f->turn.user = slice_of("\"u\"");
	f->turn.service_tier = slice_of("\"default\"");
	f->turn.stops = stops;
	f->turn.stops_count = 2;
	f->turn.format = FORMAT_SCHEMA;
	f->turn.format_schema = slice_of("{\"type\":\"object\"}");
	text = written(f);
	assert_has(text, "\"metadata\":{\"user_id\":\"u\"},\"service_tier\":"
			 "\"standard_only\"");
	assert_has(text, "\"stop_sequences\":[\"END\",\"\\n\"]");
	assert_has(text, "\"output_config\":{\"format\":{\"type\":"
			 "\"json_schema\",\"schema\":{\"type\":\"object\"}}}");
	at = text;
	while ((at = strstr(at, "\"cache_control\":{\"type\":\"ephemeral\","
				"\"ttl\":\"1h\"}")) != NULL) {
		at++;
		marks++;
	}
	assert_int_equal(marks, 4);
	f->turn.format = FORMAT_JSON;
	assert_has(written(f), "\"system\":[{\"type\":\"text\",\"text\":"
			       "\"Answer with one valid JSON object");
}

static void
counting_asks_for_nothing_else(void **state)
{
	struct fixture *f = *state;

	say(f, TURN_USER, "\"hi\"");
	f->turn.stream = true;
	f->turn.temperature = slice_of("0.1");
	f->turn.user = slice_of("\"u\"");
	f->terms.count = true;
	assert_string_equal(written(f),
	    "{\"model\":\"m\"," SAID(USER(TEXT("hi"))));
}

static void
long_data_is_not_copied(void **state)
{
	struct fixture *f = *state;
	size_t len = 6u << 20, count, bytes, i;
	char *data = malloc(len);
	struct slice *parts;
	struct weave w;
	struct part *p;
	bool found = false;

	memset(data, 'A', len);
	say(f, TURN_USER, "\"look\"");
	p = turn_part(&f->turn, f->turn.last, PART_IMAGE);
	p->media_type = slice_of("image/png");
	p->data = slice_make(data, len);
	weave_init(&w);
	messages_target.write(&w, &f->turn, &f->terms);
	parts = weave_parts(&w, &f->arena, &count, &bytes);
	for (i = 0; i < count; i++)
		found |= parts[i].ptr == data;
	assert_true(found);
	assert_true(f->arena.used < 65536);
	weave_fini(&w);
	free(data);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_plain_request),
		story(roles_merge_and_empty_ones_go),
		story(system_prompts_alone_are_what_the_user_says),
		story(every_call_has_its_result_next),
		story(ids_may_occur_again),
		story(ids_get_the_letters_of_the_api),
		story(media_are_woven_in),
		story(tools_and_choice),
		story(custom_calls_are_wrapped),
		story(thinking_goes_back_only_with_its_blob),
		story(effort_becomes_thinking),
		story(a_forced_call_is_not_thought_about),
		story(a_budget_needs_thinking_in_the_tool_loop),
		story(one_of_temperature_and_top_p),
		story(labels_formats_and_marks),
		story(counting_asks_for_nothing_else),
		story(long_data_is_not_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
