#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "node/dialect/hearing.h"

#define TEXT_MAX (1u << 20)

/* Keeps the deltas, a word each. */
struct fixture {
	struct hearing h;
	struct buf heard;
};

static void
take(void *arg, const struct delta *d)
{
	static const char *const words[] = { [DELTA_START] = "start",
		[DELTA_OPEN] = "open",
		[DELTA_TEXT] = "text",
		[DELTA_BLOB] = "blob",
		[DELTA_CLOSE] = "close",
		[DELTA_FINISH] = "finish" };
	struct fixture *f = arg;

	buf_printf(&f->heard, "%s", words[d->kind]);
	if (d->kind == DELTA_FINISH)
		buf_printf(&f->heard, "%d", (int)d->finish);
	else if (d->kind != DELTA_START)
		buf_printf(&f->heard, "%u", d->block);
	buf_printf(&f->heard, "(%.*s) ", SLICE_FMT(d->text));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	hearing_init(&f->h, take, f);
	buf_init(&f->heard, TEXT_MAX);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	buf_fini(&f->heard);
	free(f);
	return 0;
}

static void
heard(struct fixture *f, const char *wanted)
{
	assert_string_equal(buf_text(&f->heard), wanted);
	buf_reset(&f->heard);
}

static struct heard *
opens(struct fixture *f, int64_t key, enum block_kind what)
{
	return hearing_open(&f->h, key, what, slice_of(""), slice_of(""));
}

static void
an_answer_starts_once_and_ends_once(void **state)
{
	struct fixture *f = *state;

	hearing_start(&f->h, slice_of("m"));
	hearing_start(&f->h, slice_of("other"));
	hearing_end(&f->h);
	hearing_end(&f->h);
	heard(f, "start(m) finish0() ");
}

static void
what_was_not_said_is_made_up(void **state)
{
	struct fixture *f = *state;

	hearing_text(&f->h, opens(f, 7, BLOCK_TEXT), slice_of("a"));
	hearing_end(&f->h);
	heard(f, "start() open0() text0(a) close0() finish0() ");
	assert_null(opens(f, 8, BLOCK_TEXT));
	assert_true(f->h.broken);
}

static void
keys_are_of_open_blocks(void **state)
{
	struct fixture *f = *state;
	struct heard *first = opens(f, -5, BLOCK_CALL);

	assert_ptr_equal(hearing_find(&f->h, -5), first);
	assert_null(hearing_find(&f->h, 0));
	hearing_close(&f->h, first);
	hearing_close(&f->h, first);
	assert_null(hearing_find(&f->h, -5));
	opens(f, -5, BLOCK_TEXT);
	opens(f, 6, BLOCK_TEXT);
	hearing_close(&f->h, hearing_find(&f->h, -5));
	assert_null(hearing_find(&f->h, -5));
	assert_non_null(hearing_find(&f->h, 6));
	heard(f, "start() open0() close0() open1() open2() close1() ");
	hearing_close(&f->h, NULL);
	hearing_text(&f->h, NULL, slice_of("x"));
	hearing_blob(&f->h, NULL, BLOB_SIGNATURE, slice_of("x"));
	hearing_text(&f->h, hearing_find(&f->h, 6), slice_of(""));
	heard(f, "");
}

static const struct {
	enum block_kind what;
	enum finish said, meant;
} finishes[] = {
	{ BLOCK_TEXT, FINISH_STOP, FINISH_STOP },
	{ BLOCK_CALL, FINISH_STOP, FINISH_CALLS },
	{ BLOCK_CUSTOM, FINISH_STOP, FINISH_CALLS },
	{ BLOCK_REFUSAL, FINISH_STOP, FINISH_REFUSAL },
	{ BLOCK_CALL, FINISH_LENGTH, FINISH_LENGTH },
	{ BLOCK_REFUSAL, FINISH_FILTER, FINISH_FILTER },
	{ BLOCK_TEXT, FINISH_CALLS, FINISH_CALLS },
};

static void
a_stop_is_what_was_done(void **state)
{
	struct fixture *f = *state;
	char wanted[64];
	size_t i;

	for (i = 0; i < count_of(finishes); i++) {
		hearing_init(&f->h, take, f);
		opens(f, 0, finishes[i].what);
		hearing_will_finish(&f->h, finishes[i].said, slice_of("S"));
		hearing_end(&f->h);
		snprintf(wanted, sizeof(wanted),
		    "start() open0() close0() finish%d(S) ",
		    (int)finishes[i].meant);
		heard(f, wanted);
	}
}

static void
a_stop_sequence_too_long_to_keep_is_none(void **state)
{
	struct fixture *f = *state;
	char text[HEARING_NAME_MAX + 1];

	memset(text, 'x', sizeof(text));
	hearing_will_finish(&f->h, FINISH_SEQUENCE,
	    slice_make(text, HEARING_NAME_MAX));
	hearing_end(&f->h);
	heard(f, "start() finish1() ");
}

static void
names_and_blocks_have_bounds(void **state)
{
	struct fixture *f = *state;
	char text[HEARING_NAME_MAX + 1];
	int i;

	memset(text, 'x', sizeof(text));
	assert_non_null(hearing_open(&f->h, 0, BLOCK_CALL,
	    slice_make(text, HEARING_NAME_MAX), slice_of("f")));
	assert_null(hearing_open(&f->h, 1, BLOCK_CALL, slice_of("1"),
	    slice_make(text, sizeof(text))));
	assert_true(f->h.broken);
	hearing_init(&f->h, take, f);
	for (i = 0; i < HEARING_OPEN_MAX; i++)
		assert_non_null(opens(f, i, BLOCK_TEXT));
	assert_null(opens(f, i, BLOCK_TEXT));
	hearing_init(&f->h, take, f);
	for (i = 0; i < BLOCKS_MAX; i++)
		hearing_close(&f->h, opens(f, i, BLOCK_TEXT));
	assert_false(f->h.broken);
	assert_null(opens(f, i, BLOCK_TEXT));
	assert_true(f->h.broken);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(an_answer_starts_once_and_ends_once),
		story(what_was_not_said_is_made_up),
		story(keys_are_of_open_blocks),
		story(a_stop_is_what_was_done),
		story(a_stop_sequence_too_long_to_keep_is_none),
		story(names_and_blocks_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
