#include "common/llm/splice.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/format/json.h"

#define ROOM_AT_FIRST 8

/* The bytes that go (none for an addition) and the text that comes. */
struct edit {
	const char *from, *to;
	struct slice text;
};

void
edits_init(struct edits *e, const struct json_value *root, struct arena *arena)
{
	*e = (struct edits){ .root = root, .arena = arena };
}

static void
grow(struct edits *e)
{
	struct edit *list;

	e->room = e->room == 0 ? ROOM_AT_FIRST : 2 * e->room;
	list = arena_room(e->arena, e->room * sizeof(*list));
	if (e->count > 0)
		memcpy(list, e->list, e->count * sizeof(*list));
	e->list = list;
}

/* Of two in one place the older is first. */
static void
note(struct edits *e, const char *from, const char *to, const char *text)
{
	size_t i;

	e->failed |= e->count == SPLICE_EDITS_MAX;
	if (e->failed)
		return;
	if (e->count == e->room)
		grow(e);
	for (i = e->count++; i > 0 && e->list[i - 1].from > from; i--)
		e->list[i] = e->list[i - 1];
	e->list[i] = (struct edit){ from, to, slice_of(text) };
}

static const char *
end_of(const struct json_value *value)
{
	return value->raw.ptr + value->raw.len;
}

void
edits_replace(struct edits *e, const struct json_value *value, const char *text)
{
	note(e, value->raw.ptr, end_of(value), text);
}

static const struct json_value *
last_of(const struct json_value *container)
{
	const struct json_value *child = container->first;

	while (child != NULL && child->next != NULL)
		child = child->next;
	return child;
}

/* Behind the last child, or behind the bracket when there is none. */
static void
append(struct edits *e, const struct json_value *container, const char *text)
{
	const struct json_value *last = last_of(container);
	const char *at = last != NULL ? end_of(last) : container->raw.ptr + 1;

	note(e, at, at, text);
}

void
edits_add(struct edits *e, const struct json_value *object, const char *key,
    const char *text)
{
	append(e, object,
	    arena_printf(e->arena, "%s\"%s\":%s",
		object->first != NULL ? "," : "", key, text));
}

void
edits_push(struct edits *e, const struct json_value *array, const char *text)
{
	append(e, array,
	    arena_printf(e->arena, "%s%s", array->first != NULL ? "," : "",
		text));
}

static const char *
skip_space(const char *at)
{
	while (strchr(" \t\r\n", *at) != NULL)
		at++;
	return at;
}

/* Where a child begins, with its key if it has one. */
static const char *
start_of(const struct json_value *container, const struct json_value *before)
{
	if (before == NULL)
		return skip_space(container->raw.ptr + 1);
	return skip_space(skip_space(end_of(before)) + 1);
}

/*
 * A child goes with the comma before it; while none before it stays, with the
 * comma behind it.
 */
size_t
edits_cut(struct edits *e, const struct json_value *container,
    bool (*gone)(const struct json_value *child, void *arg), void *arg)
{
	const struct json_value *child, *before = NULL;
	bool stays = false; /* one of those before */
	const char *to;
	size_t count = 0;

	for (child = container->first; child != NULL;
	     before = child, child = child->next) {
		if (!gone(child, arg)) {
			stays = true;
			continue;
		}
		count++;
		to = end_of(child);
		if (stays) {
			note(e, end_of(before), to, "");
			continue;
		}
		if (child->next != NULL)
			to = start_of(container, child);
		note(e, start_of(container, before), to, "");
	}
	return count;
}

static void
add_part(struct splice *out, struct slice *parts, const char *from, size_t len)
{
	if (len == 0)
		return;
	parts[out->count++] = slice_make(from, len);
	out->bytes += len;
}

void
edits_splice(struct splice *out, const struct edits *e)
{
	struct slice text = e->root->raw;
	const char *at = text.ptr;
	struct slice *parts;
	size_t i;

	assert(!e->failed);
	parts = arena_room(e->arena, (2 * e->count + 1) * sizeof(*parts));
	*out = (struct splice){ .parts = parts, .changes = (unsigned)e->count };
	for (i = 0; i < e->count; i++) {
		const struct edit *edit = &e->list[i];

		assert(edit->from >= at);
		add_part(out, parts, at, (size_t)(edit->from - at));
		add_part(out, parts, edit->text.ptr, edit->text.len);
		at = edit->to;
	}
	add_part(out, parts, at, (size_t)(text.ptr + text.len - at));
}
