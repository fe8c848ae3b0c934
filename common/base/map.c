#include "common/base/map.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/base/memory.h"

#define FIRST_CAP 16

struct map_slot {
	uint64_t hash;
	struct slice key;
	void *value; /* NULL: free, or GONE */
};

static const char gone_mark;
#define GONE ((void *)&gone_mark)

void
map_init(struct map *m)
{
	*m = (struct map){ 0 };
}

void
map_fini(struct map *m)
{
	free(m->slots);
	map_init(m);
}

/* The slot that holds the key, or NULL. */
static struct map_slot *
lookup(const struct map *m, struct slice key, uint64_t hash)
{
	size_t at;

	if (m->cap == 0)
		return NULL;
	for (at = hash & (m->cap - 1);; at = (at + 1) & (m->cap - 1)) {
		struct map_slot *slot = &m->slots[at];

		if (slot->value == NULL)
			return NULL;
		if (slot->value != GONE && slot->hash == hash &&
		    slice_eq(slot->key, key))
			return slot;
	}
}

static void
insert(struct map *m, struct map_slot entry)
{
	size_t at = entry.hash & (m->cap - 1);

	while (m->slots[at].value != NULL && m->slots[at].value != GONE)
		at = (at + 1) & (m->cap - 1);
	if (m->slots[at].value == GONE)
		m->gone--;
	m->slots[at] = entry;
	m->count++;
}

/* At least a quarter of the slots stay free, so that lookups end. */
static void
make_room(struct map *m)
{
	struct map old = *m;
	size_t i;

	if ((m->count + m->gone + 1) * 4 <= m->cap * 3)
		return;
	m->cap = old.cap > 0 ? old.cap : FIRST_CAP;
	while ((m->count + 1) * 2 > m->cap)
		m->cap *= 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	m->count = m->gone = 0;
	for (i = 0; i < old.cap; i++)
		if (old.slots[i].value != NULL && old.slots[i].value != GONE)
			insert(m, old.slots[i]);
	free(old.slots);
}

void *
map_put(struct map *m, struct slice key, void *value)
{
	uint64_t hash = crypto_short_hash(key.ptr, key.len);
	struct map_slot *slot = lookup(m, key, hash);
	void *former = NULL;

	assert(value != NULL);
	if (slot != NULL) {
		former = slot->value;
		slot->key = key;
		slot->value = value;
		return former;
	}
	make_room(m);
	insert(m, (struct map_slot){ hash, key, value });
	return NULL;
}

void *
map_find(const struct map *m, struct slice key)
{
	struct map_slot *slot;

	slot = lookup(m, key, crypto_short_hash(key.ptr, key.len));
	return slot != NULL ? slot->value : NULL;
}

void *
map_remove(struct map *m, struct slice key)
{
	struct map_slot *slot;
	void *value;

	slot = lookup(m, key, crypto_short_hash(key.ptr, key.len));
	if (slot == NULL)
		return NULL;
	value = slot->value;
	slot->value = GONE;
	m->count--;
	m->gone++;
	return value;
}

void *
map_next(const struct map *m, size_t *at)
{
	while (*at < m->cap) {
		struct map_slot *slot = &m->slots[(*at)++];

		if (slot->value != NULL && slot->value != GONE)
			return slot->value;
	}
	return NULL;
}
