#include "common/export/csv.h"

#include "common/base/buf.h"
#include "common/base/clock.h"

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

static void
put_text(struct buf *out, struct slice text)
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

static void
put_id(struct buf *out, const struct id *id)
{
	char text[ID_TEXT_BYTES];
	static const struct id none;

	if (memcmp(id, &none, sizeof(none)) == 0)
		return;
	id_write(id, text);
	buf_puts(out, "req_");
	buf_puts(out, text);
}

static void
put_hash(struct buf *out, const struct hash *h)
{
	char text[2 * HASH_BYTES + 1];

	if (hash_none(h))
		return;
	hex_write(text, h->bytes, HASH_BYTES);
	buf_puts(out, text);
}

static void
put_number(struct buf *out, enum column_type type, int64_t number)
{
	char text[CLOCK_TEXT_BYTES];

	if (type == COLUMN_BOOL) {
		buf_puts(out, number != 0 ? "true" : "false");
	} else if (type != COLUMN_TIME) {
		buf_put_int(out, number);
	} else if (number > 0 && number <= ROW_TIME_MAX) {
		clock_write(number, text);
		buf_puts(out, text);
	}
}

void
csv_header(enum row_kind kind, struct buf *out)
{
	const struct column *columns;
	size_t count, i;

	columns = row_columns(kind, &count);
	for (i = 0; i < count; i++) {
		buf_puts(out, i > 0 ? "," : "");
		buf_puts(out, columns[i].name);
	}
	buf_putc(out, '\n');
}

void
csv_row(enum row_kind kind, const void *row, struct buf *out)
{
	const struct column *columns;
	size_t count, i;
	int64_t number;

	columns = row_columns(kind, &count);
	for (i = 0; i < count; i++) {
		const struct column *c = &columns[i];
		const void *cell = (const char *)row + c->offset;

		buf_puts(out, i > 0 ? "," : "");
		if (c->type == COLUMN_ID) {
			put_id(out, cell);
		} else if (c->type == COLUMN_TEXT) {
			put_text(out, *(const struct slice *)cell);
		} else if (c->type == COLUMN_HASH) {
			put_hash(out, cell);
		} else {
			memcpy(&number, cell, sizeof(number));
			put_number(out, c->type, number);
		}
	}
	buf_putc(out, '\n');
}
