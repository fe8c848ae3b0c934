#pragma once
/*
 * lock: the signed list of what belongs together.  mesh.lock (the operator's)
 * names mesh.yaml, the egress files and each team's signing key; a
 * node/NAME.lock (the team's) names one node file.  Its hash is that of its
 * signed bytes.  lock.c begins with the format.  Pure.
 */
#include "common/base/crypto.h"

struct arena;
struct buf;
struct secret;

#define LOCK_ENTRIES_MAX 1024 /* of each kind */
#define HASH_CHARS       (2 * HASH_BYTES + 1)

enum lock_kind { LOCK_MESH, LOCK_NODE };

struct lock_file {
	struct slice name;
	struct hash hash;
};

struct lock_team {
	struct slice name;
	struct public_key key;
};

struct lock {
	enum lock_kind kind;
	struct slice mesh, member;
	int64_t version;
	struct slice signed_at;
	bool has_previous;
	struct hash previous;
	struct lock_file *files;
	size_t files_count;
	struct lock_team *teams;
	size_t teams_count;
	struct public_key *revoked;
	size_t revoked_count;
	struct hash *rollback;
	size_t rollback_count;
	struct hash hash; /* of the signed bytes; set by lock_parse */
};

/*
 * Is it a lock's text that ends in a signature line, signed by this key?
 * To be asked before lock_parse, which believes what it reads.
 */
must_check bool lock_signed_by(enum lock_kind kind, struct slice text,
    const struct public_key *key);

/* False and the number of the line that is not as it should be. */
must_check bool lock_parse(struct lock *lock, struct arena *arena,
    enum lock_kind kind, struct slice text, int *line);

/* Append the lock with its signature. */
void lock_write(struct buf *out, const struct lock *lock,
    const struct secret *key);

/* NULL when the lock does not name it. */
const struct lock_file *lock_find_file(const struct lock *lock,
    struct slice name);

bool lock_revokes(const struct lock *lock, const struct public_key *key);
