#include "common/llm/catalog.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/format/pack.h"

#define VERSION      2
#define ENTRY_FIELDS 14
#define ARENA_MAX    (16 * 1024 * 1024)

static void
write_entry(struct buf *out, const struct catalog_entry *e)
{
	pack_array(out, ENTRY_FIELDS);
	pack_text(out, e->target);
	pack_text(out, e->model);
	pack_text(out, e->cap_key);
	pack_int(out, e->dialects);
	pack_int(out, e->max_output);
	pack_int(out, e->quirks);
	pack_int(out, e->supports);
	pack_bool(out, e->count);
	pack_int(out, e->price.input);
	pack_int(out, e->price.cached_input);
	pack_int(out, e->price.cache_write_5m);
	pack_int(out, e->price.cache_write_1h);
	pack_int(out, e->price.output);
	pack_int(out, e->price.reasoning);
}

void
catalog_write(struct buf *out, const struct catalog *c)
{
	size_t i;

	pack_array(out, 4);
	pack_int(out, VERSION);
	pack_text(out, c->egress);
	pack_text(out, c->price_book);
	pack_array(out, c->count);
	for (i = 0; i < c->count; i++)
		write_entry(out, &c->entries[i]);
}

static void
read_entry(struct unpack *u, struct arena *a, struct catalog_entry *e)
{
	if (unpack_array(u) != ENTRY_FIELDS)
		u->failed = true;
	e->target = arena_copy(a, unpack_text(u));
	e->model = arena_copy(a, unpack_text(u));
	e->cap_key = arena_copy(a, unpack_text(u));
	e->dialects = (unsigned)unpack_int(u);
	e->max_output = unpack_int(u);
	e->quirks = (unsigned)unpack_int(u);
	e->supports = (unsigned)unpack_int(u);
	e->count = unpack_bool(u);
	e->price.input = unpack_int(u);
	e->price.cached_input = unpack_int(u);
	e->price.cache_write_5m = unpack_int(u);
	e->price.cache_write_1h = unpack_int(u);
	e->price.output = unpack_int(u);
	e->price.reasoning = unpack_int(u);
}

static int
compare(struct slice a, struct slice b)
{
	int order = memcmp(a.ptr, b.ptr, min_size(a.len, b.len));

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
by_target(const void *a, const void *b)
{
	return compare(((const struct catalog_entry *)a)->target,
	    ((const struct catalog_entry *)b)->target);
}

struct catalog *
catalog_read(struct slice bytes)
{
	struct catalog *c = xcalloc(1, sizeof(*c));
	struct unpack u = unpack_start(bytes);
	struct catalog_entry *entries;
	size_t i, count;

	arena_init(&c->arena, ARENA_MAX);
	if (unpack_array(&u) != 4 || unpack_int(&u) != VERSION)
		u.failed = true;
	c->egress = arena_copy(&c->arena, unpack_text(&u));
	c->price_book = arena_copy(&c->arena, unpack_text(&u));
	count = unpack_array(&u);
	if (count > CATALOG_ENTRIES_MAX)
		u.failed = true;
	count = u.failed ? 0 : count;
	entries = arena_many(&c->arena, struct catalog_entry, count);
	for (i = 0; i < count && !u.failed; i++)
		read_entry(&u, &c->arena, &entries[i]);
	if (!unpack_done(&u)) {
		catalog_free(c);
		return NULL;
	}
	qsort(entries, count, sizeof(*entries), by_target);
	c->entries = entries;
	c->count = count;
	return c;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	arena_fini(&c->arena);
	free(c);
}

const struct catalog_entry *
catalog_find(const struct catalog *c, struct slice target)
{
	struct catalog_entry key = { .target = target };

	if (c == NULL || c->count == 0)
		return NULL;
	return bsearch(&key, c->entries, c->count, sizeof(*c->entries),
	    by_target);
}
