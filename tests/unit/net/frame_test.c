#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/frame.h"

/* Bytes and texts of any length that a frame may have, and more. */
static const char filler[20000];
static struct slice names_none, names_few, names_many;

/*
 * A function for each frame that sets its fields to their least or most; field
 * number `bad` is out of its bounds.  Gives how many fields there are.
 */
#define FRAME(NAME, name, number, sender, step)                                \
	static int fill_##name(struct frame *f, bool most_of_all, int bad)     \
	{                                                                      \
		int n = 0;                                                     \
                                                                               \
		(void)most_of_all;                                             \
		(void)bad;                                                     \
		f->type = FRAME_##NAME;
#define INT(name, field, least, most)                                          \
	f->as.name.field = most_of_all ? (most) : (least);                     \
	if (bad == n++)                                                        \
		f->as.name.field = (least)-1;
#define BYTES(name, field, least, most)                                        \
	f->as.name.field = slice_make(filler, most_of_all ? (most) : (least)); \
	if (bad == n++)                                                        \
		f->as.name.field.len = (most) + 1;
#define TEXT(name, field, least, most) BYTES(name, field, least, most)
#define NAMES(name, field, least, most)                                        \
	f->as.name.field = most_of_all ? names_many : names_few;               \
	if (bad == n++)                                                        \
		f->as.name.field = names_none;
#define LAST(name)                                                             \
	return n;                                                              \
	}
#include "common/net/msg.def"

static int (*const fills[])(struct frame *f, bool most_of_all, int bad) = {
#define FRAME(NAME, name, number, sender, step) fill_##name,
#include "common/net/msg.def"
};

static struct slice
write_names(struct buf *b, size_t count)
{
	size_t i;

	buf_init(b, 4096);
	pack_array(b, count);
	for (i = 0; i < count; i++)
		pack_text(b, slice_make(filler, FRAME_NAME_MAX));
	return buf_slice(b);
}

static void
write_frame(struct buf *b, const struct frame *f)
{
	buf_init(b, 100000);
	frame_write(b, f);
	assert_false(b->failed);
}

static enum frame_result
read_bytes(struct slice bytes, struct frame *f)
{
	struct unpack u = unpack_start(bytes);
	enum frame_result result = frame_read(f, &u);

	return result == FRAME_GOOD && !unpack_done(&u) ? FRAME_BAD : result;
}

static void
what_is_written_is_read(void **state)
{
	size_t i;
	int most;

	(void)state;
	for (i = 0; i < count_of(fills); i++)
		for (most = 0; most < 2; most++) {
			struct frame f, back;
			struct buf bytes, again;

			fills[i](&f, most, -1);
			write_frame(&bytes, &f);
			assert_int_equal(read_bytes(buf_slice(&bytes), &back),
			    FRAME_GOOD);
			assert_int_equal(back.type, f.type);
			write_frame(&again, &back);
			assert_true(
			    slice_eq(buf_slice(&bytes), buf_slice(&again)));
			buf_fini(&again);
			buf_fini(&bytes);
		}
}

static void
a_field_out_of_bounds_is_bad(void **state)
{
	struct frame f, back;
	struct buf bytes;
	size_t i;
	int bad, checked = 0;

	(void)state;
	for (i = 0; i < count_of(fills); i++)
		for (bad = 0; bad < fills[i](&f, false, -1); bad++) {
			fills[i](&f, false, bad);
			write_frame(&bytes, &f);
			assert_int_equal(read_bytes(buf_slice(&bytes), &back),
			    FRAME_BAD);
			buf_fini(&bytes);
			checked++;
		}
	assert_true(checked > 40);
}

static void
a_cut_frame_is_bad(void **state)
{
	struct frame f, back;
	struct buf bytes;
	size_t i, len;

	(void)state;
	for (i = 0; i < count_of(fills); i++) {
		fills[i](&f, false, -1);
		write_frame(&bytes, &f);
		for (len = 0; len < bytes.len; len++)
			assert_int_equal(read_bytes(slice_make(bytes.data, len),
					     &back),
			    FRAME_BAD);
		buf_fini(&bytes);
	}
}

static enum frame_result
read_array(size_t values, int64_t number)
{
	struct frame f;
	struct buf b;
	enum frame_result result;
	size_t i;

	buf_init(&b, 1000);
	pack_array(&b, values);
	pack_int(&b, number);
	for (i = 1; i < values; i++)
		pack_int(&b, 1);
	result = read_bytes(buf_slice(&b), &f);
	buf_fini(&b);
	return result;
}

static void
unknown_frames_and_wrong_counts(void **state)
{
	struct frame f;

	(void)state;
	assert_int_equal(read_array(2, FRAME_PING), FRAME_GOOD);
	assert_int_equal(read_array(1, FRAME_PING), FRAME_BAD);
	assert_int_equal(read_array(3, FRAME_PING), FRAME_BAD);
	assert_int_equal(read_array(2, 0), FRAME_BAD);
	assert_int_equal(read_array(2, 63), FRAME_BAD);
	assert_int_equal(read_array(2, -1), FRAME_BAD);
	assert_int_equal(read_array(2, FRAME_LEDGER_PAGE + 1), FRAME_PASSED);
	assert_int_equal(read_array(9, INT64_MAX), FRAME_PASSED);
	assert_int_equal(read_bytes(slice_of("\x90"), &f), FRAME_BAD);
	assert_int_equal(read_bytes(slice_of("\xc0"), &f), FRAME_BAD);
	/* Text where bytes belong: DATA [8, 1, "x"]. */
	assert_int_equal(read_bytes(slice_of("\x93\x08\x01\xa1x"), &f),
	    FRAME_BAD);
	assert_int_equal(read_bytes(slice_of("\x93\x08\x01\xc4\x01x"), &f),
	    FRAME_GOOD);
	/* It claims 2^32 - 1 elements. */
	assert_int_equal(read_bytes(slice_of("\xdd\xff\xff\xff\xff\x12"), &f),
	    FRAME_BAD);
}

static void
names_come_apart(void **state)
{
	struct slice names[FRAME_NAMES_MAX];
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	pack_array(&b, 2);
	pack_text(&b, slice_of("node-a"));
	pack_text(&b, slice_of("hub"));
	assert_int_equal(frame_names(buf_slice(&b), names), 2);
	assert_true(slice_is(names[0], "node-a"));
	assert_true(slice_is(names[1], "hub"));
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_field_out_of_bounds_is_bad),
		cmocka_unit_test(a_cut_frame_is_bad),
		cmocka_unit_test(unknown_frames_and_wrong_counts),
		cmocka_unit_test(names_come_apart),
	};
	struct buf none, few, many;
	int failed;

	names_none = write_names(&none, 0);
	names_few = write_names(&few, 1);
	names_many = write_names(&many, FRAME_NAMES_MAX);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_fini(&none);
	buf_fini(&few);
	buf_fini(&many);
	return failed;
}
