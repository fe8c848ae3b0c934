#include "tests/unit/topology/fixture.h"

#include <sys/stat.h>

static const struct enrolment node = { .mesh = "demo",
	.name = "payments",
	.team = "payments",
	.parent = "central",
	.role = ROLE_NODE };

/* Enroll in a new directory "state" below the root. */
static void
enroll_state(struct fixture *f)
{
	struct enrolment e = node;
	struct buf stanza;

	fixture_root(f);
	e.operator_key = f->operator_key;
	buf_init(&stanza, 4096);
	assert_true(identity_enroll(in_root(f, "state"), &e, &stanza, &f->why));
	buf_fini(&stanza);
}

static void
cannot_open(struct fixture *f, const char *words)
{
	struct identity id;

	buf_reset(&f->why);
	assert_false(identity_open(&id, in_root(f, "state"), &f->why));
	if (strstr(buf_text(&f->why), words) == NULL)
		fail_msg("expected: %s\nsaid: %s", words, buf_text(&f->why));
}

static void
what_was_enrolled_is_opened(void **state)
{
	struct fixture f;
	struct identity id;
	struct stat st;

	(void)state;
	enroll_state(&f);
	assert_int_equal(stat(in_root(&f, "state"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(in_root(&f, "state/identity.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	if (!identity_open(&id, in_root(&f, "state"), &f.why))
		fail_msg("%s", buf_text(&f.why));
	assert_string_equal(id.mesh, "demo");
	assert_string_equal(id.name, "payments");
	assert_int_equal(id.role, ROLE_NODE);
	assert_memory_equal(&id.operator_key, &f.operator_key,
	    sizeof(id.operator_key));
	assert_non_null(id.key);
	assert_int_equal(id.mesh_version, 0);
	identity_close(&id);
	fixture_free(&f);
}

static void
stanza_is_the_line_of_the_example(void **state)
{
	struct enrolment egress = { .mesh = "demo",
		.name = "central",
		.address = "127.0.0.1:7443",
		.role = ROLE_EGRESS };
	char key[PUBLIC_KEY_CHARS], expected[256];
	struct identity id;
	struct buf stanza;
	struct fixture f;

	(void)state;
	fixture_root(&f);
	buf_init(&stanza, 4096);
	assert_true(identity_enroll(in_root(&f, "n"), &node, &stanza, &f.why));
	assert_true(identity_open(&id, in_root(&f, "n"), &f.why));
	public_key_write(&id.public, key);
	identity_close(&id);
	snprintf(expected, sizeof(expected),
	    "payments: {role: node, team: payments, parents: [central], "
	    "keys: [\"%s\"]}\n",
	    key);
	assert_string_equal(buf_text(&stanza), expected);
	buf_reset(&stanza);
	assert_true(
	    identity_enroll(in_root(&f, "e"), &egress, &stanza, &f.why));
	assert_true(identity_open(&id, in_root(&f, "e"), &f.why));
	public_key_write(&id.public, key);
	identity_close(&id);
	snprintf(expected, sizeof(expected),
	    "central: {role: egress, address: \"127.0.0.1:7443\", keys: "
	    "[\"%s\"]}\n",
	    key);
	assert_string_equal(buf_text(&stanza), expected);
	buf_fini(&stanza);
	fixture_free(&f);
}

static void
nobody_is_enrolled_twice_or_half(void **state)
{
	static const struct enrolment bad[] = {
		{ .mesh = "Demo", .name = "a", .team = "a", .parent = "b" },
		{ .mesh = "demo", .name = "a/b", .team = "a", .parent = "b" },
		{ .mesh = "demo", .name = "a", .parent = "b" },
		{ .mesh = "demo", .name = "a", .team = "a" },
		{ .mesh = "demo", .name = "a", .role = ROLE_EGRESS },
		{ .mesh = "demo",
		    .name = "a",
		    .role = ROLE_EGRESS,
		    .address = "host:1\", x: \"" },
	};
	struct fixture f;
	size_t i;

	(void)state;
	enroll_state(&f);
	assert_false(
	    identity_enroll(in_root(&f, "state"), &node, &f.why, &f.why));
	assert_non_null(strstr(buf_text(&f.why), "is enrolled already"));
	for (i = 0; i < count_of(bad); i++) {
		assert_false(identity_enroll(in_root(&f, "new"), &bad[i],
		    &f.why, &f.why));
		assert_int_not_equal(access(in_root(&f, "new"), F_OK), 0);
	}
	fixture_free(&f);
}

static void
a_state_directory_that_is_not_whole_is_refused(void **state)
{
	struct fixture f;

	(void)state;
	enroll_state(&f);
	assert_int_equal(chmod(in_root(&f, "state/identity.key"), 0640), 0);
	cannot_open(&f, "may be read by others: chmod 600");
	assert_int_equal(chmod(in_root(&f, "state/identity.key"), 0600), 0);
	edit(in_root(&f, "state/member.yaml"), "role: node", "role: hub");
	cannot_open(&f, "member.yaml is not as enroll wrote it");
	edit(in_root(&f, "state/member.yaml"), "role: hub", "role: node");
	edit(in_root(&f, "state/seen.yaml"), "revoked:", "revoked: x #");
	cannot_open(&f, "seen.yaml is not as it was written");
	/* Without it an older topology would be taken. */
	assert_int_equal(remove(in_root(&f, "state/seen.yaml")), 0);
	cannot_open(&f, "seen.yaml is not there");
	fixture_free(&f);
}

static void
a_key_that_is_none_is_refused(void **state)
{
	struct fixture f;
	char *text;

	(void)state;
	enroll_state(&f);
	text = read_text(in_root(&f, "state/identity.key"));
	/* The halves of a key belong together. */
	text[strlen("gsr-signing-key/v1 ")] ^= 1;
	assert_int_equal(remove(in_root(&f, "state/identity.key")), 0);
	assert_true(file_create(in_root(&f, "state/identity.key"), 0600,
	    slice_of(text)));
	cannot_open(&f, "is no signing key");
	free(text);
	assert_int_equal(remove(in_root(&f, "state/identity.key")), 0);
	cannot_open(&f, "identity.key cannot be read");
	fixture_free(&f);
}

/* What a loaded topology tells the identity; no folder is needed. */
static void
versions_only_rise_and_survive(void **state)
{
	struct hash rollback[] = { hash_of("r", 1) };
	struct public_key revoked[1] = { { { 7 } } };
	struct topology t = { .mesh_version = 5,
		.node_version = 3,
		.mesh_hash = hash_of("m", 1),
		.node_hash = hash_of("n", 1),
		.mesh_rollback = rollback,
		.mesh_rollback_count = 1,
		.revoked = revoked,
		.revoked_count = 1 };
	struct topology_pin pin;
	struct identity id;
	struct fixture f;

	(void)state;
	enroll_state(&f);
	assert_true(identity_open(&id, in_root(&f, "state"), &f.why));
	assert_true(identity_saw(&id, &t, &f.why));
	/* Rolled back: what was seen stays seen. */
	t.mesh_version = 4;
	t.mesh_hash = hash_of("o", 1);
	t.mesh_rollback_count = 0;
	assert_true(identity_saw(&id, &t, &f.why));
	identity_close(&id);
	assert_true(identity_open(&id, in_root(&f, "state"), &f.why));
	identity_pin(&id, &pin);
	assert_int_equal(pin.mesh_version, 5);
	assert_int_equal(pin.node_version, 3);
	assert_int_equal(pin.mesh_rollback_count, 1);
	assert_memory_equal(&pin.mesh_rollback[0], &rollback[0],
	    sizeof(rollback[0]));
	assert_int_equal(pin.revoked_count, 1);
	assert_memory_equal(&pin.revoked[0], &revoked[0], sizeof(revoked[0]));
	t.mesh_version = 6;
	assert_true(identity_saw(&id, &t, &f.why));
	assert_int_equal(id.mesh_version, 6);
	assert_int_equal(id.mesh_rollback_count, 0);
	identity_close(&id);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_enrolled_is_opened),
		cmocka_unit_test(stanza_is_the_line_of_the_example),
		cmocka_unit_test(nobody_is_enrolled_twice_or_half),
		cmocka_unit_test(
		    a_state_directory_that_is_not_whole_is_refused),
		cmocka_unit_test(a_key_that_is_none_is_refused),
		cmocka_unit_test(versions_only_rise_and_survive),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
