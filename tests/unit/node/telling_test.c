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
#include "node/dialect/telling.h"

#define ARENA_MAX ((size_t)16 << 20)
#define OUT_MAX   ((size_t)128 << 20)
#define ASKED                                                                  \
	"{\"model\":\"m\",\"input\":\"hi\",\"tools\":[{\"type\":\"custom\","   \
	"\"name\":\"patch\"},{\"type\":\"namespace\",\"name\":\"s\","          \
	"\"tools\":[{\"type\":\"function\",\"name\":\"g\"}]}]}"

/* The face is one that keeps what it was told, in lines. */
struct fixture {
	struct arena arena;
	struct turn turn;
	struct telling t;
	struct buf out;
	struct usage usage;
};

static void
on_start(struct telling *t)
{
	buf_printf(t->out, "start %.*s\n", SLICE_FMT(t->model));
}

static void
on_open(struct telling *t, struct told *b)
{
	buf_printf(t->out, "open %d %.*s\n", (int)b->what,
	    SLICE_FMT(told_name(b)));
}

static void
on_text(struct telling *t, struct told *b, struct slice text)
{
	(void)b;
	buf_printf(t->out, "text %.*s\n", SLICE_FMT(text));
}

static void
on_close(struct telling *t, struct told *b)
{
	buf_printf(t->out, "close %.*s\n", SLICE_FMT(buf_slice(&b->blob)));
}

static void
on_end(struct telling *t, const struct usage *usage)
{
	(void)usage;
	buf_printf(t->out, "end %d %.*s\n", (int)t->finish,
	    SLICE_FMT(t->sequence));
}

static const struct caller_face lines = { .start = on_start,
	.open = on_open,
	.text = on_text,
	.close = on_close,
	.end = on_end,
	.whole = on_end };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct json_error error;
	const char *why;

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, OUT_MAX);
	*state = f;
	if (!crypto_start())
		return -1;
	turn_init(&f->turn, &f->arena, DIALECT_RESPONSES);
	if (!caller_face(DIALECT_RESPONSES)
		 ->read(&f->turn,
		     json_parse(&f->arena, slice_of(ASKED), &error), &why))
		return -1;
	telling_init(&f->t, DIALECT_CHAT, &f->turn);
	f->t.face = &lines;
	f->t.out = &f->out;
	telling_take(&f->t,
	    &(struct delta){ .kind = DELTA_START, .text = slice_of("up") });
	return 0;
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

static void
opens(struct fixture *f, unsigned block, enum block_kind what, const char *name)
{
	telling_take(&f->t, &(struct delta){ .kind = DELTA_OPEN,
				.block = block,
				.what = what,
				.id = slice_of("1"),
				.name = slice_of(name) });
}

static void
says(struct fixture *f, unsigned block, const char *text)
{
	telling_take(&f->t, &(struct delta){ .kind = DELTA_TEXT,
				.block = block,
				.text = slice_of(text) });
}

static void
closes(struct fixture *f, unsigned block)
{
	telling_take(&f->t,
	    &(struct delta){ .kind = DELTA_CLOSE, .block = block });
}

static void
told(struct fixture *f, const char *wanted)
{
	assert_string_equal(buf_text(&f->out), wanted);
}

static void
pieces_pass_in_their_order(void **state)
{
	struct fixture *f = *state;

	opens(f, 0, BLOCK_TEXT, "");
	says(f, 0, "a");
	opens(f, 1, BLOCK_CALL, "s__g");
	says(f, 0, "b");
	closes(f, 1);
	closes(f, 0);
	telling_take(&f->t, &(struct delta){ .kind = DELTA_FINISH,
				.finish = FINISH_SEQUENCE,
				.text = slice_of("END") });
	telling_end(&f->t, &f->usage);
	assert_false(f->t.broken);
	/* A call without arguments has none, which is an object. */
	told(f, "start up\nopen 0 \ntext a\nopen 3 g\ntext b\ntext {}\nclose "
		"\nclose \nend 1 END\n");
	says(f, 0, "late");
	assert_false(f->t.broken);
}

static const struct {
	const char *first, *second, *input;
} wrappings[] = {
	{ "{\\\"input\\\":\\\"a", "\\\\nb\\\"}", "a\\nb" },
	{ "{\\\"in", "put\\\":\\\"\\\\u0041\\\"}", "\\u0041" },
	{ "{\\\"input\\\":\\\"cut o", "", "{\\\"input\\\":\\\"cut o" },
	{ "plain", " text", "plain text" },
	{ "{\\\"input\\\":7}", "", "{\\\"input\\\":7}" },
	{ "{\\\"other\\\":\\\"x\\\"}", "", "{\\\"other\\\":\\\"x\\\"}" },
};

static void
a_freeform_call_is_unwrapped_as_one(void **state)
{
	struct fixture *f = *state;
	char wanted[128];
	unsigned i;

	for (i = 0; i < count_of(wrappings); i++) {
		buf_reset(&f->out);
		opens(f, i, BLOCK_CALL, "patch");
		says(f, i, wrappings[i].first);
		says(f, i, wrappings[i].second);
		told(f, "open 4 patch\n");
		closes(f, i);
		snprintf(wanted, sizeof(wanted),
		    "open 4 patch\ntext %s\nclose \n", wrappings[i].input);
		told(f, wanted);
	}
	buf_reset(&f->out);
	opens(f, i, BLOCK_CALL, "patch");
	closes(f, i++);
	opens(f, i, BLOCK_CUSTOM, "patch");
	says(f, i, "as it is");
	closes(f, i);
	told(f, "open 4 patch\ntext \nclose \nopen 4 patch\ntext as it is\n"
		"close \n");
}

static void
a_name_that_nobody_knows_passes(void **state)
{
	struct fixture *f = *state;

	opens(f, 0, BLOCK_CALL, "s__\\u0067");
	opens(f, 1, BLOCK_CALL, "g");
	told(f, "start up\nopen 3 s__\\u0067\nopen 3 g\n");
}

static void
blobs_gather(void **state)
{
	struct fixture *f = *state;
	struct delta d = { .kind = DELTA_BLOB,
		.blob_kind = BLOB_SIGNATURE,
		.text = slice_of("ab") };

	opens(f, 0, BLOCK_THINKING, "");
	telling_take(&f->t, &d);
	telling_take(&f->t, &d);
	closes(f, 0);
	told(f, "start up\nopen 2 \nclose abab\n");
}

static void
what_is_out_of_order_breaks_it(void **state)
{
	struct fixture *f = *state;

	opens(f, 0, BLOCK_TEXT, "");
	closes(f, 0);
	assert_false(f->t.broken);
	says(f, 0, "closed");
	assert_true(f->t.broken);
	f->t.broken = false;
	says(f, 1, "not there");
	assert_true(f->t.broken);
	f->t.broken = false;
	opens(f, 2, BLOCK_TEXT, "");
	assert_true(f->t.broken);
}

static void
blocks_have_an_end(void **state)
{
	struct fixture *f = *state;
	unsigned i;

	for (i = 0; i < BLOCKS_MAX; i++) {
		opens(f, i, BLOCK_TEXT, "");
		closes(f, i);
	}
	assert_false(f->t.broken);
	opens(f, i, BLOCK_TEXT, "");
	assert_true(f->t.broken);
}

/* What one provider says of one answer cannot fill the memory. */
static void
texts_have_an_end_together(void **state)
{
	struct fixture *f = *state;
	char *piece = calloc(1, (1 << 20) + 1);
	unsigned i;

	memset(piece, 'x', 1 << 20);
	for (i = 0; i < TELLING_TEXT_MAX >> 20; i++) {
		opens(f, i, BLOCK_TEXT, "");
		says(f, i, piece);
		closes(f, i);
		buf_reset(&f->out);
	}
	assert_false(f->t.broken);
	opens(f, i, BLOCK_TEXT, "");
	says(f, i, "x");
	assert_true(f->t.broken);
	free(piece);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(pieces_pass_in_their_order),
		story(a_freeform_call_is_unwrapped_as_one),
		story(a_name_that_nobody_knows_passes),
		story(blobs_gather),
		story(what_is_out_of_order_breaks_it),
		story(blocks_have_an_end),
		story(texts_have_an_end_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
