#include <assert.h>

#include "common/format/json.h"

static void
before_value(struct json_writer *w)
{
	if (w->comma)
		buf_putc(w->out, ',');
	w->comma = true;
}

static void
quote(struct buf *out, struct slice text)
{
	buf_putc(out, '"');
	json_escape(out, text);
	buf_putc(out, '"');
}

void
json_open(struct json_writer *w, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	before_value(w);
	buf_putc(w->out, bracket);
	w->depth++;
	w->comma = false;
}

void
json_close(struct json_writer *w, char bracket)
{
	assert((bracket == '}' || bracket == ']') && w->depth > 0);
	buf_putc(w->out, bracket);
	w->depth--;
	w->comma = true;
}

void
json_key(struct json_writer *w, const char *name)
{
	before_value(w);
	quote(w->out, slice_of(name));
	buf_putc(w->out, ':');
	w->comma = false;
}

void
json_put_text(struct json_writer *w, struct slice text)
{
	before_value(w);
	quote(w->out, text);
}

void
json_put_int(struct json_writer *w, int64_t number)
{
	before_value(w);
	buf_put_int(w->out, number);
}

void
json_put_bool(struct json_writer *w, bool truth)
{
	before_value(w);
	buf_puts(w->out, truth ? "true" : "false");
}

void
json_put_null(struct json_writer *w)
{
	before_value(w);
	buf_puts(w->out, "null");
}

void
json_put_raw(struct json_writer *w, struct slice json)
{
	before_value(w);
	buf_put_slice(w->out, json);
}

void
json_field_text(struct json_writer *w, const char *name, struct slice v)
{
	json_key(w, name);
	json_put_text(w, v);
}

void
json_field_texts(struct json_writer *w, const char *name,
    const struct slice *texts, size_t count)
{
	size_t i;

	json_key(w, name);
	json_open(w, '[');
	for (i = 0; i < count; i++)
		json_put_text(w, texts[i]);
	json_close(w, ']');
}

void
json_field_int(struct json_writer *w, const char *name, int64_t v)
{
	json_key(w, name);
	json_put_int(w, v);
}

void
json_field_bool(struct json_writer *w, const char *name, bool v)
{
	json_key(w, name);
	json_put_bool(w, v);
}
