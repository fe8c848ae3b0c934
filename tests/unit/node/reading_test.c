#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/reading.h"

static struct arena arena;
static const char *order;

static bool
read_first(struct reading *r, const struct json_value *v)
{
	(void)r;
	order = arena_printf(&arena, "%s1%.*s", order, SLICE_FMT(v->raw));
	return true;
}

static bool
read_second(struct reading *r, const struct json_value *v)
{
	order = arena_printf(&arena, "%s2%.*s", order, SLICE_FMT(v->raw));
	return v->type == JSON_NUMBER || reading_wrong(r, "second", "is wrong");
}

/* Something in a list in a list. */
static bool
read_lists(struct reading *r, const struct json_value *v)
{
	const struct json_value *one, *inner;
	struct slice name;

	for (one = reading_first(r, "lists", v); one != NULL;
	     one = reading_next(r, one)) {
		if (one->type != JSON_ARRAY)
			return reading_wrong(r, NULL, "must be an array");
		for (inner = reading_first(r, "inner", one); inner != NULL;
		     inner = reading_next(r, inner))
			if (!reading_needs(r, inner, "name", &name))
				return false;
	}
	return true;
}

static const struct reading_key keys[] = {
	{ .name = "first", .read = read_first },
	{ .name = "second", .read = read_second, .plain = "0" },
	{ .name = "kept", .offset = READING_AT(user), .carry = CARRY_USER },
	{ .name = "typed", .type = JSON_NUMBER, .carry = CARRY_SEED },
	{ .name = "lists", .type = JSON_ARRAY, .read = read_lists },
	{ .name = "known", .read = reading_own },
};

static bool
reads(struct turn *t, const char *body, const char **why)
{
	struct reading r = { .turn = t };
	struct json_error error;
	bool good;

	order = "";
	turn_init(t, &arena, DIALECT_CHAT);
	good = reading_keys(&r, json_parse(&arena, slice_of(body), &error),
	    keys, count_of(keys));
	*why = r.why;
	return good;
}

static void
keys_are_read_in_the_tables_order(void **state)
{
	struct turn t;
	const char *why;

	(void)state;
	assert_true(reads(&t,
	    "{\"kept\":\"u\",\"typed\":3,\"second\":2,\"first\":1,"
	    "\"known\":[]}",
	    &why));
	assert_string_equal(order, "1122");
	assert_true(slice_is(t.user, "\"u\""));
	assert_true(carry_has(&t.carried, CARRY_USER));
	assert_true(carry_has(&t.carried, CARRY_SEED));
	assert_false(carry_has(&t.carried, CARRY_UNKNOWN));
}

static void
null_is_not_there(void **state)
{
	struct turn t;
	const char *why;

	(void)state;
	assert_true(reads(&t,
	    "{\"kept\":null,\"second\":null,\"first\":null,\"odd\":null}",
	    &why));
	assert_string_equal(order, "");
	assert_int_equal(t.user.len, 0);
	assert_false(carry_has(&t.carried, CARRY_USER));
	assert_false(carry_has(&t.carried, CARRY_UNKNOWN));
}

static void
what_no_row_knows_is_noted(void **state)
{
	struct turn t;
	const char *why;

	(void)state;
	assert_true(reads(&t, "{\"odd\":1,\"\\u0066irst\":1}", &why));
	assert_string_equal(order, "11");
	assert_int_equal(t.carried.unknown_count, 1);
	assert_true(slice_is(t.carried.unknown[0], "odd"));
	/* What is as good as nothing is nothing. */
	assert_true(reads(&t, "{\"second\":0}", &why));
	assert_string_equal(order, "");
}

static void
a_wrong_one_ends_it(void **state)
{
	struct turn t;
	const char *why;

	(void)state;
	assert_false(reads(&t, "{\"second\":\"x\",\"kept\":\"u\"}", &why));
	assert_string_equal(why, "second is wrong");
	assert_int_equal(t.user.len, 0);
}

static void
what_is_wrong_is_named_by_its_place(void **state)
{
	static const struct {
		const char *body, *why;
	} wrongs[] = {
		{ "[]", "the body must be an object" },
		{ "{\"typed\":\"3\"}", "typed must be a number" },
		{ "{\"lists\":{}}", "lists must be an array" },
		{ "{\"lists\":[[],7]}", "lists[1] must be an array" },
		{ "{\"lists\":[[],[{\"name\":\"a\"},{\"name\":7}]]}",
		    "lists[1].inner[1].name must be a string" },
		{ "{\"lists\":[[{\"name\":\"a\"}],[{}]]}",
		    "lists[1].inner[0].name must be a string, not empty" },
	};
	struct turn t;
	const char *why;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(wrongs); i++) {
		assert_false(reads(&t, wrongs[i].body, &why));
		assert_string_equal(why, wrongs[i].why);
	}
	assert_true(reads(&t, "{\"lists\":[[],[{\"name\":\"a\"}]]}", &why));
}

static void
members_are_known_by_whole_words(void **state)
{
	struct json_error error;
	struct turn t;
	struct reading r = { .turn = &t };
	const struct json_value *v = json_parse(&arena,
	    slice_of("{\"a\":1,\"long\":2,\"lon\":3,\"no\":null}"), &error);

	(void)state;
	turn_init(&t, &arena, DIALECT_CHAT);
	reading_note_others(&r, v, "a long");
	assert_int_equal(t.carried.unknown_count, 1);
	assert_true(slice_is(t.carried.unknown[0], "lon"));
	assert_true(reading_has_others(v, "a long"));
	assert_false(reading_has_others(v, "a lon long"));
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
		cmocka_unit_test(keys_are_read_in_the_tables_order),
		cmocka_unit_test(null_is_not_there),
		cmocka_unit_test(what_no_row_knows_is_noted),
		cmocka_unit_test(a_wrong_one_ends_it),
		cmocka_unit_test(what_is_wrong_is_named_by_its_place),
		cmocka_unit_test(members_are_known_by_whole_words),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
