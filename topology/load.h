#pragma once
/*
 * load: a folder of topology files to a `struct topology`, whole or not at
 * all.  Every mistake is collected with file:line:col.  A loaded topology
 * never changes; it is shared by reference count, from any thread.
 */
#include "common/base/arena.h"
#include "topology/mesh.h"

struct buf;

struct topology {
	struct mesh mesh;
	const struct member *self;    /* NULL in gsr-topology */
	const struct team *team;      /* of self, when it is a node */
	const struct node_file *node; /* of self, when it is a node */
	const struct egress_file *egress;
	struct hash mesh_hash; /* of mesh.lock's signed bytes */
	struct hash node_hash; /* of node/NAME.lock's; else zero */
	struct hash hash;      /* of all that self runs by */
	char hash_text[17];    /* its first 8 bytes, hex */
	uint64_t serial; /* the process's: the later it loaded it, the more */
	int64_t mesh_version; /* of mesh.lock */
	int64_t node_version; /* of node/NAME.lock; 0 for an egress */
	const struct public_key *revoked; /* by this lock or any seen before */
	size_t revoked_count;
	/* What these locks let members go back to. */
	const struct hash *mesh_rollback, *node_rollback;
	size_t mesh_rollback_count, node_rollback_count;
	struct arena arena;
};

/* NULL is fine for both. */
struct topology *topology_hold(struct topology *t);
void topology_release(struct topology *t);

/* What a member knows before it reads the folder. */
struct topology_pin {
	const char *mesh; /* name it enrolled in */
	const char *name; /* its own */
	struct public_key operator_key;
	struct public_key identity; /* its own public key */
	/*
	 * The highest versions seen (0: none), with their hashes; an older
	 * lock is refused unless the lock of that version listed its hash as
	 * a rollback target, and another lock of that version always.
	 */
	int64_t mesh_version, node_version;
	struct hash mesh_hash, node_hash;
	const struct hash *mesh_rollback, *node_rollback;
	size_t mesh_rollback_count, node_rollback_count;
	const struct public_key *revoked; /* by any lock seen */
	size_t revoked_count;
};

/*
 * What a member does at start and reload: check locks and files.  NULL and
 * every reason as lines of "file:line:col: text" in `why`.
 */
struct topology *topology_load(const char *dir, const struct topology_pin *pin,
    struct buf *why);
