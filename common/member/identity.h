#pragma once
/*
 * identity: who this member is, in its state directory: identity.key (0600),
 * member.yaml (mesh, name, role, the pinned operator key) and seen.yaml (the
 * highest topology versions).  For the main and clerk threads.
 */
#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "topology/load.h"

struct buf;
struct secret;

struct identity {
	char mesh[NAME_CHARS_MAX + 1];
	char name[NAME_CHARS_MAX + 1];
	enum member_role role;
	struct public_key operator_key;
	struct public_key public;
	struct secret *key;
	int64_t mesh_version, node_version; /* highest seen */
	struct hash mesh_hash, node_hash;   /* of those */
	/* Earlier locks that those let us go back to. */
	struct hash *mesh_rollback, *node_rollback;
	size_t mesh_rollback_count, node_rollback_count;
	struct public_key *revoked; /* by any lock seen */
	size_t revoked_count;
	struct arena arena; /* of these arrays */
	char state_dir[4096];
};

/*
 * Make the directory, the key and the pin; refuses a directory that is
 * enrolled already.  Appends the stanza for mesh.yaml to `stanza`.  False
 * and one line in `why`.
 */
struct enrolment {
	const char *mesh, *name, *team, *address, *parent;
	enum member_role role;
	struct public_key operator_key;
};
must_check bool identity_enroll(const char *state_dir,
    const struct enrolment *e, struct buf *stanza, struct buf *why);

/* False and the reason, with what to do, in `why`. */
must_check bool identity_open(struct identity *id, const char *state_dir,
    struct buf *why);
void identity_close(struct identity *id);

/* The pin that topology_load wants; good until identity_saw or _close. */
void identity_pin(const struct identity *id, struct topology_pin *pin);

/* Remember the versions of a topology that was taken; durable. */
must_check bool identity_saw(struct identity *id, const struct topology *t,
    struct buf *why);
