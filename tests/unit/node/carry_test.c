#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "node/dialect/target.h"

static struct buf out;

static int
start(void **state)
{
	(void)state;
	buf_init(&out, 64 * 1024);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buf_fini(&out);
	return 0;
}

static struct carry_list
with(enum carry c)
{
	struct carry_list list = { 0 };

	carry_note(&list, c);
	return list;
}

static const struct carry_target to[DIALECTS] = {
	{ .dialect = DIALECT_CHAT },
	{ .dialect = DIALECT_RESPONSES },
	{ .dialect = DIALECT_MESSAGES },
};

/* Dropped by leave of its class alone, and named either way. */
static void
a_class_lets_go(void **state)
{
	struct carry_list list = with(CARRY_SEED);

	(void)state;
	assert_false(
	    carry_fits(&list, &to[DIALECT_MESSAGES], DROP_HINTS, &out));
	assert_string_equal(buf_text(&out), "seed");
	buf_reset(&out);
	assert_true(
	    carry_fits(&list, &to[DIALECT_MESSAGES], DROP_SAMPLING, &out));
	assert_true(carry_fits(&list, &to[DIALECT_CHAT], 0, &out));
	assert_int_equal(out.len, 0);
	carry_dropped(&list, &to[DIALECT_MESSAGES], &out);
	assert_string_equal(buf_text(&out), "seed");
}

static void
never_and_always_ask_nobody(void **state)
{
	struct carry_list never = with(CARRY_AUDIO),
			  always = with(CARRY_THOUGHTS);

	(void)state;
	assert_false(carry_fits(&never, &to[DIALECT_CHAT], ~0u, &out));
	buf_reset(&out);
	assert_true(carry_fits(&always, &to[DIALECT_CHAT], 0, &out));
	carry_dropped(&always, &to[DIALECT_CHAT], &out);
	assert_string_equal(buf_text(&out), "thinking");
}

/* A header's value: no caller's word breaks out of it. */
static void
unknown_fields_are_named_safely(void **state)
{
	struct carry_list list = { 0 };

	(void)state;
	carry_note_unknown(&list, slice_of("a,b\r\nX: y"));
	carry_note_unknown(&list, slice_of("plain"));
	carry_dropped(&list, &to[DIALECT_CHAT], &out);
	assert_string_equal(buf_text(&out), "a?b??X:?y, plain");
}

static void
check(enum carry c, enum dialect d, unsigned drop)
{
	bool lost = carry_how(c, d) == CANNOT;
	struct carry_list list = with(c);

	if (c == CARRY_UNKNOWN)
		carry_note_unknown(&list, slice_of("x"));
	buf_reset(&out);
	assert_int_equal(carry_fits(&list, &to[d], drop, &out),
	    !lost || carry_class(c) == ~0u || (carry_class(c) & drop) != 0);
	buf_reset(&out);
	carry_dropped(&list, &to[d], &out);
	assert_string_equal(buf_text(&out), !lost ? ""
					    : c == CARRY_UNKNOWN
						? "x"
						: carry_name(c));
}

/* Each feature alone, for each target, with each set of what may go. */
static void
nothing_is_lost_in_silence(void **state)
{
	unsigned drop;
	int c, d;

	(void)state;
	for (c = 0; c < CARRY_COUNT; c++)
		for (d = 0; d < DIALECTS; d++)
			for (drop = 0; drop < 1u << DROPS; drop++)
				check((enum carry)c, (enum dialect)d, drop);
}

static void
shows(const char *text)
{
	if (strstr(buf_text(&out), text) == NULL)
		fail_msg("not in there: %s", text);
}

static void
the_table_is_printed(void **state)
{
	const struct turn nothing = { .arena = NULL };
	const struct target_terms least = { .quirks = 0 };
	struct carry_list beyond[DIALECTS] = { 0 };
	unsigned d;

	(void)state;
	for (d = 0; d < DIALECTS; d++)
		target_limits(&beyond[d], (enum dialect)d, &nothing, &least);
	carry_print(&out, beyond);
	shows("| seed | yes | drop: `sampling` | drop: `sampling` |  |\n");
	shows("| audio | refused | refused | refused | in or out |\n");
	shows("| thinking | dropped | yes | yes |");
	shows("| user | yes, else drop: `hints` | yes | yes |");
	shows("| json_schema | yes, else dropped | yes | yes |");
	buf_reset(&out);
	carry_print_class(&out, DROP_STOP, beyond);
	assert_string_equal(buf_text(&out), "stop");
	buf_reset(&out);
	/* What no target may lack is let go by nobody. */
	carry_print_class(&out, DROP_HINTS, beyond);
	assert_null(strstr(buf_text(&out), "strict"));
	shows("user");
	buf_reset(&out);
	target_print_limits(&out);
	shows("| user | `chat` | a type with the quirk `openai_fields` |\n");
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(a_class_lets_go),
		FRESH(never_and_always_ask_nobody),
		FRESH(unknown_fields_are_named_safely),
		FRESH(nothing_is_lost_in_silence),
		FRESH(the_table_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
