#pragma once
/*
 * trust: do the locks of a folder vouch for its files?  Nothing of a file is
 * parsed before its lock is known to be good.  Adds to the folder's mistakes.
 */
#include "topology/folder.h"
#include "topology/lock.h"

/*
 * mesh.lock: there, signed by this key, and exactly these files.  To be asked
 * before folder_parse_mesh.
 */
must_check bool trust_mesh(struct folder *f,
    const struct public_key *operator_key, struct lock *lock);

/* mesh.yaml says what the lock says; to be asked after folder_parse_mesh. */
void trust_content(struct folder *f, const struct lock *lock);

/*
 * node/NAME.lock: there, signed by the key of its team as mesh.yaml has it,
 * and of this mesh, member and file.  `lock` is the file's.
 */
must_check bool trust_node(struct folder *f, struct folder_file *file,
    struct lock *lock);

/* The lock that lies beside a node's file. */
struct folder_file *folder_node_lock(const struct folder *f,
    const struct folder_file *node);
