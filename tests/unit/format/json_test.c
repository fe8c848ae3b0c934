#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"

#define BIG (1 << 20)

static struct arena arena;
static struct json_index index_;
static struct json_error error;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 64 * BIG);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Both modes have to agree on it, alone and as a member. */
static bool
accepts(struct slice text)
{
	struct buf wrapped;
	bool parsed = json_parse(&arena, text, &error) != NULL;
	bool inside, indexed;

	buf_init(&wrapped, text.len + 100);
	buf_puts(&wrapped, " { \"k\" : ");
	buf_put_slice(&wrapped, text);
	buf_puts(&wrapped, "\t}\r\n");
	inside = json_parse(&arena, buf_slice(&wrapped), &error) != NULL;
	indexed = json_index(&index_, &arena, buf_slice(&wrapped), &error);
	buf_fini(&wrapped);
	assert_int_equal(inside, indexed);
	assert_int_equal(inside, parsed);
	return parsed;
}

static void
good_values_are_taken(void **state)
{
	static const char *const good[] = { "null", "true", "false", "0", "-0",
		"1", "-1", "10", "1.0", "0.1", "1e9", "1E-9", "1e+400",
		"-0.0e-0", "123456789012345678901234567890",
		"0.1234567890123456789012345678901234567890", "\"\"", "\"a\"",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
		"\"\\u0000\"", "\"\\ud83d\"", "\"\\ude00\\ud83d\"",
		"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"", "\"\x7f\"", "[]",
		"[ ]", "[1]", "[1,2 , 3]", "[[],[[]]]", "{}", "{ }",
		"{\"a\":1}", "{\"a\":1,\"b\":[{\"a\":2}]}", "{\"\":\"\"}",
		"{\"\\u0061\":1,\"b\":2}", " 1 ", "\n[\r1\t]\n" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++)
		if (!accepts(slice_of(good[i])))
			fail_msg("%s: %s at %zu", good[i], error.why, error.at);
}

static void
bad_values_are_refused(void **state)
{
	static const char *const bad[] = { "", " ", "nul", "nulll", "True",
		"truefalse", "NaN", "Infinity", "-", "+1", "01", "-01", "00",
		"1.", ".1", "1.e1", "1e", "1e+", "1e1.5", "0x1", "1_000", "1 2",
		"--1", "1-", "'a'", "a", "\"", "\"a", "\"\\\"", "\"\\x\"",
		"\"\\u\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u 123\"", "\"\\",
		"\"\t\"", "\"\n\"", "\"\x1f\"", "\"\x80\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
		"\"\xff\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]",
		"[1,,2]", "[1}", "{", "}", "{\"a\"", "{\"a\":", "{\"a\":}",
		"{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
		"{\"a\" 1}", "{\"a\"::1}", "{\"a\":1]", "{\"a\":1 \"b\":2}",
		"{\"a\":1}}", "[]]", "1,",
		"\xef\xbb\xbf"
		"1",
		"// c\n1", "1 // c", "\f1",
		"\xc2\xa0"
		"1" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		if (accepts(slice_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
	assert_false(accepts(slice_make(NULL, 0)));
	assert_false(accepts(slice_make("\0", 1)));
	assert_false(accepts(slice_make("1\0", 2)));
	assert_false(accepts(slice_make("\"\0\"", 3)));
}

/* A bad byte anywhere in a string, at every place of a vector's width. */
static void
strings_are_checked_at_every_place(void **state)
{
	static const char bad[] = { '\x01', '\x1f', '\n', '\0', '\x80', '\xff',
		'\xc3' };
	char text[80];
	size_t len, at, i;

	(void)state;
	for (len = 0; len < 70; len++) {
		memset(text, 'x', sizeof(text));
		text[0] = text[len + 1] = '"';
		assert_true(accepts(slice_make(text, len + 2)));
		assert_false(accepts(slice_make(text, len + 1)));
		for (at = 1; at <= len; at++)
			for (i = 0; i < sizeof(bad); i++) {
				text[at] = bad[i];
				assert_false(
				    accepts(slice_make(text, len + 2)));
				text[at] = 'x';
			}
	}
}

static void
duplicate_keys_are_refused(void **state)
{
	static const char *const bad[] = { "{\"a\":1,\"a\":1}",
		"{\"a\":1,\"b\":2,\"a\":3}", "{\"\":1,\"\":1}",
		"{\"model\":1,\"mod\\u0065l\":2}",
		"{\"\\u006dodel\":1,\"mod\\u0065l\":2}",
		"{\"\\u006dodel\":1,\"model\":2}", "{\"a\\/b\":1,\"a/b\":2}",
		"{\"\xc3\xa9\":1,\"\\u00e9\":2}",
		"{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}",
		"[{\"x\":{\"a\":1,\"a\":1}}]",
		"{\"a\":{\"b\":1},\"c\":{\"b\":1,\"b\":2}}" };
	static const char *const good[] = { "{\"a\":{\"a\":1}}",
		"[{\"a\":1},{\"a\":1}]", "{\"a\":1,\"A\":1}",
		"{\"a\":{\"b\":1,\"c\":1},\"b\":1,\"c\":{\"a\":1}}",
		"{\"ab\":1,\"ba\":2,\"aa\":3,\"bb\":4}",
		"{\"\\u0061\":{\"a\":1},\"b\":1}" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (accepts(slice_of(bad[i])))
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(error.why,
		    "a key occurs twice in an object");
	}
	for (i = 0; i < count_of(good); i++)
		assert_true(accepts(slice_of(good[i])));
}

/* An object of n members, with the key of `again` repeated at the end. */
static struct slice
object_of(struct buf *b, size_t n, size_t again, const char *format)
{
	size_t i;

	buf_reset(b);
	buf_putc(b, '{');
	for (i = 0; i <= n; i++) {
		if (i == n && again == n)
			break;
		buf_puts(b, i > 0 ? ",\"" : "\"");
		buf_printf(b, format, (unsigned)(i < n ? i : again));
		buf_puts(b, "\":0");
	}
	buf_putc(b, '}');
	return buf_slice(b);
}

static void
duplicates_are_found_in_objects_of_every_size(void **state)
{
	static const char *const formats[] = { "k%u", "%u", "\\u%04x",
		"%u-long-key-that-has-one-end" };
	struct buf b;
	size_t n, f, again;

	(void)state;
	buf_init(&b, BIG);
	for (f = 0; f < count_of(formats); f++)
		for (n = 1; n < 3000; n += n < 40 ? 1 : n / 3) {
			assert_true(accepts(object_of(&b, n, n, formats[f])));
			for (again = 0; again < n; again += n / 7 + 1)
				assert_false(accepts(
				    object_of(&b, n, again, formats[f])));
			stop(NULL);
			start(NULL);
		}
	buf_fini(&b);
}

static void
limits_hold_exactly(void **state)
{
	struct buf b;
	size_t i, depth;

	(void)state;
	buf_init(&b, BIG);
	assert_true(accepts(object_of(&b, 4096, 4096, "%u")));
	assert_false(accepts(object_of(&b, 4097, 4097, "%u")));
	for (i = JSON_KEY_MAX; i <= JSON_KEY_MAX + 1; i++) {
		buf_reset(&b);
		buf_puts(&b, "{\"");
		memset(buf_room(&b, i), 'k', i);
		buf_grow(&b, i);
		buf_puts(&b, "\":0}");
		assert_int_equal(accepts(buf_slice(&b)), i == JSON_KEY_MAX);
	}
	for (depth = 128; depth <= 129; depth++) {
		buf_reset(&b);
		for (i = 0; i < depth; i++)
			buf_putc(&b, '[');
		for (i = 0; i < depth; i++)
			buf_putc(&b, ']');
		assert_int_equal(json_parse(&arena, buf_slice(&b), &error) !=
				     NULL,
		    depth == JSON_DEPTH_MAX);
	}
	object_of(&b, JSON_TOP_MAX, JSON_TOP_MAX, "%u");
	assert_true(json_index(&index_, &arena, buf_slice(&b), &error));
	object_of(&b, JSON_TOP_MAX + 1, JSON_TOP_MAX + 1, "%u");
	assert_false(json_index(&index_, &arena, buf_slice(&b), &error));
	buf_fini(&b);
}

static void
a_small_arena_refuses_and_does_not_abort(void **state)
{
	struct arena small;
	struct slice text = slice_of("[1,2,3,4,{\"\\u0061\":5}]");
	size_t max, taken = 0;

	(void)state;
	for (max = 0; max < 1024; max += 8) {
		arena_init(&small, max);
		taken += json_parse(&small, text, &error) != NULL;
		arena_fini(&small);
	}
	assert_in_range(taken, 60, 90);
	arena_init(&small, 0);
	assert_false(
	    json_index(&index_, &small, slice_of("{\"\\u0061\":5}"), &error));
	assert_true(
	    json_index(&index_, &small, slice_of("{\"a\":[1]}"), &error));
	arena_fini(&small);
}

static void
the_index_has_the_top_level(void **state)
{
	static const char text[] =
	    " {\"model\" : \"gpt\", \"n\":1 ,\"\\u0061\":[{\"model\":2}],"
	    "\"deep\":{\"x\":{}},\"none\":null,\"t\":true,\"f\":false } ";
	static const struct {
		const char *name, *raw;
		enum json_type type;
	} want[] = { { "model", "\"gpt\"", JSON_STRING },
		{ "n", "1", JSON_NUMBER },
		{ "a", "[{\"model\":2}]", JSON_ARRAY },
		{ "deep", "{\"x\":{}}", JSON_OBJECT },
		{ "none", "null", JSON_NULL }, { "t", "true", JSON_TRUE },
		{ "f", "false", JSON_FALSE } };
	const struct json_member *m;
	size_t i;

	(void)state;
	assert_true(json_index(&index_, &arena, slice_of(text), &error));
	assert_int_equal(index_.count, count_of(want));
	for (i = 0; i < count_of(want); i++) {
		m = json_index_find(&index_, want[i].name);
		assert_ptr_equal(m, &index_.members[i]);
		assert_true(slice_is(m->raw, want[i].raw));
		assert_int_equal(m->type, want[i].type);
	}
	assert_true(slice_is(index_.members[2].key, "\\u0061"));
	assert_null(json_index_find(&index_, "x"));
	assert_null(json_index_find(&index_, "\\u0061"));
	assert_false(json_index(&index_, &arena, slice_of("[]"), &error));
	assert_false(json_index(&index_, &arena, slice_of("\"a\""), &error));
	assert_true(json_index(&index_, &arena, slice_of("{}"), &error));
	assert_int_equal(index_.count, 0);
}

static void
the_tree_has_everything(void **state)
{
	const struct json_value *root, *v;

	(void)state;
	root = json_parse(&arena,
	    slice_of("{\"a\":[1,\"two\",{\"b\\n\":null}],\"c\":true}"), &error);
	assert_non_null(root);
	assert_int_equal(root->type, JSON_OBJECT);
	assert_int_equal(root->count, 2);
	v = json_find(root, "a");
	assert_int_equal(v->count, 3);
	assert_true(slice_is(v->raw, "[1,\"two\",{\"b\\n\":null}]"));
	v = v->first;
	assert_true(slice_is(v->raw, "1"));
	v = v->next;
	assert_true(slice_is(v->raw, "\"two\""));
	v = v->next;
	assert_int_equal(v->type, JSON_OBJECT);
	assert_null(v->next);
	assert_int_equal(json_find(v, "b\n")->type, JSON_NULL);
	assert_int_equal(json_find(root, "c")->type, JSON_TRUE);
	assert_null(json_find(root, "b"));
	assert_null(json_find(NULL, "b"));
	assert_null(json_find(json_find(root, "c"), "b"));
}

static void
words_are_compared_unescaped(void **state)
{
	static const char text[] =
	    "[\"word\",\"w\\u006frd\",\"\\u0077\\u006f\\u0072\\u0064\","
	    "\"wor\",\"word!\",\"w\\u006frd!\",\"w\\\\ord\",\"\",null,"
	    "[\"word\"]]";
	const struct json_value *v =
	    json_parse(&arena, slice_of(text), &error)->first;
	int i;

	(void)state;
	for (i = 0; v != NULL; v = v->next, i++) {
		assert_int_equal(json_is(v, "word"), i < 3);
		assert_int_equal(json_is(v, ""), i == 7);
	}
	assert_false(json_is(NULL, "word"));
}

static void
errors_tell_the_place(void **state)
{
	static const struct {
		const char *text;
		size_t at;
	} bad[] = { { "{\"a\":1,\"a\":2}", 8 }, { "[1, x]", 4 },
		{ "{\"a\" 1}", 5 }, { "\"ab\tc\"", 3 }, { "\"a\\q\"", 2 },
		{ "[1", 2 }, { "[] x", 3 }, { "", 0 }, { "{\"a\":1,}", 7 } };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		assert_null(json_parse(&arena, slice_of(bad[i].text), &error));
		assert_non_null(error.why);
		assert_int_equal(error.at, bad[i].at);
	}
}

static void
integers_are_exact(void **state)
{
	static const char *const bad[] = { "", "-", "1.0", "1e3", "1E3", "true",
		"\"1\"", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999999", " 1", "1 ", "+1" };
	int64_t n = 7;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		assert_false(json_raw_int(slice_of(bad[i]), &n));
	assert_int_equal(n, 7);
	assert_true(json_raw_int(slice_of("9223372036854775807"), &n));
	assert_true(n == INT64_MAX);
	assert_true(json_raw_int(slice_of("-9223372036854775808"), &n));
	assert_true(n == INT64_MIN);
	assert_true(json_raw_int(slice_of("-0"), &n));
	assert_int_equal(n, 0);
	assert_false(json_int(NULL, &n));
}

static const struct json_value *
parsed(const char *text)
{
	const struct json_value *root =
	    json_parse(&arena, slice_of(text), &error);

	assert_non_null(root);
	return root;
}

static void
words_need_no_memory(void **state)
{
	char room[JSON_WORD_MAX];
	char text[JSON_WORD_MAX + 10] = "";

	(void)state;
	assert_true(slice_is(json_word(parsed("\"auto\""), room), "auto"));
	assert_true(
	    slice_is(json_word(parsed("\"\\u0061uto\""), room), "auto"));
	assert_true(slice_is(json_word(parsed("7"), room), ""));
	assert_true(slice_is(json_word(NULL, room), ""));
	/* Plain ones may be longer than the room, those with escapes not. */
	memset(text, 'x', JSON_WORD_MAX + 3);
	text[0] = text[JSON_WORD_MAX + 2] = '"';
	assert_int_equal(json_word(parsed(text), room).len, JSON_WORD_MAX + 1);
	text[1] = '\\';
	text[2] = 'n';
	assert_int_equal(json_word(parsed(text), room).len, 0);
}

static void
many_members_are_picked_at_once(void **state)
{
	const struct slice names[] = { { "a", 1 }, { "bc", 2 }, { "d", 1 } };
	const struct json_value *at[3];

	(void)state;
	json_pick(parsed("{\"x\":0,\"b\\u0063\":1,\"d\":null}"), names, 3, at);
	assert_null(at[0]);
	assert_true(slice_is(at[1]->raw, "1"));
	assert_int_equal(at[2]->type, JSON_NULL);
	json_pick(parsed("[\"a\"]"), names, 3, at);
	assert_true(at[0] == NULL && at[1] == NULL && at[2] == NULL);
	json_pick(NULL, names, 3, at);
	assert_null(at[0]);
}

int
main(void)
{
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		WITH_ARENA(good_values_are_taken),
		WITH_ARENA(bad_values_are_refused),
		WITH_ARENA(strings_are_checked_at_every_place),
		WITH_ARENA(duplicate_keys_are_refused),
		WITH_ARENA(duplicates_are_found_in_objects_of_every_size),
		WITH_ARENA(limits_hold_exactly),
		WITH_ARENA(a_small_arena_refuses_and_does_not_abort),
		WITH_ARENA(the_index_has_the_top_level),
		WITH_ARENA(the_tree_has_everything),
		WITH_ARENA(errors_tell_the_place),
		WITH_ARENA(integers_are_exact),
		WITH_ARENA(words_are_compared_unescaped),
		WITH_ARENA(words_need_no_memory),
		WITH_ARENA(many_members_are_picked_at_once),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
