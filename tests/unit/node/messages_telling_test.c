#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/llm/usage.h"
#include "node/dialect/messages/messages.h"

#define ARENA_MAX (8u << 20)
#define OUT_MAX   (1u << 20)
#define ID        "01J00000000000000000000000"

struct fixture {
	struct arena arena;
	struct turn turn;
	struct telling telling;
	struct buf out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	turn_init(&f->turn, &f->arena, DIALECT_MESSAGES);
	buf_init(&f->out, OUT_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	telling_fini(&f->telling);
	buf_fini(&f->out);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

static void
begin(struct fixture *f, bool whole)
{
	telling_fini(&f->telling);
	buf_reset(&f->out);
	telling_init(&f->telling, DIALECT_MESSAGES, &f->turn);
	f->telling.id = ID;
	f->telling.whole = whole;
	f->telling.out = &f->out;
	telling_take(&f->telling,
	    &(struct delta){ .kind = DELTA_START, .text = slice_of("claude") });
}

static void
opens(struct fixture *f, unsigned block, enum block_kind what)
{
	bool call = what == BLOCK_CALL || what == BLOCK_CUSTOM;

	telling_take(&f->telling, &(struct delta){ .kind = DELTA_OPEN,
				      .block = block,
				      .what = what,
				      .id = slice_of(call ? "call_1" : ""),
				      .name = slice_of(call ? "f" : "") });
}

static void
says(struct fixture *f, unsigned block, const char *text)
{
	telling_take(&f->telling, &(struct delta){ .kind = DELTA_TEXT,
				      .block = block,
				      .text = slice_of(text) });
}

static void
blob(struct fixture *f, unsigned block, enum blob_kind kind, const char *text)
{
	telling_take(&f->telling, &(struct delta){ .kind = DELTA_BLOB,
				      .block = block,
				      .blob_kind = kind,
				      .text = slice_of(text) });
}

static void
closes(struct fixture *f, unsigned block)
{
	telling_take(&f->telling,
	    &(struct delta){ .kind = DELTA_CLOSE, .block = block });
}

static void
ends(struct fixture *f, enum finish finish, const char *sequence)
{
	static const struct usage usage = { .input_tokens = 3,
		.cache_read_tokens = 20,
		.cache_write_tokens = 5,
		.output_tokens = 7,
		.reasoning_tokens = 2 };

	telling_take(&f->telling, &(struct delta){ .kind = DELTA_FINISH,
				      .finish = finish,
				      .text = slice_of(sequence) });
	telling_end(&f->telling, &usage);
	assert_false(f->telling.broken);
}

/* The data of the events, but for the first two and the last two, as lines. */
static const char *
middle(struct fixture *f)
{
	char *text = strdup(buf_text(&f->out)), *line, *rest = text;
	struct buf b;
	const char *got;

	buf_init(&b, OUT_MAX);
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strstr(line, "data: {\"type\":\"content_block") == line)
			buf_printf(&b, "%s\n", line + 6);
	got = arena_text(&f->arena, buf_slice(&b));
	buf_fini(&b);
	free(text);
	return got;
}

#define START(n, block)                                                        \
	"{\"type\":\"content_block_start\",\"index\":" #n                      \
	",\"content_block\":{" block "}}\n"
#define DELTA(n, delta)                                                        \
	"{\"type\":\"content_block_delta\",\"index\":" #n ",\"delta\":{" delta \
	"}}\n"
#define STOP(n)  "{\"type\":\"content_block_stop\",\"index\":" #n "}\n"
#define TEXT0    "\"type\":\"text\",\"text\":\"\""
#define TEXT(s)  "\"type\":\"text_delta\",\"text\":\"" s "\""
#define THINK0   "\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\""
#define THINK(s) "\"type\":\"thinking_delta\",\"thinking\":\"" s "\""
#define SIGN(s)  "\"type\":\"signature_delta\",\"signature\":\"" s "\""
#define CALL0                                                                  \
	"\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\",\"input\":{}"
#define ARGS(s) "\"type\":\"input_json_delta\",\"partial_json\":\"" s "\""

static void
a_stream_has_its_frame(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	opens(f, 0, BLOCK_TEXT);
	says(f, 0, "a\\nb");
	closes(f, 0);
	ends(f, FINISH_SEQUENCE, "END");
	assert_string_equal(buf_text(&f->out),
	    "event: message_start\ndata: {\"type\":\"message_start\","
	    "\"message\":{\"id\":\"msg_" ID
	    "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":"
	    "\"claude\",\"content\":[],\"stop_reason\":null,"
	    "\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,"
	    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
	    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
	    "\"ephemeral_1h_input_tokens\":0},\"output_tokens\":0,"
	    "\"output_tokens_details\":{\"thinking_tokens\":0},"
	    "\"server_tool_use\":null,\"service_tier\":null}}}\n\n"
	    "event: ping\ndata: {\"type\":\"ping\"}\n\n"
	    "event: content_block_start\ndata: " START(0,
		TEXT0) "\n"
		       "event: content_block_delta\ndata: " DELTA(0,
			   TEXT(
			       "a\\nb")) "\n"
					 "event: "
					 "content_block_stop\ndata: " STOP(
					     0) "\n"
						"event: message_delta\ndata: "
						"{\"type\":\"message_delta\","
						"\"delta\":{\"stop_reason\":"
						"\"stop_sequence\",\"stop_"
						"sequence\":"
						"\"END\"},\"usage\":{\"input_"
						"tokens\":3,"
						"\"cache_creation_input_"
						"tokens\":5,\"cache_read_input_"
						"tokens\":20,"
						"\"cache_creation\":{"
						"\"ephemeral_5m_input_tokens\":"
						"5,"
						"\"ephemeral_1h_input_tokens\":"
						"0},\"output_tokens\":9,"
						"\"output_tokens_details\":{"
						"\"thinking_tokens\":2},"
						"\"server_tool_use\":null,"
						"\"service_tier\":null}}\n\n"
						"event: message_stop\ndata: "
						"{\"type\":\"message_stop\"}"
						"\n\n");
}

static void
blocks_that_are_open_at_once_come_one_by_one(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	opens(f, 0, BLOCK_CALL);
	says(f, 0, "{");
	opens(f, 1, BLOCK_CALL);
	opens(f, 2, BLOCK_TEXT);
	says(f, 2, "late");
	says(f, 1, "{\\\"x\\\"");
	says(f, 0, "}");
	closes(f, 2);
	closes(f, 0);
	says(f, 1, ":1}");
	closes(f, 1);
	ends(f, FINISH_CALLS, "");
	assert_string_equal(middle(f),
	    START(0, CALL0) DELTA(0, ARGS("{")) DELTA(0, ARGS("}")) STOP(0)
		START(1, CALL0) DELTA(1, ARGS("{\\\"x\\\""))
		    DELTA(1, ARGS(":1}")) STOP(1) START(2, TEXT0)
			DELTA(2, TEXT("late")) STOP(2));
}

static void
thinking_ends_with_its_signature(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	opens(f, 0, BLOCK_THINKING);
	says(f, 0, "hm");
	blob(f, 0, BLOB_SIGNATURE, "c2ln");
	closes(f, 0);
	opens(f, 1, BLOCK_THINKING);
	blob(f, 1, BLOB_REDACTED, "cmVk");
	closes(f, 1);
	opens(f, 2, BLOCK_THINKING);
	says(f, 2, "unsigned");
	closes(f, 2);
	opens(f, 3, BLOCK_THINKING);
	blob(f, 3, BLOB_ENCRYPTED, "ZW5j");
	closes(f, 3);
	opens(f, 4, BLOCK_THINKING);
	closes(f, 4);
	ends(f, FINISH_STOP, "");
	assert_string_equal(middle(f),
	    START(0, THINK0) DELTA(0, THINK("hm")) DELTA(0, SIGN("c2ln")) STOP(
		0) START(1, "\"type\":\"redacted_thinking\",\"data\":\"cmVk\"")
		STOP(1) START(2, THINK0) DELTA(2, THINK("unsigned"))
		    DELTA(2, SIGN("")) STOP(2) START(3, THINK0)
			DELTA(3, SIGN("ZW5j")) STOP(3));
}

static void
freeform_input_is_wrapped_for_who_has_no_such_tools(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	opens(f, 0, BLOCK_CUSTOM);
	says(f, 0, "a\\n\\\"b\\\"");
	closes(f, 0);
	opens(f, 1, BLOCK_CUSTOM);
	closes(f, 1);
	ends(f, FINISH_CALLS, "");
	assert_string_equal(middle(f),
	    START(0, CALL0) DELTA(0, ARGS("{\\\"input\\\":\\\""))
		DELTA(0, ARGS("a\\\\n\\\\\\\"b\\\\\\\""))
		    DELTA(0, ARGS("\\\"}")) STOP(0) START(1, CALL0)
			DELTA(1, ARGS("{\\\"input\\\":\\\"\\\"}")) STOP(1));
}

static const struct {
	enum block_kind what;
	enum finish finish;
	const char *reason;
} finishes[] = {
	{ BLOCK_TEXT, FINISH_STOP, "end_turn" },
	{ BLOCK_TEXT, FINISH_SEQUENCE, "stop_sequence" },
	{ BLOCK_TEXT, FINISH_LENGTH, "max_tokens" },
	{ BLOCK_CALL, FINISH_CALLS, "tool_use" },
	{ BLOCK_TEXT, FINISH_CALLS, "end_turn" },
	{ BLOCK_TEXT, FINISH_FILTER, "refusal" },
	{ BLOCK_TEXT, FINISH_REFUSAL, "refusal" },
	{ BLOCK_REFUSAL, FINISH_STOP, "refusal" },
	{ BLOCK_TEXT, FINISH_PAUSE, "pause_turn" },
};

static void
every_finish_has_its_reason(void **state)
{
	struct fixture *f = *state;
	char wanted[64];
	size_t i, n = count_of(finishes);

	for (i = 0; i < 2 * n; i++) {
		begin(f, i >= n);
		opens(f, 0, finishes[i % n].what);
		says(f, 0, "x");
		closes(f, 0);
		ends(f, finishes[i % n].finish, "");
		snprintf(wanted, sizeof(wanted), "\"stop_reason\":\"%s\"",
		    finishes[i % n].reason);
		assert_non_null(strstr(buf_text(&f->out), wanted));
	}
}

static void
an_empty_answer_has_no_blocks(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	opens(f, 0, BLOCK_TEXT);
	closes(f, 0);
	ends(f, FINISH_STOP, "");
	assert_string_equal(middle(f), "");
	begin(f, true);
	ends(f, FINISH_STOP, "");
	assert_non_null(strstr(buf_text(&f->out), "\"content\":[],"));
}

static void
a_whole_answer_is_a_message(void **state)
{
	struct fixture *f = *state;
	struct json_error error;

	begin(f, true);
	opens(f, 0, BLOCK_THINKING);
	says(f, 0, "h");
	opens(f, 1, BLOCK_CALL);
	says(f, 1, "{\\\"x\\\":");
	says(f, 0, "m");
	blob(f, 0, BLOB_SIGNATURE, "c2ln");
	closes(f, 0);
	says(f, 1, "1}");
	closes(f, 1);
	opens(f, 2, BLOCK_CALL);
	closes(f, 2);
	opens(f, 3, BLOCK_CALL);
	says(f, 3, "junk");
	closes(f, 3);
	ends(f, FINISH_CALLS, "");
	assert_non_null(json_parse(&f->arena, buf_slice(&f->out), &error));
	assert_non_null(strstr(buf_text(&f->out),
	    "\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\","
	    "\"signature\":\"c2ln\"},"
	    "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
	    "\"input\":{\"x\":1}},"
	    "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
	    "\"input\":{}},"
	    "{\"type\":\"tool_use\",\"id\":\"call_1\",\"name\":\"f\","
	    "\"input\":{\"_raw\":\"junk\"}}],"
	    "\"stop_reason\":\"tool_use\",\"stop_sequence\":null,\"usage\":{"));
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(a_stream_has_its_frame),
		story(blocks_that_are_open_at_once_come_one_by_one),
		story(thinking_ends_with_its_signature),
		story(freeform_input_is_wrapped_for_who_has_no_such_tools),
		story(every_finish_has_its_reason),
		story(an_empty_answer_has_no_blocks),
		story(a_whole_answer_is_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
