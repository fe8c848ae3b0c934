#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

/* Its six bits, or -1. */
static int
bits_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

/* What is no letter is passed over: padding, and the escape of a slash. */
static void
decode(struct buf *out, struct slice data)
{
	unsigned held = 0, bits = 0;
	size_t i;

	for (i = 0; i < data.len; i++) {
		int six = bits_of(data.ptr[i]);

		if (six < 0)
			continue;
		held = (held << 6 | (unsigned)six) & 0xffff;
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		buf_putc(out, (char)(held >> bits & 0xff));
	}
}

struct slice
messages_text_of_base64(struct arena *arena, struct slice data)
{
	struct slice raw = { NULL, 0 };
	struct buf bytes, text;

	buf_init(&bytes, data.len);
	buf_init(&text, 6 * data.len + 2);
	decode(&bytes, data);
	json_put_text(&(struct json_writer){ .out = &text }, buf_slice(&bytes));
	if (bytes.len > 0 && arena_fits(arena, text.len + 1))
		raw = arena_copy(arena, buf_slice(&text));
	buf_fini(&bytes);
	buf_fini(&text);
	return raw;
}
