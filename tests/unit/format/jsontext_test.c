#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/utf8.h"
#include "common/format/json.h"

static struct arena arena;
static struct buf out;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&out, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&out);
	return 0;
}

static void
assert_unescapes(const char *raw, const char *want, size_t len)
{
	struct slice text;

	assert_true(json_raw_text(slice_of(raw), &arena, &text));
	assert_int_equal(text.len, len);
	assert_memory_equal(text.ptr, want, len);
}

#define UNESCAPES(raw, want) assert_unescapes(raw, want, sizeof(want) - 1)

static void
escapes_become_characters(void **state)
{
	(void)state;
	UNESCAPES("\"\"", "");
	UNESCAPES("\"plain\"", "plain");
	UNESCAPES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t");
	UNESCAPES("\"a\\u0000b\"", "a\0b");
	UNESCAPES("\"\\u00e9\\u20AC\"", "\xc3\xa9\xe2\x82\xac");
	UNESCAPES("\"\\uD83D\\uDE00!\"", "\xf0\x9f\x98\x80!");
	UNESCAPES("\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf");
}

static void
half_a_pair_becomes_the_replacement(void **state)
{
	(void)state;
	UNESCAPES("\"\\ud83d\"", "\xef\xbf\xbd");
	UNESCAPES("\"\\ud83dx\"", "\xef\xbf\xbdx");
	UNESCAPES("\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd");
	UNESCAPES("\"\\ud83d\\n\"", "\xef\xbf\xbd\n");
	UNESCAPES("\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
					"A");
	UNESCAPES("\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80");
}

static void
only_strings_have_text(void **state)
{
	static const char *const bad[] = { "", "\"", "1", "null", "[]", "{}" };
	const struct json_value *root;
	struct json_error error;
	struct slice text;
	struct arena none;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		assert_false(json_raw_text(slice_of(bad[i]), &arena, &text));
	assert_false(json_text(NULL, &arena, &text));
	root = json_parse(&arena, slice_of("[\"x\",1]"), &error);
	assert_true(json_text(root->first, &arena, &text));
	assert_true(slice_is(text, "x"));
	assert_false(json_text(root, &arena, &text));
	assert_false(json_text(root->first->next, &arena, &text));
	arena_init(&none, 0);
	assert_true(json_raw_text(slice_of("\"plain\""), &none, &text));
	assert_false(json_raw_text(slice_of("\"a\\n\""), &none, &text));
	arena_fini(&none);
}

static void
every_character_survives_the_way_there_and_back(void **state)
{
	const struct json_value *v;
	struct json_error error;
	struct json_writer w;
	char bytes[UTF8_MAX];
	struct slice text;
	uint32_t point;
	size_t len;

	(void)state;
	for (point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 97) {
		if (point >= 0xd800 && point < 0xe000)
			continue;
		len = utf8_write(bytes, point);
		w = (struct json_writer){ .out = &out };
		buf_reset(&out);
		json_put_text(&w, slice_make(bytes, len));
		v = json_parse(&arena, buf_slice(&out), &error);
		assert_non_null(v);
		assert_true(json_text(v, &arena, &text));
		assert_true(slice_eq(text, slice_make(bytes, len)));
		arena_fini(&arena);
	}
}

static void
what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	json_escape(&out, slice_make("a\xff\xe2\x82z\xc3\0\n\x7f", 9));
	assert_true(
	    slice_is(buf_slice(&out), "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
				      "\xef\xbf\xbd\\u0000\\n\x7f"));
	buf_reset(&out);
	json_escape(&out, slice_of("\"\\/\b\t\n\v\f\r\x1f"));
	assert_true(slice_is(buf_slice(&out),
	    "\\\"\\\\/\\b\\t\\n\\u000b\\f\\r\\u001f"));
	buf_reset(&out);
	json_escape(&out, slice_make(NULL, 0));
	assert_int_equal(out.len, 0);
}

static void
the_writer_puts_commas_and_quotes(void **state)
{
	const struct slice texts[] = { slice_of("a"), slice_of("b\"") };
	struct json_writer w = { .out = &out };

	(void)state;
	json_open(&w, '{');
	json_field_text(&w, "text", slice_of("a\"b"));
	json_field_int(&w, "int", INT64_MIN);
	json_key(&w, "list");
	json_open(&w, '[');
	json_put_bool(&w, true);
	json_put_null(&w);
	json_open(&w, '[');
	json_close(&w, ']');
	json_open(&w, '{');
	json_close(&w, '}');
	json_put_raw(&w, slice_of("1e400"));
	json_put_text(&w, slice_of(""));
	json_close(&w, ']');
	json_field_bool(&w, "no", false);
	json_field_texts(&w, "texts", texts, count_of(texts));
	json_field_texts(&w, "none", NULL, 0);
	json_close(&w, '}');
	assert_int_equal(w.depth, 0);
	assert_true(slice_is(buf_slice(&out),
	    "{\"text\":\"a\\\"b\",\"int\":-9223372036854775808,"
	    "\"list\":[true,null,[],{},1e400,\"\"],\"no\":false,"
	    "\"texts\":[\"a\",\"b\\\"\"],\"none\":[]}"));
}

static void
a_full_buf_fails_the_writer(void **state)
{
	struct json_writer w;
	struct buf small;

	(void)state;
	buf_init(&small, 10);
	w = (struct json_writer){ .out = &small };
	json_open(&w, '{');
	json_field_text(&w, "key", slice_of("a longer value"));
	json_close(&w, '}');
	assert_true(small.failed);
	assert_true(small.len <= 10);
	buf_fini(&small);
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(escapes_become_characters),
		FRESH(half_a_pair_becomes_the_replacement),
		FRESH(only_strings_have_text),
		FRESH(every_character_survives_the_way_there_and_back),
		FRESH(what_is_not_utf8_is_replaced),
		FRESH(the_writer_puts_commas_and_quotes),
		FRESH(a_full_buf_fails_the_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
