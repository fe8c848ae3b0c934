#pragma once
/*
 * buf: a growing run of bytes that is told its maximum at birth.
 *
 * Writing past the maximum sets the sticky `failed` and changes nothing, so a
 * writer puts and puts and looks once, at the end.  `data` may move on every
 * put: keep offsets, not pointers.  The storage belongs to the buf.
 */
#include "common/base/slice.h"

struct buf {
	uint8_t *data;
	size_t len;  /* bytes in use */
	size_t cap;  /* bytes allocated */
	size_t max;  /* bytes it may ever hold */
	bool failed; /* a put did not fit; cleared by buf_reset */
};

void buf_init(struct buf *b, size_t max);

/* Free the storage; the buf is as after buf_init. */
void buf_fini(struct buf *b);

/* Forget the bytes and the failure, keep the storage. */
void buf_reset(struct buf *b);

/* The part of buf_put that makes room first; call buf_put. */
void buf_put_slowly(struct buf *b, const void *bytes, size_t len);

/* Inline, because rows are written a byte or two at a time. */
static inline void
buf_put(struct buf *b, const void *bytes, size_t len)
{
	if (b->failed || len == 0 || len > b->cap - b->len) {
		buf_put_slowly(b, bytes, len);
		return;
	}
	memcpy(b->data + b->len, bytes, len);
	b->len += len;
}

static inline void
buf_putc(struct buf *b, char c)
{
	buf_put(b, &c, 1);
}

void buf_put_slice(struct buf *b, struct slice s);

void buf_puts(struct buf *b, const char *text);

/* In decimals; for what is written too often for buf_printf. */
void buf_put_int(struct buf *b, int64_t n);

void buf_printf(struct buf *b, const char *fmt, ...) like_printf(2, 3);

/*
 * Room for at least `len` more bytes, or NULL when the maximum forbids it
 * (which sets `failed`).  What is written there counts after buf_grow.
 */
uint8_t *buf_room(struct buf *b, size_t len);

void buf_grow(struct buf *b, size_t len);

/* Drop the first `len` bytes (at most all of them). */
void buf_drop(struct buf *b, size_t len);

/* The bytes so far; good until the next put. */
static inline struct slice
buf_slice(const struct buf *b)
{
	return (struct slice){ (const char *)b->data, b->len };
}

/* The bytes with a NUL behind them, as a C string; good until the next put. */
const char *buf_text(struct buf *b);
