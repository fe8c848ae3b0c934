#pragma once
/*
 * parent: on which workers each parent's link is up, and on which its catalog
 * came: what the whole process knows of links that belong to the workers.
 * Names come and go with the topology.  Shared by the threads, by a lock that
 * is held for microseconds.
 */
#include <stdint.h>

#include "common/base/slice.h"

struct parents;

enum parent_has { PARENT_LINK, PARENT_CATALOG };

struct parents *parents_new(void);
void parents_free(struct parents *p); /* NULL is fine */

/* A worker has its link, or its catalog, from now on or no more. */
void parents_note(struct parents *p, const char *name, unsigned worker,
    enum parent_has what, bool has);

/* Bits: 1 << the worker's index. */
struct parent_look {
	uint64_t up;
	uint64_t serves; /* up, and its catalog is there */
};
struct parent_look parents_look(struct parents *p, struct slice name);
