#pragma once
/*
 * keyring: the members of a mesh and their public keys, out of a folder, for
 * who checks what members signed and is none himself.
 */
#include "topology/mesh.h"

struct buf;
struct keyring;

/*
 * With the operator's key mesh.yaml has to be what he signed; with NULL it is
 * believed as it stands.  NULL and the reasons in `why`.
 */
struct keyring *keyring_open(const char *dir,
    const struct public_key *operator_key, struct buf *why);
void keyring_close(struct keyring *k);

const struct mesh *keyring_mesh(const struct keyring *k);
