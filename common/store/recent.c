#include "common/store/recent.h"

#include <assert.h>

/* A record: family and length of key (a byte each), key, length of value. */
void
recent_put(struct buf *rows, enum family f, struct slice key,
    struct slice value)
{
	uint8_t head[2] = { (uint8_t)f, (uint8_t)key.len };
	uint32_t len = (uint32_t)value.len;

	assert(key.len <= UINT8_MAX && value.len <= UINT32_MAX);
	buf_put(rows, head, sizeof(head));
	buf_put_slice(rows, key);
	buf_put(rows, &len, sizeof(len));
	buf_put_slice(rows, value);
	assert(!rows->failed);
}

bool
recent_find(const struct buf *rows, enum family f, struct slice key,
    struct slice *value)
{
	struct slice rest = buf_slice(rows);
	bool found = false;

	while (rest.len > 0) {
		uint8_t family = (uint8_t)rest.ptr[0];
		size_t key_len = (uint8_t)rest.ptr[1];
		struct slice k = slice_make(rest.ptr + 2, key_len);
		uint32_t len;

		rest = slice_after(rest, 2 + key_len);
		memcpy(&len, rest.ptr, sizeof(len));
		if (family == (uint8_t)f && slice_eq(k, key)) {
			*value = slice_make(rest.ptr + sizeof(len), len);
			found = true;
		}
		rest = slice_after(rest, sizeof(len) + len);
	}
	return found;
}
