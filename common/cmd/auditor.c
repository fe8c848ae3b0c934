#include "common/cmd/auditor.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/export/bundle.h"
#include "topology/keyfile.h"
#include "topology/keyring.h"

#define WHY_MAX (64 * 1024)

struct auditor {
	struct keyring *keys;
};

struct auditor *
auditor_new(const char *topology, const char *operator_key)
{
	struct public_key key;
	struct auditor *a = NULL;
	struct keyring *keys = NULL;
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (operator_key == NULL)
		fprintf(stderr, "keys are taken from mesh.yaml as it stands; "
				"--operator-key KEY checks who signed it\n");
	if (operator_key == NULL || keyfile_public(operator_key, &key, &why))
		keys = keyring_open(topology,
		    operator_key != NULL ? &key : NULL, &why);
	if (keys != NULL) {
		a = xcalloc(1, sizeof(*a));
		a->keys = keys;
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return a;
}

void
auditor_free(struct auditor *a)
{
	if (a == NULL)
		return;
	keyring_close(a->keys);
	free(a);
}

const struct public_key *
auditor_key(void *auditor, struct slice member, size_t which)
{
	const struct auditor *a = auditor;
	const struct member *m = mesh_member(keyring_mesh(a->keys), member);

	return m != NULL && which < m->keys_count ? &m->keys[which] : NULL;
}

const struct mesh *
auditor_mesh(const struct auditor *a)
{
	return keyring_mesh(a->keys);
}

bool
auditor_open(struct auditor *a, const char *dir, struct bundle *b)
{
	struct slice mesh = keyring_mesh(a->keys)->name;
	struct buf why;
	bool good;

	buf_init(&why, WHY_MAX);
	good = bundle_open(b, dir, &why);
	if (good && !slice_is(mesh, b->manifest.mesh)) {
		buf_printf(&why, "%s is of mesh '%s', the topology of '%.*s'\n",
		    dir, b->manifest.mesh, SLICE_FMT(mesh));
		bundle_close(b);
		good = false;
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return good;
}

static const struct member *
member_of(const struct auditor *a, const struct bundle *b)
{
	return mesh_member(keyring_mesh(a->keys), slice_of(b->manifest.member));
}

size_t
auditor_check(struct auditor *a, const struct bundle *b,
    void (*finding)(void *arg, const char *line), void *arg)
{
	const struct member *m = member_of(a, b);

	return bundle_check(b, m != NULL ? m->keys : NULL,
	    m != NULL ? m->keys_count : 0, finding, arg);
}

bool
auditor_is_egress(const struct auditor *a, const struct bundle *b)
{
	const struct member *m = member_of(a, b);

	return m != NULL && m->role == ROLE_EGRESS;
}
