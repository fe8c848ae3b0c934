#include "tests/unit/topology/fixture.h"

#include <sys/stat.h>

/* A root without a folder: init makes the keys itself. */
static void
empty_root(struct fixture *f)
{
	snprintf(f->root, sizeof(f->root), "/tmp/topology_test.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	buf_init(&f->why, FILE_TEXT_MAX);
}

static void
learn_operator(struct fixture *f)
{
	assert_true(keyfile_public(in_root(f, "operator.key"), &f->operator_key,
	    &f->why));
}

static void
has(const struct fixture *f, const char *file, const char *words)
{
	char *text = read_text(in_dir(f, file));

	if (strstr(text, words) == NULL)
		fail_msg("%s has no '%s':\n%s", file, words, text);
	free(text);
}

static void
from_nothing_to_verified(void **state)
{
	struct enrolment central = { .mesh = "demo",
		.name = "central",
		.address = "127.0.0.1:7443",
		.role = ROLE_EGRESS };
	struct enrolment payments = { .mesh = "demo",
		.name = "payments",
		.team = "payments",
		.parent = "central",
		.role = ROLE_NODE };
	struct fixture f;
	struct stat st;

	(void)state;
	empty_root(&f);
	assert_int_equal(TOPOLOGY("init", in_root(&f, "mesh")), 0);
	learn_operator(&f);
	assert_int_equal(stat(in_root(&f, "operator.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(in_root(&f, "payments.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Members wait for their keys. */
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 1);
	assert_int_equal(sign_mesh(&f), 1);
	central.operator_key = payments.operator_key = f.operator_key;
	enroll(&f, &central);
	enroll(&f, &payments);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	assert_int_equal(sign_mesh(&f), 0);
	assert_int_equal(sign_node(&f), 0);
	assert_int_equal(TOPOLOGY("verify", in_root(&f, "mesh"),
			     "--operator-key", in_root(&f, "operator.key")),
	    0);
	assert_int_equal(TOPOLOGY("verify", in_root(&f, "mesh"),
			     "--operator-key", in_root(&f, "payments.key")),
	    1);
	/* A second init changes nothing. */
	assert_int_equal(TOPOLOGY("init", in_root(&f, "mesh")), 1);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	fixture_free(&f);
}

static void
options_shape_the_files(void **state)
{
	struct fixture f;

	(void)state;
	empty_root(&f);
	assert_int_equal(TOPOLOGY("init", in_root(&f, "mesh"), "--mesh", "acme",
			     "--egress", "out", "--egress-address",
			     "egress.acme.internal:7000", "--node", "a:red",
			     "--node", "b:red", "--node-listen",
			     "127.0.0.1:9000", "--provider",
			     "gpu=vllm:http://10.0.0.7/v1", "--model",
			     "gpu/q/coder=0.2,0.6", "--group",
			     "code=gpu/q/coder"),
	    0);
	has(&f, "mesh.yaml", "mesh: acme");
	has(&f, "mesh.yaml", "address: \"egress.acme.internal:7000\"");
	has(&f, "mesh.yaml", "  b: {role: node, team: red, parents: [out]");
	has(&f, "mesh.yaml", "models: [gpu/q/coder]");
	has(&f, "egress/out.yaml", "listen: \"0.0.0.0:7000\"");
	has(&f, "egress/out.yaml", "base_url: http://10.0.0.7/v1");
	has(&f, "egress/out.yaml",
	    "q/coder: {price: {input: 0.2, output: 0.6}, supports:");
	has(&f, "node/b.yaml", "listen: \"127.0.0.1:9001\"");
	has(&f, "node/b.yaml", "targets: [gpu/q/coder]");
	assert_int_equal(access(in_root(&f, "red.key"), F_OK), 0);
	fixture_free(&f);
}

static void
bad_options_write_nothing(void **state)
{
	static const char *const bad[][2] = {
		{ "--node", "a" },
		{ "--node", "A:red" },
		{ "--provider", "x=y" },
		{ "--provider", "gpu=vllm" },
		{ "--provider", "gpu=vllm:host" },
		{ "--model", "openai/m" },
		{ "--model", "openai/m=1" },
		{ "--model", "openai/m=1,x" },
		{ "--model", "m=1,2" },
		{ "--group", "a=b" },
		{ "--egress-address", "host" },
		{ "--mesh", "A" },
	};
	struct fixture f;
	size_t i;

	(void)state;
	empty_root(&f);
	for (i = 0; i < count_of(bad); i++) {
		if (TOPOLOGY("init", in_root(&f, "mesh"), bad[i][0],
			bad[i][1]) == 0)
			fail_msg("%s %s", bad[i][0], bad[i][1]);
		assert_int_not_equal(access(in_dir(&f, "mesh.yaml"), F_OK), 0);
	}
	/* Keys do not lie in what goes to git. */
	assert_int_equal(TOPOLOGY("init", in_root(&f, "mesh"), "--operator-key",
			     in_dir(&f, "operator.key")),
	    1);
	assert_int_not_equal(access(in_dir(&f, "operator.key"), F_OK), 0);
	fixture_free(&f);
}

static int
add_text(struct fixture *f, const char *stanza)
{
	write_text(in_root(f, "stanza"), stanza);
	return TOPOLOGY("add", in_root(f, "mesh"), in_root(f, "stanza"));
}

#define A_KEY "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define B_KEY "ed25519:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA"

static void
adding_keeps_comments_and_the_rest(void **state)
{
	struct fixture f;
	char *before, *after, *expected;

	(void)state;
	fixture_root(&f);
	copy_example(&f, "first");
	before = read_text(in_dir(&f, "mesh.yaml"));
	assert_int_equal(add_text(&f,
			     "payments: {role: node, team: payments, "
			     "parents: [central], keys: [\"" A_KEY "\"]}\n"),
	    0);
	after = read_text(in_dir(&f, "mesh.yaml"));
	/* Only the placeholder of this member differs. */
	expected = strstr(before, "payments: {");
	expected = strstr(expected, "[\"ed25519:…\"]");
	assert_memory_equal(before, after, (size_t)(expected - before));
	assert_string_equal(expected + strlen("[\"ed25519:…\"]"),
	    after + (expected - before) + strlen("[\"" A_KEY "\"]"));
	free(before);
	/* Again is nothing; another key is not taken silently. */
	assert_int_equal(add_text(&f,
			     "payments: {role: node, team: payments, "
			     "parents: [central], keys: [\"" A_KEY "\"]}\n"),
	    0);
	assert_int_equal(add_text(&f,
			     "payments: {role: node, team: payments, "
			     "parents: [central], keys: [\"" B_KEY "\"]}\n"),
	    1);
	assert_int_equal(add_text(&f,
			     "payments: {role: node, team: other, "
			     "parents: [central], keys: [\"" A_KEY "\"]}\n"),
	    1);
	before = read_text(in_dir(&f, "mesh.yaml"));
	assert_string_equal(before, after);
	free(before);
	free(after);
	fixture_free(&f);
}

static void
adding_a_new_member_is_a_new_line(void **state)
{
	struct fixture f;

	(void)state;
	fixture_root(&f);
	copy_example(&f, "first");
	assert_int_equal(add_text(&f,
			     "search: {role: node, team: payments, "
			     "parents: [central], keys: [\"" A_KEY "\"]}\n"),
	    0);
	has(&f, "mesh.yaml",
	    "keys: [\"ed25519:…\"]}\n"
	    "  search: {role: node, team: payments, parents: "
	    "[central], keys: [\"" A_KEY "\"]}\n\nteams:");
	assert_int_equal(add_text(&f, "search: {role: nod}\n"), 1);
	assert_int_equal(add_text(&f, "not a stanza\n"), 1);
	assert_int_equal(add_text(&f, ""), 1);
	assert_int_equal(add_text(&f, "X: {}\n"), 1);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing_to_verified),
		cmocka_unit_test(options_shape_the_files),
		cmocka_unit_test(bad_options_write_nothing),
		cmocka_unit_test(adding_keeps_comments_and_the_rest),
		cmocka_unit_test(adding_a_new_member_is_a_new_line),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
