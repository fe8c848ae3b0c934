#include "tests/unit/topology/fixture.h"

#include "topology/check.h"
#include "topology/review.h"

/*
 * Each case is the good folder with one change, and the mistake that it is.
 */
struct mistake_case {
	const char *file, *find, *put;
	const char *expect; /* its line without the place's file */
};

#define MESH   "mesh.yaml"
#define EGRESS "egress/central.yaml"
#define NODE   "node/payments.yaml"

static const struct mistake_case cases[] = {
	/* YAML itself */
	{ NODE, "strategy: static", "strategy: [static",
	    "node/payments.yaml:8:1: flow sequence without a closing bracket" },
	{ NODE, "    strategy: static\n",
	    "    strategy: static\n    strategy: static\n",
	    "node/payments.yaml:7:5: 'strategy' stands here twice" },
	{ NODE, "strategy: static", "strategy: !!str static",
	    "node/payments.yaml:6:21: tags are not read; remove it" },
	{ NODE, "groups:", "---\ngroups:",
	    "node/payments.yaml:4:1: one document a file; this is a second" },
	{ NODE, "groups:", "<<: {a: b}\ngroups:",
	    "node/payments.yaml:4:1: merge keys are not read; write them out" },
	/* keys */
	{ EGRESS, "    api_key:", "    api_keys:",
	    "egress/central.yaml:7:5: a provider has no key 'api_keys'; did "
	    "you mean 'api_key'?" },
	{ EGRESS, "    api_key:", "    zzz:",
	    "egress/central.yaml:7:5: a provider has no key 'zzz'" },
	{ EGRESS, "    type: openai", "    discount: 101%\n    type: openai",
	    "egress/central.yaml:6:15: '101%' is no share; write 0.93 or 93%" },
	{ EGRESS, "    type: openai ", "    # ",
	    "egress/central.yaml:7:5: a provider needs 'type': how it wants to "
	    "be spoken to, as openai, anthropic, vllm or openai-compatible" },
	/* shapes */
	{ NODE, "targets: [openai/gpt-5-mini]", "targets: openai/gpt-5-mini",
	    "node/payments.yaml:7:14: 'targets' takes a list, and this is a "
	    "single value" },
	{ NODE, "targets: [openai/gpt-5-mini]", "targets: []",
	    "node/payments.yaml:7:14: 'targets' takes a list, and this is an "
	    "empty one" },
	{ NODE, "strategy: static", "strategy: {a: b}",
	    "node/payments.yaml:6:15: 'strategy' takes a strategy, and this is "
	    "a mapping" },
	{ NODE, "strategy: static", "strategy:",
	    "node/payments.yaml:6:5: 'strategy' takes a strategy, and this is "
	    "nothing" },
	{ EGRESS, "{price: {input: 0.25, cached_input: 0.025, output: 2.00}}",
	    "{price: 3}",
	    "egress/central.yaml:9:27: a price is a mapping, and this is a "
	    "single value" },
	{ EGRESS, "{price: {input: 0.25, cached_input: 0.025, output: 2.00}}",
	    "{}",
	    "egress/central.yaml:9:19: a model needs 'price': {input: USD, "
	    "output: USD} per million tokens; 0 is free" },
	{ EGRESS, "input: 0.25, ", "",
	    "egress/central.yaml:9:27: a price needs 'input': USD per million "
	    "input tokens; 0 is free" },
	/* operators */
	{ EGRESS, "providers:", "admin_listen: 0.0.0.0:9\nproviders:",
	    "egress/central.yaml:4:15: '0.0.0.0:9' is not this machine alone, "
	    "and admin tokens would cross the network in the clear; add "
	    "'admin_tls: {cert: /FILE, key: /FILE}', or listen at 127.0.0.1" },
	{ NODE, "groups:", "admin_listen: \"[::]:9\"\ngroups:",
	    "node/payments.yaml:4:15: '[::]:9' is not this machine alone, "
	    "and admin tokens would cross the network in the clear; add "
	    "'admin_tls: {cert: /FILE, key: /FILE}', or listen at 127.0.0.1" },
	{ NODE, "groups:", "admin_listen: 127.evil.example:9\ngroups:",
	    "node/payments.yaml:4:15: '127.evil.example:9' is not this "
	    "machine alone, and admin tokens would cross the network in the "
	    "clear; add 'admin_tls: {cert: /FILE, key: /FILE}', or listen at "
	    "127.0.0.1" },
	{ NODE, "groups:", "admin_tls: {cert: /a}\ngroups:",
	    "node/payments.yaml:4:12: tls needs 'key': PEM: its key, without "
	    "a password, and not readable by everybody" },
	/* values */
	{ EGRESS, "input: 0.25", "input: -1",
	    "egress/central.yaml:9:35: '-1' is no price; write USD per million "
	    "tokens, as 0.25, with at most 6 decimals" },
	{ EGRESS, "type: openai", "type: openia",
	    "egress/central.yaml:6:11: 'openia' is no provider type; did you "
	    "mean 'openai'?" },
	{ EGRESS, "type: openai", "type: x",
	    "egress/central.yaml:6:11: 'x' is no provider type; write openai, "
	    "azure, anthropic, openrouter, vllm, sglang, together, groq, "
	    "mistral, deepseek or openai-compatible" },
	{ EGRESS, "type: openai", "type: azure",
	    "egress/central.yaml:6:5: a provider of type azure needs "
	    "'base_url'" },
	{ EGRESS, "type: openai", "type: openai\n    dialects: [chats]",
	    "egress/central.yaml:7:16: 'chats' is no dialect; did you mean "
	    "'chat'?" },
	{ EGRESS, "type: openai", "type: openai\n    dialects: chat",
	    "egress/central.yaml:7:15: 'dialects' takes a list, and this is a "
	    "single value" },
	{ EGRESS, "type: openai", "type: openai\n    dialects: []",
	    "egress/central.yaml:7:15: 'dialects' takes a list, and this is "
	    "an empty one" },
	{ EGRESS, "type: openai", "type: openai\n    dialects: [chat, chat]",
	    "egress/central.yaml:7:22: 'chat' is listed twice" },
	{ EGRESS, "{price:", "{supports: [tool], price:",
	    "egress/central.yaml:9:31: 'tool' is no capability; did you mean "
	    "'tools'?" },
	{ EGRESS, "type: openai", "type: vllm",
	    "egress/central.yaml:6:5: a provider of type vllm needs "
	    "'base_url'" },
	{ EGRESS, "secret/openai", "sk-very-secret",
	    "egress/central.yaml:7:14: 'sk-very-secret' is no secret's name; "
	    "write secret/NAME; the secret itself is set by `secret set "
	    "NAME`" },
	{ EGRESS, "providers:", "timeouts: {idle: 8x}\nproviders:",
	    "egress/central.yaml:4:18: '8x' is no duration; write 500ms, 8s, "
	    "10m, 2h or 1d" },
	{ EGRESS, "providers:", "timeouts: {idle: 8d}\nproviders:",
	    "egress/central.yaml:4:18: 'idle' has to be from 1s to 1h" },
	{ EGRESS, "providers:", "max_body: 1GiB\nproviders:",
	    "egress/central.yaml:4:11: 'max_body' is more than 'body_memory', "
	    "which holds all bodies at once" },
	{ EGRESS, "listen: 127.0.0.1:7443", "listen: 7443",
	    "egress/central.yaml:2:9: '7443' is no address to listen at; write "
	    "host:port, as 127.0.0.1:8080 or [::]:8080" },
	{ MESH, "  payments:\n", "  Payments:\n",
	    "mesh.yaml:9:3: 'Payments' is no name; write small letters, "
	    "digits, '.', '_' and '-'" },
	{ MESH, "keys: [\"ed25519:", "keys: [\"ed25519:…\", \"ed25519:",
	    "mesh.yaml:5:62: 'keys' waits for its key; enroll the member and "
	    "put its stanza in: gsr-topology add DIR < stanza" },
	{ MESH, "models: [openai/gpt-5-mini]",
	    "models: [openai/gpt-5-mini, openai/gpt-5-mini]",
	    "mesh.yaml:11:33: 'openai/gpt-5-mini' is listed twice" },
	{ NODE, "strategy: static", "strategy: static\n    drop: [hint]",
	    "node/payments.yaml:7:12: 'hint' is no class of fields; did you "
	    "mean 'hints'?" },
	{ NODE, "strategy: static", "strategy: static\n    drop: hints",
	    "node/payments.yaml:7:11: 'drop' takes a list, and this is a "
	    "single value" },
	{ NODE, "strategy: static",
	    "strategy: static\n    responses_state: {ttl: 31d}",
	    "node/payments.yaml:7:28: 'ttl' has to be from 1m to 30d" },
	{ NODE, "strategy: static",
	    "strategy: static\n    responses_state: {ttl: 1h, max: 1KiB}",
	    "node/payments.yaml:7:37: 'max' has to be from 1MiB to 1024GiB" },
	{ NODE, "strategy: static",
	    "strategy: static\n    responses_state: {max: 1MiB}",
	    "node/payments.yaml:7:22: responses_state needs 'ttl': how long "
	    "an answer is kept" },
	{ NODE, "strategy: static", "strategy: static\n    aliases: [a b]",
	    "node/payments.yaml:7:15: 'a b' is no model name; write it as the "
	    "provider does" },
	{ NODE, "strategy: static",
	    "strategy: static\n    aliases: [gpt-5, assistant]",
	    "node/payments.yaml:7:22: 'assistant' is the name of a group; an "
	    "alias is a further name" },
	{ NODE, "strategy: static", "strategy: static\n    aliases: [x, x]",
	    "node/payments.yaml:7:18: 'x' is listed twice" },
	{ NODE, "groups: ",
	    "groups:\n"
	    "  other: {strategy: static, targets: [openai/gpt-5-mini], "
	    "aliases: [gpt-5]}\n"
	    "  more: {strategy: static, targets: [openai/gpt-5-mini], "
	    "aliases: [a, gpt-5]}\n"
	    "  #",
	    "node/payments.yaml:6:71: 'gpt-5' is an alias of group 'other' "
	    "already" },
	{ MESH, "    models: [openai/gpt-5-mini]",
	    "    models: [openai/gpt-5-mini]\n    allow: [file]",
	    "mesh.yaml:12:13: 'file' is no thing to allow; did you mean "
	    "'files'?" },
	{ NODE, "groups: ", "tls: {cert: /a.crt}\ngroups: ",
	    "node/payments.yaml:4:6: tls needs 'key': PEM: its key, without a "
	    "password, and not readable by everybody" },
	{ NODE, "groups: ", "tls: {cert: a.crt, key: /a.key}\ngroups: ",
	    "node/payments.yaml:4:13: 'a.crt' is no path; write one that "
	    "begins with a slash" },
	/* across files */
	{ MESH, "parents: [central]", "parents: [centrl]",
	    "mesh.yaml:6:52: there is no member 'centrl'; did you mean "
	    "'central'?" },
	{ MESH, "parents: [central]", "parents: [payments]",
	    "mesh.yaml:6:52: a loop of parents: 'payments' is above itself; "
	    "parents lead to an egress" },
	{ MESH, "parents: [central]", "parents: [central, other]",
	    "mesh.yaml:6:61: there is no member 'other'" },
	{ MESH, "parents: [central]", "parents: [central, payments]",
	    "mesh.yaml:6:61: a loop of parents: 'payments' is above itself; "
	    "parents lead to an egress" },
	{ MESH, "parents: [central]", "parents: [central, central]",
	    "mesh.yaml:6:61: 'central' is listed twice" },
	{ MESH, "parents: [central]", "parents: [central, b, c, d, e]",
	    "mesh.yaml:6:70: a node has at most 4 parents; remove it" },
	{ MESH, ", parents: [central]", "",
	    "mesh.yaml:6:3: a node needs 'parents': the egresses that it "
	    "dials" },
	{ MESH, "role: node, team: payments", "role: node, team: paymnts",
	    "mesh.yaml:6:32: there is no team 'paymnts'; did you mean "
	    "'payments'?" },
	{ MESH, "role: node, team: payments", "role: node",
	    "mesh.yaml:6:3: a node needs 'team': the team that it belongs "
	    "to" },
	{ MESH, "team: payments,", "team: payments, address: \"a:1\",",
	    "mesh.yaml:6:51: 'address' of a node is known, but this version "
	    "does not act on it yet; remove it" },
	{ MESH, "role: egress,", "role: egress, team: payments,",
	    "mesh.yaml:5:34: an egress belongs to no team; remove 'team'" },
	{ MESH, "role: egress,", "role: egress, parents: [payments],",
	    "mesh.yaml:5:28: an egress has no parents; remove 'parents'" },
	{ MESH, "address: \"127.0.0.1:7443\", ", "",
	    "mesh.yaml:5:3: an egress needs 'address': where nodes dial it" },
	{ MESH, "models: [openai/gpt-5-mini]", "models: [openai/gpt-5-*, x/*]",
	    "mesh.yaml:11:30: the grant 'x/*' matches no model of any "
	    "egress" },
	{ MESH, "models: [openai/gpt-5-mini]", "models: [openai/gpt-5-min]",
	    "mesh.yaml:11:14: the grant 'openai/gpt-5-min' matches no model of "
	    "any egress; did you mean 'openai/gpt-5-mini'?" },
	{ NODE, "[openai/gpt-5-mini]", "[openai/gpt-5-mino]",
	    "node/payments.yaml:7:15: neither this file nor "
	    "egress/central.yaml has a model 'openai/gpt-5-mino'; did you mean "
	    "'openai/gpt-5-mini'?" },
	{ MESH, "    models: [openai/gpt-5-mini]", "    #",
	    "node/payments.yaml:7:15: team 'payments' may not use "
	    "'openai/gpt-5-mini': the operator has to list it in mesh.yaml "
	    "under teams.payments.models" },
	{ MESH, "\nteams:",
	    "  new: {role: node, team: payments, parents: "
	    "[central], keys: [\"ed25519:"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}\n"
	    "\nteams:",
	    "mesh.yaml:7:3: has no file: write node/new.yaml" },
};

/* Fails and shows what was said when the line is not in it. */
static void
expect_line(const char *said, const char *line)
{
	const char *at = strstr(said, line);

	if (at == NULL || (at != said && at[-1] != '\n') ||
	    at[strlen(line)] != '\n')
		fail_msg("expected:\n%s\nsaid:\n%s", line, said);
}

static void
validate_says(struct fixture *f, const char *expect)
{
	struct review *r = review_new(in_root(f, "mesh"), NULL);
	struct buf said;

	buf_init(&said, FILE_TEXT_MAX);
	assert_false(check_folder(&r->folder));
	mistakes_put(&r->mistakes, &said);
	expect_line(buf_text(&said), expect);
	buf_fini(&said);
	review_free(r);
}

static void
each_mistake_is_told_at_its_place(void **state)
{
	struct fixture f;
	char *before;
	size_t i;

	(void)state;
	fixture_make(&f);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	for (i = 0; i < count_of(cases); i++) {
		const struct mistake_case *c = &cases[i];

		before = read_text(in_dir(&f, c->file));
		edit(in_dir(&f, c->file), c->find, c->put);
		validate_says(&f, c->expect);
		assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 1);
		write_text(in_dir(&f, c->file), before);
		free(before);
	}
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 0);
	fixture_free(&f);
}

static void
files_and_members_belong_together(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	write_text(in_dir(&f, "egress/centrals.yaml"), "listen: a:1\n");
	validate_says(&f, "egress/centrals.yaml: mesh.yaml has no member "
			  "'centrals'; did you mean 'central'?");
	assert_int_equal(remove(in_dir(&f, "egress/centrals.yaml")), 0);
	write_text(in_dir(&f, "egress/payments.yaml"), "listen: a:1\n");
	validate_says(&f, "egress/payments.yaml: mesh.yaml says that "
			  "'payments' is no egress");
	assert_int_equal(remove(in_dir(&f, "egress/payments.yaml")), 0);
	write_text(in_dir(&f, "node/x.yml"), "a: b\n");
	validate_says(&f,
	    "node/x.yml: is no file of a member: name it NAME.yaml");
	assert_int_equal(remove(in_dir(&f, "node/x.yml")), 0);
	assert_int_equal(remove(in_dir(&f, "mesh.yaml")), 0);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 1);
	fixture_free(&f);
}

static void
a_key_belongs_to_one_member(void **state)
{
	char key[PUBLIC_KEY_CHARS], with[128];
	struct public_key team;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	assert_true(keyfile_public(in_root(&f, "payments.key"), &team, &f.why));
	public_key_write(&team, key);
	snprintf(with, sizeof(with), "keys: [\"%s\", \"", key);
	edit(in_dir(&f, "mesh.yaml"), "keys: [\"", with);
	validate_says(&f, "mesh.yaml:10:18: is the key of 'central' too; each "
			  "has its own");
	fixture_free(&f);
}

/* Five mistakes in three files, in one run and in order. */
static void
all_mistakes_come_at_once(void **state)
{
	struct review *r;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	edit(in_dir(&f, MESH), "parents: [central]", "parents: [x]");
	edit(in_dir(&f, EGRESS), "listen:", "listn:");
	edit(in_dir(&f, NODE), "strategy: static", "strategy: magic");
	edit(in_dir(&f, NODE), "listen: 127.0.0.1:8080", "listen: 8080");
	r = review_new(in_root(&f, "mesh"), NULL);
	assert_false(check_folder(&r->folder));
	buf_reset(&f.why);
	mistakes_put(&r->mistakes, &f.why);
	assert_int_equal(r->mistakes.count, 5);
	assert_string_equal(r->mistakes.items[0].source->name, MESH);
	assert_string_equal(r->mistakes.items[1].source->name, EGRESS);
	assert_string_equal(r->mistakes.items[2].source->name, EGRESS);
	assert_string_equal(r->mistakes.items[3].source->name, NODE);
	assert_int_equal(r->mistakes.items[3].place.line, 2);
	review_free(r);
	fixture_free(&f);
}

/* Every key of the full example that is not acted on is told as such. */
static void
full_example_is_told_line_by_line(void **state)
{
	char *expected = read_text("tests/unit/topology/full.expected");
	struct review *r = review_new("topology/example/full", NULL);
	struct buf said;

	(void)state;
	buf_init(&said, FILE_TEXT_MAX);
	assert_false(check_folder(&r->folder));
	mistakes_put(&r->mistakes, &said);
	assert_string_equal(buf_text(&said), expected);
	buf_fini(&said);
	review_free(r);
	free(expected);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mistake_is_told_at_its_place),
		cmocka_unit_test(files_and_members_belong_together),
		cmocka_unit_test(a_key_belongs_to_one_member),
		cmocka_unit_test(all_mistakes_come_at_once),
		cmocka_unit_test(full_example_is_told_line_by_line),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
