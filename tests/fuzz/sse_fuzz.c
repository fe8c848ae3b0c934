/*
 * The first byte seeds how the rest is cut: the events are the same as those
 * of the whole, and no byte is lost or made up.
 */
#include <assert.h>

#include "common/format/sse.h"

#define EVENT_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
note(void *arg, const struct sse_event *event)
{
	struct buf *seen = arg;

	assert(event->raw.len > 0);
	assert(memchr(event->name.ptr != NULL ? event->name.ptr : "", '\n',
		   event->name.len) == NULL);
	buf_put_slice(seen, event->raw);
	buf_putc(seen, '\1');
	buf_put_slice(seen, event->name);
	buf_putc(seen, '\1');
	buf_put_slice(seen, event->data);
	buf_putc(seen, '\2');
}

static void
note_raw(void *arg, const struct sse_event *event)
{
	buf_put_slice(arg, event->raw);
}

/* Feeds pieces of 1 to `most` bytes; what is left over goes behind. */
static bool
feed(struct buf *seen, struct slice text, unsigned most,
    void (*on_event)(void *, const struct sse_event *))
{
	unsigned random = most;
	struct sse s;
	size_t n;
	bool good = true;

	sse_init(&s, EVENT_MAX);
	while (text.len > 0 && good) {
		random = random * 1103515245u + 12345u;
		n = min_size(text.len, 1 + (random >> 16) % most);
		good = sse_feed(&s, slice_make(text.ptr, n), on_event, seen);
		text = slice_after(text, n);
	}
	if (good)
		buf_put_slice(seen, sse_rest(&s));
	sse_fini(&s);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice text;
	struct buf whole, cut;
	bool good;

	if (len == 0)
		return 0;
	text = slice_make(bytes + 1, len - 1);
	buf_init(&whole, 10 * len + 100);
	buf_init(&cut, 10 * len + 100);
	good = feed(&whole, text, UINT32_MAX, note);
	assert(feed(&cut, text, 1u + bytes[0] % 40, note) == good);
	assert(slice_eq(buf_slice(&whole), buf_slice(&cut)));
	buf_reset(&whole);
	if (feed(&whole, text, 7, note_raw))
		assert(slice_eq(buf_slice(&whole), text));
	buf_fini(&whole);
	buf_fini(&cut);
	return 0;
}
