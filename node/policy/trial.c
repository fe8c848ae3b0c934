#include "node/policy/trial.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/command.h"
#include "common/format/json.h"
#include "topology/mistake.h"

/* A question of TARGETS_MAX targets, each as large as a case may make it. */
#define INPUT_MAX  ((size_t)256 << 10)
#define FIELDS_MAX 32

enum field_type {
	FIELD_TEXT,
	FIELD_TRUTH,
	FIELD_COUNT,  /* from 0 */
	FIELD_NUMBER, /* from 0 */
	FIELD_SHARE,  /* 0 to 1 */
	FIELD_NUMBER_OR_NULL,
	FIELD_SHARE_OR_NULL,
	FIELD_TEXTS,
	FIELD_TAGS
};

struct field {
	const char *name;
	enum field_type type;
	const char *otherwise;      /* JSON */
	const char *const words[4]; /* of FIELD_TEXT: only these */
};

/* As node/policy/policy.d.ts has them. */
static const struct field request_fields[] = {
	{ "id", FIELD_TEXT, "\"req_test\"", {} },
	{ "group", FIELD_TEXT, "\"test\"", {} },
	{ "dialect", FIELD_TEXT, "\"chat\"",
	    { "chat", "responses", "messages" } },
	{ "operation", FIELD_TEXT, "\"generate\"", { "generate", "count" } },
	{ "caller", FIELD_TEXT, "\"test\"", {} },
	{ "user", FIELD_TEXT, "\"\"", {} },
	{ "project", FIELD_TEXT, "\"\"", {} },
	{ "tags", FIELD_TAGS, "{}", {} },
	{ "stream", FIELD_TRUTH, "false", {} },
	{ "tools", FIELD_TRUTH, "false", {} },
	{ "forced_tool", FIELD_TRUTH, "false", {} },
	{ "parallel_tools", FIELD_TRUTH, "false", {} },
	{ "images", FIELD_TRUTH, "false", {} },
	{ "documents", FIELD_TRUTH, "false", {} },
	{ "audio", FIELD_TRUTH, "false", {} },
	{ "structured", FIELD_TRUTH, "false", {} },
	{ "reasoning", FIELD_TRUTH, "false", {} },
	{ "choices", FIELD_COUNT, "1", {} },
	{ "messages", FIELD_COUNT, "1", {} },
	{ "input_tokens", FIELD_COUNT, "1000", {} },
	{ "output_cap", FIELD_COUNT, "0", {} },
	{ "complexity", FIELD_SHARE, "0", {} },
};

/* Its provider and model are the halves of its name. */
static const struct field target_fields[] = {
	{ "target", FIELD_TEXT, NULL, {} },
	{ "region", FIELD_TEXT, "\"\"", {} },
	{ "local", FIELD_TRUTH, "false", {} },
	{ "weight", FIELD_COUNT, "1", {} },
	{ "context", FIELD_COUNT, "0", {} },
	{ "max_output", FIELD_COUNT, "0", {} },
	{ "supports", FIELD_TEXTS, "[]", {} },
	{ "price_input", FIELD_NUMBER, "0", {} },
	{ "price_cached_input", FIELD_NUMBER, "0", {} },
	{ "price_output", FIELD_NUMBER, "0", {} },
	{ "estimated_cost_usd", FIELD_NUMBER, "0", {} },
	{ "quality", FIELD_SHARE_OR_NULL, "null", {} },
	{ "attempts", FIELD_COUNT, "0", {} },
	{ "error_rate", FIELD_SHARE, "0", {} },
	{ "ttft_p50_ms", FIELD_NUMBER_OR_NULL, "null", {} },
	{ "ttft_p95_ms", FIELD_NUMBER_OR_NULL, "null", {} },
	{ "total_p50_ms", FIELD_NUMBER_OR_NULL, "null", {} },
	{ "total_p95_ms", FIELD_NUMBER_OR_NULL, "null", {} },
	{ "tokens_per_second", FIELD_NUMBER_OR_NULL, "null", {} },
	{ "warm", FIELD_TRUTH, "false", {} },
};

const char *const trial_errors[5] = { "threw", "timeout", "memory", "not-json",
	"not-allowed" };

static const char *const case_keys[] = { "name", "request", "targets", "now_ms",
	"seed", "expect" };
static const char *const expect_keys[] = { "order", "first", "error" };

/* 2025-11-26T00:00:00Z; and some seed. */
#define NOW_MS INT64_C(1764115200000)
#define SEED   1

struct parse {
	struct arena *arena;
	const struct source *source;
	struct mistakes *mistakes;
	struct trial *trial;
	struct json_writer *out; /* of the input */
};

static void
wrong(struct parse *p, const struct yaml_node *at, const char *what)
{
	mistake_add(p->mistakes, p->source, at->place, "%s", what);
}

static void
unknown(struct parse *p, const struct yaml_node *key, const char *const *words,
    size_t count)
{
	const char *near = nearest_word(key->text, words, count);

	mistake_add(p->mistakes, p->source, key->place,
	    "unknown key '%.*s'%s%s%s", SLICE_FMT(key->text),
	    near != NULL ? "; is it '" : "", near != NULL ? near : "",
	    near != NULL ? "'?" : "");
}

static bool
is_mapping(struct parse *p, const struct yaml_node *node)
{
	if (node->type == YAML_MAPPING)
		return true;
	wrong(p, node, "a mapping belongs here");
	return false;
}

/* Does it have keys of these only? */
static void
check_keys(struct parse *p, const struct yaml_node *mapping,
    const char *const *words, size_t count)
{
	const struct yaml_item *item;
	size_t i;

	for (item = mapping->first; item != NULL; item = item->next) {
		for (i = 0; i < count; i++)
			if (slice_is(item->key->text, words[i]))
				break;
		if (i == count)
			unknown(p, item->key, words, count);
	}
}

static void
check_fields(struct parse *p, const struct yaml_node *mapping,
    const struct field *fields, size_t count)
{
	const char *words[FIELDS_MAX];
	size_t i;

	for (i = 0; i < count; i++)
		words[i] = fields[i].name;
	check_keys(p, mapping, words, count);
}

static bool
is_number(const struct yaml_node *node)
{
	struct json_value const *v;
	struct json_error error;
	struct arena arena;

	if (node->type != YAML_SCALAR || !node->plain)
		return false;
	arena_init(&arena, 4096);
	v = node->text.len < 32 ? json_parse(&arena, node->text, &error) : NULL;
	arena_fini(&arena);
	return v != NULL && node->text.ptr[0] != '"' &&
	       (node->text.ptr[0] == '-' ||
		   (node->text.ptr[0] >= '0' && node->text.ptr[0] <= '9'));
}

static bool
put_number(struct parse *p, const struct field *f, const struct yaml_node *node)
{
	bool share = f->type == FIELD_SHARE || f->type == FIELD_SHARE_OR_NULL;
	char text[32];
	double number;
	int64_t whole;

	if (!is_number(node))
		return false;
	snprintf(text, sizeof(text), "%.*s", SLICE_FMT(node->text));
	if (sscanf(text, "%lf", &number) != 1 || number < 0 ||
	    number > (share ? 1 : 1e18) ||
	    (f->type == FIELD_COUNT && !json_raw_int(node->text, &whole)))
		return false;
	json_put_raw(p->out, node->text);
	return true;
}

static bool
put_truth(struct parse *p, const struct yaml_node *node)
{
	bool is_true =
	    node->type == YAML_SCALAR && slice_is(node->text, "true");

	if (!is_true &&
	    (node->type != YAML_SCALAR || !slice_is(node->text, "false")))
		return false;
	json_put_bool(p->out, is_true);
	return true;
}

static bool
put_text(struct parse *p, const struct field *f, const struct yaml_node *node)
{
	size_t i;

	if (node->type != YAML_SCALAR)
		return false;
	for (i = 0; f->words[0] != NULL; i++) {
		if (f->words[i] == NULL)
			return false;
		if (slice_is(node->text, f->words[i]))
			break;
	}
	json_put_text(p->out, node->text);
	return true;
}

static bool
put_texts(struct parse *p, const struct yaml_node *node)
{
	const struct yaml_item *item;

	if (node->type != YAML_SEQUENCE)
		return false;
	json_open(p->out, '[');
	for (item = node->first; item != NULL; item = item->next) {
		if (item->value->type != YAML_SCALAR)
			return false;
		json_put_text(p->out, item->value->text);
	}
	json_close(p->out, ']');
	return true;
}

static bool
put_tags(struct parse *p, const struct yaml_node *node)
{
	const struct yaml_item *item;

	if (node->type != YAML_MAPPING)
		return false;
	json_open(p->out, '{');
	for (item = node->first; item != NULL; item = item->next) {
		if (item->value->type != YAML_SCALAR)
			return false;
		json_field_text(p->out, arena_text(p->arena, item->key->text),
		    item->value->text);
	}
	json_close(p->out, '}');
	return true;
}

static bool
put_value(struct parse *p, const struct field *f, const struct yaml_node *node)
{
	switch (f->type) {
	case FIELD_TEXT:
		return put_text(p, f, node);
	case FIELD_TRUTH:
		return put_truth(p, node);
	case FIELD_TEXTS:
		return put_texts(p, node);
	case FIELD_TAGS:
		return put_tags(p, node);
	case FIELD_NUMBER_OR_NULL:
	case FIELD_SHARE_OR_NULL:
		if (!yaml_is_null(node))
			return put_number(p, f, node);
		json_put_null(p->out);
		return true;
	default:
		return put_number(p, f, node);
	}
}

static void
say_wanted(struct parse *p, const struct field *f, const struct yaml_node *node)
{
	static const char *const wants[] = { "a text", "true or false",
		"a whole number from 0", "a number from 0",
		"a number from 0 to 1", "a number from 0, or null",
		"a number from 0 to 1, or null", "a list of texts",
		"a mapping of texts" };

	if (f->type == FIELD_TEXT && f->words[2] != NULL)
		mistake_add(p->mistakes, p->source, node->place,
		    "%s is %s, %s or %s", f->name, f->words[0], f->words[1],
		    f->words[2]);
	else if (f->type == FIELD_TEXT && f->words[0] != NULL)
		mistake_add(p->mistakes, p->source, node->place,
		    "%s is %s or %s", f->name, f->words[0], f->words[1]);
	else
		mistake_add(p->mistakes, p->source, node->place, "%s is %s",
		    f->name, wants[f->type]);
}

/* Each of the fields, as the mapping (or NULL) says it or by default. */
static void
put_fields(struct parse *p, const struct yaml_node *mapping,
    const struct field *fields, size_t count)
{
	const struct yaml_item *item;
	size_t i;

	if (mapping != NULL)
		check_fields(p, mapping, fields, count);
	for (i = 0; i < count; i++) {
		item = yaml_find(mapping, slice_of(fields[i].name));
		json_key(p->out, fields[i].name);
		if (item == NULL)
			json_put_raw(p->out, slice_of(fields[i].otherwise));
		else if (!put_value(p, &fields[i], item->value))
			say_wanted(p, &fields[i], item->value);
	}
}

static void
put_request(struct parse *p, const struct yaml_node *request)
{
	if (request != NULL && !is_mapping(p, request))
		request = NULL;
	json_key(p->out, "request");
	json_open(p->out, '{');
	put_fields(p, request, request_fields, count_of(request_fields));
	json_close(p->out, '}');
}

static void
put_target(struct parse *p, const struct yaml_node *target)
{
	struct trial *t = p->trial;
	struct slice name = yaml_text(target, "target");
	const char *slash = memchr(name.ptr, '/', name.len);

	if (slash == NULL || slash == name.ptr ||
	    slash + 1 == name.ptr + name.len) {
		wrong(p, target, "a target has a name: target: provider/model");
		return;
	}
	if (t->targets_count == TARGETS_MAX) {
		wrong(p, target, "a group has at most 32 targets");
		return;
	}
	t->targets[t->targets_count++] = name;
	json_open(p->out, '{');
	put_fields(p, target, target_fields, count_of(target_fields));
	json_field_text(p->out, "provider",
	    slice_make(name.ptr, (size_t)(slash - name.ptr)));
	json_field_text(p->out, "model",
	    slice_after(name, (size_t)(slash - name.ptr) + 1));
	json_close(p->out, '}');
}

static void
put_targets(struct parse *p, const struct yaml_node *of_case,
    const struct yaml_node *targets)
{
	const struct yaml_item *item;

	json_key(p->out, "targets");
	json_open(p->out, '[');
	if (targets == NULL || targets->type != YAML_SEQUENCE ||
	    targets->count == 0)
		wrong(p, targets != NULL ? targets : of_case,
		    "a case has a list of targets");
	else
		for (item = targets->first; item != NULL; item = item->next)
			if (is_mapping(p, item->value))
				put_target(p, item->value);
	json_close(p->out, ']');
}

static int64_t
read_int(struct parse *p, const struct yaml_node *of_case, const char *key,
    int64_t otherwise, int64_t max)
{
	const struct yaml_item *item = yaml_find(of_case, slice_of(key));
	int64_t n;

	if (item == NULL)
		return otherwise;
	if (is_number(item->value) && json_raw_int(item->value->text, &n) &&
	    n >= 0 && n <= max)
		return n;
	mistake_add(p->mistakes, p->source, item->value->place,
	    "%s is a whole number from 0 to %lld", key, (long long)max);
	return otherwise;
}

static void
want_target(struct parse *p, const struct yaml_node *name)
{
	struct trial *t = p->trial;
	size_t i;

	for (i = 0; i < t->targets_count; i++)
		if (name->type == YAML_SCALAR &&
		    slice_eq(t->targets[i], name->text))
			break;
	if (i == t->targets_count)
		wrong(p, name, "this is none of the case's targets");
	else if (t->order_count == TARGETS_MAX)
		wrong(p, name, "more targets than a group has");
	else
		t->order[t->order_count++] = name->text;
}

static void
want_error(struct parse *p, const struct yaml_node *word)
{
	size_t i;

	for (i = 0; i < count_of(trial_errors); i++)
		if (word->type == YAML_SCALAR &&
		    slice_is(word->text, trial_errors[i]))
			break;
	if (i == count_of(trial_errors))
		wrong(p, word,
		    "an error is threw, timeout, memory, not-json or "
		    "not-allowed");
	p->trial->error = word->text;
}

static void
read_expect(struct parse *p, const struct yaml_node *of_case)
{
	const struct yaml_item *item = yaml_find(of_case, slice_of("expect"));
	const struct yaml_item *name;
	const struct yaml_node *want;

	if (item == NULL || item->value->type != YAML_MAPPING ||
	    item->value->count != 1) {
		wrong(p, item != NULL ? item->value : of_case,
		    "a case has an expect with one of order, first, error");
		return;
	}
	item = item->value->first;
	want = item->value;
	if (slice_is(item->key->text, "error")) {
		p->trial->want = TRIAL_ERROR;
		want_error(p, want);
	} else if (slice_is(item->key->text, "first")) {
		p->trial->want = TRIAL_FIRST;
		want_target(p, want);
	} else if (!slice_is(item->key->text, "order")) {
		unknown(p, item->key, expect_keys, count_of(expect_keys));
	} else if (want->type != YAML_SEQUENCE || want->count == 0) {
		wrong(p, want, "order is a list of targets");
	} else {
		for (name = want->first; name != NULL; name = name->next)
			want_target(p, name->value);
	}
}

static const struct yaml_node *
value_of(const struct yaml_node *mapping, const char *key)
{
	const struct yaml_item *item = yaml_find(mapping, slice_of(key));

	return item != NULL ? item->value : NULL;
}

static void
read_case(struct parse *p, const struct yaml_node *of_case)
{
	struct trial *t = p->trial;
	struct json_writer w = { 0 };
	struct buf input;

	if (!is_mapping(p, of_case))
		return;
	check_keys(p, of_case, case_keys, count_of(case_keys));
	t->name = yaml_text(of_case, "name");
	if (t->name.len == 0)
		wrong(p, of_case, "a case has a name");
	t->now_ms = read_int(p, of_case, "now_ms", NOW_MS, INT64_C(1) << 52);
	t->seed = (uint32_t)read_int(p, of_case, "seed", SEED, UINT32_MAX);
	buf_init(&input, INPUT_MAX);
	w.out = &input;
	p->out = &w;
	json_open(&w, '{');
	json_field_int(&w, "version", 1);
	put_request(p, value_of(of_case, "request"));
	put_targets(p, of_case, value_of(of_case, "targets"));
	json_field_int(&w, "now_ms", t->now_ms);
	json_field_int(&w, "seed", t->seed);
	json_close(&w, '}');
	read_expect(p, of_case);
	if (input.failed)
		wrong(p, of_case, "this case is too large");
	else
		t->input = arena_copy(p->arena, buf_slice(&input));
	buf_fini(&input);
}

void
trials_parse(struct trials *t, struct arena *arena, const struct source *source,
    struct mistakes *mistakes)
{
	struct parse p = { .arena = arena,
		.source = source,
		.mistakes = mistakes };
	const struct yaml_item *item;
	const struct yaml_node *root;
	struct yaml_error error;

	*t = (struct trials){ .count = 0 };
	root = yaml_parse(arena, source->text, &error);
	if (root == NULL) {
		mistake_add(mistakes, source, error.place, "%s", error.text);
		return;
	}
	if (root->type != YAML_SEQUENCE || root->count == 0 ||
	    root->count > TRIALS_MAX) {
		mistake_add(mistakes, source, root->place,
		    "a file of cases is a list of 1 to %d cases", TRIALS_MAX);
		return;
	}
	t->items = arena_many(arena, struct trial, root->count);
	for (item = root->first; item != NULL; item = item->next) {
		p.trial = &t->items[t->count++];
		read_case(&p, item->value);
	}
}

void
trial_put_wanted(const struct trial *t, struct buf *out)
{
	size_t i;

	if (t->want == TRIAL_ERROR)
		buf_printf(out, "an error: %.*s", SLICE_FMT(t->error));
	for (i = 0; i < t->order_count; i++)
		buf_printf(out, "%s%.*s", i > 0 ? ", " : "",
		    SLICE_FMT(t->order[i]));
	if (t->want == TRIAL_FIRST)
		buf_puts(out, " first");
}
