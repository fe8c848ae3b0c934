#pragma once
/*
 * map: bytes to pointer, hashed with a key of this process so that a peer
 * cannot aim for collisions.  Keys are not copied: they have to live and stay
 * as they are for as long as they are in the map (usually inside the value).
 * Owned by one thread at a time.
 */
#include "common/base/slice.h"

struct map_slot;

struct map {
	struct map_slot *slots;
	size_t count; /* entries */
	size_t cap;   /* slots: 0 or a power of two */
	size_t gone;  /* slots whose entry was removed */
};

void map_init(struct map *m);

void map_fini(struct map *m);

/* Put or replace; gives the former value or NULL.  `value` is not NULL. */
void *map_put(struct map *m, struct slice key, void *value);

/* NULL when there is none. */
void *map_find(const struct map *m, struct slice key);

/* Gives what was removed, or NULL. */
void *map_remove(struct map *m, struct slice key);

/*
 * Walk in no particular order: start with *at = 0, stop when it returns NULL.
 * Only the entry just given may be removed while walking.
 */
void *map_next(const struct map *m, size_t *at);
