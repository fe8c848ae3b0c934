#include "common/base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define FIRST_CAP 64

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

uint8_t *
buf_room(struct buf *b, size_t len)
{
	size_t cap = b->cap > 0 ? b->cap : FIRST_CAP;

	if (b->failed || len > b->max - b->len) {
		b->failed = true;
		return NULL;
	}
	while (cap < b->len + len)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	if (cap > b->cap) {
		b->data = xrealloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void
buf_grow(struct buf *b, size_t len)
{
	assert(len <= b->cap - b->len);
	b->len += len;
}

void
buf_put(struct buf *b, const void *bytes, size_t len)
{
	uint8_t *room = buf_room(b, len);

	if (room == NULL || len == 0)
		return;
	memcpy(room, bytes, len);
	b->len += len;
}

void
buf_put_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.ptr, s.len);
}

void
buf_puts(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args, again;
	int n;
	uint8_t *room;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	assert(n >= 0);
	/* vsnprintf wants a byte for its NUL; it is not counted. */
	room = buf_room(b, (size_t)n + 1);
	if (room != NULL) {
		vsnprintf((char *)room, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
	va_end(args);
}

void
buf_drop(struct buf *b, size_t len)
{
	len = min_size(len, b->len);
	if (len < b->len)
		memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

const char *
buf_text(struct buf *b)
{
	uint8_t *room = buf_room(b, 1);

	if (room == NULL)
		return "";
	*room = '\0';
	return (const char *)b->data;
}
