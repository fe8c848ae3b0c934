#include "common/format/base64.h"
#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

struct slice
messages_text_of_base64(struct arena *arena, struct slice data)
{
	struct base64 reader = base64_begin(data);
	struct slice raw = { NULL, 0 };
	struct buf bytes, text;
	int byte;

	buf_init(&bytes, data.len);
	buf_init(&text, 6 * data.len + 2);
	while ((byte = base64_next(&reader)) >= 0)
		buf_putc(&bytes, (char)byte);
	json_put_text(&(struct json_writer){ .out = &text }, buf_slice(&bytes));
	if (bytes.len > 0 && arena_fits(arena, text.len + 1))
		raw = arena_copy(arena, buf_slice(&text));
	buf_fini(&bytes);
	buf_fini(&text);
	return raw;
}
