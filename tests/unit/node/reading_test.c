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
	return v->type == JSON_NUMBER || reading_refuse(r, "second is wrong");
}

static const struct reading_key keys[] = {
	{ "first", read_first, READING_NOWHERE, READING_NOTHING, NULL },
	{ "second", read_second, READING_NOWHERE, CARRY_SEED, "0" },
	{ "kept", NULL, READING_AT(user), CARRY_USER, NULL },
	{ "known", NULL, READING_NOWHERE, READING_NOTHING, NULL },
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
	    "{\"kept\":\"u\",\"second\":2,\"first\":1,\"known\":[]}", &why));
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
	assert_false(carry_has(&t.carried, CARRY_SEED));
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
	};

	return cmocka_run_group_tests(tests, start, stop);
}
