#include "common/base/seal.h"

#include <assert.h>

static struct hash
node_hash(const struct hash *left, const struct hash *right)
{
	uint8_t pair[1 + 2 * HASH_BYTES];

	pair[0] = 1;
	memcpy(pair + 1, left->bytes, HASH_BYTES);
	memcpy(pair + 1 + HASH_BYTES, right->bytes, HASH_BYTES);
	return hash_of(pair, sizeof(pair));
}

struct hash
seal_leaf(const char *context, struct slice object)
{
	static const uint8_t leaf_mark = 0;
	struct hashing h;

	hashing_init(&h);
	hashing_add(&h, &leaf_mark, 1);
	hashing_add(&h, context, strlen(context) + 1);
	hashing_add(&h, object.ptr, object.len);
	return hashing_done(&h);
}

/* Go one level up: halve the row in place, noting each leaf's sibling. */
static size_t
fold(struct hash *row, size_t width, unsigned level, struct seal *seals,
    size_t count)
{
	size_t i, at;

	for (i = 0; i < count; i++) {
		at = (i >> level) ^ 1;
		if (at < width)
			seals[i].path[seals[i].path_len++] = row[at];
	}
	for (i = 0; i < width; i += 2)
		row[i / 2] =
		    i + 1 < width ? node_hash(&row[i], &row[i + 1]) : row[i];
	return (width + 1) / 2;
}

/* What is signed: without the count, a path could pass for another tree's. */
struct signed_root {
	uint8_t bytes[HASH_BYTES + 1];
};

static struct signed_root
signed_root(const struct hash *root, size_t count)
{
	struct signed_root s;

	memcpy(s.bytes, root->bytes, HASH_BYTES);
	s.bytes[HASH_BYTES] = (uint8_t)count;
	return s;
}

void
seal_make(struct seal *seals, const struct secret *key, const char *context,
    const struct hash *leaves, size_t count)
{
	struct hash row[SEAL_MAX];
	struct signed_root to_sign;
	struct signature signature;
	size_t i, width = count;
	unsigned level;

	assert(count >= 1 && count <= SEAL_MAX);
	memcpy(row, leaves, count * sizeof(*leaves));
	for (i = 0; i < count; i++)
		seals[i] = (struct seal){ .index = (uint8_t)i,
			.count = (uint8_t)count };
	for (level = 0; width > 1; level++)
		width = fold(row, width, level, seals, count);
	to_sign = signed_root(&row[0], count);
	signature = sign_bytes(key, context,
	    slice_make(to_sign.bytes, sizeof(to_sign.bytes)));
	for (i = 0; i < count; i++) {
		seals[i].root = row[0];
		seals[i].signature = signature;
	}
}

bool
seal_root(const struct seal *seal, const struct hash *leaf, struct hash *root)
{
	size_t at = seal->index, width = seal->count;
	unsigned used = 0;

	if (width < 1 || width > SEAL_MAX || at >= width ||
	    seal->path_len > SEAL_PATH)
		return false;
	*root = *leaf;
	for (; width > 1; at /= 2, width = (width + 1) / 2) {
		if ((at ^ 1) >= width)
			continue;
		if (used >= seal->path_len)
			return false;
		*root = at & 1 ? node_hash(&seal->path[used], root)
			       : node_hash(root, &seal->path[used]);
		used++;
	}
	return used == seal->path_len;
}

static bool
leads_to_root(const struct seal *seal, const char *context, struct slice object)
{
	struct hash leaf = seal_leaf(context, object), root;

	return seal_root(seal, &leaf, &root) &&
	       crypto_equal(root.bytes, seal->root.bytes, HASH_BYTES);
}

bool
seal_check(const struct seal *seal, const struct public_key *key,
    const char *context, struct slice object)
{
	struct signed_root s = signed_root(&seal->root, seal->count);

	return leads_to_root(seal, context, object) &&
	       sign_check(key, context, slice_make(s.bytes, sizeof(s.bytes)),
		   &seal->signature);
}

static struct hash
digest_of(const struct seal *seal, const char *context)
{
	struct hashing h;

	hashing_init(&h);
	hashing_add(&h, context, strlen(context) + 1);
	hashing_add(&h, seal->root.bytes, HASH_BYTES);
	hashing_add(&h, &seal->count, sizeof(seal->count));
	hashing_add(&h, seal->signature.bytes, SIGNATURE_BYTES);
	return hashing_done(&h);
}

bool
seal_check_again(struct seal_memory *memory, const struct seal *seal,
    const struct public_key *key, const char *context, struct slice object)
{
	struct hash digest = digest_of(seal, context);
	size_t i;

	for (i = 0; i < count_of(memory->known); i++)
		if (memcmp(&memory->known[i].digest, &digest, sizeof(digest)) ==
			0 &&
		    memcmp(&memory->known[i].key, key, sizeof(*key)) == 0)
			return leads_to_root(seal, context, object);
	if (!seal_check(seal, key, context, object))
		return false;
	i = memory->next++ % count_of(memory->known);
	memory->known[i].key = *key;
	memory->known[i].digest = digest;
	return true;
}
