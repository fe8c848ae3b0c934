#include "common/llm/catalog.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/llm/capability.h"

#define VERSION          2
#define ENTRY_FIELDS     20
#define ENTRY_FIELDS_OLD 19 /* before prices had more than six parts */
#define ENTRY_FIELDS_MIN 14 /* an older egress ends with the prices */
#define ENTRY_FIELDS_MAX 64
#define ARENA_MAX        (16 * 1024 * 1024)

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
	pack_text(out, e->region);
	pack_int(out, e->context);
	pack_int(out, e->max_body_bytes);
	pack_int(out, e->max_tools_bytes);
	pack_bool(out, e->supports_stated);
	price_write(out, &e->price);
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

static int64_t
read_limit(struct unpack *u)
{
	int64_t limit = unpack_int(u);

	if (limit < 0)
		u->failed = true;
	return limit;
}

/* What entries had no place for at first. */
static void
read_later_fields(struct unpack *u, struct arena *a, struct catalog_entry *e)
{
	e->region = arena_copy(a, unpack_text(u));
	e->context = read_limit(u);
	e->max_body_bytes = read_limit(u);
	e->max_tools_bytes = read_limit(u);
	e->supports_stated = unpack_bool(u);
}

static void
read_entry(struct unpack *u, struct arena *a, struct catalog_entry *e)
{
	size_t i, fields = unpack_array(u);

	if (fields < ENTRY_FIELDS_MIN || fields > ENTRY_FIELDS_MAX ||
	    (fields > ENTRY_FIELDS_MIN && fields < ENTRY_FIELDS_OLD))
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
	e->price.image = PRICE_UNKNOWN;
	if (fields >= ENTRY_FIELDS_OLD)
		read_later_fields(u, a, e);
	else /* an older egress knows of no model that lacks it */
		e->supports |= CAPABILITY_OUTPUT_CAP;
	if (fields >= ENTRY_FIELDS) /* the whole of it */
		price_read(u, &e->price);
	for (i = ENTRY_FIELDS; i < fields && !u->failed; i++)
		unpack_skip(u);
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

/* What is wrong with an entry that could be read; NULL when nothing is. */
static const char *
fault_of(const struct catalog_entry *e, const struct catalog_entry *before)
{
	if (memchr(e->target.ptr, '/', e->target.len) == NULL)
		return "its name is no provider/model";
	if (before != NULL && slice_eq(before->target, e->target))
		return "it is offered twice";
	if (e->model.len == 0)
		return "its provider knows it by no name";
	if (e->price.input < 0 || e->price.output < 0)
		return "it has no price";
	if (!price_valid(&e->price))
		return "its price is out of range";
	if (e->max_output < 0)
		return "its most output is negative";
	return NULL;
}

/* False and the first fault in `why`. */
static bool
check(const struct catalog *c, struct buf *why)
{
	const char *fault;
	size_t i;

	for (i = 0; i < c->count; i++) {
		fault =
		    fault_of(&c->entries[i], i > 0 ? &c->entries[i - 1] : NULL);
		if (fault == NULL)
			continue;
		if (why != NULL)
			buf_printf(why, "target '%.*s': %s",
			    SLICE_FMT(c->entries[i].target), fault);
		return false;
	}
	return true;
}

void
catalog_book(struct buf *out, const struct catalog *c)
{
	struct price_entry *entries = xcalloc(c->count, sizeof(*entries));
	size_t i;

	for (i = 0; i < c->count; i++)
		entries[i] = (struct price_entry){ c->entries[i].target,
			c->entries[i].price };
	price_book_write(out, entries, c->count);
	free(entries);
}

static void
name_book(struct catalog *c)
{
	char name[PRICE_BOOK_CHARS];
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	catalog_book(&bytes, c);
	price_book_name(name, buf_slice(&bytes));
	c->price_book = arena_copy(&c->arena, slice_of(name));
	buf_fini(&bytes);
}

struct catalog *
catalog_read(struct slice bytes, struct buf *why)
{
	struct catalog *c = xcalloc(1, sizeof(*c));
	struct unpack u = unpack_start(bytes);
	struct catalog_entry *entries;
	size_t i, count;
	bool whole;

	c->holders = 1;
	arena_init(&c->arena, ARENA_MAX);
	if (unpack_array(&u) != 4 || unpack_int(&u) != VERSION)
		u.failed = true;
	c->egress = arena_copy(&c->arena, unpack_text(&u));
	c->stated_book = arena_copy(&c->arena, unpack_text(&u));
	count = unpack_array(&u);
	if (count > CATALOG_ENTRIES_MAX)
		u.failed = true;
	count = u.failed ? 0 : count;
	entries = arena_many(&c->arena, struct catalog_entry, count);
	for (i = 0; i < count && !u.failed; i++)
		read_entry(&u, &c->arena, &entries[i]);
	whole = unpack_done(&u);
	if (!whole && why != NULL)
		buf_puts(why, "it cannot be read");
	if (whole)
		qsort(entries, count, sizeof(*entries), by_target);
	c->entries = entries;
	c->count = count;
	if (whole && check(c, why)) {
		name_book(c);
		return c;
	}
	catalog_release(c);
	return NULL;
}

struct catalog *
catalog_hold(struct catalog *c)
{
	assert(c->holders > 0);
	c->holders++;
	return c;
}

void
catalog_release(struct catalog *c)
{
	if (c == NULL)
		return;
	assert(c->holders > 0);
	if (--c->holders > 0)
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
