#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "node/dialect/turn.h"

#define ARENA_MAX ((size_t)32 << 20)
#define MANY      20000

static const struct slice none;

struct fixture {
	struct arena arena;
	struct turn t;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	turn_init(&f->t, &f->arena, DIALECT_CHAT);
	*state = f;
	return crypto_start() ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	free(f);
	return 0;
}

static void
same(struct slice s, const char *text)
{
	if (!slice_is(s, text))
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_FMT(s), text);
}

/* The kinds of its parts, a letter each. */
static const char *
parts_of(struct fixture *f, const struct message *m)
{
	static const char letters
	    [] = { [PART_TEXT] = 't', [PART_CALL] = 'c', [PART_RESULT] = 'r' };
	const struct part *p;
	struct buf b;
	const char *text;

	buf_init(&b, ARENA_MAX);
	for (p = m->parts; p != NULL; p = p->next)
		buf_printf(&b, "%c%.*s", letters[p->kind],
		    SLICE_FMT(raw_inside(p->id)));
	text = arena_text(&f->arena, buf_slice(&b));
	buf_fini(&b);
	return text;
}

static struct part *
with_id(struct part *p, const char *raw)
{
	p->id = slice_of(raw);
	return p;
}

static void
messages_go_on_by_role(void **state)
{
	struct fixture *f = *state;
	struct message *a = turn_go_on(&f->t, TURN_ASSISTANT);

	assert_ptr_equal(turn_go_on(&f->t, TURN_ASSISTANT), a);
	assert_ptr_not_equal(turn_go_on(&f->t, TURN_USER), a);
	assert_int_equal(f->t.messages_count, 2);
	assert_ptr_equal(a->next, f->t.last);
}

static void
results_gather_until_the_user_speaks(void **state)
{
	struct fixture *f = *state;
	struct message *m = turn_results(&f->t);

	with_id(turn_part(&f->t, m, PART_RESULT), "\"1\"");
	assert_ptr_equal(turn_results(&f->t), m);
	turn_part(&f->t, m, PART_TEXT);
	assert_ptr_not_equal(turn_results(&f->t), m);
}

static void
late_results_lead_what_is_said_behind_their_call(void **state)
{
	struct fixture *f = *state;
	struct message *call = turn_message(&f->t, TURN_ASSISTANT), *user;

	user = turn_message(&f->t, TURN_USER);
	turn_part(&f->t, user, PART_TEXT);
	with_id(turn_late_result(&f->t, call), "\"1\"");
	with_id(turn_late_result(&f->t, call), "\"2\"");
	assert_string_equal(parts_of(f, user), "r1r2t");
	turn_part(&f->t, user, PART_TEXT);
	with_id(turn_late_result(&f->t, call), "\"3\"");
	assert_string_equal(parts_of(f, user), "r1r2r3tt");
	assert_int_equal(f->t.messages_count, 2);
}

static void
late_results_get_a_message_where_there_is_none(void **state)
{
	struct fixture *f = *state;
	struct message *call = turn_message(&f->t, TURN_ASSISTANT), *system;

	system = turn_message(&f->t, TURN_SYSTEM);
	with_id(turn_late_result(&f->t, call), "\"1\"");
	with_id(turn_late_result(&f->t, call), "\"2\"");
	assert_int_equal(call->next->role, TURN_USER);
	assert_string_equal(parts_of(f, call->next), "r1r2");
	assert_ptr_equal(call->next->next, system);
	turn_part(&f->t, call->next, PART_TEXT);
	with_id(turn_late_result(&f->t, call), "\"3\"");
	assert_string_equal(parts_of(f, call->next), "r1r2r3t");
	call = turn_message(&f->t, TURN_ASSISTANT);
	turn_late_result(&f->t, call);
	assert_ptr_equal(f->t.last, call->next);
}

/* As quick as in order: this would take minutes if each walked the others. */
static void
late_results_are_many(void **state)
{
	struct fixture *f = *state;
	struct message *call = turn_message(&f->t, TURN_ASSISTANT);
	struct part *p;
	int i;

	for (i = 0; i < MANY; i++)
		turn_late_result(&f->t, call);
	for (p = call->next->parts; p != NULL; p = p->next)
		i--;
	assert_int_equal(i, 0);
	assert_ptr_equal(call->next->tail, call->next->results);
}

static struct tool *
tool(struct fixture *f, const char *name, const char *space)
{
	return turn_tool(&f->t, TOOL_FUNCTION, slice_of(name),
	    space != NULL ? slice_of(space) : none);
}

static void
names_on_the_wire_are_short_and_whole(void **state)
{
	struct fixture *f = *state;
	struct slice a, b;

	same(tool(f, "\"f\"", NULL)->wire, "f");
	same(tool(f, "\"f\"", "\"s\"")->wire, "s__f");
	same(tool(f, "\"\\u0067\"", NULL)->wire, "g");
	a = tool(f, "\"x23456789012345678901234567890123456789012345678901\"",
	    "\"space-space-space\"")
		->wire;
	b = tool(f, "\"x23456789012345678901234567890123456789012345678902\"",
	    "\"space-space-space\"")
		->wire;
	assert_int_equal(a.len, 64);
	assert_int_equal(b.len, 64);
	assert_memory_equal(a.ptr, b.ptr, 56);
	assert_false(slice_eq(a, b));
}

/* A character is not cut, or no provider's answer would say that name. */
static void
names_on_the_wire_are_text(void **state)
{
	struct fixture *f = *state;
	char raw[128] = "\"";
	struct slice wire;
	int i;

	for (i = 0; i < 30; i++)
		strcat(raw, "\xe2\x82\xac");
	wire = tool(f, strcat(raw, "\""), NULL)->wire;
	assert_int_equal(wire.len, 54 + 9);
	assert_int_equal(wire.ptr[54], '_');
}

static void
the_later_of_two_tools_counts(void **state)
{
	struct fixture *f = *state;
	struct tool *first = tool(f, "\"f\"", NULL), *second;

	tool(f, "\"g\"", NULL);
	f->t.chosen = first;
	second = tool(f, "\"f\"", NULL);
	assert_int_equal(f->t.tools_count, 2);
	assert_int_equal(f->t.tools_named, 3);
	assert_ptr_equal(f->t.tools, second);
	assert_ptr_equal(f->t.chosen, second);
	same(second->next->name, "\"g\"");
	tool(f, "\"g\"", NULL);
	tool(f, "\"h\"", NULL);
	assert_int_equal(f->t.tools_count, 3);
}

static void
tools_are_found_by_either_name(void **state)
{
	struct fixture *f = *state;
	struct tool *plain = tool(f, "\"f\"", NULL);
	struct tool *spaced = tool(f, "\"f\"", "\"s\"");
	struct part call = { .name = slice_of("\"f\""),
		.space = slice_of("\"s\"") };

	assert_ptr_equal(turn_tool_by_wire(&f->t, slice_of("s__f")), spaced);
	assert_null(turn_tool_by_wire(&f->t, slice_of("s")));
	assert_ptr_equal(turn_tool_named(&f->t, plain->name, none), plain);
	assert_ptr_equal(turn_tool_named(&f->t, plain->name, call.space),
	    spaced);
	assert_null(turn_tool_named(&f->t, slice_of("\"x\""), none));
	same(turn_call_wire(&f->t, &call), "s__f");
	call.name = slice_of("\"gone\"");
	same(turn_call_wire(&f->t, &call), "s__gone");
}

static const struct {
	bool custom;
	const char *arguments, *input, *string, *object;
} calls[] = {
	{ false, "\"{\\\"a\\\":1}\"", "", "\"{\\\"a\\\":1}\"", "{\"a\":1}" },
	{ false, "\" {} \"", "", "\" {} \"", "{}" },
	{ false, "\"\"", "", "\"\"", "{}" },
	{ false, "\"[1]\"", "", "\"[1]\"", "{\"_raw\":\"[1]\"}" },
	{ false, "\"no\\n\"", "", "\"no\\n\"", "{\"_raw\":\"no\\n\"}" },
	{ false, "", "{\"a\":\"\\\\\"}", "\"{\\\"a\\\":\\\"\\\\\\\\\\\"}\"",
	    "{\"a\":\"\\\\\"}" },
	{ true, "\"x\\n\"", "", "\"{\\\"input\\\":\\\"x\\\\n\\\"}\"",
	    "{\"input\":\"x\\n\"}" },
};

static void
arguments_are_text_or_an_object(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(calls); i++) {
		const struct part call = { .custom = calls[i].custom,
			.arguments = slice_of(calls[i].arguments),
			.input = slice_of(calls[i].input) };

		same(turn_call_arguments(&f->t, &call), calls[i].string);
		same(turn_call_object(&f->t, &call), calls[i].object);
	}
}

/* Their values are nobody's bound but their own: the turn keeps no tree. */
static void
arguments_of_many_values_fit(void **state)
{
	struct fixture *f = *state;
	struct part call = { .custom = false };
	struct buf b;
	int i;

	buf_init(&b, ARENA_MAX);
	buf_puts(&b, "\"[1");
	for (i = 0; i < 2000000; i++)
		buf_puts(&b, ",1");
	buf_puts(&b, "]\"");
	call.arguments = buf_slice(&b);
	assert_true(
	    slice_starts(turn_call_object(&f->t, &call), "{\"_raw\":\"[1,1"));
	assert_true(f->arena.used < 2 * b.len + 4096);
	buf_fini(&b);
}

static const struct {
	const char *raw;
	bool good;
	const char *url, *media_type, *data;
} urls[] = {
	{ "\"https://x/a\"", true, "\"https://x/a\"", "", "" },
	{ "\"http:\\/\\/x\"", true, "\"http:\\/\\/x\"", "", "" },
	{ "\"ftp://x\"", false, NULL, "", "" },
	{ "\"\"", false, NULL, "", "" },
	{ "7", false, NULL, "", "" },
	{ "\"data:image/png;base64,AA\\/=\"", true, "", "image/png", "AA\\/=" },
	{ "\"data:image\\/png;base64,AA\"", true, "", "image/png", "AA" },
	{ "\"data:a\\\"b;base64,AA\"", true, "", "a\"b", "AA" },
	{ "\"data:;base64,AA\"", false, NULL, "", "AA" },
	{ "\"data:image/png,AA\"", false, NULL, "", "" },
	{ "\"data:image/png;base64\"", false, NULL, "", "" },
	{ "\"data:image/png\\\\,;base64,AA\"", false, NULL, "", "" },
};

static void
data_urls_are_taken_apart(void **state)
{
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < count_of(urls); i++) {
		struct part p = { .kind = PART_IMAGE };

		if (turn_take_url(&f->t, &p, slice_of(urls[i].raw)) !=
		    urls[i].good)
			fail_msg("%s", urls[i].raw);
		if (!urls[i].good)
			continue;
		same(p.url, urls[i].url);
		same(p.media_type, urls[i].media_type);
		same(p.data, urls[i].data);
	}
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(messages_go_on_by_role),
		story(results_gather_until_the_user_speaks),
		story(late_results_lead_what_is_said_behind_their_call),
		story(late_results_get_a_message_where_there_is_none),
		story(late_results_are_many),
		story(names_on_the_wire_are_short_and_whole),
		story(names_on_the_wire_are_text),
		story(the_later_of_two_tools_counts),
		story(tools_are_found_by_either_name),
		story(arguments_are_text_or_an_object),
		story(arguments_of_many_values_fit),
		story(data_urls_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
