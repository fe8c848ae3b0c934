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
#include "node/dialect/chat/chat.h"

#define ARENA_MAX ((size_t)16 << 20)
#define OUT_MAX   (1u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	const char *why;
	struct telling t;
	struct buf out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, OUT_MAX);
	turn_init(&f->turn, &f->arena, DIALECT_CHAT);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	telling_fini(&f->t);
	buf_fini(&f->out);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

/* Requests. */

#define HI      "{\"role\":\"user\",\"content\":\"hi\"}"
#define BODY(m) "{\"model\":\"m\",\"messages\":[" m "]}"
#define WITH(m) "{\"model\":\"m\",\"messages\":[" HI "]," m "}"

static bool
reads(struct fixture *f, const char *body)
{
	struct json_error error;
	const struct json_value *root =
	    json_parse(&f->arena, slice_of(body), &error);

	assert_non_null(root);
	turn_init(&f->turn, &f->arena, DIALECT_CHAT);
	f->why = NULL;
	return chat_caller.read(&f->turn, root, &f->why);
}

static void
read_body(struct fixture *f, const char *body)
{
	if (!reads(f, body))
		fail_msg("%s: %s", f->why, body);
}

/* What of it not every dialect can say. */
static void
notes(struct fixture *f, const char *names)
{
	struct buf all;
	int c;

	buf_init(&all, OUT_MAX);
	for (c = 0; c < CARRY_COUNT; c++)
		if (carry_has(&f->turn.carried, (enum carry)c))
			buf_printf(&all, "%s%s", all.len > 0 ? ", " : "",
			    carry_name((enum carry)c));
	assert_string_equal(buf_text(&all), names);
	buf_fini(&all);
}

static void
same(struct slice s, const char *text)
{
	if (!slice_is(s, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(s), text);
}

static const struct {
	const char *body, *names;
} features[] = {
	{ BODY(HI), "" },
	{ BODY(HI ",{\"role\":\"assistant\",\"content\":\"a\"}"), "prefill" },
	{ BODY("{\"role\":\"user\",\"name\":\"u\",\"content\":\"a\"}"),
	    "name" },
	{ BODY(HI ",{\"role\":\"assistant\",\"refusal\":\"no\"}," HI),
	    "refusal" },
	{ BODY(HI ",{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_"
		  "content\":\"hm\"}," HI),
	    "thinking" },
	{ BODY(HI ",{\"role\":\"assistant\",\"audio\":{\"id\":\"1\"}}," HI),
	    "audio" },
	{ BODY("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	       "\"image_url\":{\"url\":\"https://x\",\"detail\":\"low\"}},{"
	       "\"type\":\"input_audio\"},{\"type\":\"video\"},{\"type\":"
	       "\"text\",\"text\":\"\",\"prompt_cache_breakpoint\":{}}]}"),
	    "detail, audio, cache_control, unknown items" },
	{ BODY("{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{"
	       "\"file_id\":\"f\"}}]}"),
	    "file_id" },
	{ BODY("{\"role\":\"user\",\"content\":[{\"type\":\"file\",\"file\":{"
	       "\"file_data\":\"data:application/pdf;base64,AA\"}}]}"),
	    "documents" },
	{ WITH("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\""
	       ",\"strict\":true}},{\"type\":\"custom\",\"custom\":{\"name\":"
	       "\"p\"}},{\"type\":\"web_search\"}]"),
	    "strict, custom_tools, hosted_tools" },
	{ WITH("\"functions\":[{\"name\":\"f\"}],\"function_call\":{\"name\":"
	       "\"f\"}"),
	    "functions" },
	{ WITH("\"n\":2,\"logprobs\":true,\"modalities\":[\"text\",\"audio\"],"
	       "\"stream_options\":{\"include_usage\":true,\"include_"
	       "obfuscation\":false}"),
	    "logprobs, n, audio, stream_options" },
	{ WITH("\"n\":1,\"logprobs\":false,\"modalities\":[\"text\"],"
	       "\"stream_options\":{\"include_usage\":true},\"seed\":null"),
	    "" },
	{ WITH(
	      "\"temperature\":1,\"top_p\":1,\"top_k\":1,\"seed\":1,"
	      "\"presence_penalty\":1,\"logit_bias\":{\"5\":1},\"stop\":\"x\""),
	    "temperature, top_p, top_k, seed, penalties, logit_bias, stop" },
	{ WITH("\"reasoning\":{\"max_tokens\":5},\"verbosity\":\"low\","
	       "\"metadata\":{\"a\":\"b\"},\"prediction\":{},\"moderation\":{},"
	       "\"web_search_options\":{},\"min_p\":1,\"response_format\":{"
	       "\"type\":\"json_object\"}"),
	    "json_object, hosted_tools, effort, budget_tokens, metadata, "
	    "verbosity, prediction, moderation, unknown fields" },
};

static void
what_not_all_can_say_is_noted(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(features); i++) {
		read_body(f, features[i].body);
		notes(f, features[i].names);
	}
}

static const struct {
	const char *body, *why;
} wrongs[] = {
	{ "{\"messages\":{}}", "messages must be an array" },
	{ BODY("{\"role\":\"cook\"}"),
	    "messages[0].role must be system, developer, user, assistant or "
	    "tool" },
	{ BODY("{\"role\":\"user\",\"content\":7}"),
	    "messages[0].content must be a string or an array of parts" },
	{ BODY("{\"role\":\"tool\",\"content\":\"x\"}"),
	    "messages[0].tool_call_id must be a string, not empty" },
	{ BODY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\"}]}"),
	    "messages[0].tool_calls[0] must have an id and a name" },
	{ BODY("{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\","
	       "\"function\":{\"name\":\"f\",\"arguments\":{}}}]}"),
	    "messages[0].tool_calls[0].function.arguments must be a "
	    "string" },
	{ BODY("{\"role\":\"assistant\",\"tool_calls\":{}}"),
	    "messages[0].tool_calls must be an array" },
	{ BODY("{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
	       "\"image_url\":{\"url\":\"ftp://x\"}}]}"),
	    "messages[0].content[0].image_url.url must be an http(s) or a "
	    "base64 data URL" },
	{ WITH("\"tools\":{}"), "tools must be an array" },
	{ WITH("\"tools\":[{\"type\":\"function\",\"function\":{}}]"),
	    "tools[0] must have a name" },
	{ WITH("\"tool_choice\":\"f\""),
	    "tool_choice must be none, auto, required or name a tool" },
	{ WITH("\"tool_choice\":{\"type\":\"function\",\"function\":{"
	       "\"name\":\"f\"}}"),
	    "tool_choice names a tool that is not in tools" },
	{ WITH("\"stop\":7"), "stop must be a string or an array of them" },
	{ WITH("\"stop\":[7]"), "stop[0] must be a string" },
	{ WITH("\"max_tokens\":0"), "max_tokens must be a positive integer" },
	{ WITH("\"reasoning_effort\":\"very\""),
	    "reasoning_effort must be none, minimal, low, medium, high, xhigh "
	    "or max" },
	{ WITH("\"response_format\":{\"type\":\"xml\"}"),
	    "response_format.type must be text, json_object or json_schema" },
};

static void
what_is_wrong_is_named(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(wrongs); i++) {
		if (reads(f, wrongs[i].body))
			fail_msg("%s", wrongs[i].body);
		assert_string_equal(f->why, wrongs[i].why);
	}
}

static void
allowed_tools_are_those_that_stay(void **state)
{
	struct fixture *f = *state;

	read_body(f,
	    WITH("\"tools\":[{\"function\":{\"name\":\"a\"}},{\"function\":{"
		 "\"name\":\"b\"}},{\"type\":\"custom\",\"custom\":{\"name\":"
		 "\"c\"}},{\"function\":{\"name\":\"d\"}}],\"tool_choice\":{"
		 "\"type\":\"allowed_tools\",\"allowed_tools\":{\"mode\":"
		 "\"required\",\"tools\":[{\"type\":\"custom\",\"custom\":{"
		 "\"name\":\"c\"}},{\"type\":\"function\",\"function\":{"
		 "\"name\":\"b\"}},{\"type\":\"function\",\"function\":{"
		 "\"name\":\"x\"}}]}}"));
	same(f->turn.tools->name, "\"b\"");
	same(f->turn.tools->next->name, "\"c\"");
	assert_null(f->turn.tools->next->next);
	assert_int_equal(f->turn.tools_count, 2);
	assert_int_equal(f->turn.choice, CHOICE_ANY);
	read_body(f,
	    WITH("\"tools\":[{\"function\":{\"name\":\"a\"}}],\"tool_choice\":"
		 "{\"type\":\"allowed_tools\",\"allowed_tools\":{}}"));
	assert_null(f->turn.tools);
}

static void
conversations_become_turns(void **state)
{
	struct fixture *f = *state;
	const struct message *m;

	read_body(f,
	    BODY("{\"role\":\"developer\",\"content\":\"d\"}," HI
		 ",{\"role\":\"assistant\",\"reasoning\":\"hm\",\"content\":["
		 "{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"text\","
		 "\"text\":\"\"}],\"tool_calls\":[{\"id\":\"1\",\"function\":{"
		 "\"name\":\"f\"}},{\"id\":\"2\",\"type\":\"custom\","
		 "\"custom\":{\"name\":\"p\",\"input\":\"x\"}}]},{\"role\":"
		 "\"tool\",\"tool_call_id\":\"1\",\"content\":\"r\"},{"
		 "\"role\":\"tool\",\"tool_call_id\":\"2\",\"content\":[{"
		 "\"type\":\"text\",\"text\":\"s\"}]}"));
	m = f->turn.messages;
	assert_int_equal(m->role, TURN_DEVELOPER);
	m = m->next->next;
	assert_int_equal(m->parts->kind, PART_THINKING);
	same(m->parts->text, "\"hm\"");
	same(m->parts->next->text, "\"a\"");
	same(m->parts->next->next->arguments, "\"\"");
	assert_true(m->parts->next->next->next->custom);
	m = m->next;
	assert_int_equal(m->role, TURN_USER);
	same(m->parts->id, "\"1\"");
	same(m->parts->next->content->text, "\"s\"");
	assert_null(m->next);
	read_body(f,
	    BODY(HI ",{\"role\":\"assistant\",\"function_call\":{\"name\":"
		    "\"f\",\"arguments\":\"{}\"}},{\"role\":\"function\","
		    "\"name\":\"f\",\"content\":\"r\"}"));
	m = f->turn.messages->next;
	same(m->parts->id, "\"f\"");
	same(m->next->parts->id, "\"f\"");
}

static void
settings_are_kept_as_they_stand(void **state)
{
	struct fixture *f = *state;
	const struct turn *t = &f->turn;

	read_body(f,
	    WITH("\"max_tokens\":50,\"max_completion_tokens\":40,\"stream\":"
		 "true,\"temperature\":1e0,\"stop\":[\"a\",\"b\"],\"user\":"
		 "\"u\",\"safety_identifier\":\"s\",\"parallel_tool_calls\":"
		 "false,\"reasoning_effort\":\"high\",\"response_format\":{"
		 "\"type\":\"json_schema\",\"json_schema\":{\"name\":\"n\","
		 "\"schema\":{\"a\":1},\"strict\":true}}"));
	assert_int_equal(t->output_cap, 40);
	assert_true(t->stream);
	same(t->temperature, "1e0");
	assert_int_equal(t->stops_count, 2);
	same(t->stops[1], "\"b\"");
	same(t->user, "\"s\"");
	assert_int_equal(t->parallel, TO_NO);
	assert_int_equal(t->effort, EFFORT_HIGH);
	assert_int_equal(t->format, FORMAT_SCHEMA);
	same(t->format_schema, "{\"a\":1}");
	same(t->format_strict, "true");
}

/* Answers. */

static void
begin(struct fixture *f, bool whole, bool usage)
{
	telling_fini(&f->t);
	buf_reset(&f->out);
	telling_init(&f->t, DIALECT_CHAT, &f->turn);
	f->t.id = "01J00000000000000000000000";
	f->t.created_s = 7;
	f->t.whole = whole;
	f->t.wants_usage = usage;
	f->t.out = &f->out;
	telling_take(&f->t,
	    &(struct delta){ .kind = DELTA_START, .text = slice_of("up") });
}

static void
tells(struct fixture *f, unsigned block, enum block_kind what, const char *text)
{
	bool call = what == BLOCK_CALL || what == BLOCK_CUSTOM;

	telling_take(&f->t, &(struct delta){ .kind = DELTA_OPEN,
				.block = block,
				.what = what,
				.id = slice_of(call ? "id" : ""),
				.name = slice_of(call ? "f" : "") });
	telling_take(&f->t, &(struct delta){ .kind = DELTA_TEXT,
				.block = block,
				.text = slice_of(text) });
	telling_take(&f->t,
	    &(struct delta){ .kind = DELTA_CLOSE, .block = block });
}

static const char *
ends(struct fixture *f, enum finish finish)
{
	static const struct usage usage = { .input_tokens = 3,
		.cache_read_tokens = 20,
		.cache_write_tokens = 4,
		.cache_write_1h_tokens = 1,
		.output_tokens = 7,
		.reasoning_tokens = 2 };

	telling_take(&f->t,
	    &(struct delta){ .kind = DELTA_FINISH, .finish = finish });
	telling_end(&f->t, &usage);
	assert_false(f->t.broken);
	return buf_text(&f->out);
}

#define HEAD(object)                                                           \
	"{\"id\":\"chatcmpl-01J00000000000000000000000\",\"object\":\"" object \
	"\",\"created\":7,\"model\":\"up\",\"choices\":["
#define CHUNK(delta, finish)                                                   \
	"data: " HEAD(                                                         \
	    "chat.completion.chunk") "{\"index\":0,\"delta\":{" delta          \
				     "},\"logprobs\":null,"                    \
				     "\"finish_reason\":" finish "}]}\n\n"
#define FIRST "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null"
#define USAGE                                                                  \
	"\"usage\":{\"prompt_tokens\":28,\"completion_tokens\":9,\"total_"     \
	"tokens\":37,\"prompt_tokens_details\":{\"cached_tokens\":20,\"cache_" \
	"write_tokens\":5,\"audio_tokens\":0},\"completion_tokens_details\":{" \
	"\"reasoning_tokens\":2,\"audio_tokens\":0,\"accepted_prediction_"     \
	"tokens\":0,\"rejected_prediction_tokens\":0}}"

static void
a_stream_is_chunks(void **state)
{
	struct fixture *f = *state;

	begin(f, false, false);
	tells(f, 0, BLOCK_THINKING, "hm");
	tells(f, 1, BLOCK_TEXT, "a\\n");
	tells(f, 2, BLOCK_CALL, "{}");
	tells(f, 3, BLOCK_CUSTOM, "x");
	assert_string_equal(ends(f, FINISH_CALLS),
	    CHUNK(FIRST, "null") CHUNK("\"reasoning_content\":\"hm\"",
		"null") CHUNK("\"content\":\"a\\n\"", "null")
		CHUNK("\"tool_calls\":[{\"index\":0,\"id\":\"id\",\"type\":"
		      "\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
		      "\"\"}}]",
		    "null") CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{"
				  "\"arguments\":\"{}\"}}]",
		    "null") CHUNK("\"tool_calls\":[{\"index\":1,\"id\":\"id\","
				  "\"type\":\"custom\",\"custom\":{\"name\":"
				  "\"f\",\"input\":\"\"}}]",
		    "null") CHUNK("\"tool_calls\":[{\"index\":1,\"custom\":{"
				  "\"input\":\"x\"}}]",
		    "null") CHUNK("", "\"tool_calls\"") "data: [DONE]\n\n");
}

static void
usage_comes_to_who_asked(void **state)
{
	struct fixture *f = *state;
	const char *text;

	begin(f, false, true);
	text = ends(f, FINISH_STOP);
	assert_non_null(strstr(text, "\"usage\":null}\n\n"));
	assert_non_null(strstr(text,
	    "data: " HEAD("chat.completion.chunk") "]," USAGE
						   "}\n\ndata: [DONE]\n\n"));
	begin(f, false, false);
	assert_null(strstr(ends(f, FINISH_STOP), "usage"));
}

static void
a_whole_answer_is_one_message(void **state)
{
	struct fixture *f = *state;

	begin(f, true, false);
	tells(f, 0, BLOCK_TEXT, "a");
	tells(f, 1, BLOCK_CALL, "{}");
	tells(f, 2, BLOCK_CUSTOM, "x");
	tells(f, 3, BLOCK_TEXT, "b");
	tells(f, 4, BLOCK_THINKING, "hm");
	assert_string_equal(ends(f, FINISH_CALLS),
	    HEAD("chat.completion") "{\"index\":0,\"message\":{\"role\":"
				    "\"assistant\",\"content\":\"ab\","
				    "\"refusal\":null,\"reasoning_content\":"
				    "\"hm\",\"tool_calls\":[{\"id\":\"id\","
				    "\"type\":\"function\",\"function\":{"
				    "\"name\":\"f\",\"arguments\":\"{}\"}},{"
				    "\"id\":\"id\",\"type\":\"custom\","
				    "\"custom\":{\"name\":\"f\",\"input\":"
				    "\"x\"}}]},\"logprobs\":null,\"finish_"
				    "reason\":\"tool_calls\"}]," USAGE "}");
	begin(f, true, false);
	assert_non_null(strstr(ends(f, FINISH_STOP),
	    "\"content\":\"\",\"refusal\":null},"));
}

static const struct {
	enum block_kind what;
	enum finish finish;
	const char *word;
} finishes[] = {
	{ BLOCK_TEXT, FINISH_STOP, "stop" },
	{ BLOCK_TEXT, FINISH_SEQUENCE, "stop" },
	{ BLOCK_TEXT, FINISH_LENGTH, "length" },
	{ BLOCK_CALL, FINISH_CALLS, "tool_calls" },
	{ BLOCK_TEXT, FINISH_FILTER, "content_filter" },
	{ BLOCK_TEXT, FINISH_REFUSAL, "content_filter" },
	{ BLOCK_REFUSAL, FINISH_REFUSAL, "stop" },
	{ BLOCK_TEXT, FINISH_PAUSE, "stop" },
};

static void
every_finish_has_its_word(void **state)
{
	struct fixture *f = *state;
	char wanted[64];
	size_t i, n = count_of(finishes);

	for (i = 0; i < 2 * n; i++) {
		begin(f, i >= n, false);
		tells(f, 0, finishes[i % n].what, "x");
		snprintf(wanted, sizeof(wanted), "\"finish_reason\":\"%s\"",
		    finishes[i % n].word);
		assert_non_null(
		    strstr(ends(f, finishes[i % n].finish), wanted));
	}
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(what_not_all_can_say_is_noted),
		story(what_is_wrong_is_named),
		story(allowed_tools_are_those_that_stay),
		story(conversations_become_turns),
		story(settings_are_kept_as_they_stand),
		story(a_stream_is_chunks),
		story(usage_comes_to_who_asked),
		story(a_whole_answer_is_one_message),
		story(every_finish_has_its_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
