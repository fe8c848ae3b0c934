#include "node/dialect/reading.h"

#include <assert.h>
#include <string.h>

#include "common/base/arena.h"

_Static_assert(offsetof(struct turn, arena) == 0, "no slice is at offset 0");

bool
reading_own(struct reading *r, const struct json_value *v)
{
	(void)r;
	(void)v;
	return true;
}

bool
reading_wrong(struct reading *r, const char *field, const char *must)
{
	struct arena *arena = r->turn->arena;
	const char *place = "", *dot = "";
	unsigned i;

	for (i = 0; i < r->depth; i++, dot = ".")
		place = arena_printf(arena, "%s%s%s[%zu]", place, dot,
		    r->path[i].list, r->path[i].index);
	r->why = arena_printf(arena, "%s%s%s %s", place,
	    field != NULL ? dot : "", field != NULL ? field : "", must);
	return false;
}

const struct json_value *
reading_first(struct reading *r, const char *name,
    const struct json_value *list)
{
	if (list == NULL || list->first == NULL)
		return NULL;
	assert(r->depth < READING_DEPTH_MAX);
	r->path[r->depth++] = (struct reading_place){ name, 0 };
	return list->first;
}

const struct json_value *
reading_next(struct reading *r, const struct json_value *item)
{
	r->path[r->depth - 1].index++;
	if (item->next == NULL)
		r->depth--;
	return item->next;
}

bool
reading_string(struct reading *r, const struct json_value *object,
    const char *name, struct slice *raw)
{
	const struct json_value *v = json_find(object, name);

	*raw = slice_make(NULL, 0);
	if (v == NULL || v->type == JSON_NULL)
		return true;
	if (v->type != JSON_STRING)
		return reading_wrong(r, name, "must be a string");
	*raw = v->raw;
	return true;
}

bool
reading_needs(struct reading *r, const struct json_value *object,
    const char *name, struct slice *raw)
{
	return reading_string(r, object, name, raw) &&
	       (raw_inside(*raw).len > 0 ||
		   reading_wrong(r, name, "must be a string, not empty"));
}

/* Is the word among those, which have spaces between them? */
static bool
is_among(struct slice word, const char *words)
{
	const char *at = words, *end;

	for (;; at = end + 1) {
		end = strchr(at, ' ');
		if (end == NULL)
			return slice_is(word, at);
		if (slice_eq(word, slice_make(at, (size_t)(end - at))))
			return true;
	}
}

bool
reading_has_others(const struct json_value *object, const char *known)
{
	const struct json_value *v;

	for (v = object->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL &&
		    !(v->type == JSON_ARRAY && v->count == 0) &&
		    !is_among(v->name, known))
			return true;
	return false;
}

void
reading_note_others(struct reading *r, const struct json_value *object,
    const char *known)
{
	const struct json_value *v;

	for (v = object->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL && !is_among(v->name, known))
			carry_note_unknown(&r->turn->carried, v->name);
}

struct tool *
reading_tool(struct reading *r, enum tool_kind kind, struct slice name,
    struct slice space)
{
	if (r->turn->tools_count < TOOLS_MAX &&
	    r->turn->tools_named < TOOLS_NAMED_MAX)
		return turn_tool(r->turn, kind, name, space);
	reading_wrong(r, NULL, "is one tool too many: 1024 at most");
	return NULL;
}

bool
reading_stops(struct reading *r, const char *name,
    const struct json_value *list)
{
	struct turn *t = r->turn;
	struct slice *stops = arena_many(t->arena, struct slice, list->count);
	const struct json_value *v;

	for (v = reading_first(r, name, list); v != NULL;
	     v = reading_next(r, v)) {
		if (v->type != JSON_STRING)
			return reading_wrong(r, NULL, "must be a string");
		stops[t->stops_count++] = v->raw;
	}
	t->stops = stops;
	carry_note(&t->carried, CARRY_STOP);
	return true;
}

/* Clients send defaults in so many words; a zero in as many ways. */
static bool
is_plain(const struct reading_key *k, const struct json_value *v)
{
	size_t i;

	if (k->plain == NULL)
		return false;
	if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
		return v->count == 0;
	if (v->type != JSON_NUMBER || strcmp(k->plain, "0") != 0)
		return slice_is(v->raw, k->plain);
	for (i = 0; i < v->raw.len; i++)
		if (strchr("-0.", v->raw.ptr[i]) == NULL)
			return false;
	return true;
}

static const char *const must_be[] = {
	[JSON_NUMBER] = "must be a number",
	[JSON_STRING] = "must be a string",
	[JSON_ARRAY] = "must be an array",
	[JSON_OBJECT] = "must be an object",
};

static bool
read_key(struct reading *r, const struct reading_key *k,
    const struct json_value *v)
{
	if (k->type != JSON_NULL && v->type != k->type)
		return reading_wrong(r, k->name, must_be[k->type]);
	if (is_plain(k, v))
		return true;
	if (k->read != NULL)
		return k->read(r, v);
	carry_note(&r->turn->carried, k->carry);
	if (k->offset != 0)
		*(struct slice *)(void *)((char *)r->turn + k->offset) = v->raw;
	return true;
}

static bool
is_known(const struct reading_key *keys, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_is(name, keys[i].name))
			return true;
	return false;
}

bool
reading_keys(struct reading *r, const struct json_value *root,
    const struct reading_key *keys, size_t count)
{
	const struct json_value *v;
	size_t i;

	if (root->type != JSON_OBJECT)
		return reading_wrong(r, "the body", "must be an object");
	for (i = 0; i < count; i++) {
		v = json_find(root, keys[i].name);
		if (v != NULL && v->type != JSON_NULL &&
		    !read_key(r, &keys[i], v))
			return false;
	}
	for (v = root->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL && !is_known(keys, count, v->name))
			carry_note_unknown(&r->turn->carried, v->name);
	return true;
}
