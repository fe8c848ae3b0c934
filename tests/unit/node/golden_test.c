#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>

#include "tests/unit/node/golden_answer.h"
#include "tests/unit/node/golden_case.h"
#include "tests/unit/node/golden_tree.h"

/*
 * Every case of the folder for every pair of dialects that it has something
 * for, each a test.  What comes out of a pair is one JSON object, which is
 * compared with the file's, or written into it.
 */
#define FOLDER    "tests/golden/dialect"
#define FILES_MAX 128
#define PAIRS_MAX 2048
#define ARENA_MAX ((size_t)256 << 20)

struct file {
	const char *path;
	const struct json_value *root;
};

static struct arena arena; /* of the files */
static struct file files[FILES_MAX];
static struct golden_pair pairs[PAIRS_MAX];
static size_t files_count, pairs_count;

static const char *const end_words[] = {
	[PASSAGE_INVALID] = "invalid",
	[PASSAGE_NOT_ALLOWED] = "not-allowed",
	[PASSAGE_NOT_CARRIED] = "not-carried",
};

/* In the caller's dialect nothing changes but what is the router's own. */
static void
put_owned(struct golden_run *run, struct json_writer *w,
    const struct json_value *body)
{
	const struct json_value *was = run->pair->root, *v;

	was = golden_in(was, "requests", dialect_name(run->pair->asks));
	json_key(w, "owned");
	json_open(w, '{');
	for (v = body->first; v != NULL; v = v->next) {
		const struct json_value *old =
		    json_find(was, arena_text(&run->arena, v->name));

		if (old != NULL && slice_eq(old->raw, v->raw))
			continue;
		json_key(w, arena_text(&run->arena, v->name));
		json_put_raw(w, v->raw);
	}
	json_close(w, '}');
}

/* The egress does it again: it must not find anything to change. */
static void
check_owned_again(struct golden_run *run, const struct json_value *body)
{
	const struct passage_terms *terms = &run->passage_terms;
	const struct own_terms again = {
		.dialect = run->passage.target,
		.operation = terms->operation,
		.model = terms->target.model,
		.output_cap = terms->target.output_cap,
		.cap_key = terms->target.cap_key,
		.stream = terms->stream,
		.usage_in_stream =
		    (terms->target.quirks & QUIRK_USAGE_IN_STREAM) != 0,
		.encrypted_reasoning = terms->target.reasons,
		.drop_hosted_tools = (terms->drop & DROP_HOSTED_TOOLS) != 0,
		.allowed = terms->allowed,
	};
	struct owned owned;

	if (own_body(&owned, &run->arena, body, &again) != OWN_DONE)
		fail_msg("the egress refuses: %s", owned.why);
	if (owned.splice.changes != 0)
		fail_msg("the egress makes of it: %.*s",
		    SLICE_FMT(golden_joined(&run->arena, &owned.splice)));
}

/* False when the request is refused. */
static bool
put_request(struct golden_run *run, struct json_writer *w)
{
	enum passage_end end = PASSAGE_INVALID;
	const struct json_value *body;

	if (golden_read_shape(run, &run->passage.why))
		end = golden_pass(run);
	if (end != PASSAGE_OK) {
		json_field_text(w, "refused", slice_of(end_words[end]));
		json_field_text(w, "why", slice_of(run->passage.why));
		return false;
	}
	body = golden_parse(&run->arena,
	    golden_joined(&run->arena, &run->passage.splice));
	check_owned_again(run, body);
	if (run->passage.target == run->passage_terms.asks) {
		put_owned(run, w, body);
	} else {
		json_key(w, "body");
		json_put_raw(w, body->raw);
	}
	if (run->passage.dropped[0] != '\0')
		json_field_text(w, "dropped", slice_of(run->passage.dropped));
	return true;
}

struct telling_out {
	struct json_writer *w;
	enum dialect dialect;
};

/* What the caller reads: objects, and words that are none as strings. */
static void
put_event(void *arg, const struct sse_event *event)
{
	const struct telling_out *out = arg;
	const struct json_value *root;
	struct json_error error;
	struct arena room;

	arena_init(&room, ARENA_MAX);
	root = json_parse(&room, event->data, &error);
	if (root == NULL)
		json_put_text(out->w, event->data);
	else
		json_put_raw(out->w, event->data);
	/* The SDK for Messages passes over what has no name. */
	if (root != NULL && out->dialect == DIALECT_CHAT)
		assert_int_equal(event->name.len, 0);
	else if (root != NULL)
		assert_true(
		    slice_eq(event->name, inside_of(json_find(root, "type"))));
	arena_fini(&room);
}

static void
put_told(struct golden_run *run, struct json_writer *w, struct slice told)
{
	struct telling_out out = { w, run->answers };
	struct sse sse;

	json_key(w, "stream");
	json_open(w, '[');
	sse_init(&sse, GOLDEN_EVENT_MAX);
	assert_true(sse_feed(&sse, told, put_event, &out));
	sse_fini(&sse);
	json_close(w, ']');
}

static void
put_usage(struct json_writer *w, const struct usage *u, const char *key)
{
	json_key(w, key);
	json_open(w, '{');
	json_field_int(w, "input", u->input_tokens);
	json_field_int(w, "cache_read", u->cache_read_tokens);
	json_field_int(w, "cache_write", u->cache_write_tokens);
	json_field_int(w, "cache_write_1h", u->cache_write_1h_tokens);
	json_field_int(w, "output", u->output_tokens);
	json_field_int(w, "reasoning", u->reasoning_tokens);
	json_close(w, '}');
}

static void
check_pieces(struct golden_run *run, struct slice bytes, struct slice told)
{
	struct usage usage;
	struct slice again;
	size_t split;

	again = golden_hear_stream(run, bytes, 0, 1, &usage);
	assert_true(slice_eq(told, again));
	for (split = 1; split < bytes.len; split++) {
		again =
		    golden_hear_stream(run, bytes, split, bytes.len, &usage);
		if (!slice_eq(told, again))
			fail_msg("split at %zu it is another stream", split);
	}
}

static void
put_stream(struct golden_run *run, struct json_writer *w,
    const struct json_value *events)
{
	struct slice bytes = golden_stream_of(run, events);
	struct usage usage;
	struct slice told;

	told = golden_hear_stream(run, bytes, 0, bytes.len, &usage);
	check_pieces(run, bytes, told);
	if (run->answers == run->passage.target && slice_eq(bytes, told))
		put_usage(w, &usage, "stream usage");
	else
		put_told(run, w, told);
}

static void
put_whole(struct golden_run *run, struct json_writer *w,
    const struct json_value *answer)
{
	struct golden_hearer h;
	struct usage usage;

	golden_hearer_init(&h, run, true);
	if (!scan_answer(&h.scan, answer->raw) || !scan_complete(&h.scan)) {
		json_field_text(w, "whole", slice_of("error"));
		golden_hearer_fini(&h);
		return;
	}
	scan_usage(&h.scan, true, &usage);
	if (h.bridge == NULL || h.scan.count) {
		put_usage(w, &usage, "usage");
	} else {
		bridge_whole(h.bridge, answer, &usage);
		golden_take_told(&h);
		json_key(w, "whole");
		json_put_raw(w,
		    h.broken != NULL
			? slice_of("\"broken\"")
			: golden_parse(&run->arena, buf_slice(&h.told))->raw);
	}
	golden_hearer_fini(&h);
}

/* All that comes of a pair, as one object. */
static struct slice
outcome(const struct golden_pair *pair)
{
	const char *asks = dialect_name(pair->asks),
		   *target = dialect_name(pair->target);
	const struct json_value *answer =
	    golden_in(pair->root, "answers", target);
	struct golden_run run = { .pair = pair,
		.body = golden_in(pair->root, "requests", asks),
		.terms = json_find(pair->root, "terms") };
	struct json_writer w;
	struct slice text;
	struct buf out;

	arena_init(&run.arena, ARENA_MAX);
	buf_init(&out, GOLDEN_TEXT_MAX);
	w = (struct json_writer){ .out = &out };
	golden_read_terms(&run);
	json_open(&w, '{');
	if (put_request(&run, &w)) {
		if (json_find(answer, "whole") != NULL)
			put_whole(&run, &w, json_find(answer, "whole"));
		if (json_find(answer, "stream") != NULL)
			put_stream(&run, &w, json_find(answer, "stream"));
	}
	json_close(&w, '}');
	text = arena_copy(&arena, buf_slice(&out));
	buf_fini(&out);
	arena_fini(&run.arena);
	return text;
}

static bool
writes(void)
{
	return getenv("GOLDEN_WRITE") != NULL;
}

static void
run_pair(void **state)
{
	struct golden_pair *pair = *state;
	const struct json_value *want, *got;
	struct buf where;

	pair->got = outcome(pair);
	if (writes())
		return;
	got = golden_parse(&arena, pair->got);
	want = golden_in(pair->root, "expected", pair->key);
	if (want == NULL)
		fail_msg("nothing is expected yet: see " FOLDER "/README.md");
	buf_init(&where, GOLDEN_TEXT_MAX);
	if (golden_differs(&where, &arena, want, got))
		fail_msg("%s", buf_text(&where));
	buf_fini(&where);
}

/* What a case expects, anew. */
static const char *
expected_of(const struct json_value *root)
{
	struct json_writer w;
	struct buf out, pretty;
	const char *text;
	size_t i;

	buf_init(&out, GOLDEN_TEXT_MAX);
	buf_init(&pretty, GOLDEN_TEXT_MAX);
	w = (struct json_writer){ .out = &out };
	json_open(&w, '{');
	for (i = 0; i < pairs_count; i++) {
		if (pairs[i].root != root)
			continue;
		json_key(&w, pairs[i].key);
		json_put_raw(&w,
		    pairs[i].got.len > 0 ? pairs[i].got : slice_of("null"));
	}
	json_close(&w, '}');
	golden_print(&pretty, golden_parse(&arena, buf_slice(&out)), 3);
	text = arena_text(&arena, buf_slice(&pretty));
	buf_fini(&out);
	buf_fini(&pretty);
	return text;
}

static void
write_file(const struct file *file)
{
	const struct json_value *c = json_find(file->root, "cases")->first;
	struct edits edits;
	struct splice splice;
	struct slice text;
	FILE *f;

	edits_init(&edits, file->root, &arena);
	for (; c != NULL; c = c->next)
		if (json_find(c, "expected") != NULL)
			edits_replace(&edits, json_find(c, "expected"),
			    expected_of(c));
		else
			edits_add(&edits, c, "expected", expected_of(c));
	edits_splice(&splice, &edits);
	text = golden_joined(&arena, &splice);
	f = fopen(file->path, "w");
	assert_non_null(f);
	fprintf(f, "%.*s\n", SLICE_FMT(text));
	fclose(f);
}

static int
write_files(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; writes() && i < files_count; i++)
		write_file(&files[i]);
	return 0;
}

static void
add_pair(const struct json_value *file, const struct json_value *c,
    enum dialect asks, enum dialect target)
{
	struct golden_pair *pair = &pairs[pairs_count++];

	assert_true(pairs_count <= PAIRS_MAX);
	*pair =
	    (struct golden_pair){ .root = c, .asks = asks, .target = target };
	pair->key = arena_printf(&arena, "%s to %s", dialect_name(asks),
	    dialect_name(target));
	pair->name = arena_printf(&arena, "%.*s: %.*s, %s",
	    SLICE_FMT(inside_of(json_find(file, "feature"))),
	    SLICE_FMT(inside_of(json_find(c, "case"))), pair->key);
}

/* Only Messages itself counts tokens. */
static void
add_case(const struct json_value *file, const struct json_value *c)
{
	bool count = golden_in(c, "terms", "count") != NULL;
	int asks, target;

	for (asks = 0; asks < DIALECTS; asks++)
		for (target = 0; target < DIALECTS; target++)
			if (golden_in(c, "requests",
				dialect_name((enum dialect)asks)) != NULL &&
			    (!count || target == DIALECT_MESSAGES))
				add_pair(file, c, (enum dialect)asks,
				    (enum dialect)target);
}

static void
load(const char *path)
{
	char *text = arena_room(&arena, GOLDEN_TEXT_MAX);
	const struct json_value *c;
	struct json_error error;
	FILE *f = fopen(path, "r");
	size_t len = f != NULL ? fread(text, 1, GOLDEN_TEXT_MAX, f) : 0;
	struct file *file = &files[files_count++];

	if (f != NULL)
		fclose(f);
	file->path = path;
	file->root = json_parse(&arena, slice_make(text, len), &error);
	if (file->root == NULL) {
		fprintf(stderr, "%s: %s at %zu\n", path, error.why, error.at);
		exit(1);
	}
	c = json_find(file->root, "cases")->first;
	for (; c != NULL; c = c->next)
		add_case(file->root, c);
}

static int
is_case(const struct dirent *entry)
{
	return strstr(entry->d_name, ".json") != NULL;
}

static struct CMUnitTest *
load_all(void)
{
	struct CMUnitTest *tests;
	struct dirent **list;
	int i, n = scandir(FOLDER, &list, is_case, alphasort);
	size_t t;

	for (i = 0; i < n; i++) {
		load(arena_printf(&arena, FOLDER "/%s", list[i]->d_name));
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	tests = arena_many(&arena, struct CMUnitTest, pairs_count + 1);
	for (t = 0; t < pairs_count; t++)
		tests[t] = (struct CMUnitTest){ .name = pairs[t].name,
			.test_func = run_pair,
			.initial_state = &pairs[t] };
	return tests;
}

int
main(void)
{
	struct CMUnitTest *tests;
	int failed;

	arena_init(&arena, (size_t)1 << 30);
	tests = load_all();
	if (pairs_count == 0) {
		fprintf(stderr, "no cases in " FOLDER "\n");
		return 1;
	}
	failed = _cmocka_run_group_tests("golden", tests, pairs_count, NULL,
	    write_files);
	arena_fini(&arena);
	return failed;
}
