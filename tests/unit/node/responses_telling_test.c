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
#include "common/format/sse.h"
#include "node/dialect/responses/responses.h"

#define ARENA_MAX ((size_t)64 << 20)
#define TEXT_MAX  (16u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	struct buf out;
	struct telling telling;
	/* What was told, looked at again. */
	unsigned terminals;
	int64_t number;
	struct buf names;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, TEXT_MAX);
	buf_init(&f->names, TEXT_MAX);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	telling_fini(&f->telling);
	buf_fini(&f->names);
	buf_fini(&f->out);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

static void
read_body(struct fixture *f, const char *body)
{
	struct json_error error;
	const struct json_value *root =
	    json_parse(&f->arena, slice_of(body), &error);
	const char *why = NULL;

	assert_non_null(root);
	turn_init(&f->turn, &f->arena, DIALECT_RESPONSES);
	if (!responses_caller.read(&f->turn, root, &why))
		fail_msg("%s", why);
}

static void
same(struct slice s, const char *text)
{
	if (!slice_is(s, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(s), text);
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

static const struct usage usage = { .input_tokens = 100,
	.cache_read_tokens = 20,
	.cache_write_tokens = 5,
	.output_tokens = 7,
	.reasoning_tokens = 3,
	.source = USAGE_PROVIDER };

static void
start_telling(struct fixture *f, const char *body, bool whole)
{
	read_body(f, body);
	telling_fini(&f->telling);
	telling_init(&f->telling, DIALECT_RESPONSES, &f->turn);
	f->telling.id = "01JD0000000000000000000000";
	f->telling.created_s = 1795387331;
	f->telling.whole = whole;
	f->telling.wants_blobs = true;
	f->telling.out = &f->out;
	buf_reset(&f->out);
	telling_take(&f->telling,
	    &(struct delta){ .kind = DELTA_START, .text = slice_of("gpt-5") });
}

static void
tell(struct fixture *f, struct delta d)
{
	telling_take(&f->telling, &d);
	assert_false(f->telling.broken);
}

static void
tell_block(struct fixture *f, enum block_kind what, const char *name,
    const char *text)
{
	unsigned block = f->telling.count;

	tell(f, (struct delta){ .kind = DELTA_OPEN,
		    .block = block,
		    .what = what,
		    .id = slice_of(name != NULL ? "call_1" : ""),
		    .name = slice_of(name) });
	if (text != NULL)
		tell(f, (struct delta){ .kind = DELTA_TEXT,
			    .block = block,
			    .what = what,
			    .text = slice_of(text) });
	tell(f, (struct delta){ .kind = DELTA_CLOSE, .block = block });
}

static void
finish(struct fixture *f, enum finish how)
{
	tell(f, (struct delta){ .kind = DELTA_FINISH, .finish = how });
	telling_end(&f->telling, &usage);
}

static void
look(void *arg, const struct sse_event *event)
{
	struct fixture *f = arg;
	struct json_error error;
	const struct json_value *v = json_parse(&f->arena, event->data, &error);

	assert_non_null(v);
	assert_int_equal(number_of(json_find(v, "sequence_number"), -1),
	    f->number++);
	same(inside_of(json_find(v, "type")),
	    arena_text(&f->arena, event->name));
	f->terminals += slice_is(event->name, "response.completed") ||
			slice_is(event->name, "response.incomplete");
	buf_printf(&f->names, "%.*s\n",
	    SLICE_FMT(slice_after(event->name, sizeof("response.") - 1)));
}

/* The names of the events; each is JSON and has its number. */
static void
told(struct fixture *f, const char *names)
{
	struct sse sse;

	buf_reset(&f->names);
	f->number = 0;
	f->terminals = 0;
	sse_init(&sse, TEXT_MAX);
	assert_true(sse_feed(&sse, buf_slice(&f->out), look, f));
	sse_fini(&sse);
	assert_int_equal(f->terminals, 1);
	if (names != NULL)
		assert_string_equal(buf_text(&f->names), names);
}

static void
has(struct fixture *f, const char *text)
{
	if (strstr(buf_text(&f->out), text) == NULL)
		fail_msg("%s\nis not in\n%s", text, buf_text(&f->out));
}

static void
a_stream_is_told_step_by_step(void **state)
{
	struct fixture *f = *state;

	start_telling(f, "{\"input\":\"a\"}", false);
	tell(f, (struct delta){ .kind = DELTA_OPEN, .what = BLOCK_THINKING });
	tell(f, (struct delta){ .kind = DELTA_TEXT, .text = slice_of("hm") });
	tell(f, (struct delta){ .kind = DELTA_BLOB,
		    .blob_kind = BLOB_SIGNATURE,
		    .text = slice_of("sig") });
	tell(f, (struct delta){ .kind = DELTA_CLOSE });
	tell_block(f, BLOCK_TEXT, NULL, "hel\\nlo");
	finish(f, FINISH_STOP);
	told(f, "created\nin_progress\noutput_item.added\n"
		"reasoning_summary_part.added\nreasoning_summary_text.delta\n"
		"reasoning_summary_text.done\nreasoning_summary_part.done\n"
		"output_item.done\noutput_item.added\ncontent_part.added\n"
		"output_text.delta\noutput_text.done\ncontent_part.done\n"
		"output_item.done\ncompleted\n");
	has(f, "{\"type\":\"response.output_text.delta\",\"item_id\":"
	       "\"msg_01JD0000000000000000000000_1\",\"output_index\":1,"
	       "\"content_index\":0,\"delta\":\"hel\\nlo\",\"logprobs\":[],"
	       "\"sequence_number\":10}");
	has(f, "\"encrypted_content\":\"sig\"");
	has(f, "\"usage\":{\"input_tokens\":125,\"input_tokens_details\":{"
	       "\"cached_tokens\":20,\"cache_write_tokens\":5},"
	       "\"output_tokens\":10,\"output_tokens_details\":{"
	       "\"reasoning_tokens\":3},\"total_tokens\":135}");
}

static void
calls_get_their_callers_names_back(void **state)
{
	struct fixture *f = *state;

	start_telling(f, "{\"input\":\"a\"," TOOLS "}", false);
	tell_block(f, BLOCK_CALL, "ns__h", NULL);
	tell_block(f, BLOCK_CALL, "g", "{\\\"input\\\": \\\"do\\\\nit\\\"}");
	tell_block(f, BLOCK_CALL, "tool_search",
	    "{\\\"query\\\":\\n\\\"q\\\"}");
	tell_block(f, BLOCK_CALL, "tool_search", "{\\\"quer");
	finish(f, FINISH_CALLS);
	told(f, "created\nin_progress\noutput_item.added\n"
		"function_call_arguments.delta\nfunction_call_arguments.done\n"
		"output_item.done\noutput_item.added\n"
		"custom_tool_call_input.delta\ncustom_tool_call_input.done\n"
		"output_item.done\noutput_item.added\noutput_item.done\n"
		"output_item.added\noutput_item.done\ncompleted\n");
	has(f, "\"type\":\"function_call\",\"status\":\"completed\","
	       "\"call_id\":\"call_1\",\"name\":\"h\",\"namespace\":\"ns\","
	       "\"arguments\":\"{}\"}");
	has(f, "\"type\":\"custom_tool_call\",\"status\":\"completed\","
	       "\"call_id\":\"call_1\",\"name\":\"g\",\"input\":\"do\\nit\"}");
	has(f, "\"type\":\"tool_search_call\",\"status\":\"completed\","
	       "\"call_id\":\"call_1\",\"execution\":\"client\","
	       "\"arguments\":{\"query\": \"q\"}}");
	has(f, "\"execution\":\"client\",\"arguments\":{}},"
	       "\"sequence_number\"");
}

static void
every_end_has_its_status(void **state)
{
	static const struct {
		enum finish how;
		const char *event, *why;
	} ends[] = {
		{ FINISH_STOP, "completed", "null" },
		{ FINISH_SEQUENCE, "completed", "null" },
		{ FINISH_CALLS, "completed", "null" },
		{ FINISH_PAUSE, "completed", "null" },
		{ FINISH_LENGTH, "incomplete",
		    "{\"reason\":\"max_output_tokens\"}" },
		{ FINISH_FILTER, "incomplete",
		    "{\"reason\":\"content_filter\"}" },
		{ FINISH_REFUSAL, "incomplete",
		    "{\"reason\":\"content_filter\"}" },
	};
	struct fixture *f = *state;
	char text[128];
	size_t i;

	for (i = 0; i < count_of(ends); i++) {
		start_telling(f, "{\"input\":\"a\"}", false);
		finish(f, ends[i].how);
		snprintf(text, sizeof(text), "created\nin_progress\n%s\n",
		    ends[i].event);
		told(f, text);
		snprintf(text, sizeof(text),
		    "\"status\":\"%s\",\"background\":false,\"error\":null,"
		    "\"incomplete_details\":%s",
		    ends[i].event, ends[i].why);
		has(f, text);
	}
	start_telling(f, "{\"input\":\"a\"}", false);
	tell_block(f, BLOCK_REFUSAL, NULL, "I will not");
	finish(f, FINISH_REFUSAL);
	told(f, "created\nin_progress\noutput_item.added\n"
		"content_part.added\nrefusal.delta\nrefusal.done\n"
		"content_part.done\noutput_item.done\ncompleted\n");
	has(f, "\"content\":[{\"type\":\"refusal\",\"refusal\":"
	       "\"I will not\"}]");
}

static void
an_end_without_usage_has_figures(void **state)
{
	struct fixture *f = *state;

	start_telling(f, "{\"input\":\"a\"}", false);
	tell(f, (struct delta){ .kind = DELTA_FINISH });
	telling_end(&f->telling, NULL);
	told(f, "created\nin_progress\ncompleted\n");
	has(f, "\"total_tokens\":0}");
}

static void
an_answer_is_told_whole(void **state)
{
	struct fixture *f = *state;
	struct json_error error;
	const struct json_value *v;

	start_telling(f,
	    "{\"input\":\"a\",\"text\":{\"format\":{\"type\":\"json_schema\","
	    "\"name\":\"n\",\"schema\":{\n\"a\":1}}}," TOOLS
	    ",\"tool_choice\":{\"type\":\"custom\",\"name\":\"g\"}}",
	    true);
	tell_block(f, BLOCK_TEXT, NULL, "hello");
	tell_block(f, BLOCK_CALL, "f", "{}");
	assert_int_equal(f->out.len, 0);
	finish(f, FINISH_CALLS);
	v = json_parse(&f->arena, buf_slice(&f->out), &error);
	assert_non_null(v);
	same(inside_of(json_find(v, "object")), "response");
	same(inside_of(json_find(v, "status")), "completed");
	same(json_find(v, "output")->raw,
	    "[{\"id\":\"msg_01JD0000000000000000000000_0\",\"type\":"
	    "\"message\",\"status\":\"completed\",\"role\":\"assistant\","
	    "\"content\":[{\"type\":\"output_text\",\"text\":\"hello\","
	    "\"annotations\":[],\"logprobs\":[]}]},{\"id\":"
	    "\"fc_01JD0000000000000000000000_1\",\"type\":\"function_call\","
	    "\"status\":\"completed\",\"call_id\":\"call_1\",\"name\":\"f\","
	    "\"arguments\":\"{}\"}]");
	assert_null(memchr(f->out.data, '\n', f->out.len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(a_stream_is_told_step_by_step),
		TEST(calls_get_their_callers_names_back),
		TEST(every_end_has_its_status),
		TEST(an_end_without_usage_has_figures),
		TEST(an_answer_is_told_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
