#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "node/cmd/commands.h"
#include "node/cmd/source.h"
#include "node/policy/choice.h"
#include "node/policy/sandbox.h"
#include "node/policy/trial.h"
#include "topology/mistake.h"

#define TEXT_MAX    ((size_t)4 << 20)
#define ARENA_BYTES ((size_t)64 << 20)
/* Longer than a node's: what is judged here is the policy's own time. */
#define WALL_US     US_PER_SECOND
#define TIMES_MAX   1000000
#define NOT_ALLOWED "not-allowed"

struct options {
	const char *tsc;
	int64_t cpu_ms, memory_bytes, time;
	bool json;
};

static const struct option_spec specs[] = {
	{ "tsc", "PATH", OPTION_TEXT, offsetof(struct options, tsc), false, 0,
	    0, "TypeScript's compiler; default: $GSR_TSC, tsc in $PATH" },
	{ "cpu-ms", "N", OPTION_INT, offsetof(struct options, cpu_ms), false, 1,
	    1000, "CPU time of a call; default: 5" },
	{ "memory-bytes", "N", OPTION_INT,
	    offsetof(struct options, memory_bytes), false, SANDBOX_MEMORY_MIN,
	    SANDBOX_MEMORY_MAX, "memory of a call; default: 4194304" },
	{ "time", "N", OPTION_INT, offsetof(struct options, time), false, 1,
	    TIMES_MAX,
	    "then call each case N times and print how long it took" },
	JSON_OPTION(struct options),
};

/* A policy with its cases. */
struct bench {
	const struct options *options;
	struct arena arena;
	struct sandbox *sandbox;
	struct trials trials;
	struct buf answer, text; /* of the case at hand */
	struct json_writer json;
};

struct result {
	const char *end; /* a word of trial_errors; NULL when it chose */
	struct choice choice;
	bool right;
	int64_t median_ns, p99_ns; /* with --time */
};

static bool
load_policy(struct bench *b, const char *path)
{
	struct sandbox_spec spec = {
		.memory_bytes = (size_t)b->options->memory_bytes,
		.cpu_us = b->options->cpu_ms * US_PER_MS,
		.wall_us = WALL_US,
	};
	const char *slash = strrchr(path, '/');

	spec.name = slash != NULL ? slash + 1 : path;
	if (!source_policy(&b->arena, b->options->tsc, path, &spec.source))
		return false;
	buf_reset(&b->text);
	b->sandbox = sandbox_new(&spec, &b->text);
	return b->sandbox != NULL || source_complain(path, buf_text(&b->text));
}

static bool
load_cases(struct bench *b, const char *path)
{
	struct source source = { .name = path };
	struct mistakes mistakes;
	struct buf out;

	if (!source_read(&b->arena, path, YAML_BYTES_MAX, &source.text))
		return false;
	mistakes_init(&mistakes, &b->arena);
	trials_parse(&b->trials, &b->arena, &source, &mistakes);
	if (mistakes.count == 0)
		return true;
	buf_init(&out, TEXT_MAX);
	mistakes_put(&mistakes, &out);
	fprintf(stderr, "%s", buf_text(&out));
	buf_fini(&out);
	return false;
}

static bool
chose_right(const struct trial *t, const struct choice *c)
{
	size_t i;

	if (t->want == TRIAL_ERROR ||
	    (t->want == TRIAL_ORDER && c->count != t->order_count))
		return false;
	for (i = 0; i < t->order_count; i++)
		if (!slice_eq(t->targets[c->order[i]], t->order[i]))
			return false;
	return true;
}

/* Asks, and leaves in `answer` the answer, or why there is none. */
static void
try_one(struct bench *b, const struct trial *t, struct result *r)
{
	const struct sandbox_ask ask = { t->input, t->now_ms, t->seed };
	const struct choice_names names = { t->targets, t->targets_count };
	enum sandbox_end end = sandbox_call(b->sandbox, &ask, &b->answer);

	*r = (struct result){ .end = NULL };
	buf_reset(&b->text);
	if (end != SANDBOX_OK) {
		r->end = sandbox_end_name(end);
	} else if (!choice_parse(&r->choice, buf_slice(&b->answer), &names,
		       &b->text)) {
		r->end = NOT_ALLOWED;
		buf_reset(&b->answer);
		buf_printf(&b->answer, "its answer %s", buf_text(&b->text));
	}
	if (r->end != NULL)
		r->right = t->want == TRIAL_ERROR && slice_is(t->error, r->end);
	else
		r->right = chose_right(t, &r->choice);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 * US_PER_SECOND + now.tv_nsec;
}

static int
compare(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* From the question's JSON to the checked order, as a node does it. */
static void
time_one(struct bench *b, const struct trial *t, struct result *r)
{
	size_t times = (size_t)b->options->time, i;
	struct result again;
	int64_t *took, start;

	if (times == 0)
		return;
	took = xcalloc(times, sizeof(*took));
	for (i = 0; i < times; i++) {
		start = now_ns();
		try_one(b, t, &again);
		took[i] = now_ns() - start;
	}
	qsort(took, times, sizeof(*took), compare);
	r->median_ns = took[times / 2];
	r->p99_ns = took[times * 99 / 100];
	free(took);
}

static void
put_got(struct bench *b, const struct trial *t, const struct result *r)
{
	size_t i;

	buf_reset(&b->text);
	if (r->end != NULL)
		buf_printf(&b->text, "an error: %s: %s", r->end,
		    buf_text(&b->answer));
	for (i = 0; i < r->choice.count && r->end == NULL; i++)
		buf_printf(&b->text, "%s%.*s", i > 0 ? ", " : "",
		    SLICE_FMT(t->targets[r->choice.order[i]]));
}

static void
print_result(struct bench *b, const struct trial *t, const struct result *r)
{
	printf("%s %.*s\n", r->right ? "ok    " : "not ok", SLICE_FMT(t->name));
	if (!r->right) {
		buf_reset(&b->text);
		trial_put_wanted(t, &b->text);
		printf("       wanted  %s\n", buf_text(&b->text));
		put_got(b, t, r);
		printf("       got     %s\n", buf_text(&b->text));
	}
	if (r->median_ns > 0)
		printf("       median %.1f us, p99 %.1f us\n",
		    (double)r->median_ns / 1000, (double)r->p99_ns / 1000);
}

static void
write_result(struct bench *b, const struct trial *t, const struct result *r)
{
	struct json_writer *w = &b->json;

	json_open(w, '{');
	json_field_text(w, "name", t->name);
	json_field_bool(w, "ok", r->right);
	buf_reset(&b->text);
	trial_put_wanted(t, &b->text);
	json_field_text(w, "wanted", buf_slice(&b->text));
	put_got(b, t, r);
	json_field_text(w, "got", buf_slice(&b->text));
	if (r->end == NULL)
		json_field_text(w, "note", slice_of(r->choice.note));
	if (r->median_ns > 0) {
		json_field_int(w, "median_ns", r->median_ns);
		json_field_int(w, "p99_ns", r->p99_ns);
	}
	json_close(w, '}');
}

/* Gives how many failed. */
static size_t
try_all(struct bench *b)
{
	size_t failed = 0, i;
	struct result r;

	for (i = 0; i < b->trials.count; i++) {
		const struct trial *t = &b->trials.items[i];

		try_one(b, t, &r);
		time_one(b, t, &r);
		failed += !r.right;
		if (b->options->json)
			write_result(b, t, &r);
		else
			print_result(b, t, &r);
	}
	return failed;
}

static bool
report(struct bench *b)
{
	struct buf out;
	size_t failed;

	if (!b->options->json) {
		failed = try_all(b);
		printf("%zu passed, %zu failed\n", b->trials.count - failed,
		    failed);
		return failed == 0;
	}
	buf_init(&out, TEXT_MAX);
	b->json.out = &out;
	json_open(&b->json, '{');
	json_key(&b->json, "cases");
	json_open(&b->json, '[');
	failed = try_all(b);
	json_close(&b->json, ']');
	json_field_int(&b->json, "passed", (int64_t)(b->trials.count - failed));
	json_field_int(&b->json, "failed", (int64_t)failed);
	json_close(&b->json, '}');
	printf("%s\n", buf_text(&out));
	buf_fini(&out);
	return failed == 0;
}

static int
run(const void *options, int count, char *const *operands)
{
	struct bench b = { .options = options };
	bool passed;

	(void)count;
	arena_init(&b.arena, ARENA_BYTES);
	buf_init(&b.answer, TEXT_MAX);
	buf_init(&b.text, TEXT_MAX);
	passed = load_policy(&b, operands[0]) && load_cases(&b, operands[1]) &&
		 report(&b);
	sandbox_free(b.sandbox);
	buf_fini(&b.text);
	buf_fini(&b.answer);
	arena_fini(&b.arena);
	return passed ? 0 : 1;
}

const struct command cmd_policy_test = {
	.name = "policy test",
	.operands = "FILE.ts|FILE.js CASES.yaml",
	.summary = "run a policy's cases in the sandbox that a node runs it in",
	.text =
	    "A case says what it is about; the rest has defaults "
	    "(docs/POLICIES.md):\n\n"
	    "    - name: an easy request goes to the cheap one\n"
	    "      request: {complexity: 0.1}\n"
	    "      targets:\n"
	    "        - {target: openai/gpt-5, estimated_cost_usd: 0.02}\n"
	    "        - {target: own/llama, estimated_cost_usd: 0}\n"
	    "      expect: {first: own/llama}\n\n"
	    "expect is one of order: [all of them], first: TARGET, error: "
	    "threw, timeout, memory,\nnot-json or not-allowed.  Exits 1 when a "
	    "case fails.\n\n"
	    "Example:  gsr-node policy test cheapest.ts "
	    "cheapest.cases.yaml --time 10000",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
