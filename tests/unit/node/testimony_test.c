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
#include "node/trial/exhibit.h"
#include "node/trial/question.h"
#include "node/trial/testimony.h"
#include "node/trial/trial.h"

#define TEXT_MAX (1 << 20)

/* What a model says, to be told in each dialect. */
struct said {
	const char *text, *thinking;
	const char *tools[3], *arguments[3];
	int output, reasoning; /* tokens; output includes reasoning */
};

static void
put_escaped(struct buf *out, const char *text)
{
	buf_putc(out, '"');
	json_escape(out, slice_of(text));
	buf_putc(out, '"');
}

static void
tell_chat(struct buf *out, const struct said *s)
{
	size_t i;

	buf_puts(out, "{\"id\":\"c\",\"object\":\"chat.completion\","
		      "\"choices\":[{\"index\":0,\"message\":{\"role\":"
		      "\"assistant\",\"content\":");
	put_escaped(out, s->text);
	if (s->thinking != NULL) {
		buf_puts(out, ",\"reasoning_content\":");
		put_escaped(out, s->thinking);
	}
	for (i = 0; i < count_of(s->tools) && s->tools[i] != NULL; i++) {
		buf_printf(out,
		    "%s{\"id\":\"call_%zu\",\"type\":\"function\","
		    "\"function\":{\"name\":\"%s\",\"arguments\":",
		    i == 0 ? ",\"tool_calls\":[" : ",", i, s->tools[i]);
		put_escaped(out, s->arguments[i]);
		buf_puts(out, "}}");
	}
	buf_printf(out,
	    "%s},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,"
	    "\"completion_tokens\":%d,\"completion_tokens_details\":{"
	    "\"reasoning_tokens\":%d}}}",
	    i > 0 ? "]" : "", s->output, s->reasoning);
}

static void
tell_responses(struct buf *out, const struct said *s)
{
	size_t i;

	buf_puts(out, "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":"
		      "\"completed\",\"output\":[");
	if (s->thinking != NULL) {
		buf_puts(out, "{\"id\":\"rs_1\",\"type\":\"reasoning\","
			      "\"summary\":[{\"type\":\"summary_text\","
			      "\"text\":");
		put_escaped(out, s->thinking);
		buf_puts(out, "}]},");
	}
	buf_puts(out, "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
		      "\"assistant\",\"content\":[{\"type\":\"output_text\","
		      "\"text\":");
	put_escaped(out, s->text);
	buf_puts(out, "}]}");
	for (i = 0; i < count_of(s->tools) && s->tools[i] != NULL; i++) {
		buf_printf(out,
		    ",{\"id\":\"fc_%zu\",\"type\":\"function_call\","
		    "\"call_id\":\"call_%zu\",\"name\":\"%s\",\"arguments\":",
		    i, i, s->tools[i]);
		put_escaped(out, s->arguments[i]);
		buf_puts(out, "}");
	}
	buf_printf(out,
	    "],\"usage\":{\"input_tokens\":5,\"output_tokens\":%d,"
	    "\"output_tokens_details\":{\"reasoning_tokens\":%d}}}",
	    s->output, s->reasoning);
}

static void
tell_messages(struct buf *out, const struct said *s)
{
	size_t i;

	buf_puts(out, "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
		      "\"assistant\",\"content\":[");
	if (s->thinking != NULL) {
		buf_puts(out, "{\"type\":\"thinking\",\"signature\":\"s\","
			      "\"thinking\":");
		put_escaped(out, s->thinking);
		buf_puts(out, "},");
	}
	buf_puts(out, "{\"type\":\"text\",\"text\":");
	put_escaped(out, s->text);
	buf_puts(out, "}");
	for (i = 0; i < count_of(s->tools) && s->tools[i] != NULL; i++)
		buf_printf(out,
		    ",{\"type\":\"tool_use\",\"id\":\"toolu_%zu\",\"name\":"
		    "\"%s\",\"input\":%s}",
		    i, s->tools[i], s->arguments[i]);
	buf_printf(out,
	    "],\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":5,"
	    "\"output_tokens\":%d}}",
	    s->output);
}

static void (*const tell[DIALECTS])(struct buf *, const struct said *) = {
	[DIALECT_CHAT] = tell_chat,
	[DIALECT_RESPONSES] = tell_responses,
	[DIALECT_MESSAGES] = tell_messages,
};

static const char *
judged(enum trial_id trial, enum dialect dialect, const char *body)
{
	const struct testimony_wish wish = { trial_get(trial), dialect,
		slice_of(body) };

	return testimony_judge(&wish);
}

#define CITY "{\"city\": \"Lis\\u0062on \\\"x\\\"\"}"

static const struct {
	enum trial_id trial;
	struct said said;
	const char *why;
} answers[] = {
	{ TRIAL_TEXT, { .text = "Hello!", .output = 3 }, "" },
	{ TRIAL_TEXT, { .text = " \n ", .output = 1 }, "no-text" },
	{ TRIAL_TEXT, { .text = "", .output = 1 }, "no-text" },
	{ TRIAL_AUDIO, { .text = "A tone.", .output = 1 }, "" },
	{ TRIAL_IMAGES, { .text = "It is Red.", .output = 3 }, "" },
	{ TRIAL_IMAGES, { .text = "Blue.", .output = 3 }, "not-seen" },
	{ TRIAL_IMAGES, { .text = "re", .output = 3 }, "not-seen" },
	{ TRIAL_DOCUMENTS, { .text = "HERON", .output = 3 }, "" },
	{ TRIAL_DOCUMENTS, { .text = "A her0n", .output = 3 }, "not-seen" },
	{ TRIAL_TOOLS,
	    { .text = "x", .tools = { "get_weather" }, .arguments = { CITY } },
	    "" },
	{ TRIAL_TOOLS, { .text = "It rains." }, "no-call" },
	{ TRIAL_TOOLS,
	    { .text = "", .tools = { "other" }, .arguments = { CITY } },
	    "wrong-call" },
	{ TRIAL_TOOLS,
	    { .text = "", .tools = { "get_weather" }, .arguments = { "{}" } },
	    "bad-arguments" },
	{ TRIAL_TOOLS,
	    { .text = "",
		.tools = { "get_weather" },
		.arguments = { "{\"city\":7}" } },
	    "bad-arguments" },
	{ TRIAL_TOOLS,
	    { .text = "",
		.tools = { "get_weather" },
		.arguments = { "{\"city\":\"a\",\"more\":1}" } },
	    "bad-arguments" },
	{ TRIAL_FORCED_TOOLS,
	    { .text = "", .tools = { "get_weather" }, .arguments = { CITY } },
	    "" },
	{ TRIAL_FORCED_TOOLS, { .text = "Hello!" }, "no-call" },
	{ TRIAL_PARALLEL_TOOLS,
	    { .text = "",
		.tools = { "get_time", "get_weather" },
		.arguments = { CITY, CITY } },
	    "" },
	{ TRIAL_PARALLEL_TOOLS,
	    { .text = "", .tools = { "get_weather" }, .arguments = { CITY } },
	    "one-call" },
	{ TRIAL_PARALLEL_TOOLS,
	    { .text = "",
		.tools = { "get_weather", "get_weather" },
		.arguments = { CITY, CITY } },
	    "wrong-call" },
	{ TRIAL_JSON_SCHEMA,
	    { .text = " {\"side\": 3, \"colour\": \"r\\\"ed\"} " }, "" },
	{ TRIAL_JSON_SCHEMA, { .text = "red, 3" }, "not-json" },
	{ TRIAL_JSON_SCHEMA,
	    { .text = "```json\n{\"side\":3,\"colour\":\"red\"}\n```" },
	    "not-json" },
	{ TRIAL_JSON_SCHEMA, { .text = "[\"red\",3]" }, "not-json" },
	{ TRIAL_JSON_SCHEMA, { .text = "{\"side\":\"3\",\"colour\":\"red\"}" },
	    "not-the-schema" },
	{ TRIAL_JSON_SCHEMA,
	    { .text = "{\"side\":3,\"colour\":\"red\",\"x\":1}" },
	    "not-the-schema" },
	{ TRIAL_REASONING,
	    { .text = "10", .thinking = "53, 59", .output = 9, .reasoning = 4 },
	    "" },
	{ TRIAL_REASONING, { .text = "10", .output = 2 }, "no-reasoning" },
	{ TRIAL_OUTPUT_CAP, { .text = "one two", .output = 16 }, "" },
	{ TRIAL_OUTPUT_CAP, { .text = "one two", .output = 17 }, "over-cap" },
	{ TRIAL_OUTPUT_CAP, { .text = "one two", .output = 0 }, "no-usage" },
};

static void
an_answer_is_judged_alike_in_each_dialect(void **state)
{
	struct buf body;
	unsigned d;
	size_t i;

	(void)state;
	buf_init(&body, TEXT_MAX);
	for (i = 0; i < count_of(answers); i++)
		for (d = 0; d < DIALECTS; d++) {
			buf_reset(&body);
			tell[d](&body, &answers[i].said);
			assert_string_equal(judged(answers[i].trial,
						(enum dialect)d,
						buf_text(&body)),
			    answers[i].why);
		}
	buf_fini(&body);
}

/* OpenAI's APIs count what they do not show. */
static void
hidden_reasoning_is_reasoning(void **state)
{
	const struct said said = { .text = "10", .output = 9, .reasoning = 7 };
	struct buf body;

	(void)state;
	buf_init(&body, TEXT_MAX);
	tell_chat(&body, &said);
	assert_string_equal(judged(TRIAL_REASONING, DIALECT_CHAT,
				buf_text(&body)),
	    "");
	buf_reset(&body);
	tell_responses(&body, &said);
	assert_string_equal(judged(TRIAL_REASONING, DIALECT_RESPONSES,
				buf_text(&body)),
	    "");
	buf_fini(&body);
}

#define CHAT_CHUNK(delta, finish)                                              \
	"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\","            \
	"\"choices\":[{\"index\":0,\"delta\":{" delta                          \
	"},\"finish_reason\":" finish "}]}\n\n"
#define CHAT_STREAM CHAT_CHUNK("\"content\":\"Hel\"", "null")
#define CHAT_END    CHAT_CHUNK("", "\"stop\"") "data: [DONE]\n\n"

#define MESSAGES_STREAM                                                        \
	"event: message_start\ndata: {\"type\":\"message_start\","             \
	"\"message\":{\"id\":\"m\",\"usage\":{\"input_tokens\":5,"             \
	"\"output_tokens\":1}}}\n\n"                                           \
	"event: content_block_start\ndata: {\"type\":"                         \
	"\"content_block_start\",\"index\":0,\"content_block\":{\"type\":"     \
	"\"text\",\"text\":\"\"}}\n\n"                                         \
	"event: content_block_delta\ndata: {\"type\":"                         \
	"\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"             \
	"\"text_delta\",\"text\":\"Hel\"}}\n\n"                                \
	"event: content_block_stop\ndata: {\"type\":\"content_block_stop\","   \
	"\"index\":0}\n\n"
#define MESSAGES_END                                                           \
	"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"  \
	"\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n"   \
	"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

#define RESPONSES_STREAM                                                       \
	"event: response.output_item.added\ndata: {\"type\":"                  \
	"\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":"  \
	"\"msg_1\",\"type\":\"message\",\"content\":[]}}\n\n"                  \
	"event: response.output_text.delta\ndata: {\"type\":"                  \
	"\"response.output_text.delta\",\"item_id\":\"msg_1\","                \
	"\"output_index\":0,\"content_index\":0,\"delta\":\"Hel\"}\n\n"
#define RESPONSES_END                                                          \
	"event: response.completed\ndata: {\"type\":\"response.completed\","   \
	"\"response\":{\"id\":\"resp_1\",\"status\":\"completed\",\"output\":" \
	"[],\"usage\":{\"input_tokens\":5,\"output_tokens\":2}}}\n\n"

static const struct {
	enum dialect dialect;
	const char *body, *why;
} streams[] = {
	{ DIALECT_CHAT, CHAT_STREAM CHAT_END, "" },
	{ DIALECT_CHAT, CHAT_STREAM, "cut-off" },
	{ DIALECT_CHAT, CHAT_END, "no-text" },
	{ DIALECT_CHAT, CHAT_STREAM "data: {\"err\n\n", "broken" },
	{ DIALECT_CHAT,
	    CHAT_STREAM "data: {\"error\":{\"message\":\"no\"}}\n\n",
	    "broken" },
	{ DIALECT_MESSAGES, MESSAGES_STREAM MESSAGES_END, "" },
	{ DIALECT_MESSAGES, MESSAGES_STREAM, "cut-off" },
	{ DIALECT_RESPONSES, RESPONSES_STREAM RESPONSES_END, "" },
	{ DIALECT_RESPONSES, RESPONSES_STREAM, "cut-off" },
	/* An answer that was not streamed is no stream. */
	{ DIALECT_CHAT, "{\"choices\":[]}", "cut-off" },
};

static void
a_stream_has_to_come_to_its_end(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < count_of(streams); i++)
		assert_string_equal(judged(TRIAL_STREAM, streams[i].dialect,
					streams[i].body),
		    streams[i].why);
}

static void
what_is_no_answer_is_broken(void **state)
{
	unsigned d;

	(void)state;
	for (d = 0; d < DIALECTS; d++) {
		assert_string_not_equal(judged(TRIAL_TEXT, (enum dialect)d,
					    "<html>"),
		    "");
		assert_string_not_equal(judged(TRIAL_TEXT, (enum dialect)d, ""),
		    "");
		assert_string_not_equal(judged(TRIAL_TEXT, (enum dialect)d,
					    "{}"),
		    "");
	}
}

static void
a_count_is_a_number_above_none(void **state)
{
	(void)state;
	assert_string_equal(judged(TRIAL_COUNT_TOKENS, DIALECT_MESSAGES,
				"{\"input_tokens\":14}"),
	    "");
	assert_string_equal(judged(TRIAL_COUNT_TOKENS, DIALECT_MESSAGES,
				"{\"input_tokens\":0}"),
	    "no-count");
	assert_string_equal(judged(TRIAL_COUNT_TOKENS, DIALECT_MESSAGES, "{}"),
	    "no-count");
}

/* What a question asks for, as the router itself reads it. */
static struct shape
shape_of(struct arena *arena, enum trial_id id, enum dialect d)
{
	const struct question q = { .trial = trial_get(id),
		.dialect = d,
		.model = slice_of("coding"),
		.cap_key = "max_completion_tokens" };
	const struct shape_wish wish = { d, id == TRIAL_COUNT_TOKENS
						? OPERATION_COUNT
						: OPERATION_GENERATE };
	const struct json_value *root;
	struct json_error error;
	struct shape shape;
	const char *why = "";
	struct buf body;

	buf_init(&body, TEXT_MAX);
	question_write(&body, &q);
	assert_false(body.failed);
	root = json_parse(arena, arena_copy(arena, buf_slice(&body)), &error);
	buf_fini(&body);
	assert_non_null(root);
	assert_true(shape_read(&shape, arena, root, &wish, &why));
	return shape;
}

static void
a_question_asks_what_its_trial_says(void **state)
{
	struct arena arena;
	unsigned d, asks;
	size_t i;

	(void)state;
	arena_init(&arena, 64 << 20);
	for (i = 0; i < TRIALS; i++)
		for (d = 0; d < DIALECTS; d++) {
			const struct trial *t = trial_get((enum trial_id)i);
			struct shape s;

			if (!question_can(t, (enum dialect)d))
				continue;
			s = shape_of(&arena, (enum trial_id)i, (enum dialect)d);
			asks = t->asks;
			assert_true(slice_is(s.model, "coding"));
			assert_int_equal(s.stream, (asks & ASK_STREAM) != 0);
			assert_int_equal(s.tools, (asks & ASK_TOOL) != 0);
			assert_int_equal(s.forced_tool,
			    (asks & ASK_FORCE) != 0);
			assert_int_equal(s.images, (asks & ASK_IMAGE) != 0);
			assert_int_equal(s.documents,
			    (asks & ASK_DOCUMENT) != 0);
			assert_int_equal(s.audio, (asks & ASK_AUDIO) != 0);
			assert_int_equal(s.structured,
			    (asks & ASK_SCHEMA) != 0);
			assert_int_equal(s.reasoning, (asks & ASK_REASON) != 0);
			assert_false(s.stores);
			if ((asks & ASK_LITTLE) != 0)
				assert_int_equal(s.output_cap,
				    TRIAL_LITTLE_TOKENS);
		}
	arena_fini(&arena);
}

static void
every_capability_has_its_trial(void **state)
{
	unsigned tried = 0;
	size_t i;

	(void)state;
	for (i = 0; i < TRIALS; i++)
		tried |= trial_get((enum trial_id)i)->capability;
	assert_int_equal(tried, (1u << CAPABILITIES) - 1);
	/* Evidence is found by the capability's name. */
	for (i = 0; i < TRIALS; i++) {
		const struct trial *t = trial_get((enum trial_id)i);
		unsigned at = (unsigned)__builtin_ctz(t->capability | 1u << 31);

		if (t->capability != 0)
			assert_string_equal(t->name, capability_name(at));
	}
}

static void
exhibits_are_what_they_say(void **state)
{
	struct buf tone;

	(void)state;
	buf_init(&tone, TEXT_MAX);
	exhibit_put_tone(&tone);
	assert_int_equal(tone.len % 4, 0);
	assert_true(slice_starts(buf_slice(&tone), "UklGR")); /* RIFF */
	assert_true(slice_starts(slice_of(exhibit_picture), "iVBORw0KGgo"));
	assert_true(slice_starts(slice_of(exhibit_page), "JVBERi0"));
	buf_fini(&tone);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_judged_alike_in_each_dialect),
		cmocka_unit_test(hidden_reasoning_is_reasoning),
		cmocka_unit_test(a_stream_has_to_come_to_its_end),
		cmocka_unit_test(what_is_no_answer_is_broken),
		cmocka_unit_test(a_count_is_a_number_above_none),
		cmocka_unit_test(a_question_asks_what_its_trial_says),
		cmocka_unit_test(every_capability_has_its_trial),
		cmocka_unit_test(exhibits_are_what_they_say),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
