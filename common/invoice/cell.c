#include "common/invoice/cell.h"

#include <stdlib.h>

#include "common/base/map.h"
#include "common/base/memory.h"

#define KEY_BYTES (sizeof(int64_t) + MODEL_BYTES)
#define FIRST     64

/* A cell and what the map knows it by. */
struct entry {
	struct cell cell;
	char key[KEY_BYTES];
};

struct cells {
	const struct aliases *aliases;
	struct map map;
	struct cell **all;
	size_t count, room;
};

struct cells *
cells_new(const struct aliases *aliases)
{
	struct cells *c = xcalloc(1, sizeof(*c));

	c->aliases = aliases;
	map_init(&c->map);
	return c;
}

void
cells_free(struct cells *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < c->count; i++)
		free(container_of(c->all[i], struct entry, cell));
	free(c->all);
	map_fini(&c->map);
	free(c);
}

static struct slice
key_of(char key[KEY_BYTES], int64_t day, const char *model)
{
	size_t len = strlen(model);

	memcpy(key, &day, sizeof(day));
	memcpy(key + sizeof(day), model, len);
	return slice_make(key, sizeof(day) + len);
}

struct cell *
cells_find(const struct cells *c, int64_t day, const char *model)
{
	char key[KEY_BYTES];

	return map_find(&c->map, key_of(key, day, model));
}

static void
keep(struct cells *c, struct cell *cell)
{
	if (c->count == c->room) {
		c->room = c->room == 0 ? FIRST : 2 * c->room;
		c->all = xrealloc(c->all, c->room * sizeof(c->all[0]));
	}
	c->all[c->count++] = cell;
}

struct cell *
cells_get(struct cells *c, int64_t day, struct slice model)
{
	char folded[MODEL_BYTES];
	struct entry *e;
	struct cell *cell;
	size_t i;

	alias_fold(c->aliases, model, folded);
	cell = cells_find(c, day, folded);
	if (cell != NULL || c->count == CELLS_MAX)
		return cell;
	e = xcalloc(1, sizeof(*e));
	e->cell.day = day;
	memcpy(e->cell.model, folded, sizeof(folded));
	for (i = 0; i < min_size(model.len, MODEL_BYTES - 1); i++)
		e->cell.shown[i] =
		    (char)(model.ptr[i] != '\0' ? model.ptr[i] : '?');
	keep(c, &e->cell);
	map_put(&c->map, key_of(e->key, day, folded), &e->cell);
	return &e->cell;
}

static int
compare(const void *a, const void *b)
{
	const struct cell *one = *(struct cell *const *)a;
	const struct cell *other = *(struct cell *const *)b;
	int order = strcmp(one->model, other->model);

	if (order != 0)
		return order;
	return (one->day > other->day) - (one->day < other->day);
}

void
cells_sort(struct cells *c)
{
	if (c->count > 0)
		qsort(c->all, c->count, sizeof(struct cell *), compare);
}

struct cell *
cells_at(const struct cells *c, size_t n)
{
	return n < c->count ? c->all[n] : NULL;
}
