#include "topology/mistake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"

#define TEXT_CHARS_MAX 1024

void
mistakes_init(struct mistakes *m, struct arena *arena)
{
	m->arena = arena;
	m->count = m->more = 0;
}

static void like_printf(4, 0)
    add(struct mistakes *m, const struct source *source,
	struct yaml_place place, const char *fmt, va_list args)
{
	char text[TEXT_CHARS_MAX], *c;

	if (m->count == MISTAKES_MAX) {
		m->more++;
		return;
	}
	vsnprintf(text, sizeof(text), fmt, args);
	/* Nothing in a file may forge lines of our output. */
	for (c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7F)
			*c = '?';
	m->items[m->count++] = (struct mistake){ source, place,
		arena_text(m->arena, slice_of(text)) };
}

void
mistake_add(struct mistakes *m, const struct source *source,
    struct yaml_place place, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(m, source, place, fmt, args);
	va_end(args);
}

void
mistake_of_file(struct mistakes *m, const struct source *source,
    const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(m, source, (struct yaml_place){ 0, 0 }, fmt, args);
	va_end(args);
}

static int
compare(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->source->order != y->source->order)
		return x->source->order < y->source->order ? -1 : 1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.col != y->place.col)
		return x->place.col < y->place.col ? -1 : 1;
	return strcmp(x->text, y->text);
}

void
mistakes_put(struct mistakes *m, struct buf *out)
{
	size_t i;

	qsort(m->items, m->count, sizeof(m->items[0]), compare);
	for (i = 0; i < m->count; i++) {
		const struct mistake *x = &m->items[i];

		buf_puts(out, x->source->name);
		if (x->place.line > 0)
			buf_printf(out, ":%d:%d", x->place.line, x->place.col);
		buf_printf(out, ": %s\n", x->text);
		if (x->place.line > 0)
			yaml_put_caret(out, x->source->text, x->place);
	}
	if (m->more > 0)
		buf_printf(out, "and %zu more\n", m->more);
}

void
mistakes_put_json(struct mistakes *m, struct json_writer *w)
{
	size_t i;

	qsort(m->items, m->count, sizeof(m->items[0]), compare);
	json_open(w, '[');
	for (i = 0; i < m->count; i++) {
		const struct mistake *x = &m->items[i];

		json_open(w, '{');
		json_field_text(w, "file", slice_of(x->source->name));
		json_field_int(w, "line", x->place.line);
		json_field_int(w, "col", x->place.col);
		json_field_text(w, "text", slice_of(x->text));
		json_close(w, '}');
	}
	json_close(w, ']');
}
