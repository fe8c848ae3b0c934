#include "tests/unit/topology/fixture.h"

#include <sys/stat.h>

#include "topology/check.h"
#include "topology/load.h"
#include "topology/policy.h"
#include "topology/review.h"

#define NODE   "node/payments.yaml"
#define SCRIPT "policies/first.js"

static const char code[] = "policy(input => [input.targets[0].target]);\n";

/* The hash that a node file has of it. */
static void
hash_text(char text[2 * HASH_BYTES + 1], const char *of)
{
	struct hash hash = hash_of(of, strlen(of));

	hex_write(text, hash.bytes, sizeof(hash.bytes));
}

/* The folder `first` with a script that is there, and not yet signed. */
static void
script_make(struct fixture *f)
{
	char hash[2 * HASH_BYTES + 1], put[512];

	fixture_make(f);
	assert_int_equal(mkdir(in_dir(f, "policies"), 0755), 0);
	write_text(in_dir(f, SCRIPT), code);
	hash_text(hash, code);
	snprintf(put, sizeof(put),
	    "strategy: script\n    script: {file: " SCRIPT
	    ", hash: %s, fallback: static}",
	    hash);
	edit(in_dir(f, NODE), "strategy: static", put);
}

/* What the node does at start: NULL and f->why when it refuses. */
static struct topology *
load(struct fixture *f)
{
	struct topology_pin pin;
	struct topology *t;
	struct identity id;

	buf_reset(&f->why);
	assert_true(identity_open(&id, in_root(f, "payments"), &f->why));
	identity_pin(&id, &pin);
	t = topology_load(in_root(f, "mesh"), &pin, &f->why);
	identity_close(&id);
	return t;
}

/* No command and no member takes the folder; validate says so. */
static void
refused(struct fixture *f, const char *words)
{
	struct review *r = review_new(in_root(f, "mesh"), NULL);
	struct topology *t = load(f);

	if (t != NULL)
		fail_msg("taken, not refused: %s", words);
	if (strstr(buf_text(&f->why), words) == NULL)
		fail_msg("expected: %s\nsaid: %s", words, buf_text(&f->why));
	assert_false(check_folder(&r->folder));
	buf_reset(&f->why);
	mistakes_put(&r->mistakes, &f->why);
	if (strstr(buf_text(&f->why), words) == NULL)
		fail_msg("expected: %s\nsaid: %s", words, buf_text(&f->why));
	review_free(r);
	assert_int_equal(TOPOLOGY("validate", in_root(f, "mesh")), 1);
	assert_int_equal(sign_node(f), 1);
	assert_int_equal(TOPOLOGY("verify", in_root(f, "mesh"),
			     "--operator-key", in_root(f, "operator.key")),
	    1);
}

static void
a_script_comes_with_the_node_that_names_it(void **state)
{
	const struct script_policy *s;
	struct topology *t;
	struct fixture f;

	(void)state;
	script_make(&f);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	assert_int_equal(sign_node(&f), 0);
	assert_int_equal(TOPOLOGY("verify", in_root(&f, "mesh"),
			     "--operator-key", in_root(&f, "operator.key")),
	    0);
	t = load(&f);
	if (t == NULL)
		fail_msg("%s", buf_text(&f.why));
	s = &t->node->groups[0].script;
	assert_true(slice_is(s->code, code));
	assert_int_equal(s->code.ptr[s->code.len], '\0');
	assert_true(slice_is(s->file, SCRIPT));
	assert_int_equal(s->fallback, STRATEGY_STATIC);
	assert_int_equal(s->cpu_ms, 5);
	assert_int_equal(s->memory_bytes, 4 << 20);
	topology_release(t);
	fixture_free(&f);
}

static void
a_changed_script_is_refused(void **state)
{
	char hash[2 * HASH_BYTES + 1], words[128];
	struct fixture f;

	(void)state;
	script_make(&f);
	assert_int_equal(sign_node(&f), 0);
	edit(in_dir(&f, SCRIPT), "targets[0]", "targets[1]");
	hash_text(hash, "policy(input => [input.targets[1].target]);\n");
	snprintf(words, sizeof(words),
	    NODE ":7:45: is not the hash of " SCRIPT " as it is now, %.12s…",
	    hash);
	refused(&f, words);
	/* One byte that no engine minds is a change, too. */
	write_text(in_dir(&f, SCRIPT), code);
	edit(in_dir(&f, SCRIPT), ";\n", ";\n\n");
	refused(&f, "is not the hash of " SCRIPT);
	write_text(in_dir(&f, SCRIPT), "");
	refused(&f, "is not the hash of " SCRIPT);
	write_text(in_dir(&f, SCRIPT), code);
	topology_release(load(&f));
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	fixture_free(&f);
}

static void
a_script_that_cannot_be_read_is_told(void **state)
{
	char *large;
	struct fixture f;

	(void)state;
	script_make(&f);
	assert_int_equal(sign_node(&f), 0);
	assert_int_equal(remove(in_dir(&f, SCRIPT)), 0);
	refused(&f,
	    NODE ":7:20: " SCRIPT " is not there: put the policy there, below "
		 "the folder");
	assert_int_equal(mkdir(in_dir(&f, SCRIPT), 0755), 0);
	refused(&f, NODE ":7:20: " SCRIPT " cannot be read: Is a directory");
	assert_int_equal(remove(in_dir(&f, SCRIPT)), 0);
	large = xcalloc(1, POLICY_BYTES_MAX + 2);
	memset(large, ' ', POLICY_BYTES_MAX + 1);
	write_text(in_dir(&f, SCRIPT), large);
	free(large);
	refused(&f, NODE ":7:20: " SCRIPT " is larger than 262144 bytes");
	fixture_free(&f);
}

/* Other files of that directory are nobody's concern. */
static void
what_no_group_names_is_not_read(void **state)
{
	struct topology *t;
	struct fixture f;

	(void)state;
	script_make(&f);
	assert_int_equal(sign_node(&f), 0);
	write_text(in_dir(&f, "policies/other.js"), "(");
	write_text(in_dir(&f, "policies/types.d.ts"), "x");
	t = load(&f);
	assert_non_null(t);
	topology_release(t);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	fixture_free(&f);
}

struct wrong {
	const char *find, *put;
	const char *words;
};

static const struct wrong wrongs[] = {
	{ "file: " SCRIPT ", ", "", "script needs 'file'" },
	{ "file: " SCRIPT, "file: ../x.js",
	    ":7:20: '../x.js' is no policy's file; write one of the "
	    "topology's folder, as policies/cheapest.js" },
	{ "hash: ", "hash: 0", "' is no hash; write 64 hex digits" },
	{ ", fallback: static", "", "script needs 'fallback'" },
	{ "fallback: static", "fallback: script",
	    "'script' is no strategy to fall back to" },
	{ "fallback: static", "fallback: static, cpu: 101ms",
	    "'cpu' has to be from 1ms to 100ms" },
	{ "fallback: static", "fallback: static, memory: 13MiB",
	    "'memory' has to be from 1MiB to 8MiB" },
	{ "fallback: static}", "fallback: static}\n    score: {}",
	    "'score' is not acted on by strategy script; remove it" },
	{ "strategy: script", "strategy: static",
	    ":7:5: 'script' is not acted on by strategy static; remove it" },
};

static void
each_mistake_is_told(void **state)
{
	struct fixture f;
	struct review *r;
	char *before;
	size_t i;

	(void)state;
	script_make(&f);
	before = read_text(in_dir(&f, NODE));
	for (i = 0; i < count_of(wrongs); i++) {
		edit(in_dir(&f, NODE), wrongs[i].find, wrongs[i].put);
		r = review_new(in_root(&f, "mesh"), NULL);
		assert_false(check_folder(&r->folder));
		buf_reset(&f.why);
		mistakes_put(&r->mistakes, &f.why);
		if (strstr(buf_text(&f.why), wrongs[i].words) == NULL)
			fail_msg("expected: %s\nsaid: %s", wrongs[i].words,
			    buf_text(&f.why));
		review_free(r);
		write_text(in_dir(&f, NODE), before);
	}
	/* A score is weighed when it is what is fallen back to. */
	edit(in_dir(&f, NODE), "fallback: static}",
	    "fallback: score}\n    score: {explore: 0}");
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	free(before);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_comes_with_the_node_that_names_it),
		cmocka_unit_test(a_changed_script_is_refused),
		cmocka_unit_test(a_script_that_cannot_be_read_is_told),
		cmocka_unit_test(what_no_group_names_is_not_read),
		cmocka_unit_test(each_mistake_is_told),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
