#include "common/format/csv.h"

#define BLANKS_END 0x20 /* below it control bytes, at it the space */

static bool
is_formula(struct slice text)
{
	size_t i = 0;

	while (i < text.len && (uint8_t)text.ptr[i] <= BLANKS_END)
		i++;
	return i < text.len && memchr("=+-@", text.ptr[i], 4) != NULL;
}

static bool
wants_quotes(struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] == '"' || text.ptr[i] == ',')
			return true;
	return text.len > 0 &&
	       ((uint8_t)text.ptr[0] <= BLANKS_END ||
		   (uint8_t)text.ptr[text.len - 1] <= BLANKS_END);
}

static void
put_char(struct buf *out, char c)
{
	if (c == '"')
		buf_putc(out, '"');
	buf_putc(out, (uint8_t)c < BLANKS_END ? ' ' : c);
}

void
csv_text(struct buf *out, struct slice text)
{
	bool quotes = wants_quotes(text);
	size_t i;

	if (quotes)
		buf_putc(out, '"');
	if (is_formula(text))
		buf_putc(out, '\'');
	for (i = 0; i < text.len; i++)
		put_char(out, text.ptr[i]);
	if (quotes)
		buf_putc(out, '"');
}
