#pragma once
/*
 * varint: whole numbers in as few bytes as they need: seven bits a byte, the
 * lowest first, and the sign in the lowest bit of all (zigzag).  Pure.
 */
#include "common/base/buf.h"

#define VARINT_BYTES_MAX 10

static inline void
varint_write(struct buf *out, int64_t number)
{
	uint64_t n = ((uint64_t)number << 1) ^ (uint64_t)(number >> 63);
	uint8_t bytes[VARINT_BYTES_MAX];
	size_t len = 0;

	while (n >= 0x80) {
		bytes[len++] = (uint8_t)(n | 0x80);
		n >>= 7;
	}
	bytes[len++] = (uint8_t)n;
	buf_put(out, bytes, len);
}

/* From the front of *bytes; false when it ends within one. */
must_check static inline bool
varint_read(struct slice *bytes, int64_t *number)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < bytes->len && i < VARINT_BYTES_MAX; i++) {
		uint8_t byte = (uint8_t)bytes->ptr[i];

		n |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte < 0x80) {
			*bytes = slice_after(*bytes, i + 1);
			*number = (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
			return true;
		}
	}
	return false;
}
