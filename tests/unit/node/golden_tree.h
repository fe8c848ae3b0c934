#pragma once
/*
 * golden_tree: JSON as the golden cases need it: two trees compared without
 * regard to the order of members, and a tree printed for people: what fits
 * stands on one line, events of a stream always do.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"

#define GOLDEN_LINE_MAX 100 /* characters beside the indent */
#define GOLDEN_SHOWN    160 /* of a value that differs */

static inline bool
golden_same_text(struct arena *arena, struct slice a, struct slice b)
{
	struct slice x, y;

	return slice_eq(a, b) ||
	       (json_raw_text(a, arena, &x) && json_raw_text(b, arena, &y) &&
		   slice_eq(x, y));
}

static inline void
golden_tell(struct buf *where, const char *what, const struct json_value *v)
{
	buf_printf(where, "\n  %s: %.*s", what,
	    v == NULL ? 7 : (int)min_size(v->raw.len, GOLDEN_SHOWN),
	    v == NULL ? "nothing" : v->raw.ptr);
}

/* A step of the path to what differs; undone by setting `len` back. */
static inline void
golden_step(struct buf *where, const struct json_value *v, size_t at)
{
	if (v->name.ptr != NULL)
		buf_printf(where, ".%.*s", SLICE_FMT(v->name));
	else
		buf_printf(where, "[%zu]", at);
}

/* True, with the path and both values in `where`, when they differ. */
static inline bool
golden_differs(struct buf *where, struct arena *arena,
    const struct json_value *want, const struct json_value *got)
{
	bool object = want->type == JSON_OBJECT;
	const struct json_value *w, *g = got->first;
	size_t len = where->len, at = 0;

	if (want->type != got->type || want->count != got->count ||
	    (want->type == JSON_STRING &&
		!golden_same_text(arena, want->raw, got->raw)) ||
	    (want->type == JSON_NUMBER && !slice_eq(want->raw, got->raw))) {
		golden_tell(where, "wanted", want);
		golden_tell(where, "got", got);
		return true;
	}
	for (w = want->first; w != NULL; w = w->next, at++) {
		golden_step(where, w, at);
		if (object)
			g = json_find(got, arena_text(arena, w->name));
		if (g == NULL) {
			golden_tell(where, "wanted", w);
			golden_tell(where, "got", NULL);
			return true;
		}
		if (golden_differs(where, arena, w, g))
			return true;
		where->len = len;
		g = g->next;
	}
	return false;
}

/* On one line, with a space behind commas and colons. */
static inline void
golden_print_line(struct buf *out, const struct json_value *v)
{
	bool object = v->type == JSON_OBJECT;
	const struct json_value *c;

	if (!object && v->type != JSON_ARRAY) {
		buf_put_slice(out, v->raw);
		return;
	}
	buf_putc(out, object ? '{' : '[');
	for (c = v->first; c != NULL; c = c->next) {
		if (object)
			buf_printf(out, "\"%.*s\": ", SLICE_FMT(c->name));
		golden_print_line(out, c);
		buf_puts(out, c->next != NULL ? ", " : "");
	}
	buf_putc(out, object ? '}' : ']');
}

static inline void
golden_indent(struct buf *out, unsigned depth)
{
	buf_putc(out, '\n');
	while (depth-- > 0)
		buf_puts(out, "\t");
}

/* `depth`: tabs before a line that begins here. */
static inline void
golden_print(struct buf *out, const struct json_value *v, unsigned depth)
{
	bool object = v->type == JSON_OBJECT;
	bool stream = slice_is(v->name, "stream");
	const struct json_value *c;
	size_t len = out->len;

	golden_print_line(out, v);
	if (v->count == 0 || (!stream && out->len - len <= GOLDEN_LINE_MAX))
		return;
	out->len = len;
	buf_putc(out, object ? '{' : '[');
	for (c = v->first; c != NULL; c = c->next) {
		golden_indent(out, depth + 1);
		if (object)
			buf_printf(out, "\"%.*s\": ", SLICE_FMT(c->name));
		if (stream)
			golden_print_line(out, c);
		else
			golden_print(out, c, depth + 1);
		buf_puts(out, c->next != NULL ? "," : "");
	}
	golden_indent(out, depth);
	buf_putc(out, object ? '}' : ']');
}
