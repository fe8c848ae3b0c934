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

#define ARENA_MAX ((size_t)256 << 20)
#define TEXT_MAX  (16u << 20)

struct fixture {
	struct arena arena;
	struct turn turn;
	struct buf out;
	struct hearing hearing;
	/* Deltas as text, pieces of a block joined; and by block. */
	struct buf log;
	int64_t last; /* the block that text was of */
	struct buf blocks[BLOCKS_MAX];
	unsigned count, finishes;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int i;

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, TEXT_MAX);
	buf_init(&f->log, TEXT_MAX);
	for (i = 0; i < BLOCKS_MAX; i++)
		buf_init(&f->blocks[i], TEXT_MAX);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int i;

	for (i = 0; i < BLOCKS_MAX; i++)
		buf_fini(&f->blocks[i]);
	buf_fini(&f->log);
	buf_fini(&f->out);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

static void
take(void *arg, const struct delta *d)
{
	struct fixture *f = arg;
	struct buf *b = &f->blocks[d->block];

	if (d->kind != DELTA_TEXT)
		f->last = -1;
	else if (f->last != d->block)
		buf_printf(&f->log, "\n%u ", d->block);
	switch (d->kind) {
	case DELTA_START:
		buf_printf(&f->log, "start %.*s", SLICE_FMT(d->text));
		return;
	case DELTA_OPEN:
		buf_printf(&f->log, "\nopen %u kind %d %.*s %.*s", d->block,
		    (int)d->what, SLICE_FMT(d->id), SLICE_FMT(d->name));
		buf_printf(b, "%d %.*s %.*s ", (int)d->what, SLICE_FMT(d->id),
		    SLICE_FMT(d->name));
		f->count++;
		return;
	case DELTA_TEXT:
		f->last = d->block;
		buf_put_slice(&f->log, d->text);
		buf_put_slice(b, d->text);
		return;
	case DELTA_BLOB:
		buf_printf(&f->log, "\nblob %u %.*s", d->block,
		    SLICE_FMT(d->text));
		buf_printf(b, " blob %.*s", SLICE_FMT(d->text));
		return;
	case DELTA_CLOSE:
		buf_printf(&f->log, "\nclose %u", d->block);
		return;
	case DELTA_FINISH:
		buf_printf(&f->log, "\nfinish %d", (int)d->finish);
		f->finishes++;
		return;
	}
}

static void
begin_hearing(struct fixture *f)
{
	unsigned i;

	for (i = 0; i < BLOCKS_MAX; i++)
		buf_reset(&f->blocks[i]);
	buf_reset(&f->log);
	f->last = -1;
	f->count = f->finishes = 0;
	hearing_init(&f->hearing, take, f);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct fixture *f = arg;
	struct json_error error;
	const struct json_value *v = json_parse(&f->arena, event->data, &error);

	if (v != NULL)
		responses_target.hear(&f->hearing, v);
}

static void
hear_bytes(struct fixture *f, struct slice bytes)
{
	struct sse sse;

	begin_hearing(f);
	sse_init(&sse, TEXT_MAX);
	assert_true(sse_feed(&sse, bytes, on_event, f));
	sse_fini(&sse);
	hearing_end(&f->hearing);
	assert_int_equal(f->finishes, 1);
}

static void
hears(struct fixture *f, const char *log)
{
	assert_false(f->hearing.broken);
	assert_string_equal(buf_text(&f->log), log);
}

/* Events without their framing, one a line. */
static void
hear_lines(struct fixture *f, const char *lines, const char *log)
{
	struct buf bytes;
	const char *end;

	buf_init(&bytes, TEXT_MAX);
	for (; *lines != '\0'; lines = end + (*end == '\n')) {
		end = strchrnul(lines, '\n');
		buf_puts(&bytes, "data: {\"type\":\"response.");
		buf_put(&bytes, lines, (size_t)(end - lines));
		buf_puts(&bytes, "}\n\n");
	}
	hear_bytes(f, buf_slice(&bytes));
	buf_fini(&bytes);
	hears(f, log);
}

static struct slice
file(struct fixture *f, const char *name)
{
	const char *path =
	    arena_printf(&f->arena, "tests/golden/responses/%s", name);
	FILE *in = fopen(path, "r");
	size_t len;

	assert_non_null(in);
	buf_reset(&f->out);
	len = fread(buf_room(&f->out, TEXT_MAX), 1, TEXT_MAX, in);
	fclose(in);
	return arena_copy(&f->arena, slice_make(f->out.data, len));
}

static void
hear_object(struct fixture *f, struct slice json)
{
	struct json_error error;
	const struct json_value *v = json_parse(&f->arena, json, &error);

	assert_non_null(v);
	begin_hearing(f);
	responses_target.hear_whole(&f->hearing, v);
	hearing_end(&f->hearing);
}

static void
captured_answers_are_heard(void **state)
{
	struct fixture *f = *state;

	hear_bytes(f, file(f, "sdk-reasoning.sse"));
	hears(f, "start gpt-5\nopen 0 kind 2  \n0 **Thinking** greet the user"
		 "\nblob 0 gAAAAABmb2NrLWVuY3J5cHRlZA==\nclose 0"
		 "\nopen 1 kind 0  \n1 Hello from the mock.\nclose 1"
		 "\nfinish 0");
	hear_bytes(f, file(f, "sdk-call.sse"));
	hears(f, "start gpt-5\nopen 0 kind 3 call_mock_01 get_weather"
		 "\n0 {\\\"city\\\":\\\"Paris\\\"}\nclose 0\nfinish 3");
	hear_bytes(f, file(f, "codex-custom-call.sse"));
	hears(f, "start gpt-6.1-sol\nopen 0 kind 2  \nblob 0 "
		 "gAAAAABmb2NrLWVuY3J5cHRlZA==\nclose 0"
		 "\nopen 1 kind 4 call_mock_01 exec\n1 const r = await "
		 "tools.exec_command({cmd:\\\"cat hello.txt\\\"}); "
		 "text(r.output);\nclose 1\nfinish 3");
	hear_object(f, file(f, "sdk-whole.json"));
	hears(f, "start gpt-5\nopen 0 kind 0  \n0 Hello from the mock."
		 "\nclose 0\nfinish 0");
}

#define CREATED "created\",\"response\":{\"model\":\"m\"}\n"

static void
servers_differ_in_what_they_send(void **state)
{
	struct fixture *f = *state;

	/* Only what is done, twice. */
	hear_lines(f,
	    CREATED
	    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
	    "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
	    "\"hi\"}]}\n"
	    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
	    "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
	    "\"hi\"}]}\n"
	    "completed\",\"response\":{\"status\":\"completed\",\"output\":[{"
	    "\"type\":\"message\",\"content\":[{\"type\":\"output_text\","
	    "\"text\":\"hi\"}]}]}",
	    "start m\nopen 0 kind 0  \n0 hi\nclose 0\nfinish 0");
	/* Nothing but the end. */
	hear_lines(f,
	    "completed\",\"response\":{\"model\":\"m\",\"output\":[{\"type\":"
	    "\"web_search_call\"},{\"type\":\"function_call\",\"call_id\":"
	    "\"c\",\"name\":\"f\",\"arguments\":\"{}\"}]}",
	    "start m\nopen 0 kind 3 c f\n0 {}\nclose 0\nfinish 3");
	/* No places, the text's end instead of its pieces, no item's end. */
	hear_lines(f,
	    "output_item.added\",\"item\":{\"type\":\"function_call\",\"id\":"
	    "\"fc\",\"call_id\":null,\"name\":\"f\",\"arguments\":\"\"}\n"
	    "function_call_arguments.done\",\"arguments\":\"{1}\"\n"
	    "function_call_arguments.done\",\"arguments\":\"{1}\"\n"
	    "completed\",\"response\":{\"status\":\"completed\"}",
	    "start \nopen 0 kind 3 fc f\n0 {1}\nclose 0\nfinish 3");
	/* One place for all. */
	hear_lines(f,
	    CREATED "output_item.added\",\"output_index\":0,\"item\":{\"type\":"
		    "\"message\"}\n"
		    "output_text.delta\",\"output_index\":0,\"delta\":\"hi\"\n"
		    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
		    "\"message\",\"content\":[{\"text\":\"hi\"}]}\n"
		    "output_item.added\",\"output_index\":0,\"item\":{\"type\":"
		    "\"function_call\",\"call_id\":\"c\",\"name\":\"f\"}\n"
		    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
		    "\"function_call\",\"call_id\":\"c\",\"name\":\"f\","
		    "\"arguments\":\"{}\"}\n",
	    "start m\nopen 0 kind 0  \n0 hi\nclose 0\nopen 1 kind 3 c f\n1 {}"
	    "\nclose 1\nfinish 3");
	/* A name that comes late. */
	hear_lines(f,
	    CREATED
	    "output_item.added\",\"output_index\":3,\"item\":{\"type\":"
	    "\"custom_tool_call\",\"call_id\":\"c\"}\n"
	    "custom_tool_call_input.delta\",\"output_index\":3,\"delta\":"
	    "\"a\"\n"
	    "output_item.done\",\"output_index\":3,\"item\":{\"type\":"
	    "\"custom_tool_call\",\"call_id\":\"c\",\"name\":\"g\","
	    "\"input\":\"ab\"}\n",
	    "start m\nopen 0 kind 4 c g\n0 ab\nclose 0\nfinish 3");
}

static void
reasoning_is_joined(void **state)
{
	struct fixture *f = *state;

	hear_lines(f,
	    CREATED
	    "reasoning_summary_text.delta\",\"output_index\":0,"
	    "\"summary_index\":0,\"delta\":\"a\"\n"
	    "reasoning_summary_text.done\",\"output_index\":0,"
	    "\"summary_index\":0,\"text\":\"a\"\n"
	    "reasoning_summary_text.delta\",\"output_index\":0,"
	    "\"summary_index\":1,\"delta\":\"b\"\n"
	    "reasoning_summary_text.done\",\"output_index\":0,"
	    "\"summary_index\":2,\"text\":\"c\"\n"
	    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
	    "\"reasoning\",\"summary\":[{\"text\":\"a\"},{\"text\":\"b\"},{"
	    "\"text\":\"c\"},{\"text\":\"d\"}],\"content\":[{\"text\":\"z\"}],"
	    "\"encrypted_content\":\"ee\"}\n",
	    "start m\nopen 0 kind 2  \n0 a\\n\\nb\\n\\nc\\n\\nd\nblob 0 ee"
	    "\nclose 0\nfinish 0");
	hear_lines(f,
	    CREATED
	    "reasoning_text.delta\",\"output_index\":0,\"content_index\":0,"
	    "\"delta\":\"raw\"\n"
	    "output_item.done\",\"output_index\":0,\"item\":{\"type\":"
	    "\"reasoning\",\"summary\":[],\"content\":[{\"text\":\"raw\"}]}\n"
	    "output_item.done\",\"output_index\":1,\"item\":{\"type\":"
	    "\"reasoning\",\"summary\":[]}\n",
	    "start m\nopen 0 kind 2  \n0 raw\nclose 0\nfinish 0");
}

static void
calls_may_interleave(void **state)
{
	struct fixture *f = *state;

	hear_lines(f,
	    CREATED
	    "output_item.added\",\"output_index\":0,\"item\":{\"type\":"
	    "\"function_call\",\"call_id\":\"a\",\"name\":\"f\"}\n"
	    "output_item.added\",\"output_index\":1,\"item\":{\"type\":"
	    "\"function_call\",\"call_id\":\"b\",\"name\":\"g\"}\n"
	    "function_call_arguments.delta\",\"output_index\":1,\"delta\":"
	    "\"{\"\n"
	    "function_call_arguments.delta\",\"output_index\":0,\"delta\":"
	    "\"[\"\n"
	    "function_call_arguments.delta\",\"output_index\":1,\"delta\":"
	    "\"}\"\n"
	    "output_item.done\",\"output_index\":1,\"item\":{\"type\":"
	    "\"function_call\",\"call_id\":\"b\",\"name\":\"g\","
	    "\"arguments\":\"{}\"}\n",
	    "start m\nopen 0 kind 3 a f\nopen 1 kind 3 b g\n1 {\n0 [\n1 }"
	    "\nclose 1\nclose 0\nfinish 3");
}

static void
every_end_is_heard(void **state)
{
	static const struct {
		const char *response;
		enum finish finish;
	} ends[] = {
		{ "\"status\":\"completed\"", FINISH_STOP },
		{ "\"status\":\"completed\",\"output\":[{\"type\":\"message\","
		  "\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]",
		    FINISH_REFUSAL },
		{ "\"status\":\"completed\",\"output\":[{\"type\":"
		  "\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}]",
		    FINISH_CALLS },
		{ "\"status\":\"incomplete\",\"incomplete_details\":{"
		  "\"reason\":\"max_output_tokens\"}",
		    FINISH_LENGTH },
		{ "\"status\":\"incomplete\",\"incomplete_details\":{"
		  "\"reason\":\"content_filter\"}",
		    FINISH_FILTER },
		{ "\"status\":\"incomplete\",\"incomplete_details\":null",
		    FINISH_LENGTH },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(ends); i++) {
		hear_object(f, slice_of(arena_printf(&f->arena,
				   "{\"model\":\"m\",%s}", ends[i].response)));
		assert_int_equal(f->hearing.finish, ends[i].finish);
		hear_bytes(f,
		    slice_of(arena_printf(&f->arena,
			"data: {\"type\":\"response.completed\",\"response\":"
			"{%s}}\n\n",
			ends[i].response)));
		assert_int_equal(f->hearing.finish, ends[i].finish);
	}
}

static void
a_broken_answer_is_given_up(void **state)
{
	struct fixture *f = *state;
	struct buf bytes;
	int i;

	hear_bytes(f, slice_of("data: {\"type\":\"response.output_text.delta"
			       "\",\"output_index\":512,\"delta\":\"x\"}\n\n"));
	assert_true(f->hearing.broken);
	buf_init(&bytes, TEXT_MAX);
	for (i = 0; i < HEARING_OPEN_MAX + 1; i++)
		buf_printf(&bytes,
		    "data: {\"type\":\"response.output_text.delta\","
		    "\"output_index\":%d,\"delta\":\"x\"}\n\n",
		    i);
	hear_bytes(f, buf_slice(&bytes));
	assert_true(f->hearing.broken);
	buf_fini(&bytes);
}

/* Cut anywhere, or with a byte changed: no crash, and one end. */
static void
hostile_bytes_do_no_harm(void **state)
{
	static const char *const names[] = { "sdk-reasoning.sse",
		"sdk-call.sse", "codex-custom-call.sse" };
	struct fixture *f = *state;
	struct slice whole;
	size_t i, n;
	char *copy;

	for (i = 0; i < count_of(names); i++) {
		whole = file(f, names[i]);
		copy = malloc(whole.len);
		for (n = 0; n < 300; n++) {
			memcpy(copy, whole.ptr, whole.len);
			copy[(n * 7919) % whole.len] = "\"{}[]:,x0-"[n % 10];
			hear_bytes(f,
			    slice_make(copy,
				whole.len - (n * 104729) % (whole.len / 2)));
		}
		free(copy);
	}
}

/* Random deltas that this dialect can say. */
struct chance {
	uint32_t state;
};

static unsigned
chance(struct chance *c, unsigned n)
{
	c->state = c->state * 1664525 + 1013904223;
	return (c->state >> 8) % n;
}

static const char *const pieces[] = { "a", " b", "\\n", "\\\"", "\\\\", "é",
	"\\u00e9", "{", "}", "word ", "\\ud83d\\ude00", "0" };

static void
give(struct telling *t, struct fixture *f, const struct delta *d)
{
	telling_take(t, d);
	take(f, d);
}

static void
give_text(struct telling *t, struct fixture *f, struct chance *c,
    struct delta d)
{
	unsigned n = 1 + chance(c, 4);

	d.kind = DELTA_TEXT;
	while (n-- > 0) {
		d.text = slice_of(pieces[chance(c, count_of(pieces))]);
		give(t, f, &d);
	}
}

static void
give_block(struct telling *t, struct fixture *f, struct chance *c,
    struct delta d)
{
	d.kind = DELTA_OPEN;
	if (d.what == BLOCK_CALL || d.what == BLOCK_CUSTOM) {
		d.id = slice_of("call_x");
		d.name = slice_of("tool");
	}
	give(t, f, &d);
	if (d.what != BLOCK_THINKING || chance(c, 2) == 0)
		give_text(t, f, c, d);
}

static void
close_block(struct telling *t, struct fixture *f, struct chance *c,
    struct delta d)
{
	if (d.what == BLOCK_THINKING) {
		d.kind = DELTA_BLOB;
		d.blob_kind = BLOB_ENCRYPTED;
		d.text = slice_of("blob+/=");
		give(t, f, &d);
	} else {
		give_text(t, f, c, d);
	}
	d.kind = DELTA_CLOSE;
	give(t, f, &d);
}

static void
give_answer(struct telling *t, struct fixture *f, struct chance *c)
{
	struct delta open[2], d = { .kind = DELTA_START };
	unsigned i, n, together;
	bool called = false, refused = false;

	d.text = slice_of("mödel");
	give(t, f, &d);
	for (n = chance(c, 5), d.block = 0; n > 0; n--) {
		together = 1 + chance(c, 2);
		for (i = 0; i < together; i++, d.block++) {
			open[i] = (struct delta){ .block = d.block,
				.what = (enum block_kind)chance(c, 5) };
			/* Alone: it may have no text to open with. */
			if (open[i].what == BLOCK_THINKING)
				open[i].what =
				    together > 1 ? BLOCK_TEXT : BLOCK_THINKING;
			called |= open[i].what >= BLOCK_CALL;
			refused |= open[i].what == BLOCK_REFUSAL;
			give_block(t, f, c, open[i]);
		}
		while (i-- > 0)
			close_block(t, f, c, open[i]);
	}
	d = (struct delta){ .kind = DELTA_FINISH,
		.finish = called    ? FINISH_CALLS
			  : refused ? FINISH_REFUSAL
				    : FINISH_STOP };
	if (chance(c, 4) == 0)
		d.finish = chance(c, 2) == 0 ? FINISH_LENGTH : FINISH_FILTER;
	give(t, f, &d);
}

static const char *
all_blocks(struct fixture *f)
{
	const char *all = "";
	unsigned i;

	for (i = 0; i < f->count; i++)
		all = arena_printf(&f->arena, "%s%s\n", all,
		    buf_text(&f->blocks[i]));
	return all;
}

static void
what_is_told_is_heard_again(void **state)
{
	struct fixture *f = *state;
	struct telling t;
	struct chance c = { 1 };
	const char *log, *blocks;
	int i;

	turn_init(&f->turn, &f->arena, DIALECT_RESPONSES);
	for (i = 0; i < 400; i++) {
		begin_hearing(f);
		telling_init(&t, DIALECT_RESPONSES, &f->turn);
		t.id = "01JD0000000000000000000000";
		t.whole = i % 2 == 1;
		t.wants_blobs = true;
		t.out = &f->out;
		buf_reset(&f->out);
		give_answer(&t, f, &c);
		telling_end(&t, &(struct usage){ 0 });
		assert_false(t.broken);
		telling_fini(&t);
		log = arena_text(&f->arena, buf_slice(&f->log));
		blocks = all_blocks(f);
		if (i % 2 == 0) {
			hear_bytes(f, buf_slice(&f->out));
			hears(f, log);
		} else {
			hear_object(f, buf_slice(&f->out));
			assert_string_equal(all_blocks(f), blocks);
			assert_string_equal(strrchr(buf_text(&f->log), '\n'),
			    strrchr(log, '\n'));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(captured_answers_are_heard),
		TEST(servers_differ_in_what_they_send),
		TEST(reasoning_is_joined),
		TEST(calls_may_interleave),
		TEST(every_end_is_heard),
		TEST(a_broken_answer_is_given_up),
		TEST(hostile_bytes_do_no_harm),
		TEST(what_is_told_is_heard_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
