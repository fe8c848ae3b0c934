#include "common/format/jsonkeys.h"

#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/format/json.h"
#include "common/format/jsontext.h"

#define FEW_KEYS  16
#define TABLE_MAX (2 * JSON_MEMBERS_MAX)

/* The array of first keys stays as it is: it is written before it is read. */
void
jsonkeys_init(struct jsonkeys *all)
{
	all->keys = all->first;
	all->count = 0;
	all->cap = JSONKEYS_FIRST;
}

void
jsonkeys_fini(struct jsonkeys *all)
{
	if (all->keys != all->first)
		free(all->keys);
	jsonkeys_init(all);
}

struct json_members
jsonkeys_open(const struct jsonkeys *all)
{
	return (struct json_members){ .first = all->count };
}

static uint64_t
bit_of(const struct json_key *k)
{
	unsigned mix = k->len * 7;

	if (k->len > 0)
		mix += (unsigned char)k->ptr[0] * 3u +
		       (unsigned char)k->ptr[k->len - 1];
	return 1ull << (mix & 63);
}

static bool
is_among(const struct jsonkeys *all, const struct json_members *m,
    const struct json_key *k)
{
	size_t i;

	for (i = m->first; i < all->count; i++)
		if (all->keys[i].len == k->len &&
		    memcmp(all->keys[i].ptr, k->ptr, k->len) == 0)
			return true;
	return false;
}

static void
make_room(struct jsonkeys *all)
{
	struct json_key *old = all->keys;

	if (all->count < all->cap)
		return;
	all->cap *= 2;
	if (old != all->first) {
		all->keys = xrealloc(old, all->cap * sizeof(*old));
		return;
	}
	all->keys = xmalloc(all->cap * sizeof(*old));
	memcpy(all->keys, all->first, sizeof(all->first));
}

bool
jsonkeys_add(struct jsonkeys *all, struct json_members *m,
    const struct json_key *k)
{
	uint64_t bit = bit_of(k);

	if (m->count < FEW_KEYS && (m->seen & bit) != 0 && is_among(all, m, k))
		return false;
	m->seen |= bit;
	m->escaped |= k->escaped;
	m->count++;
	make_room(all);
	all->keys[all->count++] = *k;
	return true;
}

/* Of the unescaped key; never 0, which marks a free place in the table. */
static uint64_t
hash_of_key(const struct json_key *k)
{
	char plain[JSON_KEY_MAX];
	uint64_t hash;

	if (!k->escaped)
		hash = crypto_short_hash(k->ptr, k->len);
	else
		hash = crypto_short_hash(plain,
		    jsontext_unescape(plain, slice_make(k->ptr, k->len)));
	return hash != 0 ? hash : 1;
}

/*
 * Keys with the same 64-bit keyed hash are taken to be the same.  Not inlined:
 * the table must not lie in every frame of the parser's recursion.
 */
__attribute__((noinline)) static const char *
twice(const struct json_key *keys, size_t count)
{
	uint64_t table[TABLE_MAX], hash;
	size_t size = 2 * FEW_KEYS, i, at;

	while (size < 2 * count)
		size *= 2;
	memset(table, 0, size * sizeof(*table));
	for (i = 0; i < count; i++) {
		hash = hash_of_key(&keys[i]);
		for (at = hash & (size - 1); table[at] != 0;
		     at = (at + 1) & (size - 1))
			if (table[at] == hash)
				return keys[i].ptr;
		table[at] = hash;
	}
	return NULL;
}

const char *
jsonkeys_close(struct jsonkeys *all, const struct json_members *m)
{
	all->count = m->first;
	if (m->count <= FEW_KEYS && !m->escaped)
		return NULL;
	return twice(all->keys + m->first, m->count);
}
