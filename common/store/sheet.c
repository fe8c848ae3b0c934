#include "common/store/sheet.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/csv.h"

static void
put_id(struct buf *out, const struct id *id)
{
	static const struct id none;
	char text[ID_TEXT_BYTES];

	if (memcmp(id, &none, sizeof(none)) == 0)
		return;
	id_write(id, text);
	buf_puts(out, "req_");
	buf_puts(out, text);
}

static void
put_time(struct buf *out, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	if (wall_us <= 0 || wall_us > ROW_TIME_MAX)
		return;
	clock_write(wall_us, text);
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
put_cell(struct buf *out, const struct column *c, const void *cell)
{
	int64_t number;

	switch (c->type) {
	case COLUMN_ID:
		put_id(out, cell);
		return;
	case COLUMN_TEXT:
		if (((const struct slice *)cell)->len > 0)
			csv_text(out, *(const struct slice *)cell);
		return;
	case COLUMN_HASH:
		put_hash(out, cell);
		return;
	default:
		memcpy(&number, cell, sizeof(number));
	}
	if (c->type == COLUMN_TIME)
		put_time(out, number);
	else if (c->type == COLUMN_BOOL)
		buf_puts(out, number != 0 ? "true" : "false");
	else
		buf_put_int(out, number);
}

void
sheet_head(enum row_kind kind, struct buf *out)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		buf_puts(out, columns[i].name);
	}
	buf_puts(out, CSV_LINE_END);
}

void
sheet_row(enum row_kind kind, const void *row, struct buf *out)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_putc(out, ',');
		put_cell(out, &columns[i],
		    (const char *)row + columns[i].offset);
	}
	buf_puts(out, CSV_LINE_END);
}
