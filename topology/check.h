#pragma once
/*
 * check: what has to hold across the files of a folder that was read and
 * parsed.  Adds to the folder's mistakes.
 */
#include "topology/folder.h"

/*
 * Parse the folder and check all of it, as far as files were read: all of
 * them, or the mesh and one node.  True when there is no mistake.
 */
must_check bool check_folder(struct folder *f);

/* Members, parents, teams, keys and grants, with the egress files. */
void check_mesh(struct folder *f);

/* One node file against the mesh and its parent's egress file. */
void check_node(struct folder *f, struct folder_file *file);

/* Every member has its file and every file its member. */
void check_files(struct folder *f);

/* No key that was revoked may be listed again. */
void check_revoked(struct folder *f, const struct public_key *revoked,
    size_t count);
