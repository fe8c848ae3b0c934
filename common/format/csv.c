#include "common/format/csv.h"

static bool
is_formula(struct slice text)
{
	return text.len > 0 && text.ptr[0] != '\0' &&
	       strchr("=+-@\t\r", text.ptr[0]) != NULL;
}

static bool
is_plain(struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (strchr(",\"\r\n", text.ptr[i]) != NULL)
			return false;
	return !is_formula(text);
}

void
csv_text(struct buf *out, struct slice text)
{
	size_t i;

	if (is_plain(text)) {
		buf_put_slice(out, text);
		return;
	}
	buf_putc(out, '"');
	if (is_formula(text))
		buf_putc(out, '\'');
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, text.ptr[i]);
	}
	buf_putc(out, '"');
}
