#pragma once
/*
 * seal: one Ed25519 signature shared by up to SEAL_MAX objects.
 *
 * The objects' leaf hashes are the leaves of a Merkle tree whose root and
 * count are signed; each object carries root, signature, its index and the path
 * to the root.  Anyone with the signer's public key can check one object alone.
 * leaf = H(0x00 | context | 0 | object), node = H(0x01 | left | right); an odd
 * node goes up unchanged (as in RFC 6962, so no second preimages).
 */
#include "common/base/crypto.h"

#define SEAL_MAX  64 /* objects under one signature */
#define SEAL_PATH 6  /* log2(SEAL_MAX) */

struct seal {
	struct hash root;
	struct signature signature; /* over root and count, by context */
	uint8_t index, count;       /* which of how many leaves */
	uint8_t path_len;
	struct hash path[SEAL_PATH]; /* siblings, leaf's own first */
};

/* The hash that stands for an object of that context. */
struct hash seal_leaf(const char *context, struct slice object);

/* Sign 1..SEAL_MAX leaves at once; fills seals[0..count-1]. */
void seal_make(struct seal *seals, const struct secret *key,
    const char *context, const struct hash *leaves, size_t count);

/*
 * The root that this leaf and path lead to; seal_check calls it.  False when
 * the path cannot be one of a tree of seal->count leaves.
 */
must_check bool seal_root(const struct seal *seal, const struct hash *leaf,
    struct hash *root);

/* Does this key's signature cover the object? */
must_check bool seal_check(const struct seal *seal,
    const struct public_key *key, const char *context, struct slice object);

/*
 * The last roots found good, so that the objects of one batch cost one
 * signature check.  Owned by one thread; starts zeroed.
 */
struct seal_memory {
	struct {
		struct public_key key;
		struct hash digest; /* of context, root, count and signature */
	} known[8];
	unsigned next;
};

/* As seal_check, remembering good roots. */
must_check bool seal_check_again(struct seal_memory *memory,
    const struct seal *seal, const struct public_key *key, const char *context,
    struct slice object);
