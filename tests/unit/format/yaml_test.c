#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/yaml.h"

struct parsed {
	struct arena arena;
	struct yaml_error error;
	const struct yaml_node *root;
};

static void
parse(struct parsed *p, struct slice text)
{
	arena_init(&p->arena, YAML_ARENA_BYTES);
	p->root = yaml_parse(&p->arena, text, &p->error);
}

static void
done(struct parsed *p)
{
	arena_fini(&p->arena);
}

static void
a_tree_knows_its_places(void **state)
{
	static const char text[] = "a: 1\n"
				   "b:\n"
				   "  - \"two, é\"  # comment\n"
				   "  - {ü: x, c: 'y'}\n"
				   "d: null\n"
				   "e:\n";
	const struct yaml_node *list, *map;
	struct parsed p;

	(void)state;
	parse(&p, slice_of(text));
	assert_non_null(p.root);
	assert_int_equal(p.root->type, YAML_MAPPING);
	assert_int_equal(p.root->count, 4);
	assert_true(slice_is(yaml_text(p.root, "a"), "1"));
	list = yaml_find(p.root, slice_of("b"))->value;
	assert_int_equal(list->type, YAML_SEQUENCE);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->first->value->place.line, 3);
	assert_int_equal(list->first->value->place.col, 5);
	assert_false(list->first->value->plain);
	assert_memory_equal(text + list->first->value->start, "\"two, é\"", 9);
	assert_int_equal(list->first->value->end - list->first->value->start,
	    9);
	map = list->first->next->value;
	assert_int_equal(map->place.line, 4);
	assert_int_equal(map->first->next->key->place.col, 12);
	assert_memory_equal(text + map->start, "{ü: x, c: 'y'}",
	    map->end - map->start);
	assert_true(yaml_is_null(yaml_find(p.root, slice_of("d"))->value));
	assert_true(yaml_is_null(yaml_find(p.root, slice_of("e"))->value));
	assert_int_equal(yaml_find(p.root, slice_of("e"))->value->place.line,
	    6);
	assert_null(yaml_find(p.root, slice_of("f")));
	done(&p);
}

static void
words_of_yaml_1_1_stay_text(void **state)
{
	struct parsed p;

	(void)state;
	parse(&p, slice_of("a: no\nb: 0x10\nc: 1_000\nd: 'null'\n"));
	assert_true(slice_is(yaml_text(p.root, "a"), "no"));
	assert_true(slice_is(yaml_text(p.root, "b"), "0x10"));
	assert_true(slice_is(yaml_text(p.root, "c"), "1_000"));
	assert_false(yaml_is_null(yaml_find(p.root, slice_of("d"))->value));
	done(&p);
	parse(&p, slice_of("{\"json\": [1, \"a\\u00e9\"]}"));
	assert_non_null(p.root);
	assert_true(slice_is(p.root->first->value->first->next->value->text,
	    "a\u00e9"));
	done(&p);
}

static void
nothing_is_an_empty_mapping(void **state)
{
	static const char *const texts[] = { "", "\n", "# only this\n", "---\n",
		"~\n" };
	struct parsed p;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(texts); i++) {
		parse(&p, slice_of(texts[i]));
		assert_non_null(p.root);
		assert_int_equal(p.root->type, YAML_MAPPING);
		assert_int_equal(p.root->count, 0);
		done(&p);
	}
}

struct refusal {
	const char *text;
	int line, col;
	const char *why;
};

static const struct refusal refusals[] = {
	{ "a: 1\na: 2\n", 2, 1, "'a' stands here twice" },
	{ "a: {x: 1, \"x\": 2}\n", 1, 11, "'x' stands here twice" },
	{ "a: !!int 1\n", 1, 10, "tags are not read; remove it" },
	{ "{[a]: 1}\n", 1, 2, "a key has to be plain text" },
	{ "{{a: 1}: 1}\n", 1, 2, "a key has to be plain text" },
	{ "a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3,
	    "merge keys are not read; write them out" },
	{ "a: *b\n", 1, 5, "'*b' stands for nothing above" },
	{ "a: &x [*x]\n", 1, 9, "'*x' stands for nothing above" },
	{ "a: 1\n---\nb: 1\n", 2, 1, "one document a file; this is a second" },
	{ "a: \"1\n", 1, 5, "double-quoted scalar without closing quote" },
	{ "a: [1\n", 2, 1, "flow sequence without a closing bracket" },
};

static void
refusals_name_their_place(void **state)
{
	struct parsed p;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(refusals); i++) {
		const struct refusal *r = &refusals[i];

		parse(&p, slice_of(r->text));
		if (p.root != NULL)
			fail_msg("'%s' was read", r->text);
		assert_string_equal(p.error.text, r->why);
		assert_int_equal(p.error.place.line, r->line);
		assert_int_equal(p.error.place.col, r->col);
		done(&p);
	}
	parse(&p, slice_make("a: b\nc: \0d\n", 11));
	assert_null(p.root);
	assert_string_equal(p.error.text, "a control character");
	assert_int_equal(p.error.place.line, 2);
	done(&p);
	parse(&p, slice_of("a: \xff\xfe\n"));
	assert_null(p.root);
	assert_string_equal(p.error.text, "bytes that are not UTF-8");
	assert_int_equal(p.error.place.col, 4);
	done(&p);
	parse(&p, slice_of("a: b # \u202e\n"));
	assert_null(p.root);
	assert_int_equal(p.error.place.col, 8);
	done(&p);
}

static void
aliases_stand_for_what_they_name(void **state)
{
	const struct yaml_node *second;
	struct parsed p;

	(void)state;
	parse(&p, slice_of("a: &x {k: v}\nb: *x\n"));
	assert_non_null(p.root);
	second = yaml_find(p.root, slice_of("b"))->value;
	assert_true(slice_is(yaml_text(second, "k"), "v"));
	done(&p);
}

/* Ten levels of ten aliases: ten thousand million nodes when written out. */
static void
aliases_cannot_explode(void **state)
{
	struct parsed p;
	struct buf text;
	int i, k;

	(void)state;
	buf_init(&text, 4096);
	buf_puts(&text, "a0: &a0 [x]\n");
	for (i = 1; i <= 10; i++) {
		buf_printf(&text, "a%d: &a%d [", i, i);
		for (k = 0; k < 10; k++)
			buf_printf(&text, "%s*a%d", k > 0 ? ", " : "", i - 1);
		buf_puts(&text, "]\n");
	}
	parse(&p, buf_slice(&text));
	assert_null(p.root);
	assert_string_equal(p.error.text, "too many values in one file");
	done(&p);
	buf_fini(&text);
}

static void
size_depth_and_count_are_bounded(void **state)
{
	struct parsed p;
	struct buf text;
	size_t i;

	(void)state;
	buf_init(&text, 4 * YAML_BYTES_MAX);
	for (i = 0; i < YAML_DEPTH_MAX + 1; i++)
		buf_putc(&text, '[');
	parse(&p, buf_slice(&text));
	assert_null(p.root);
	assert_string_equal(p.error.text, "nested too deeply");
	done(&p);
	buf_reset(&text);
	for (i = 0; i <= YAML_NODES_MAX; i++)
		buf_puts(&text, "- a\n");
	parse(&p, buf_slice(&text));
	assert_null(p.root);
	assert_string_equal(p.error.text, "too many values in one file");
	assert_in_range(p.error.place.line, YAML_NODES_MAX - 1,
	    YAML_NODES_MAX + 1);
	done(&p);
	while (text.len <= YAML_BYTES_MAX)
		buf_puts(&text, "# comment\n");
	parse(&p, buf_slice(&text));
	assert_null(p.root);
	assert_string_equal(p.error.text, "larger than 1 MiB");
	done(&p);
	buf_fini(&text);
}

static void
carets_point_at_characters(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	yaml_put_caret(&out, slice_of("a: 1\nü: \tb\n"),
	    (struct yaml_place){ 2, 5 });
	assert_string_equal(buf_text(&out), "    ü:  b\n        ^\n");
	buf_reset(&out);
	yaml_put_caret(&out, slice_of("a\n"), (struct yaml_place){ 9, 1 });
	assert_int_equal(out.len, 0);
	/* Nothing in a file steers the reader's terminal. */
	yaml_put_caret(&out, slice_of("a\x1b[2Jb"),
	    (struct yaml_place){ 1, 1 });
	assert_string_equal(buf_text(&out), "    a [2Jb\n    ^\n");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tree_knows_its_places),
		cmocka_unit_test(words_of_yaml_1_1_stay_text),
		cmocka_unit_test(nothing_is_an_empty_mapping),
		cmocka_unit_test(refusals_name_their_place),
		cmocka_unit_test(aliases_stand_for_what_they_name),
		cmocka_unit_test(aliases_cannot_explode),
		cmocka_unit_test(size_depth_and_count_are_bounded),
		cmocka_unit_test(carets_point_at_characters),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
