#include "common/member/listing.h"

#include "common/format/pack.h"
#include "common/member/journal.h"
#include "common/store/sheet.h"
#include "common/store/view.h"

#define HELD_MAX ((size_t)64 * 1024 * 1024)

bool
listing_format_read(struct slice name, enum listing_format *format)
{
	static const char *const names[] = {
		[LISTING_TEXT] = "text",
		[LISTING_JSON] = "json",
		[LISTING_JSONL] = "jsonl",
		[LISTING_CSV] = "csv",
	};
	size_t i;

	for (i = 0; i < count_of(names); i++)
		if (slice_is(name, names[i])) {
			*format = (enum listing_format)i;
			return true;
		}
	return false;
}

void
listing_open(struct listing *l, enum row_kind kind, enum listing_format format,
    struct buf *out)
{
	*l = (struct listing){
		.kind = kind,
		.format = format,
		.out = out,
		.json = { .out = out },
	};
	buf_init(&l->held, HELD_MAX);
	if (format == LISTING_JSON)
		json_open(&l->json, '[');
	else if (format == LISTING_CSV)
		sheet_head(kind, out);
}

static void
begin_text(struct listing *l, bool more)
{
	const struct table_column *columns = l->columns;
	size_t count = VIEW_COLUMNS;

	if (l->begun)
		return;
	l->begun = true;
	if (l->kind == ROW_EVENT) {
		/* Which columns later ones need cannot be known. */
		if (more)
			l->shown = JOURNAL_WIDEST;
		count = journal_columns(l->shown, l->columns);
	} else {
		columns = view_columns(l->kind);
	}
	table_open(&l->table, l->out, OUTPUT_TEXT, columns, count);
}

static void
put_text(struct listing *l, const void *row)
{
	struct buf packed;

	if (l->kind != ROW_EVENT) {
		begin_text(l, true);
		view_put(&l->table, l->kind, row);
		return;
	}
	l->shown |= journal_shown(row);
	buf_init(&packed, ROW_BYTES_MAX);
	row_write(ROW_EVENT, row, &packed);
	pack_bytes(&l->held, packed.data, packed.len);
	buf_fini(&packed);
}

void
listing_put(struct listing *l, const void *row)
{
	struct json_writer line = { .out = l->out };

	switch (l->format) {
	case LISTING_TEXT:
		put_text(l, row);
		break;
	case LISTING_JSON:
		row_json(l->kind, row, &l->json);
		break;
	case LISTING_JSONL:
		row_json(l->kind, row, &line);
		buf_putc(l->out, '\n');
		break;
	case LISTING_CSV:
		sheet_row(l->kind, row, l->out);
		break;
	}
}

static void
flush_text(struct listing *l, bool more)
{
	struct unpack u = unpack_start(buf_slice(&l->held));
	struct event_row row;

	begin_text(l, more);
	while (u.rest.len > 0 && !u.failed)
		if (row_read(ROW_EVENT, unpack_bytes(&u), &row))
			journal_line(&l->table, &row, l->shown);
	l->out->failed |= l->held.failed;
	buf_reset(&l->held);
	table_flush(&l->table);
}

void
listing_flush(struct listing *l)
{
	if (l->format == LISTING_TEXT)
		flush_text(l, true);
}

void
listing_close(struct listing *l)
{
	if (l->format == LISTING_TEXT) {
		flush_text(l, false);
		table_close(&l->table);
		l->begun = false;
	}
	if (l->format == LISTING_JSON) {
		json_close(&l->json, ']');
		buf_putc(l->out, '\n');
	}
	listing_drop(l);
}

void
listing_drop(struct listing *l)
{
	if (l->begun)
		buf_fini(&l->table.cells);
	buf_fini(&l->held);
}
