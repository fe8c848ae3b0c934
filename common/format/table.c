#include "common/format/table.h"

#include <assert.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

#define CELLS_MAX     (64u << 20)
#define CELL_MAX      4096
#define TIME_MAX      INT64_C(253402300799999999) /* the year 9999 */
#define SECONDS_CHARS 19                          /* 2026-11-23T04:05:06 */
#define KIB           1024

void
table_open(struct table *t, struct buf *out, enum output_format format,
    const struct table_column *columns, size_t count)
{
	assert(count > 0 && count <= TABLE_COLUMNS_MAX);
	*t = (struct table){
		.out = out,
		.format = format,
		.columns = columns,
		.count = count,
		.json = { .out = out },
	};
	buf_init(&t->cells, CELLS_MAX);
	if (format == OUTPUT_JSON)
		json_open(&t->json, '[');
}

static void
write_time(struct buf *out, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	if (wall_us <= 0 || wall_us > TIME_MAX) {
		buf_putc(out, '-');
		return;
	}
	clock_write(wall_us, text);
	buf_printf(out, "%.*sZ", SECONDS_CHARS, text);
}

static void
write_duration(struct buf *out, int64_t us)
{
	if (us <= 0)
		buf_putc(out, '-');
	else if (us < US_PER_MS)
		buf_printf(out, "%d us", (int)us);
	else if (us < US_PER_SECOND)
		buf_printf(out, "%.1f ms", (double)us / US_PER_MS);
	else
		buf_printf(out, "%.2f s", (double)us / US_PER_SECOND);
}

static void
write_bytes(struct buf *out, int64_t bytes)
{
	if (bytes < 10 * KIB)
		buf_printf(out, "%lld B", (long long)bytes);
	else if (bytes < 10 * KIB * KIB)
		buf_printf(out, "%.1f KiB", (double)bytes / KIB);
	else
		buf_printf(out, "%.1f MiB", (double)bytes / (KIB * KIB));
}

/* All six digits: nothing that is summed may be rounded for show. */
static void
write_money(struct buf *out, int64_t microusd)
{
	uint64_t amount =
	    microusd < 0 ? 0 - (uint64_t)microusd : (uint64_t)microusd;

	buf_printf(out, "%s$%llu.%06llu", microusd < 0 ? "-" : "",
	    (unsigned long long)(amount / 1000000),
	    (unsigned long long)(amount % 1000000));
}

void
cell_write(struct buf *out, enum cell_type type, int64_t number)
{
	switch (type) {
	case CELL_BOOL:
		buf_puts(out, number != 0 ? "yes" : "no");
		break;
	case CELL_TIME:
		write_time(out, number);
		break;
	case CELL_US:
		write_duration(out, number);
		break;
	case CELL_BYTES:
		write_bytes(out, number);
		break;
	case CELL_MICROUSD:
		write_money(out, number);
		break;
	default:
		buf_printf(out, "%lld", (long long)number);
	}
}

/* DEL and the C1 controls, which some terminals obey, too. */
static bool
is_control(const char *at, size_t len)
{
	uint8_t first = (uint8_t)at[0];

	return first < 0x20 || first == 0x7f ||
	       (len == 2 && first == 0xc2 && (uint8_t)at[1] < 0xa0);
}

void
cell_write_text(struct buf *out, struct slice text)
{
	const char *at = text.ptr;
	const char *end;
	size_t len;

	if (text.len == 0) {
		buf_putc(out, '-');
		return;
	}
	end = at + min_size(text.len, CELL_MAX);
	while (at < end) {
		len = utf8_char(at, end);
		if (len == 0 || is_control(at, len))
			buf_putc(out, '?');
		else
			buf_put(out, at, len);
		at += len > 0 ? len : 1;
	}
}

static const struct table_column *
begin_cell(struct table *t)
{
	const struct table_column *c = &t->columns[t->next];

	if (t->format != OUTPUT_JSON)
		return c;
	if (t->next == 0)
		json_open(&t->json, '{');
	json_key(&t->json, c->name);
	return c;
}

static void
end_cell(struct table *t)
{
	t->next = (t->next + 1) % t->count;
	if (t->format == OUTPUT_JSON && t->next == 0)
		json_close(&t->json, '}');
}

/* Put the length in front of what stands behind `from`. */
static void
close_cell(struct table *t, size_t from)
{
	uint16_t len = (uint16_t)(t->cells.len - from - sizeof(len));

	if (!t->cells.failed)
		memcpy(t->cells.data + from, &len, sizeof(len));
}

void
table_text(struct table *t, struct slice text)
{
	static const uint16_t room = 0;
	size_t from = t->cells.len;
	const struct table_column *c = begin_cell(t);

	assert(c->type == CELL_TEXT);
	if (t->format == OUTPUT_JSON) {
		json_put_text(&t->json, text);
	} else {
		buf_put(&t->cells, &room, sizeof(room));
		cell_write_text(&t->cells, text);
		close_cell(t, from);
	}
	end_cell(t);
}

static void
json_cell(struct table *t, enum cell_type type, int64_t number)
{
	char text[CLOCK_TEXT_BYTES];

	if (type == CELL_BOOL) {
		json_put_bool(&t->json, number != 0);
	} else if (type != CELL_TIME) {
		json_put_int(&t->json, number);
	} else if (number <= 0 || number > TIME_MAX) {
		json_put_null(&t->json);
	} else {
		clock_write(number, text);
		json_put_text(&t->json, slice_of(text));
	}
}

void
table_int(struct table *t, int64_t number)
{
	static const uint16_t room = 0;
	size_t from = t->cells.len;
	const struct table_column *c = begin_cell(t);

	assert(c->type != CELL_TEXT);
	if (t->format == OUTPUT_JSON) {
		json_cell(t, c->type, number);
	} else {
		buf_put(&t->cells, &room, sizeof(room));
		cell_write(&t->cells, c->type, number);
		close_cell(t, from);
	}
	end_cell(t);
}

static struct slice
take_cell(struct slice *cells)
{
	struct slice cell;
	uint16_t len;

	memcpy(&len, cells->ptr, sizeof(len));
	cell = slice_make(cells->ptr + sizeof(len), len);
	*cells = slice_after(*cells, sizeof(len) + len);
	return cell;
}

/* Columns on a terminal: characters, not bytes (wide ones aside). */
static size_t
width_of(struct slice text)
{
	size_t width = 0, i;

	for (i = 0; i < text.len; i++)
		width += ((uint8_t)text.ptr[i] & 0xc0) != 0x80;
	return width;
}

static void
measure(struct table *t)
{
	struct slice cells = buf_slice(&t->cells);
	size_t column, width;

	for (column = 0; column < t->count && !t->headed; column++)
		t->widths[column] = strlen(t->columns[column].name);
	for (column = 0; cells.len > 0; column = (column + 1) % t->count) {
		width = width_of(take_cell(&cells));
		if (width > t->widths[column])
			t->widths[column] = width;
	}
}

static bool
stands_right(const struct table_column *c)
{
	return c->type != CELL_TEXT && c->type != CELL_TIME;
}

/* Numbers stand right, text left; nothing follows the last column's text. */
static void
write_cell(const struct table *t, size_t column, struct slice text)
{
	bool right = stands_right(&t->columns[column]);
	bool last = column + 1 == t->count;
	size_t fill = t->widths[column] - width_of(text);

	if (right)
		buf_printf(t->out, "%*s", (int)fill, "");
	buf_put_slice(t->out, text);
	if (!right && !last)
		buf_printf(t->out, "%*s", (int)fill, "");
	buf_puts(t->out, last ? "\n" : "  ");
}

static void
write_text(struct table *t)
{
	struct slice cells = buf_slice(&t->cells);
	size_t column;

	measure(t);
	for (column = 0; column < t->count && !t->headed; column++)
		write_cell(t, column, slice_of(t->columns[column].name));
	t->headed = true;
	for (column = 0; cells.len > 0; column = (column + 1) % t->count)
		write_cell(t, column, take_cell(&cells));
}

/* A bar would be another column. */
static void
write_markdown_cell(struct table *t, size_t column, struct slice text)
{
	size_t i;

	buf_puts(t->out, column == 0 ? "| " : " ");
	for (i = 0; i < text.len; i++) {
		if (text.ptr[i] == '|')
			buf_putc(t->out, '\\');
		buf_putc(t->out, text.ptr[i]);
	}
	buf_puts(t->out, column + 1 == t->count ? " |\n" : " |");
}

static void
write_markdown(struct table *t)
{
	struct slice cells = buf_slice(&t->cells);
	size_t column;

	for (column = 0; column < t->count && !t->headed; column++)
		write_markdown_cell(t, column,
		    slice_of(t->columns[column].name));
	for (column = 0; column < t->count && !t->headed; column++)
		buf_puts(t->out,
		    stands_right(&t->columns[column]) ? "|---:" : "|---");
	buf_puts(t->out, t->headed ? "" : "|\n");
	t->headed = true;
	for (column = 0; cells.len > 0; column = (column + 1) % t->count)
		write_markdown_cell(t, column, take_cell(&cells));
}

void
table_flush(struct table *t)
{
	assert(t->next == 0 || t->out->failed || t->cells.failed);
	t->out->failed |= t->cells.failed;
	if (t->format == OUTPUT_TEXT && !t->cells.failed)
		write_text(t);
	if (t->format == OUTPUT_MARKDOWN && !t->cells.failed)
		write_markdown(t);
	buf_reset(&t->cells);
}

void
table_close(struct table *t)
{
	table_flush(t);
	if (t->format == OUTPUT_JSON) {
		json_close(&t->json, ']');
		buf_putc(t->out, '\n');
	}
	buf_fini(&t->cells);
}
