#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/format/pack.h"

static struct buf out;

static int
start(void **state)
{
	(void)state;
	buf_init(&out, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

static struct unpack
written(void)
{
	assert_false(out.failed);
	return unpack_start(buf_slice(&out));
}

static struct unpack
bytes(const char *b, size_t len)
{
	return unpack_start(slice_make(b, len));
}

#define BYTES(text) bytes(text, sizeof(text) - 1)

static void
integers_come_back(void **state)
{
	static const int64_t edges[] = { 0, 1, 127, 128, 255, 256, 65535, 65536,
		UINT32_MAX, (int64_t)UINT32_MAX + 1, INT64_MAX, -1, -32, -33,
		-128, -129, -32768, -32769, INT32_MIN, (int64_t)INT32_MIN - 1,
		INT64_MIN };
	struct unpack u;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(edges); i++)
		pack_int(&out, edges[i]);
	u = written();
	for (i = 0; i < count_of(edges); i++)
		assert_true(unpack_int(&u) == edges[i]);
	assert_true(unpack_done(&u));
}

static void
every_form_of_an_integer_is_read(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int64_t number;
	} forms[] = {
		{ "\xcc\xff", 2, 255 },
		{ "\xcd\x00\x01", 3, 1 },
		{ "\xce\x80\x00\x00\x00", 5, 0x80000000 },
		{ "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MAX },
		{ "\xd0\x80", 2, -128 },
		{ "\xd0\x05", 2, 5 },
		{ "\xd1\xff\xff", 3, -1 },
		{ "\xd2\xff\xff\xff\xfe", 5, -2 },
		{ "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, INT64_MIN },
		{ "\xe0", 1, -32 },
		{ "\xff", 1, -1 },
		{ "\x7f", 1, 127 },
	};
	struct unpack u;
	size_t i, cut;

	(void)state;
	for (i = 0; i < count_of(forms); i++) {
		u = bytes(forms[i].bytes, forms[i].len);
		assert_true(unpack_int(&u) == forms[i].number);
		assert_true(unpack_done(&u));
		for (cut = 0; cut < forms[i].len; cut++) {
			u = bytes(forms[i].bytes, cut);
			assert_int_equal(unpack_int(&u), 0);
			assert_true(u.failed);
		}
	}
	u = BYTES("\xcf\x80\x00\x00\x00\x00\x00\x00\x00");
	unpack_int(&u);
	assert_true(u.failed);
}

static void
texts_and_bytes_come_back_at_every_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 255, 256, 65535, 65536 };
	static char text[65536];
	struct slice got;
	struct unpack u;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 31);
	for (i = 0; i < count_of(sizes); i++) {
		pack_text(&out, slice_make(text, sizes[i]));
		pack_bytes(&out, text, sizes[i]);
	}
	u = written();
	for (i = 0; i < count_of(sizes); i++) {
		got = unpack_text(&u);
		assert_true(slice_eq(got, slice_make(text, sizes[i])));
		got = unpack_bytes(&u);
		assert_true(slice_eq(got, slice_make(text, sizes[i])));
	}
	assert_true(unpack_done(&u));
}

static void
nested_values_come_back(void **state)
{
	struct unpack u;
	size_t i;

	(void)state;
	pack_array(&out, 3);
	pack_map(&out, 1);
	pack_text(&out, slice_of("key"));
	pack_bool(&out, true);
	pack_nil(&out);
	pack_array(&out, 1000);
	for (i = 0; i < 1000; i++)
		pack_bool(&out, false);
	u = written();
	assert_int_equal(unpack_array(&u), 3);
	assert_false(unpack_nil(&u));
	assert_int_equal(unpack_map(&u), 1);
	assert_true(slice_is(unpack_text(&u), "key"));
	assert_true(unpack_bool(&u));
	assert_true(unpack_nil(&u));
	assert_int_equal(unpack_array(&u), 1000);
	for (i = 0; i < 1000; i++)
		assert_false(unpack_bool(&u));
	assert_true(unpack_done(&u));
	assert_false(unpack_nil(&u));
	assert_false(u.failed);
}

/* Each reader refuses each kind that is not its own. */
static void
kinds_are_not_taken_for_each_other(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		char kind;
	} values[] = { { "\x01", 1, 'i' }, { "\xff", 1, 'i' },
		{ "\xc3", 1, 'b' }, { "\xa1x", 2, 't' },
		{ "\xc4\x01x", 3, 'y' }, { "\x91\xc0", 2, 'a' },
		{ "\x81\xc0\xc0", 3, 'm' }, { "\xc0", 1, 'n' },
		{ "\xca\0\0\0\0", 5, 'f' }, { "\xcb\0\0\0\0\0\0\0\0", 9, 'f' },
		{ "\xd4\x01x", 3, 'e' }, { "\xc7\x00\x01", 3, 'e' },
		{ "\xc1", 1, '!' } };
	struct unpack u;
	size_t i;
	char fixed[1];

	(void)state;
	for (i = 0; i < count_of(values); i++) {
		u = bytes(values[i].bytes, values[i].len);
		unpack_int(&u);
		assert_int_equal(!u.failed, values[i].kind == 'i');
		u = bytes(values[i].bytes, values[i].len);
		unpack_bool(&u);
		assert_int_equal(!u.failed, values[i].kind == 'b');
		u = bytes(values[i].bytes, values[i].len);
		unpack_text(&u);
		assert_int_equal(!u.failed, values[i].kind == 't');
		u = bytes(values[i].bytes, values[i].len);
		unpack_bytes(&u);
		assert_int_equal(!u.failed, values[i].kind == 'y');
		u = bytes(values[i].bytes, values[i].len);
		fixed[0] = '?';
		unpack_fixed(&u, fixed, 1);
		assert_int_equal(!u.failed, values[i].kind == 'y');
		assert_int_equal(fixed[0], values[i].kind == 'y' ? 'x' : 0);
		u = bytes(values[i].bytes, values[i].len);
		unpack_array(&u);
		assert_int_equal(!u.failed, values[i].kind == 'a');
		u = bytes(values[i].bytes, values[i].len);
		unpack_map(&u);
		assert_int_equal(!u.failed, values[i].kind == 'm');
		u = bytes(values[i].bytes, values[i].len);
		assert_int_equal(unpack_nil(&u), values[i].kind == 'n');
		u = bytes(values[i].bytes, values[i].len);
		unpack_skip(&u);
		assert_int_equal(unpack_done(&u), values[i].kind != '!');
	}
}

static void
declared_counts_are_not_believed(void **state)
{
	struct unpack u;

	(void)state;
	u = BYTES("\xdd\xff\xff\xff\xff\x01");
	assert_int_equal(unpack_array(&u), 0);
	assert_true(u.failed);
	u = BYTES("\xdf\xff\xff\xff\xff\x01");
	assert_int_equal(unpack_map(&u), 0);
	assert_true(u.failed);
	u = BYTES("\x82\x01\x02\x03");
	assert_int_equal(unpack_map(&u), 0);
	assert_true(u.failed);
	u = BYTES("\xdb\xff\xff\xff\xffx");
	assert_int_equal(unpack_text(&u).len, 0);
	assert_true(u.failed);
	u = BYTES("\xc9\xff\xff\xff\xff\x01x");
	unpack_skip(&u);
	assert_true(u.failed);
}

static void
failure_is_for_good(void **state)
{
	struct unpack u = BYTES("\x01\x02\x03");
	char fixed[2] = { 1, 1 };

	(void)state;
	unpack_text(&u);
	assert_true(u.failed);
	assert_int_equal(unpack_int(&u), 0);
	assert_int_equal(unpack_array(&u), 0);
	assert_false(unpack_bool(&u));
	assert_false(unpack_nil(&u));
	unpack_fixed(&u, fixed, 2);
	assert_int_equal(fixed[0] | fixed[1], 0);
	assert_int_equal(unpack_raw(&u).len, 0);
	assert_false(unpack_done(&u));
}

static void
fixed_bytes_have_their_length(void **state)
{
	uint8_t four[4] = { 1, 2, 3, 4 }, got[4];
	struct unpack u;

	(void)state;
	pack_bytes(&out, four, 4);
	u = written();
	unpack_fixed(&u, got, 4);
	assert_true(unpack_done(&u));
	assert_memory_equal(got, four, 4);
	u = written();
	unpack_fixed(&u, got, 3);
	assert_true(u.failed);
	pack_bytes(&out, NULL, 0);
	u = written();
	unpack_skip(&u);
	unpack_fixed(&u, got, 0);
	assert_true(unpack_done(&u));
}

static void
skipping_has_a_depth(void **state)
{
	struct unpack u;
	size_t i;

	(void)state;
	for (i = 0; i < 16; i++)
		pack_array(&out, 1);
	pack_int(&out, 1);
	u = written();
	unpack_skip(&u);
	assert_true(unpack_done(&u));
	buf_reset(&out);
	for (i = 0; i < 17; i++)
		pack_array(&out, 1);
	pack_int(&out, 1);
	u = written();
	unpack_skip(&u);
	assert_true(u.failed);
}

static void
raw_is_the_value_as_it_stands(void **state)
{
	struct unpack u = BYTES("\x93\x01\xa2hi\x81\x01\xc0\x05");
	struct slice raw = unpack_raw(&u);

	(void)state;
	assert_int_equal(raw.len, 8);
	assert_memory_equal(raw.ptr, "\x93\x01\xa2hi\x81\x01\xc0", 8);
	assert_int_equal(unpack_int(&u), 5);
	assert_true(unpack_done(&u));
}

static void
writing_fails_with_its_buf(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 3);
	pack_text(&small, slice_of("abc"));
	assert_true(small.failed);
	buf_fini(&small);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(integers_come_back, start,
		    stop),
		cmocka_unit_test(every_form_of_an_integer_is_read),
		cmocka_unit_test_setup_teardown(
		    texts_and_bytes_come_back_at_every_size, start, stop),
		cmocka_unit_test_setup_teardown(nested_values_come_back, start,
		    stop),
		cmocka_unit_test(kinds_are_not_taken_for_each_other),
		cmocka_unit_test(declared_counts_are_not_believed),
		cmocka_unit_test(failure_is_for_good),
		cmocka_unit_test_setup_teardown(fixed_bytes_have_their_length,
		    start, stop),
		cmocka_unit_test_setup_teardown(skipping_has_a_depth, start,
		    stop),
		cmocka_unit_test(raw_is_the_value_as_it_stands),
		cmocka_unit_test(writing_fails_with_its_buf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
