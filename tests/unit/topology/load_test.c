#include "tests/unit/topology/fixture.h"

#include "common/llm/allow.h"
#include "common/llm/capability.h"
#include "common/llm/drop.h"
#include "topology/load.h"

static const struct model *
egress_model(const struct topology *t)
{
	return &t->egress->providers[0].models[0];
}

/* What a member does at start: NULL and f->why when it refuses. */
static struct topology *
load_as(struct fixture *f, const char *name)
{
	struct topology_pin pin;
	struct topology *t;
	struct identity id;

	buf_reset(&f->why);
	if (!identity_open(&id, in_root(f, name), &f->why))
		fail_msg("%s", buf_text(&f->why));
	identity_pin(&id, &pin);
	t = topology_load(in_root(f, "mesh"), &pin, &f->why);
	if (t != NULL)
		assert_true(identity_saw(&id, t, &f->why));
	identity_close(&id);
	return t;
}

static void
loads_version(struct fixture *f, const char *name, int64_t version)
{
	struct topology *t = load_as(f, name);

	if (t == NULL)
		fail_msg("%s", buf_text(&f->why));
	assert_int_equal(t->mesh_version, version);
	topology_release(t);
}

/* The member refuses, and says at least these words. */
static void
refuses(struct fixture *f, const char *name, const char *words)
{
	struct topology *t = load_as(f, name);

	if (t != NULL)
		fail_msg("%s took what it should refuse: %s", name, words);
	if (strstr(buf_text(&f->why), words) == NULL)
		fail_msg("expected: %s\nsaid: %s", words, buf_text(&f->why));
}

static void
shell(struct fixture *f, const char *command)
{
	char line[512];

	snprintf(line, sizeof(line), "cd %s && %s", f->root, command);
	assert_int_equal(system(line), 0);
}

static void
both_roles_load_what_is_theirs(void **state)
{
	struct topology *t;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	t = load_as(&f, "payments");
	assert_non_null(t);
	assert_true(slice_is(t->mesh.name, "demo"));
	assert_true(slice_is(t->self->name, "payments"));
	assert_null(t->egress);
	assert_true(slice_is(t->node->listen, "127.0.0.1:8080"));
	assert_true(slice_is(t->node->admin_listen, "127.0.0.1:0"));
	assert_int_equal(t->node->timeouts.connect_ms, 10000);
	assert_int_equal(t->node->timeouts.first_byte_ms, 300000);
	assert_int_equal(t->node->max_body_bytes, 32 << 20);
	assert_int_equal(t->node->body_memory_bytes, 256 << 20);
	assert_true(slice_is(node_group(t->node, slice_of("assistant"))
				 ->targets[0]
				 .model,
	    "openai/gpt-5-mini"));
	assert_int_equal(t->mesh_version, 1);
	assert_int_equal(t->node_version, 1);
	assert_int_equal(strlen(t->hash_text), 16);
	assert_ptr_equal(topology_hold(t), t);
	topology_release(t);
	topology_release(t);
	topology_release(NULL);
	fixture_free(&f);
}

static void
an_egress_loads_its_providers(void **state)
{
	const struct model *model;
	struct topology *t;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	t = load_as(&f, "central");
	assert_non_null(t);
	assert_null(t->node);
	assert_int_equal(t->node_version, 0);
	model = find_model(t->egress->providers, t->egress->providers_count,
	    slice_of("openai/gpt-5-mini"));
	assert_non_null(model);
	assert_ptr_equal(model->provider, &t->egress->providers[0]);
	assert_true(
	    slice_is(model->provider->base_url, "https://api.openai.com/v1"));
	assert_true(slice_is(model->provider->secret, "openai"));
	assert_string_equal(model->provider->type->cap_key,
	    "max_completion_tokens");
	assert_int_equal(model->price.input, 250000);
	assert_int_equal(model->provider->dialects,
	    1u << DIALECT_CHAT | 1u << DIALECT_RESPONSES);
	assert_int_equal(model->supports, CAPABILITY_OUTPUT_CAP);
	assert_false(model->supports_stated);
	assert_false(provider_counts(model->provider));
	assert_int_equal(model->price.cached_input, 25000);
	assert_int_equal(model->price.output, 2000000);
	assert_int_equal(model->price.reasoning, PRICE_UNKNOWN);
	assert_null(find_model(t->egress->providers, t->egress->providers_count,
	    slice_of("openai/gpt-5")));
	topology_release(t);
	fixture_free(&f);
}

static void
an_unsigned_or_foreign_signature_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "mv mesh/mesh.lock m; mv mesh/node/payments.lock n");
	refuses(&f, "central", "mesh.lock: is not there");
	shell(&f, "mv m mesh/mesh.lock");
	refuses(&f, "payments", "node/payments.lock: is not there");
	loads_version(&f, "central", 1);
	/* The team's key is no operator's, and the other way round. */
	shell(&f, "rm mesh/mesh.lock");
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "payments.key")),
	    0);
	refuses(&f, "central", "mesh.lock: has no good signature by ed25519:");
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key"), "--node", "payments"),
	    1);
	fixture_free(&f);
}

static void
changed_missing_and_extra_files_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "cp -r mesh good; echo '#' >> mesh/egress/central.yaml");
	refuses(&f, "payments", "egress/central.yaml: was changed");
	refuses(&f, "central", "take both from git again");
	shell(&f, "cp good/egress/central.yaml mesh/egress/; "
		  "echo '#' >> mesh/mesh.yaml");
	refuses(&f, "central", "mesh.yaml: was changed");
	shell(&f, "cp good/mesh.yaml mesh/; echo '#' >> "
		  "mesh/node/payments.yaml");
	refuses(&f, "payments", "node/payments.yaml: was changed");
	/* What a team does to its node is no concern of others. */
	loads_version(&f, "central", 1);
	shell(&f, "cp good/node/payments.yaml mesh/node/; "
		  "cp good/egress/central.yaml mesh/egress/more.yaml");
	refuses(&f, "payments", "egress/more.yaml: is not in mesh.lock");
	shell(&f, "rm mesh/egress/*");
	refuses(&f, "central",
	    "mesh.lock: names egress/central.yaml, which is not there");
	shell(&f, "cp good/egress/central.yaml mesh/egress/; "
		  "rm mesh/node/payments.yaml");
	refuses(&f, "payments", "node/payments.yaml: is not there");
	fixture_free(&f);
}

static void
locks_and_files_do_not_mix(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "cp -r mesh v1");
	edit(in_dir(&f, "node/payments.yaml"), "8080", "8081");
	edit(in_dir(&f, "egress/central.yaml"), "2.00", "3.00");
	assert_int_equal(sign_mesh(&f), 0);
	assert_int_equal(sign_node(&f), 0);
	shell(&f, "cp -r mesh v2");
	loads_version(&f, "payments", 2);
	shell(&f, "cp v1/egress/central.yaml mesh/egress/");
	refuses(&f, "payments", "egress/central.yaml: was changed");
	shell(&f, "cp v2/egress/central.yaml mesh/egress/; "
		  "cp v1/node/payments.yaml mesh/node/");
	refuses(&f, "payments", "node/payments.yaml: was changed");
	shell(&f, "cp v1/node/payments.lock mesh/node/");
	refuses(&f, "payments",
	    "node/payments.lock: is version 1, and version 2 was taken "
	    "already");
	fixture_free(&f);
}

static void
an_older_lock_is_refused_unless_the_newest_allows_it(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "cp -r mesh v1");
	loads_version(&f, "central", 1);
	assert_int_equal(sign_mesh(&f), 0);
	loads_version(&f, "central", 2);
	shell(&f, "cp v1/mesh.lock mesh/");
	refuses(&f, "central",
	    "mesh.lock: is version 1, and version 2 was taken already");
	/* A member that never saw version 2 has no reason to refuse. */
	loads_version(&f, "payments", 1);
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key"), "--allow-rollback",
			     "last"),
	    0);
	shell(&f, "cp -r mesh v2b");
	refuses(&f, "central", "mesh.lock: is another lock of version 2");
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key")),
	    0);
	loads_version(&f, "central", 3);
	shell(&f, "cp v1/mesh.lock mesh/");
	refuses(&f, "central", "version 3 was taken already");
	fixture_free(&f);
}

static void
a_rollback_target_is_taken_and_forgotten_with_the_next_version(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "cp -r mesh v1");
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key"), "--allow-rollback",
			     "last"),
	    0);
	shell(&f, "cp -r mesh v2");
	loads_version(&f, "central", 2);
	shell(&f, "cp v1/mesh.lock mesh/");
	loads_version(&f, "central", 1);
	loads_version(&f, "central", 1); /* also after a restart */
	shell(&f, "cp v2/mesh.lock mesh/");
	loads_version(&f, "central", 2);
	assert_int_equal(sign_mesh(&f), 0);
	loads_version(&f, "central", 3);
	shell(&f, "cp v1/mesh.lock mesh/");
	refuses(&f, "central", "version 3 was taken already");
	fixture_free(&f);
}

static void
a_lock_of_another_mesh_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	edit(in_dir(&f, "mesh.yaml"), "mesh: demo", "mesh: other");
	assert_int_equal(sign_mesh(&f), 0);
	refuses(&f, "central",
	    "mesh.lock: is of mesh 'other', and this member is enrolled in "
	    "'demo'");
	fixture_free(&f);
}

static void
a_node_lock_of_another_mesh_or_node_is_refused(void **state)
{
	struct enrolment second = { .mesh = "demo",
		.name = "second",
		.team = "payments",
		.parent = "central",
		.role = ROLE_NODE };
	struct fixture f;

	(void)state;
	fixture_make(&f);
	second.operator_key = f.operator_key;
	enroll(&f, &second);
	shell(&f, "cp mesh/node/payments.yaml mesh/node/second.yaml");
	assert_int_equal(sign_mesh(&f), 0);
	/* The same bytes, the same team's key, another member. */
	shell(&f, "cp mesh/node/payments.lock mesh/node/second.lock");
	refuses(&f, "second",
	    "node/second.lock: is of member 'payments', and this is "
	    "'second'");
	loads_version(&f, "payments", 2);
	shell(&f, "rm mesh/node/*.lock");
	edit(in_dir(&f, "mesh.yaml"), "mesh: demo", "mesh: other");
	assert_int_equal(sign_node(&f), 0);
	edit(in_dir(&f, "mesh.yaml"), "mesh: other", "mesh: demo");
	refuses(&f, "payments",
	    "node/payments.lock: is of mesh 'other', and this is 'demo'");
	fixture_free(&f);
}

static void
enroll_unlisted(struct fixture *f, const char *name)
{
	struct enrolment e = { .mesh = "demo",
		.name = name,
		.team = "payments",
		.parent = "central",
		.role = ROLE_NODE,
		.operator_key = f->operator_key };

	assert_true(identity_enroll(in_root(f, name), &e, &f->why, &f->why));
}

static void
a_member_has_to_be_listed_with_its_own_key(void **state)
{
	struct fixture f;

	(void)state;
	fixture_make(&f);
	shell(&f, "mv payments was");
	enroll_unlisted(&f, "payments");
	refuses(&f, "payments",
	    "mesh.yaml:6:62: this member's own key ed25519:");
	enroll_unlisted(&f, "stranger");
	refuses(&f, "stranger", "mesh.yaml: has no member 'stranger'");
	fixture_free(&f);
}

static void
a_revoked_key_never_comes_back(void **state)
{
	char key[PUBLIC_KEY_CHARS];
	struct identity id;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	assert_true(identity_open(&id, in_root(&f, "payments"), &f.why));
	public_key_write(&id.public, key);
	identity_close(&id);
	shell(&f, "cp -r mesh v1");
	/* A key that is still listed cannot be revoked. */
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key"), "--revoke", key),
	    1);
	edit(in_dir(&f, "mesh.yaml"), key,
	    "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	assert_int_equal(TOPOLOGY("sign", in_root(&f, "mesh"), "--key",
			     in_root(&f, "operator.key"), "--revoke", key,
			     "--allow-rollback", "last"),
	    0);
	refuses(&f, "payments", "mesh.lock: revokes the key of this member");
	loads_version(&f, "central", 2);
	/* Not by listing it again, not by a later lock, not by a rollback. */
	edit(in_dir(&f, "mesh.yaml"),
	    "ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", key);
	assert_int_equal(TOPOLOGY("validate", in_root(&f, "mesh")), 1);
	assert_int_equal(sign_mesh(&f), 1);
	shell(&f, "cp v1/mesh.lock mesh/");
	refuses(&f, "central", "this key of 'payments' is revoked for ever");
	fixture_free(&f);
}

/* Plain, without fsync: thousands of these follow. */
static void
put_bytes(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* One bit of every byte, and every length that is too short. */
static void
no_bit_of_locks_and_files_can_change(void **state)
{
	static const char *const names[] = { "mesh.yaml", "mesh.lock",
		"egress/central.yaml", "node/payments.yaml",
		"node/payments.lock" };
	struct fixture f;
	size_t i, k, len;

	(void)state;
	fixture_make(&f);
	for (i = 0; i < count_of(names); i++) {
		char *text = read_text(in_dir(&f, names[i]));

		len = strlen(text);
		for (k = 0; k < len; k++) {
			text[k] = (char)(text[k] ^ (1 << (k % 8)));
			put_bytes(in_dir(&f, names[i]), text, len);
			assert_null(load_as(&f, "payments"));
			text[k] = (char)(text[k] ^ (1 << (k % 8)));
			put_bytes(in_dir(&f, names[i]), text, k);
			assert_null(load_as(&f, "payments"));
		}
		put_bytes(in_dir(&f, names[i]), text, len);
		free(text);
	}
	loads_version(&f, "payments", 1);
	fixture_free(&f);
}

static void
a_file_says_what_is_spoken_and_supported(void **state)
{
	struct topology *t;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	edit(in_dir(&f, "egress/central.yaml"), "type: openai ",
	    "type: anthropic\n    dialects: [messages, chat] ");
	edit(in_dir(&f, "egress/central.yaml"),
	    "{price:", "{supports: [tools, reasoning], price:");
	assert_int_equal(sign_mesh(&f), 0);
	t = load_as(&f, "central");
	if (t == NULL)
		fail_msg("%s", buf_text(&f.why));
	assert_int_equal(egress_model(t)->supports,
	    CAPABILITY_TOOLS | CAPABILITY_FORCED_TOOLS |
		CAPABILITY_PARALLEL_TOOLS | CAPABILITY_OUTPUT_CAP |
		CAPABILITY_REASONING);
	assert_true(egress_model(t)->supports_stated);
	assert_int_equal(egress_model(t)->provider->dialects,
	    1u << DIALECT_CHAT | 1u << DIALECT_MESSAGES);
	assert_true(provider_counts(egress_model(t)->provider));
	topology_release(t);
	fixture_free(&f);
}

static const struct group *
loaded_group(const struct topology *t, const char *name)
{
	return node_group(t->node, slice_of(name));
}

static void
a_group_says_its_names_and_what_it_drops(void **state)
{
	const struct group *g;
	struct topology *t;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	t = load_as(&f, "payments");
	assert_non_null(t);
	assert_int_equal(loaded_group(t, "assistant")->drop, DROP_HINTS);
	assert_int_equal(loaded_group(t, "assistant")->responses_state.ttl_ms,
	    0);
	assert_int_equal(loaded_group(t, "assistant")
			     ->responses_state.max_bytes,
	    0);
	topology_release(t);
	edit(in_dir(&f, "node/payments.yaml"), "strategy: static",
	    "strategy: static\n"
	    "    aliases: [claude-sonnet-5, Some/Name:x]\n"
	    "    drop: [sampling, unknown]\n"
	    "    responses_state: {ttl: 1h}");
	assert_int_equal(sign_node(&f), 0);
	t = load_as(&f, "payments");
	if (t == NULL)
		fail_msg("%s", buf_text(&f.why));
	g = loaded_group(t, "assistant");
	assert_ptr_equal(loaded_group(t, "claude-sonnet-5"), g);
	assert_ptr_equal(loaded_group(t, "Some/Name:x"), g);
	assert_null(loaded_group(t, "claude-sonnet"));
	assert_int_equal(g->drop, DROP_SAMPLING | DROP_UNKNOWN);
	assert_int_equal(g->responses_state.ttl_ms, 3600000);
	assert_int_equal(g->responses_state.max_bytes, 64 << 20);
	topology_release(t);
	edit(in_dir(&f, "node/payments.yaml"), "[sampling, unknown]", "[]");
	assert_int_equal(sign_node(&f), 0);
	t = load_as(&f, "payments");
	assert_non_null(t);
	assert_int_equal(loaded_group(t, "assistant")->drop, 0);
	topology_release(t);
	fixture_free(&f);
}

static void
a_team_is_allowed_what_mesh_says(void **state)
{
	struct topology *t;
	struct fixture f;

	(void)state;
	fixture_make(&f);
	t = load_as(&f, "central");
	assert_non_null(t);
	assert_int_equal(t->mesh.teams[0].allow, 0);
	topology_release(t);
	edit(in_dir(&f, "mesh.yaml"),
	    "    models:", "    allow: [files, speed]\n    models:");
	assert_int_equal(sign_mesh(&f), 0);
	t = load_as(&f, "central");
	if (t == NULL)
		fail_msg("%s", buf_text(&f.why));
	assert_int_equal(t->mesh.teams[0].allow, ALLOW_FILES | ALLOW_SPEED);
	topology_release(t);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_roles_load_what_is_theirs),
		cmocka_unit_test(an_egress_loads_its_providers),
		cmocka_unit_test(a_file_says_what_is_spoken_and_supported),
		cmocka_unit_test(a_group_says_its_names_and_what_it_drops),
		cmocka_unit_test(a_team_is_allowed_what_mesh_says),
		cmocka_unit_test(an_unsigned_or_foreign_signature_is_refused),
		cmocka_unit_test(changed_missing_and_extra_files_are_refused),
		cmocka_unit_test(locks_and_files_do_not_mix),
		cmocka_unit_test(
		    an_older_lock_is_refused_unless_the_newest_allows_it),
		cmocka_unit_test(
		    a_rollback_target_is_taken_and_forgotten_with_the_next_version),
		cmocka_unit_test(a_lock_of_another_mesh_is_refused),
		cmocka_unit_test(
		    a_node_lock_of_another_mesh_or_node_is_refused),
		cmocka_unit_test(a_member_has_to_be_listed_with_its_own_key),
		cmocka_unit_test(a_revoked_key_never_comes_back),
		cmocka_unit_test(no_bit_of_locks_and_files_can_change),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
