#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"
#include "node/dialect/raw.h"

static struct arena arena;

static const struct json_value *
parsed(const char *text)
{
	struct json_error error;
	const struct json_value *v = json_parse(&arena, slice_of(text), &error);

	assert_non_null(v);
	return v;
}

static void
same(struct slice s, const char *text)
{
	if (!slice_is(s, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(s), text);
}

static void
members_are_as_they_stand(void **state)
{
	const struct json_value *v =
	    parsed("{\"a\":[1, 2],\"n\":null,\"s\":\"x\\n\",\"i\":7}");

	(void)state;
	same(raw_of(v, "a"), "[1, 2]");
	same(raw_of(v, "s"), "\"x\\n\"");
	same(raw_of(v, "n"), "");
	same(raw_of(v, "none"), "");
	same(raw_of(NULL, "a"), "");
	same(raw_of(json_find(v, "a"), "a"), "");
	same(inside_of(json_find(v, "s")), "x\\n");
	same(inside_of(json_find(v, "i")), "");
	same(inside_of(NULL), "");
	assert_int_equal(number_of(json_find(v, "i"), -1), 7);
	assert_int_equal(number_of(json_find(v, "s"), -1), -1);
	assert_int_equal(number_of(NULL, -1), -1);
}

static void
strings_are_known_by_what_is_inside(void **state)
{
	(void)state;
	same(raw_inside(slice_of("\"ab\"")), "ab");
	same(raw_inside(slice_of("\"\"")), "");
	same(raw_inside(slice_of("12")), "");
	same(raw_inside(slice_of("")), "");
	assert_true(raw_is(slice_of("\"ab\""), "ab"));
	assert_true(raw_is(slice_of("\"\""), ""));
	assert_false(raw_is(slice_of("\"ab\""), "a"));
	assert_false(raw_is(slice_of("[ab]"), "ab"));
	assert_false(raw_is(slice_of(""), ""));
	assert_true(value_is(parsed("\"ab\""), "ab"));
	assert_false(value_is(parsed("[1]"), "1"));
	assert_false(value_is(NULL, ""));
	assert_true(is_text(parsed("\"\"")) && is_object(parsed("{}")));
	assert_false(is_text(parsed("{}")) || is_object(parsed("\"\"")));
	assert_false(is_text(NULL) || is_object(NULL));
}

static void
an_inside_gets_its_quotes_back(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 16);
	raw_put(&out, raw_inside(slice_of("\"a\\n\"")));
	same(buf_slice(&out), "\"a\\n\"");
	buf_fini(&out);
}

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_as_they_stand),
		cmocka_unit_test(strings_are_known_by_what_is_inside),
		cmocka_unit_test(an_inside_gets_its_quotes_back),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
