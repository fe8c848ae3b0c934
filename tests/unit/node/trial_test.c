#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"
#include "node/policy/compiler.h"
#include "node/policy/trial.h"
#include "topology/mistake.h"

struct scene {
	struct arena arena;
	struct source source;
	struct mistakes mistakes;
	struct trials trials;
	struct buf out;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	arena_init(&s->arena, 64 << 20);
	buf_init(&s->out, 1 << 20);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	buf_fini(&s->out);
	arena_fini(&s->arena);
	free(s);
	return 0;
}

static void
parse(struct scene *s, const char *yaml)
{
	s->source =
	    (struct source){ .name = "x.cases.yaml", .text = slice_of(yaml) };
	mistakes_init(&s->mistakes, &s->arena);
	trials_parse(&s->trials, &s->arena, &s->source, &s->mistakes);
	buf_reset(&s->out);
	mistakes_put(&s->mistakes, &s->out);
}

static void
accepts(struct scene *s, const char *yaml)
{
	parse(s, yaml);
	if (s->mistakes.count > 0)
		fail_msg("%s", buf_text(&s->out));
}

/* The line of a mistake, without the source and the caret behind it. */
static void
refuses(struct scene *s, const char *yaml, const char *line)
{
	parse(s, yaml);
	assert_int_equal(s->mistakes.count, 1);
	if (strncmp(buf_text(&s->out), line, strlen(line)) != 0 ||
	    buf_text(&s->out)[strlen(line)] != '\n')
		fail_msg("%s", buf_text(&s->out));
}

static const struct json_value *
input_of(struct scene *s, size_t i)
{
	struct json_error error;
	const struct json_value *root =
	    json_parse(&s->arena, s->trials.items[i].input, &error);

	assert_non_null(root);
	return root;
}

static void
assert_raw(const struct json_value *object, const char *name, const char *raw)
{
	const struct json_value *v = json_find(object, name);

	assert_non_null(v);
	if (!slice_is(v->raw, raw))
		fail_msg("%s: %.*s", name, SLICE_FMT(v->raw));
}

static void
test_says_what_the_case_says(void **state)
{
	const struct json_value *root, *request, *target;
	struct scene *s = *state;

	accepts(s,
	    "- name: one\n"
	    "  request: {dialect: messages, tools: true, complexity: 0.25,\n"
	    "    tags: {team: 'a \"b\"', n: 5}, input_tokens: 12}\n"
	    "  targets:\n"
	    "    - {target: a/x/y, price_output: 1.5, quality: null,\n"
	    "       supports: [tools, images], warm: true}\n"
	    "    - {target: b/z, ttft_p95_ms: 900}\n"
	    "  now_ms: 5\n"
	    "  seed: 4294967295\n"
	    "  expect: {order: [b/z, a/x/y]}\n");
	root = input_of(s, 0);
	assert_raw(root, "version", "1");
	assert_raw(root, "now_ms", "5");
	assert_raw(root, "seed", "4294967295");
	request = json_find(root, "request");
	assert_raw(request, "dialect", "\"messages\"");
	assert_raw(request, "tools", "true");
	assert_raw(request, "complexity", "0.25");
	assert_raw(request, "tags", "{\"team\":\"a \\\"b\\\"\",\"n\":\"5\"}");
	assert_raw(request, "input_tokens", "12");
	assert_raw(request, "choices", "1");
	target = json_find(root, "targets")->first;
	assert_raw(target, "target", "\"a/x/y\"");
	assert_raw(target, "provider", "\"a\"");
	assert_raw(target, "model", "\"x/y\"");
	assert_raw(target, "price_output", "1.5");
	assert_raw(target, "quality", "null");
	assert_raw(target, "supports", "[\"tools\",\"images\"]");
	assert_raw(target, "warm", "true");
	assert_raw(target->next, "ttft_p95_ms", "900");
	assert_raw(target->next, "weight", "1");
	assert_int_equal(s->trials.items[0].now_ms, 5);
	assert_int_equal(s->trials.items[0].seed, UINT32_MAX);
	assert_int_equal(s->trials.items[0].order_count, 2);
	assert_true(slice_is(s->trials.items[0].order[0], "b/z"));
}

/* The members that an interface of policy.d.ts declares, in `names`. */
static size_t
declared(const char *interface, char names[][32], size_t max)
{
	struct slice types = compiler_types();
	const char *at = strstr(types.ptr, interface), *end, *field;
	size_t count = 0;

	assert_non_null(at);
	end = strstr(at, "\n}");
	assert_non_null(end);
	while ((field = strstr(at, "\treadonly ")) != NULL && field < end) {
		assert_true(count < max);
		assert_int_equal(sscanf(field, "\treadonly %31[a-z0-9_]",
				     names[count]),
		    1);
		count++;
		at = field + 1;
	}
	return count;
}

static void
assert_declared(const struct json_value *object, const char *interface)
{
	char names[40][32];
	size_t count = declared(interface, names, count_of(names)), i;

	for (i = 0; i < count; i++)
		if (json_find(object, names[i]) == NULL)
			fail_msg("%s: no %s", interface, names[i]);
	assert_int_equal(object->count, count);
}

static void
test_asks_what_the_types_declare(void **state)
{
	const struct json_value *root;
	struct scene *s = *state;

	accepts(s, "- {name: a, targets: [{target: a/x}], "
		   "expect: {error: timeout}}");
	root = input_of(s, 0);
	assert_declared(root, "interface Input {");
	assert_declared(json_find(root, "request"), "interface Request {");
	assert_declared(json_find(root, "targets")->first,
	    "interface Target {");
}

static void
test_tells_what_it_wants(void **state)
{
	static const char *const wanted[] = { "a/x, b/y", "b/y first",
		"an error: not-allowed" };
	struct scene *s = *state;
	size_t i;

	accepts(s, "- &a {name: a, targets: [{target: a/x}, {target: b/y}],\n"
		   "   expect: {order: [a/x, b/y]}}\n"
		   "- {name: b, targets: [{target: a/x}, {target: b/y}],\n"
		   "   expect: {first: b/y}}\n"
		   "- {name: c, targets: [{target: a/x}],\n"
		   "   expect: {error: not-allowed}}\n");
	assert_int_equal(s->trials.count, 3);
	for (i = 0; i < s->trials.count; i++) {
		buf_reset(&s->out);
		trial_put_wanted(&s->trials.items[i], &s->out);
		assert_string_equal(buf_text(&s->out), wanted[i]);
	}
}

/* A case whose target, or whose expect, is what the test is about. */
#define OF_TARGET(fields)                                                      \
	"- {name: a, expect: {first: a/x},\n targets: [{target: a/x, " fields  \
	"}]}"
#define OF_REQUEST(fields)                                                     \
	"- {name: a, expect: {first: a/x}, targets: [{target: a/x}],\n "       \
	"request: {" fields "}}"
#define OF_EXPECT(expect)                                                      \
	"- {name: a, targets: [{target: a/x}],\n expect: " expect "}"

static void
test_tells_where_it_is_wrong(void **state)
{
	struct scene *s = *state;

	refuses(s, "cases: []",
	    "x.cases.yaml:1:1: a file of cases is a list of 1 to 1000 cases");
	refuses(s, "",
	    "x.cases.yaml:1:1: a file of cases is a list of 1 to 1000 cases");
	refuses(s, "- 5", "x.cases.yaml:1:3: a mapping belongs here");
	refuses(s, OF_TARGET("prise: 5"),
	    "x.cases.yaml:2:26: unknown key 'prise'");
	refuses(s, OF_TARGET("wam: true"),
	    "x.cases.yaml:2:26: unknown key 'wam'; is it 'warm'?");
	refuses(s, OF_TARGET("warm: yes"),
	    "x.cases.yaml:2:32: warm is true or false");
	refuses(s, OF_TARGET("weight: 1.5"),
	    "x.cases.yaml:2:34: weight is a whole number from 0");
	refuses(s, OF_TARGET("weight: -1"),
	    "x.cases.yaml:2:34: weight is a whole number from 0");
	refuses(s, OF_TARGET("error_rate: 1.01"),
	    "x.cases.yaml:2:38: error_rate is a number from 0 to 1");
	refuses(s, OF_TARGET("price_input: NaN"),
	    "x.cases.yaml:2:39: price_input is a number from 0");
	refuses(s, OF_TARGET("price_input: '5'"),
	    "x.cases.yaml:2:39: price_input is a number from 0");
	refuses(s, OF_TARGET("quality: 2"),
	    "x.cases.yaml:2:35: quality is a number from 0 to 1, or null");
	refuses(s, OF_TARGET("supports: tools"),
	    "x.cases.yaml:2:36: supports is a list of texts");
	refuses(s, OF_REQUEST("dialect: openai"),
	    "x.cases.yaml:2:21: dialect is chat, responses or messages");
	refuses(s, OF_REQUEST("operation: embed"),
	    "x.cases.yaml:2:23: operation is generate or count");
	refuses(s, OF_REQUEST("tags: [a]"),
	    "x.cases.yaml:2:18: tags is a mapping of texts");
	refuses(s, OF_EXPECT("{first: b/y}"),
	    "x.cases.yaml:2:18: this is none of the case's targets");
	refuses(s, OF_EXPECT("{order: a/x}"),
	    "x.cases.yaml:2:18: order is a list of targets");
	refuses(s, OF_EXPECT("{error: boom}"),
	    "x.cases.yaml:2:18: an error is threw, timeout, memory, not-json "
	    "or not-allowed");
	refuses(s, OF_EXPECT("{last: a/x}"),
	    "x.cases.yaml:2:11: unknown key 'last'");
	refuses(s, OF_EXPECT("{}"),
	    "x.cases.yaml:2:10: a case has an expect with one of order, "
	    "first, error");
	refuses(s,
	    "- {name: a, targets: [{target: ax}], expect: {error: "
	    "threw}}",
	    "x.cases.yaml:1:23: a target has a name: target: provider/model");
	refuses(s, "- {name: a, expect: {error: threw}}",
	    "x.cases.yaml:1:3: a case has a list of targets");
	refuses(s, "- {targets: [{target: a/x}], expect: {error: threw}}",
	    "x.cases.yaml:1:3: a case has a name");
	refuses(s,
	    "- {name: a, seed: 4294967296, targets: [{target: a/x}], "
	    "expect: {error: threw}}",
	    "x.cases.yaml:1:19: seed is a whole number from 0 to 4294967295");
}

static void
test_counts_targets(void **state)
{
	struct scene *s = *state;
	struct buf yaml;
	int i;

	buf_init(&yaml, 1 << 20);
	buf_puts(&yaml, "- {name: a, expect: {first: a/0}, targets: [");
	for (i = 0; i <= TARGETS_MAX; i++)
		buf_printf(&yaml, "  {target: a/%d},\n", i);
	buf_puts(&yaml, " ]}");
	refuses(s, buf_text(&yaml),
	    "x.cases.yaml:33:3: a group has at most 32 targets");
	buf_fini(&yaml);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_says_what_the_case_says,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_asks_what_the_types_declare, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tells_what_it_wants, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_tells_where_it_is_wrong,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_counts_targets, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
