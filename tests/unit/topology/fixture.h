#pragma once
/*
 * fixture: a copy of topology/example/first in a directory of its own, with
 * keys, enrolled members and signatures, made by the commands people use.
 */
#include "tests/unit/topology/text.h"
#include "tests/unit/topology/tool.h"

#include <ftw.h>

#include "common/base/buf.h"
#include "common/member/identity.h"
#include "topology/keyfile.h"

struct fixture {
	char root[64]; /* holds everything below */
	struct public_key operator_key;
	struct buf why; /* of the last thing that was asked */
};

/* A path below the root, or below the folder; good for the next seven. */
static inline const char *
in_root(const struct fixture *f, const char *name)
{
	static char paths[8][192];
	static unsigned next;
	char *path = paths[next++ % count_of(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", f->root, name);
	return path;
}

static inline const char *
in_dir(const struct fixture *f, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "mesh/%s", name);
	return in_root(f, path);
}

static inline void
copy_example(const struct fixture *f, const char *name)
{
	char command[256];

	snprintf(command, sizeof(command), "cp -r topology/example/%s %s/mesh",
	    name, f->root);
	assert_int_equal(system(command), 0);
}

/* A directory with the keys of the operator and of team payments. */
static inline void
fixture_root(struct fixture *f)
{
	struct public_key team;

	snprintf(f->root, sizeof(f->root), "/tmp/topology_test.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	buf_init(&f->why, FILE_TEXT_MAX);
	assert_true(keyfile_make(in_root(f, "operator.key"), &f->operator_key,
	    &f->why));
	assert_true(keyfile_make(in_root(f, "payments.key"), &team, &f->why));
}

/* Enroll, and put the stanza into mesh.yaml. */
static inline void
enroll(struct fixture *f, const struct enrolment *e)
{
	struct buf stanza;

	buf_init(&stanza, 4096);
	assert_true(identity_enroll(in_root(f, e->name), e, &stanza, &f->why));
	write_text(in_root(f, "stanza"), buf_text(&stanza));
	assert_int_equal(TOPOLOGY("add", in_root(f, "mesh"),
			     in_root(f, "stanza")),
	    0);
	buf_fini(&stanza);
}

static inline int
sign_mesh(const struct fixture *f)
{
	return TOPOLOGY("sign", in_root(f, "mesh"), "--key",
	    in_root(f, "operator.key"));
}

static inline int
sign_node(const struct fixture *f)
{
	return TOPOLOGY("sign", in_root(f, "mesh"), "--key",
	    in_root(f, "payments.key"), "--node", "payments");
}

/* The folder `first`, enrolled and signed. */
static inline void
fixture_make(struct fixture *f)
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
	char key[PUBLIC_KEY_CHARS], line[128];
	struct public_key team;

	fixture_root(f);
	copy_example(f, "first");
	assert_true(keyfile_public(in_root(f, "payments.key"), &team, &f->why));
	public_key_write(&team, key);
	snprintf(line, sizeof(line), "signing_key: \"%s\"", key);
	edit(in_dir(f, "mesh.yaml"), "signing_key: \"ed25519:…\"", line);
	central.operator_key = payments.operator_key = f->operator_key;
	enroll(f, &central);
	enroll(f, &payments);
	assert_int_equal(sign_mesh(f), 0);
	assert_int_equal(sign_node(f), 0);
}

static inline int
fixture_remove(const char *path, const struct stat *st, int type,
    struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void
fixture_free(struct fixture *f)
{
	assert_int_equal(nftw(f->root, fixture_remove, 8, FTW_DEPTH | FTW_PHYS),
	    0);
	buf_fini(&f->why);
}
