#include "common/format/sse.h"

/*
 * Finding where an event ends must not depend on how the bytes were cut.  A
 * CR that ends a blank line is therefore held until the next byte tells
 * whether an LF belongs to it, unless lines of this stream end in bare CRs:
 * then it ends the event at once, and a stray LF is a blank line of its own.
 */

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void
sse_init(struct sse *s, size_t max)
{
	*s = (struct sse){ .blank = true };
	buf_init(&s->pending, max);
	buf_init(&s->joined, max);
}

void
sse_fini(struct sse *s)
{
	buf_fini(&s->pending);
	buf_fini(&s->joined);
}

/* The first CR or LF, or `end`. */
static const char *
line_end(const char *at, const char *end)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at)), *cr;

	if (lf != NULL)
		end = lf;
	cr = memchr(at, '\r', (size_t)(end - at));
	return cr != NULL ? cr : end;
}

/* Behind a CR: is its line end CRLF?  True when an event ends at *at. */
static bool
after_cr(struct sse *s, const char **at)
{
	bool ends = s->blank;

	s->cr = false;
	s->blank = true;
	s->bare_cr = **at != '\n';
	if (!s->bare_cr)
		++*at;
	return ends;
}

/* How many of the bytes belong to the event under way; *ended if it ends. */
static size_t
event_bytes(struct sse *s, struct slice bytes, bool *ended)
{
	const char *at = bytes.ptr, *end = bytes.ptr + bytes.len, *eol;

	*ended = false;
	while (at < end && !*ended) {
		if (s->cr) {
			*ended = after_cr(s, &at);
			continue;
		}
		eol = line_end(at, end);
		s->blank = s->blank && eol == at;
		at = eol;
		if (at == end)
			break;
		if (*at++ == '\r' && !(s->blank && s->bare_cr)) {
			s->cr = true;
			continue;
		}
		*ended = s->blank;
		s->blank = true;
	}
	return (size_t)(at - bytes.ptr);
}

/* One more line of data: the first is given in place, several are joined. */
static void
add_data(struct sse *s, struct sse_event *event, struct slice line, bool first)
{
	if (first) {
		event->data = line;
		return;
	}
	if (s->joined.len == 0)
		buf_put_slice(&s->joined, event->data);
	buf_putc(&s->joined, '\n');
	buf_put_slice(&s->joined, line);
	event->data = buf_slice(&s->joined);
}

static struct slice
value_of(struct slice line, size_t name_len)
{
	struct slice value = slice_after(line, name_len + 1);

	if (slice_starts(value, " "))
		value = slice_after(value, 1);
	return value;
}

static struct sse_event
parse(struct sse *s, struct slice raw)
{
	const char *at = raw.ptr, *end = raw.ptr + raw.len, *eol, *colon;
	struct sse_event event = { .raw = raw };
	struct slice line, name;
	bool first = true;

	buf_reset(&s->joined);
	if (!s->begun && slice_starts(raw, BYTE_ORDER_MARK))
		at += sizeof(BYTE_ORDER_MARK) - 1;
	s->begun = true;
	for (; at < end; at = eol + 1) {
		eol = line_end(at, end);
		line = slice_make(at, (size_t)(eol - at));
		colon = line.len > 0 ? memchr(at, ':', line.len) : NULL;
		name = line;
		if (colon != NULL)
			name.len = (size_t)(colon - at);
		if (slice_is(name, "data")) {
			add_data(s, &event, value_of(line, name.len), first);
			first = false;
		} else if (slice_is(name, "event")) {
			event.name = value_of(line, name.len);
		}
	}
	return event;
}

/* The event's bytes: in place, or behind what came before. */
static struct slice
whole(struct sse *s, struct slice bytes)
{
	if (bytes.len > s->pending.max - s->pending.len) {
		s->failed = true;
		return bytes;
	}
	if (s->pending.len == 0)
		return bytes;
	buf_put_slice(&s->pending, bytes);
	return buf_slice(&s->pending);
}

bool
sse_feed(struct sse *s, struct slice bytes,
    void (*on_event)(void *arg, const struct sse_event *event), void *arg)
{
	struct sse_event event;
	struct slice raw;
	bool ended;
	size_t n;

	while (bytes.len > 0 && !s->failed) {
		n = event_bytes(s, bytes, &ended);
		raw = slice_make(bytes.ptr, n);
		bytes = slice_after(bytes, n);
		if (!ended) {
			buf_put_slice(&s->pending, raw);
			s->failed = s->pending.failed;
			continue;
		}
		raw = whole(s, raw);
		if (s->failed)
			break;
		event = parse(s, raw);
		on_event(arg, &event);
		buf_reset(&s->pending);
	}
	return !s->failed;
}

struct slice
sse_rest(const struct sse *s)
{
	return buf_slice(&s->pending);
}

/* Append without the bytes that would end the line. */
static void
put_name(struct buf *out, struct slice name)
{
	size_t i;

	for (i = 0; i < name.len; i++)
		if (name.ptr[i] != '\r' && name.ptr[i] != '\n' &&
		    name.ptr[i] != '\0')
			buf_putc(out, name.ptr[i]);
}

void
sse_write(struct buf *out, struct slice name, struct slice data)
{
	const char *at = data.ptr, *end = data.ptr + data.len, *eol;

	if (name.len > 0) {
		buf_puts(out, "event: ");
		put_name(out, name);
		buf_putc(out, '\n');
	}
	for (;;) {
		eol = data.len > 0 ? line_end(at, end) : end;
		buf_puts(out, "data: ");
		buf_put(out, at, (size_t)(eol - at));
		buf_putc(out, '\n');
		if (eol == end)
			break;
		at = eol + 1;
		if (*eol == '\r' && at < end && *at == '\n')
			at++;
	}
	buf_putc(out, '\n');
}
