#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "node/policy/sandbox.h"

#define NOW_MS  INT64_C(1764115200000)
#define SEED    123456789
#define OUT_MAX (1 << 20)

struct scene {
	struct sandbox *sandbox;
	struct buf out;
};

/* Only its CPU time counts: these tests may have to wait for a processor. */
static const struct sandbox_spec patient = { .wall_us = 20 * US_PER_SECOND };

static void
load(struct scene *s, struct sandbox_spec spec, const char *source)
{
	buf_init(&s->out, OUT_MAX);
	spec.source = slice_of(source);
	s->sandbox = sandbox_new(&spec, &s->out);
	if (s->sandbox == NULL)
		fail_msg("%s", buf_text(&s->out));
}

static void
leave(struct scene *s)
{
	sandbox_free(s->sandbox);
	buf_fini(&s->out);
}

static enum sandbox_end
ask_at(struct scene *s, const char *input, int64_t now_ms, uint32_t seed)
{
	const struct sandbox_ask ask = { slice_of(input), now_ms, seed };

	return sandbox_call(s->sandbox, &ask, &s->out);
}

static enum sandbox_end
ask(struct scene *s, const char *input)
{
	return ask_at(s, input, NOW_MS, SEED);
}

static void
assert_answers(struct scene *s, const char *input, const char *answer)
{
	enum sandbox_end end = ask(s, input);

	assert_string_equal(buf_text(&s->out), answer);
	assert_int_equal(end, SANDBOX_OK);
}

static void
refused(const char *source, const char *why_begins)
{
	struct buf out;
	struct sandbox_spec spec = { .source = slice_of(source) };

	buf_init(&out, OUT_MAX);
	assert_null(sandbox_new(&spec, &out));
	if (strncmp(buf_text(&out), why_begins, strlen(why_begins)) != 0)
		fail_msg("%s", buf_text(&out));
	buf_fini(&out);
}

static void
test_orders_by_price(void **state)
{
	struct scene s;

	(void)state;
	load(&s, patient,
	    "export default function route(input) {"
	    "  return input.targets.filter((t) => t.quality > 0.5)"
	    "    .sort((a, b) => a.price_output - b.price_output)"
	    "    .map((t) => t.target); }");
	assert_answers(&s,
	    "{\"targets\":["
	    "{\"target\":\"a/x\",\"price_output\":3,\"quality\":0.9},"
	    "{\"target\":\"b/\\u00fc\\\"\",\"price_output\":1,\"quality\":0.6},"
	    "{\"target\":\"c/z\",\"price_output\":0,\"quality\":null}]}",
	    "[\"b/ü\\\"\",\"a/x\"]");
	leave(&s);
}

static void
test_same_seed_and_time_same_answer(void **state)
{
	const char *source = "export default () => [Math.random(), "
			     "Math.random(), Date.now(), new Date().getHours(),"
			     "new Date().getTimezoneOffset()]";
	char first[256], other[256];
	struct scene s;
	int i;

	(void)state;
	load(&s, patient, source);
	assert_int_equal(ask(&s, "{}"), SANDBOX_OK);
	snprintf(first, sizeof(first), "%s", buf_text(&s.out));
	assert_non_null(strstr(first, ",1764115200000,0,0]"));
	assert_int_equal(ask_at(&s, "{}", NOW_MS, SEED + 1), SANDBOX_OK);
	snprintf(other, sizeof(other), "%s", buf_text(&s.out));
	assert_string_not_equal(first, other);
	for (i = 0; i < 20; i++)
		assert_answers(&s, "{}", first);
	leave(&s);
	load(&s, patient, source);
	assert_answers(&s, "{}", first);
	leave(&s);
}

static void
test_random_is_even(void **state)
{
	struct scene s;

	(void)state;
	load(&s, patient,
	    "export default function route() { let low = 0, sum = 0;"
	    "  for (let i = 0; i < 1000; i++) { const r = Math.random();"
	    "    low += r < 0.5 ? 1 : 0; sum += r;"
	    "    if (r < 0 || r >= 1) throw new Error(`${r}`); }"
	    "  return low > 420 && low < 580 && sum > 450 && sum < 550; }");
	assert_answers(&s, "{}", "true");
	leave(&s);
}

static void
test_calls_know_nothing_of_each_other(void **state)
{
	struct scene s;
	int i;

	(void)state;
	load(&s, patient,
	    "let calls = 0; const seen = [];"
	    "export default function route(input) {"
	    "  const before = [calls++, seen.length, [].extra, globalThis.g,"
	    "    typeof Math.random, JSON.parse === undefined];"
	    "  seen.push(input.word); Array.prototype.extra = input.word;"
	    "  globalThis.g = input.word; Math.random = 5;"
	    "  JSON.stringify = JSON.parse = undefined; Object.freeze(seen);"
	    "  String.prototype.indexOf = () => { throw 1; };"
	    "  return before; }");
	for (i = 0; i < 5; i++)
		assert_answers(&s, "{\"word\":\"secret\"}",
		    "[0,0,null,null,\"function\",false]");
	leave(&s);
}

static void
test_can_reach_nothing(void **state)
{
	struct scene s;

	(void)state;
	load(&s, patient,
	    "export default function route() {"
	    "  const makers = [function () {}, async () => {}, function* () {},"
	    "    async function* () {}].map((f) => f.constructor);"
	    "  return [typeof eval, typeof Function, typeof require, typeof "
	    "fetch,"
	    "    typeof console, typeof process, typeof setTimeout, typeof std,"
	    "    makers.every((m) => m === Object),"
	    "    Object.keys(globalThis).length]; }");
	assert_answers(&s, "{}",
	    "[\"undefined\",\"undefined\",\"undefined\",\"undefined\","
	    "\"undefined\",\"undefined\",\"undefined\",\"undefined\",true,0]");
	leave(&s);
}

static void
test_tells_why_it_does_not_load(void **state)
{
	(void)state;
	refused("export default function route(input) {\n\treturn ;;]\n}",
	    "SyntaxError: unexpected token in expression: ']' "
	    "(at policy.js:2:11)");
	refused("export function route() {}",
	    "it has no function as its default export; write "
	    "export default function route(input) { … }");
	refused("export default 5;",
	    "it has no function as its default export; write "
	    "export default function route(input) { … }");
	refused("throw new RangeError('of\\nmine');",
	    "RangeError: of mine (at <anonymous> (policy.js:1:21))");
	refused("import x from './other.js'; export default () => x;",
	    "ReferenceError: could not load module 'other.js'");
	refused("await 1; export default () => [];",
	    "it awaits at its top level");
	refused("for (;;);", "its time was up");
	refused("const a = []; for (;;) a.push({});", "it ran out of memory");
	refused("", "it has no function as its default export; write "
		    "export default function route(input) { … }");
}

static void
test_has_bounds_of_source(void **state)
{
	char *source = malloc(SANDBOX_SOURCE_MAX + 2);

	(void)state;
	memset(source, ' ', SANDBOX_SOURCE_MAX + 1);
	source[SANDBOX_SOURCE_MAX + 1] = '\0';
	refused(source, "it is larger than 256 KiB");
	/* Parentheses as deep as they go: the thread's stack must hold. */
	memset(source, '(', 100000);
	memset(source + 100000, '\0', 1);
	refused(source, "SyntaxError: stack overflow (at policy.js:1:");
	free(source);
}

#define ENDS(end)  (1u << SANDBOX_##end)
#define ANY_KILL   (ENDS(TIMEOUT) | ENDS(MEMORY))
#define STACK_TEXT "stack overflow"

static const struct {
	const char *name, *body;
	unsigned ends;    /* those that are right */
	const char *text; /* what its message has */
} hostile[] = {
	{ "loop", "for (;;);", ENDS(TIMEOUT), "its time was up" },
	{ "finally", "try { for (;;); } finally { for (;;); }", ENDS(TIMEOUT),
	    "" },
	{ "join", "return new Array(1e9).join();", ANY_KILL, "" },
	{ "sort", "const a = []; a.length = 2 ** 32 - 1; return a.sort();",
	    ANY_KILL, "" },
	{ "regex", "return /^(a+)+$/.test('a'.repeat(60) + 'b');",
	    ENDS(TIMEOUT), "" },
	{ "array", "const a = []; for (;;) a.push({});", ANY_KILL, "" },
	{ "object", "const o = {}; for (let i = 0; ; i++) o['k' + i] = i;",
	    ANY_KILL, "" },
	{ "string",
	    "const a = []; let s = 'ab'.repeat(1000);"
	    "for (;;) a.push(s + a.length);",
	    ANY_KILL, "" },
	{ "long string", "let s = 'ab'; for (;;) s += s + 1;",
	    ANY_KILL | ENDS(THREW), "" },
	{ "JSON bomb", "return JSON.stringify(new Array(5e7));", ANY_KILL, "" },
	{ "bigint", "let x = 2n; for (;;) x *= x;", ANY_KILL | ENDS(THREW),
	    "" },
	{ "digits", "return String(10n ** 300000n);", ENDS(TIMEOUT), "" },
	{ "buffer", "return new ArrayBuffer(1e9).byteLength;", ENDS(MEMORY),
	    "it ran out of memory" },
	{ "repeat", "return 'x'.repeat(2 ** 28);", ENDS(MEMORY), "" },
	{ "recursion", "const f = () => f() + 1; return f();", ENDS(THREW),
	    STACK_TEXT },
	{ "caught recursion",
	    "const f = () => { try { return f(); } catch { return f(); } };"
	    "return f();",
	    ENDS(TIMEOUT), "" },
	{ "nested JSON", "return JSON.parse('['.repeat(200000));",
	    ENDS(THREW) | ENDS(TIMEOUT), "" },
	{ "nested array",
	    "let a = []; for (let i = 0; i < 5000; i++) a = [a]; return a;",
	    ENDS(THREW) | ENDS(TIMEOUT), "" },
	{ "sort in sort", "const f = () => [2, 1].sort(f); return f();",
	    ENDS(THREW), STACK_TEXT },
	{ "toJSON in toJSON",
	    "const o = { toJSON: () => JSON.stringify(o) }; return o;",
	    ENDS(THREW), STACK_TEXT },
	{ "proxy of itself",
	    "const h = {}, p = new Proxy({}, h); h.get = (t, k) => p[k];"
	    "return p.x;",
	    ENDS(THREW), STACK_TEXT },
	{ "looping getter", "return { get order() { for (;;); } };",
	    ENDS(TIMEOUT), "" },
	{ "looping message",
	    "throw Object.assign(new Error(),"
	    "{ get name() { for (;;); } });",
	    ENDS(TIMEOUT), "" },
	{ "throw", "throw new Error('no\\nway\\x1b[2J');", ENDS(THREW),
	    "Error: no way [2J (at route (policy.js:" },
	{ "throw text", "throw 'half of \\ud83d';", ENDS(THREW),
	    "half of ???" },
	{ "throw null", "throw null;", ENDS(MEMORY), "" },
	{ "throw much", "throw 'ü'.repeat(1000);", ENDS(THREW), "ü…" },
	{ "throw symbol", "throw Symbol('s');", ENDS(THREW), "Symbol(s)" },
	{ "undefined", "return;", ENDS(NOT_JSON), "it returned undefined" },
	{ "function", "return () => [];", ENDS(NOT_JSON),
	    "it returned function" },
	{ "cyclic", "const a = {}; a.a = a; return a;", ENDS(NOT_JSON),
	    "circular reference" },
	{ "big number", "return [5n];", ENDS(NOT_JSON), "BigInt" },
	{ "promise", "return Promise.resolve([]);", ENDS(NOT_JSON),
	    "it returned a promise; a policy answers at once" },
	{ "async", "return (async () => [])();", ENDS(NOT_JSON), "promise" },
	{ "import", "return import('./x.js');", ENDS(NOT_JSON), "promise" },
	{ "long answer", "return ['x'.repeat(65536)];", ENDS(NOT_JSON),
	    "the answer is longer than 64 KiB" },
	{ "number", "return 5;", ENDS(OK), "5" },
	{ "null", "return null;", ENDS(OK), "null" },
	{ "generator", "return (function* () {})();", ENDS(OK), "{}" },
};

static void
write_hostile(struct buf *source)
{
	size_t i;

	buf_init(source, OUT_MAX);
	buf_puts(source, "export default function route(input) {\n"
			 "if (input.does === undefined) return "
			 "[Object.keys([1, 2]), input.n * 2];\n");
	for (i = 0; i < count_of(hostile); i++)
		buf_printf(source, "if (input.does === %zu) { %s }\n", i,
		    hostile[i].body);
	buf_puts(source, "}\n");
}

static void
test_hostile_policies_end(void **state)
{
	struct buf source;
	struct scene s;
	char input[64];
	size_t i;

	(void)state;
	write_hostile(&source);
	load(&s, patient, buf_text(&source));
	for (i = 0; i < 2 * count_of(hostile); i++) {
		size_t k = i % count_of(hostile);
		enum sandbox_end end;

		snprintf(input, sizeof(input), "{\"does\":%zu}", k);
		end = ask(&s, input);
		if ((hostile[k].ends & (1u << end)) == 0 ||
		    strstr(buf_text(&s.out), hostile[k].text) == NULL)
			fail_msg("%s: %s: %s", hostile[k].name,
			    sandbox_end_name(end), buf_text(&s.out));
		assert_true(
		    end == SANDBOX_OK || s.out.len <= SANDBOX_REASON_MAX + 8);
		assert_answers(&s, "{\"n\":21}", "[[\"0\",\"1\"],42]");
	}
	leave(&s);
	buf_fini(&source);
}

static void
test_wall_time_ends_it_too(void **state)
{
	const struct sandbox_spec spec = { .cpu_us = 60 * US_PER_SECOND,
		.wall_us = 20 * US_PER_MS };
	int64_t start_us;
	struct scene s;

	(void)state;
	load(&s, spec, "export default function route() { for (;;); }");
	start_us = clock_mono_us();
	assert_int_equal(ask(&s, "{}"), SANDBOX_TIMEOUT);
	assert_true(clock_mono_us() - start_us >= 20 * US_PER_MS);
	leave(&s);
}

static void
test_a_large_question_fits(void **state)
{
	char *input = malloc(SANDBOX_INPUT_MAX + 1);
	struct scene s;
	size_t i;

	(void)state;
	memset(input, ' ', SANDBOX_INPUT_MAX);
	input[0] = '[';
	for (i = 1; i < SANDBOX_INPUT_MAX - 2; i += 2)
		memcpy(input + i, "1,", 2);
	memcpy(input + SANDBOX_INPUT_MAX - 3, "1 ]", 4);
	load(&s,
	    (struct sandbox_spec){ .cpu_us = US_PER_SECOND,
		.wall_us = 20 * US_PER_SECOND },
	    "export default (input) => input.length");
	assert_answers(&s, input, "131071");
	assert_answers(&s, "[]", "0");
	leave(&s);
	free(input);
}

static long
resident_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

/* 3,000 that lost 10 KiB each would be 30 MiB; a sanitizer takes its own. */
#ifdef GSR_SANITIZED
#define GROWTH_KIB 16384
#else
#define GROWTH_KIB 1024
#endif

/* Kills after half a millisecond, each with some megabytes in hand. */
static void
test_kills_cost_no_memory(void **state)
{
	const struct sandbox_spec spec = { .wall_us = 500 };
	long before = 0;
	struct scene s;
	int i;

	(void)state;
	load(&s, spec,
	    "export default function route() {"
	    "  const a = []; for (;;) a.push(new Uint8Array(50000)); }");
	for (i = 0; i < 3000; i++) {
		enum sandbox_end end = ask(&s, "{}");

		assert_true(end == SANDBOX_TIMEOUT || end == SANDBOX_MEMORY);
		if (i == 100)
			before = resident_kib();
	}
	assert_in_range(resident_kib(), 1, (uintmax_t)before + GROWTH_KIB);
	leave(&s);
}

struct runner {
	pthread_t thread;
	struct sandbox *sandbox; /* NULL: one of its own */
	uint32_t seed;
	int wrong, kills;
};

static void *
run_many(void *arg)
{
	const char *source = "let n = 0; export default function route(input) {"
			     "  if (input.loop) for (;;) n++;"
			     "  return [n++, input.word, Math.random()]; }";
	struct runner *r = arg;
	struct scene s;
	char expected[128] = "";
	int i;

	load(&s, patient, source);
	for (i = 0; i < 400; i++) {
		if (i % 20 == 19) {
			r->kills +=
			    ask(&s, "{\"loop\":true}") == SANDBOX_TIMEOUT;
			continue;
		}
		if (ask_at(&s, "{\"word\":\"w\"}", NOW_MS, r->seed) !=
		    SANDBOX_OK)
			r->wrong++;
		if (i == 0)
			snprintf(expected, sizeof(expected), "%s",
			    buf_text(&s.out));
		r->wrong += strcmp(expected, buf_text(&s.out)) != 0 ||
			    strncmp(expected, "[0,\"w\",0.", 9) != 0;
	}
	leave(&s);
	return NULL;
}

static void
test_threads_have_their_own(void **state)
{
	struct runner runners[2] = { { .seed = 1 }, { .seed = 2 } };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(runners); i++)
		assert_int_equal(pthread_create(&runners[i].thread, NULL,
				     run_many, &runners[i]),
		    0);
	for (i = 0; i < count_of(runners); i++) {
		pthread_join(runners[i].thread, NULL);
		assert_int_equal(runners[i].wrong, 0);
		assert_int_equal(runners[i].kills, 20);
	}
}

static void *
call_looping(void *arg)
{
	const struct sandbox_ask looping = { .input = slice_of("{}") };
	struct runner *r = arg;
	struct buf out;

	buf_init(&out, OUT_MAX);
	r->kills = sandbox_call(r->sandbox, &looping, &out) == SANDBOX_TIMEOUT;
	buf_fini(&out);
	return NULL;
}

/* Loaded by one thread, then killed in others, each of which ends. */
static void
test_moves_between_threads(void **state)
{
	struct runner r = { .kills = 0 };
	struct scene s;
	int i;

	(void)state;
	load(&s, patient, "export default function route() { for (;;); }");
	r.sandbox = s.sandbox;
	for (i = 0; i < 5; i++) {
		assert_int_equal(pthread_create(&r.thread, NULL, call_looping,
				     &r),
		    0);
		pthread_join(r.thread, NULL);
		assert_int_equal(r.kills, 1);
		assert_int_equal(ask(&s, "{}"), SANDBOX_TIMEOUT);
	}
	leave(&s);
}

static void *
load_in_small_stack(void *arg)
{
	const struct sandbox_spec spec = { .source = slice_of(
					       "export default () => []") };

	return sandbox_new(&spec, arg);
}

static void
test_refuses_a_small_stack(void **state)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct buf why;
	void *made;

	(void)state;
	buf_init(&why, OUT_MAX);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 1 << 20);
	assert_int_equal(pthread_create(&thread, &attr, load_in_small_stack,
			     &why),
	    0);
	pthread_join(thread, &made);
	pthread_attr_destroy(&attr);
	assert_null(made);
	assert_non_null(strstr(buf_text(&why), "stack is too small"));
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders_by_price),
		cmocka_unit_test(test_same_seed_and_time_same_answer),
		cmocka_unit_test(test_random_is_even),
		cmocka_unit_test(test_calls_know_nothing_of_each_other),
		cmocka_unit_test(test_can_reach_nothing),
		cmocka_unit_test(test_tells_why_it_does_not_load),
		cmocka_unit_test(test_has_bounds_of_source),
		cmocka_unit_test(test_hostile_policies_end),
		cmocka_unit_test(test_wall_time_ends_it_too),
		cmocka_unit_test(test_a_large_question_fits),
		cmocka_unit_test(test_kills_cost_no_memory),
		cmocka_unit_test(test_threads_have_their_own),
		cmocka_unit_test(test_moves_between_threads),
		cmocka_unit_test(test_refuses_a_small_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
