#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/usage.h"
#include "node/dialect/messages/messages.h"

#define ARENA_MAX (8u << 20)
#define TEXT_MAX  (1u << 20)

/* Hears events and keeps what they came to, a line a block. */
struct ear {
	struct arena arena;
	struct hearing h;
	struct buf blocks[64];
	unsigned count;
	bool closed[64];
	int starts, finishes;
	struct buf model;
	enum finish finish;
	char sequence[64];
};

static void
take(void *arg, const struct delta *d)
{
	struct ear *e = arg;

	switch (d->kind) {
	case DELTA_START:
		e->starts++;
		buf_put_slice(&e->model, d->text);
		return;
	case DELTA_OPEN:
		assert_int_equal(d->block, e->count);
		buf_init(&e->blocks[e->count], TEXT_MAX);
		buf_printf(&e->blocks[e->count++],
		    "%d %.*s %.*s:", (int)d->what, SLICE_FMT(d->id),
		    SLICE_FMT(d->name));
		return;
	case DELTA_TEXT:
		assert_false(e->closed[d->block]);
		buf_put_slice(&e->blocks[d->block], d->text);
		return;
	case DELTA_BLOB:
		buf_printf(&e->blocks[d->block], "|%d:%.*s", (int)d->blob_kind,
		    SLICE_FMT(d->text));
		return;
	case DELTA_CLOSE:
		assert_false(e->closed[d->block]);
		e->closed[d->block] = true;
		return;
	case DELTA_FINISH:
		e->finishes++;
		e->finish = d->finish;
		snprintf(e->sequence, sizeof(e->sequence), "%.*s",
		    SLICE_FMT(d->text));
	}
}

static void
ear_init(struct ear *e)
{
	*e = (struct ear){ .count = 0 };
	arena_init(&e->arena, ARENA_MAX);
	buf_init(&e->model, TEXT_MAX);
	hearing_init(&e->h, take, e);
}

static void
ear_fini(struct ear *e)
{
	unsigned i;

	for (i = 0; i < e->count; i++)
		buf_fini(&e->blocks[i]);
	buf_fini(&e->model);
	arena_fini(&e->arena);
}

static void
hear(struct ear *e, struct slice json, bool whole)
{
	struct json_error error;
	const struct json_value *root = json_parse(&e->arena, json, &error);

	if (root == NULL)
		fail_msg("%s at %zu: %.*s", error.why, error.at,
		    SLICE_FMT(json));
	if (whole)
		messages_target.hear_whole(&e->h, root);
	else
		messages_target.hear(&e->h, root);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	if (event->data.len > 0)
		hear(arg, event->data, false);
}

/* A stream, or events one a line; then the end. */
static void
hear_stream(struct ear *e, struct slice text)
{
	struct sse sse;

	sse_init(&sse, TEXT_MAX);
	assert_true(sse_feed(&sse, text, on_event, e));
	sse_fini(&sse);
	hearing_end(&e->h);
}

static void
hear_lines(struct ear *e, const char *lines)
{
	const char *end;

	for (; *lines != '\0'; lines = end + 1) {
		end = strchr(lines, '\n');
		hear(e, slice_make(lines, (size_t)(end - lines)), false);
	}
	hearing_end(&e->h);
}

static void
assert_block(struct ear *e, unsigned i, const char *wanted)
{
	assert_true(i < e->count);
	assert_string_equal(buf_text(&e->blocks[i]), wanted);
	assert_true(e->closed[i]);
}

static void
assert_ends(struct ear *e, unsigned blocks, enum finish finish)
{
	assert_int_equal(e->count, blocks);
	assert_int_equal(e->starts, 1);
	assert_int_equal(e->finishes, 1);
	assert_int_equal(e->finish, finish);
	assert_false(e->h.broken);
}

/* As the SDK's mock said it. */
static const char tools_stream[] =
    "event: message_start\n"
    "data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock_1\","
    "\"type\":\"message\",\"role\":\"assistant\",\"model\":"
    "\"claude-sonnet-4-5\",\"content\":[],\"stop_reason\":null,"
    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":25,"
    "\"output_tokens\":1}}}\n\n"
    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\","
    "\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Let me "
    "\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"run "
    "that.\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
    "\"index\":0}\n\n"
    "event: content_block_start\ndata: {\"type\":\"content_block_start\","
    "\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":"
    "\"toolu_mock_01\",\"name\":\"get_weather\",\"input\":{}}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
    "\"\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
    "\"{\\\"city\\\"\"}}\n\n"
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
    "\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
    "\":\\\"Paris\\\"}\"}}\n\n"
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\","
    "\"index\":1}\n\n"
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":"
    "{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":"
    "{\"output_tokens\":42}}\n\n"
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

static void
a_stream_is_blocks(void **state)
{
	struct ear e;

	(void)state;
	ear_init(&e);
	hear_stream(&e, slice_of(tools_stream));
	assert_ends(&e, 2, FINISH_CALLS);
	assert_string_equal(buf_text(&e.model), "claude-sonnet-4-5");
	assert_block(&e, 0, "0  :Let me run that.");
	assert_block(&e, 1,
	    "3 toolu_mock_01 get_weather:{\\\"city\\\":\\\"Paris\\\"}");
	ear_fini(&e);
}

/* Wherever it is cut, it is one answer, with one end. */
static void
a_stream_that_breaks_off_ends_once(void **state)
{
	size_t len = sizeof(tools_stream) - 1, at;
	struct ear e;

	(void)state;
	for (at = 0; at <= len; at += 7) {
		ear_init(&e);
		hear_stream(&e, slice_make(tools_stream, at));
		hearing_end(&e.h);
		assert_int_equal(e.starts, 1);
		assert_int_equal(e.finishes, 1);
		ear_fini(&e);
	}
}

#define BEGIN(n, block)                                                        \
	"{\"type\":\"content_block_start\"" n ",\"content_block\":{" block     \
	"}}\n"
#define PIECE(n, delta)                                                        \
	"{\"type\":\"content_block_delta\"" n ",\"delta\":{" delta "}}\n"
#define STOP(n)  "{\"type\":\"content_block_stop\"" n "}\n"
#define AT(n)    ",\"index\":" #n
#define TEXT(s)  "\"type\":\"text_delta\",\"text\":\"" s "\""
#define THINK(s) "\"type\":\"thinking_delta\",\"thinking\":\"" s "\""
#define SIGN(s)  "\"type\":\"signature_delta\",\"signature\":\"" s "\""
#define ARGS(s)  "\"type\":\"input_json_delta\",\"partial_json\":\"" s "\""
#define CALL(id, input)                                                        \
	"\"type\":\"tool_use\",\"id\":\"" id                                   \
	"\",\"name\":\"f\",\"input\":" input

static void
odd_streams_are_understood(void **state)
{
	struct ear e;

	(void)state;
	ear_init(&e);
	hear_lines(&e,
	    /* No start, and no index; twice the same start. */
	    PIECE("", TEXT("a")) PIECE("", TEXT("b")) STOP("") STOP("")
		BEGIN(AT(5), CALL("x", "{\"k\":\"v\"}"))
		    PIECE(AT(5), ARGS("{\\\"k\\\":\\\"v\\\"}")) STOP(AT(5))
	    /* A provider's own tool. */
	    BEGIN(AT(6),
		"\"type\":\"server_tool_use\",\"id\":\"s\",\"name\":"
		"\"w\"") PIECE(AT(6), ARGS("{}")) STOP(AT(6)) BEGIN(AT(7),
		CALL("y", "{}")) BEGIN(AT(7), CALL("y", "{}")) PIECE(AT(7),
		ARGS("{")) BEGIN(AT(8), CALL("z", "null")) PIECE(AT(8),
		ARGS("{}")) PIECE(AT(7), ARGS("}")) PIECE(AT(7),
		TEXT("stray")) "{\"type\":\"new_event\"}\n"
			       "{\"type\":\"message_delta\",\"delta\":{\"stop_"
			       "reason\":"
			       "\"end_turn\"}}\n"
			       "{\"type\":\"message_delta\",\"delta\":{\"stop_"
			       "reason\":null},"
			       "\"usage\":{}}\n{\"type\":\"message_stop\"}\n");
	assert_ends(&e, 4, FINISH_CALLS);
	assert_block(&e, 0, "0  :ab");
	assert_block(&e, 1, "3 x f:{\\\"k\\\":\\\"v\\\"}");
	assert_block(&e, 2, "3 y f:{}");
	assert_block(&e, 3, "3 z f:{}");
	ear_fini(&e);
}

static void
thinking_has_its_blobs(void **state)
{
	struct ear e;

	(void)state;
	ear_init(&e);
	hear_lines(&e,
	    BEGIN(AT(0),
		"\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"")
		PIECE(AT(0), THINK("hm")) PIECE(AT(0), SIGN("c2ln")) STOP(AT(0))
		    BEGIN(AT(1),
			"\"type\":\"redacted_thinking\",\"data\":\"cmVk\"")
			STOP(AT(1)) BEGIN(AT(2),
			    "\"type\":\"thinking\",\"thinking\":\"all\","
			    "\"signature\":\"d2hv\"") STOP(AT(2)));
	assert_ends(&e, 3, FINISH_STOP);
	assert_block(&e, 0, "2  :hm|1:c2ln");
	assert_block(&e, 1, "2  :|2:cmVk");
	assert_block(&e, 2, "2  :all|1:d2hv");
	ear_fini(&e);
}

static const struct {
	const char *reason;
	enum finish finish;
} reasons[] = {
	{ "end_turn", FINISH_STOP },
	{ "max_tokens", FINISH_LENGTH },
	{ "stop_sequence", FINISH_SEQUENCE },
	{ "tool_use", FINISH_CALLS },
	{ "pause_turn", FINISH_PAUSE },
	{ "refusal", FINISH_REFUSAL },
	{ "model_context_window_exceeded", FINISH_LENGTH },
	{ "never_heard", FINISH_STOP },
};

static void
reasons_are_finishes(void **state)
{
	char line[256];
	struct ear e;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * count_of(reasons); i++) {
		bool whole = i >= count_of(reasons);
		const char *format =
		    whole ? "{\"model\":\"m\",\"content\":[],\"stop_reason\":"
			    "\"%s\",\"stop_sequence\":\"E\"}"
			  : "{\"type\":\"message_delta\",\"delta\":{"
			    "\"stop_reason\":\"%s\",\"stop_sequence\":"
			    "\"E\"}}";

		ear_init(&e);
		snprintf(line, sizeof(line), format,
		    reasons[i % count_of(reasons)].reason);
		hear(&e, slice_of(line), whole);
		hearing_end(&e.h);
		assert_ends(&e, 0, reasons[i % count_of(reasons)].finish);
		assert_string_equal(e.sequence, "E");
		ear_fini(&e);
	}
}

static void
a_whole_answer_is_the_same_blocks(void **state)
{
	struct ear e;

	(void)state;
	ear_init(&e);
	hear(&e,
	    slice_of(
		"{\"type\":\"message\",\"model\":\"c\",\"content\":[{\"type\":"
		"\"thinking\",\"thinking\":\"hm\",\"signature\":\"c2ln\"},"
		"{\"type\":\"text\",\"text\":\"a\\nb\"},{\"type\":"
		"\"web_search_tool_result\"},{" CALL("x",
		    "{\"q\":\"a\\\"b\"}") "},{" CALL("y",
		    "{}") "},7],\"stop_reason\":\"tool_use\"}"),
	    true);
	hearing_end(&e.h);
	assert_ends(&e, 4, FINISH_CALLS);
	assert_block(&e, 0, "2  :hm|1:c2ln");
	assert_block(&e, 1, "0  :a\\nb");
	assert_block(&e, 2, "3 x f:{\\\"q\\\":\\\"a\\\\\\\"b\\\"}");
	assert_block(&e, 3, "3 y f:");
	ear_fini(&e);
}

static void
hostile_answers_break_and_no_more(void **state)
{
	static const char *const odd[] = { "{}", "[]", "7", "null",
		"{\"type\":\"content_block_start\"}",
		"{\"type\":\"content_block_start\",\"content_block\":[]}",
		"{\"type\":\"content_block_delta\",\"index\":\"x\",\"delta\":"
		"7}",
		"{\"type\":\"message_start\",\"message\":7}",
		"{\"type\":\"message_delta\",\"delta\":null}",
		"{\"type\":\"message\",\"content\":{\"a\":{\"type\":"
		"\"text\"}}}" };
	char line[512];
	struct ear e;
	size_t i;

	(void)state;
	ear_init(&e);
	for (i = 0; i < count_of(odd); i++) {
		hear(&e, slice_of(odd[i]), false);
		hear(&e, slice_of(odd[i]), true);
	}
	hearing_end(&e.h);
	assert_int_equal(e.finishes, 1);
	ear_fini(&e);
	ear_init(&e);
	memset(line, 'n', sizeof(line));
	snprintf(line, sizeof(line),
	    "{\"type\":\"content_block_start\",\"content_block\":{\"type\":"
	    "\"tool_use\",\"id\":\"%0300d\",\"name\":\"f\"}}",
	    1);
	hear(&e, slice_of(line), false);
	assert_true(e.h.broken);
	ear_fini(&e);
}

/* hear(tell(answer)) is the answer, for random answers. */

#define BLOCKS_TOP 6

struct script {
	struct turn turn;
	struct arena arena;
	struct telling telling;
	struct buf out;
	struct hearing h; /* makes the deltas that are told */
	struct ear wanted;
	bool whole;
};

static void
take_both(void *arg, const struct delta *d)
{
	struct script *s = arg;

	take(&s->wanted, d);
	telling_take(&s->telling, d);
}

static void
say_piece(struct script *s, int64_t key)
{
	static const char *const texts[] = { "a", "b\\n", "\\\"q\\\"",
		"\\u00e9", "\xc3\xa9", " " };
	struct heard *b = hearing_find(&s->h, key);

	if (b == NULL)
		return;
	if (b->what == BLOCK_CALL) {
		if (!b->some)
			hearing_text(&s->h, b, slice_of("{\\\"k\\\":[1]}"));
		return;
	}
	hearing_text(&s->h, b, slice_of(texts[rand() % 6]));
}

static void
open_random(struct script *s, int64_t key)
{
	static const enum block_kind kinds[] = { BLOCK_TEXT, BLOCK_THINKING,
		BLOCK_CALL };
	enum block_kind what = kinds[rand() % 3];
	struct slice none = slice_of("");

	hearing_open(&s->h, key, what,
	    what == BLOCK_CALL ? slice_of("id") : none,
	    what == BLOCK_CALL ? slice_of("f") : none);
	/* Nothing is shown of a block without text. */
	if (what != BLOCK_THINKING || rand() % 2)
		say_piece(s, key);
	else
		hearing_blob(&s->h, hearing_find(&s->h, key), BLOB_REDACTED,
		    slice_of("cmVk"));
}

static void
close_random(struct script *s, int64_t key)
{
	struct heard *b = hearing_find(&s->h, key);

	if (b != NULL && b->what == BLOCK_THINKING && b->some && rand() % 2)
		hearing_blob(&s->h, b, BLOB_SIGNATURE, slice_of("c2ln"));
	hearing_close(&s->h, b);
}

static void
play(struct script *s)
{
	static const enum finish finishes[] = { FINISH_STOP, FINISH_LENGTH,
		FINISH_SEQUENCE, FINISH_REFUSAL, FINISH_PAUSE };
	int64_t opened = 0, key;
	int i;

	hearing_start(&s->h, slice_of("model"));
	for (i = 0; i < 30; i++) {
		key = opened > 0 ? rand() % opened : 0;
		if (rand() % 4 == 0 && opened < BLOCKS_TOP)
			open_random(s, opened++);
		else if (rand() % 6 == 0)
			close_random(s, key);
		else if (hearing_find(&s->h, key) != NULL &&
			 hearing_find(&s->h, key)->some)
			say_piece(s, key);
	}
	hearing_will_finish(&s->h, finishes[rand() % 5], slice_of("S"));
	if (s->h.finish != FINISH_SEQUENCE)
		s->h.sequence[0] = '\0';
	hearing_end(&s->h);
}

static void
script_init(struct script *s, bool whole)
{
	arena_init(&s->arena, ARENA_MAX);
	turn_init(&s->turn, &s->arena, DIALECT_MESSAGES);
	buf_init(&s->out, TEXT_MAX);
	telling_init(&s->telling, DIALECT_MESSAGES, &s->turn);
	s->telling.id = "01J00000000000000000000000";
	s->telling.whole = s->whole = whole;
	s->telling.out = &s->out;
	ear_init(&s->wanted);
	hearing_init(&s->h, take_both, s);
}

static void
script_fini(struct script *s)
{
	telling_fini(&s->telling);
	ear_fini(&s->wanted);
	buf_fini(&s->out);
	arena_fini(&s->arena);
}

static void
assert_heard(struct script *s)
{
	static const struct usage usage;
	struct ear *w = &s->wanted, e;
	unsigned i;

	telling_end(&s->telling, &usage);
	assert_false(s->telling.broken);
	ear_init(&e);
	if (s->whole) {
		hear(&e, buf_slice(&s->out), true);
		hearing_end(&e.h);
	} else {
		hear_stream(&e, buf_slice(&s->out));
	}
	assert_ends(&e, w->count, w->finish);
	assert_string_equal(e.sequence, w->sequence);
	for (i = 0; i < w->count; i++)
		assert_block(&e, i, buf_text(&w->blocks[i]));
	ear_fini(&e);
}

static void
what_is_told_is_heard(void **state)
{
	static struct script s;
	unsigned seed;

	(void)state;
	for (seed = 0; seed < 2000; seed++) {
		srand(seed);
		script_init(&s, seed % 2);
		play(&s);
		assert_heard(&s);
		script_fini(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stream_is_blocks),
		cmocka_unit_test(a_stream_that_breaks_off_ends_once),
		cmocka_unit_test(odd_streams_are_understood),
		cmocka_unit_test(thinking_has_its_blobs),
		cmocka_unit_test(reasons_are_finishes),
		cmocka_unit_test(a_whole_answer_is_the_same_blocks),
		cmocka_unit_test(hostile_answers_break_and_no_more),
		cmocka_unit_test(what_is_told_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
