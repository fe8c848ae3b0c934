#include "common/format/weave.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/memory.h"

#define SPANS_FIRST 16

/* The span comes behind so many of the new bytes. */
struct weave_span {
	size_t behind;
	struct slice text;
};

void
weave_init(struct weave *w)
{
	*w = (struct weave){ 0 };
	buf_init(&w->fresh, WEAVE_FRESH_MAX);
	w->json.out = &w->fresh;
}

void
weave_fini(struct weave *w)
{
	buf_fini(&w->fresh);
	free(w->spans);
	w->spans = NULL;
}

static void
put_span(struct weave *w, struct slice text)
{
	if (text.len < WEAVE_SPAN_MIN) {
		buf_put_slice(&w->fresh, text);
		return;
	}
	if (w->count == w->cap) {
		w->cap = w->cap > 0 ? 2 * w->cap : SPANS_FIRST;
		w->spans = xrealloc(w->spans, w->cap * sizeof(*w->spans));
	}
	w->spans[w->count++] = (struct weave_span){ w->fresh.len, text };
}

void
weave_raw(struct weave *w, struct slice json)
{
	json_put_raw(&w->json, slice_make(NULL, 0)); /* its comma */
	put_span(w, json);
}

void
weave_field(struct weave *w, const char *name, struct slice json)
{
	if (json.len == 0)
		return;
	json_key(&w->json, name);
	weave_raw(w, json);
}

void
weave_string_begin(struct weave *w)
{
	json_put_raw(&w->json, slice_of("\""));
}

void
weave_inside(struct weave *w, struct slice inside)
{
	put_span(w, inside);
}

void
weave_text(struct weave *w, const char *plain)
{
	buf_puts(&w->fresh, plain);
}

void
weave_string_end(struct weave *w)
{
	buf_putc(&w->fresh, '"');
}

static void
add(struct slice *parts, size_t *count, size_t *bytes, struct slice part)
{
	if (part.len == 0)
		return;
	parts[(*count)++] = part;
	*bytes += part.len;
}

struct slice *
weave_parts(const struct weave *w, struct arena *arena, size_t *count,
    size_t *bytes)
{
	struct slice *parts = arena_many(arena, struct slice, 2 * w->count + 1);
	struct slice fresh = arena_copy(arena, buf_slice(&w->fresh));
	size_t i, at = 0;

	*count = *bytes = 0;
	for (i = 0; i < w->count; i++) {
		const struct weave_span *s = &w->spans[i];

		add(parts, count, bytes,
		    slice_make(fresh.ptr + at, s->behind - at));
		add(parts, count, bytes, s->text);
		at = s->behind;
	}
	add(parts, count, bytes, slice_make(fresh.ptr + at, fresh.len - at));
	return parts;
}
