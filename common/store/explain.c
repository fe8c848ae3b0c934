#include <stdio.h>

#include "common/store/intent.h"
#include "common/store/receipt.h"
#include "common/store/view.h"

#define NAME_WIDTH 23 /* of the longest column name and a gap */

#define VALUE_MAX 8192

struct explanation {
	struct ledger *ledger;
	enum output_format format;
	struct buf *out;
	struct json_writer json;
	struct buf found;
	bool any;
};

static const enum cell_type cells[] = {
	[COLUMN_INT] = CELL_INT,
	[COLUMN_BOOL] = CELL_BOOL,
	[COLUMN_TIME] = CELL_TIME,
	[COLUMN_US] = CELL_US,
	[COLUMN_TOKENS] = CELL_INT,
	[COLUMN_BYTES] = CELL_BYTES,
	[COLUMN_MICROUSD] = CELL_MICROUSD,
};

/* What a text column shows, or nothing: then its line is left out. */
static void
write_text_cell(struct buf *out, const struct column *c, const void *cell)
{
	char text[2 * HASH_BYTES + 1];

	if (c->type == COLUMN_ID) {
		id_write(cell, text);
		buf_printf(out, "req_%s", text);
	} else if (c->type == COLUMN_HASH && !hash_none(cell)) {
		hex_write(text, cell, HASH_BYTES);
		buf_puts(out, text);
	} else if (c->type == COLUMN_TEXT &&
		   ((const struct slice *)cell)->len > 0) {
		cell_write_text(out, *(const struct slice *)cell);
	}
}

static void
write_line(struct buf *out, const struct column *c, const void *row)
{
	const void *cell = (const char *)row + c->offset;
	struct buf value;
	int64_t number;

	buf_init(&value, VALUE_MAX);
	if (c->type == COLUMN_ID || c->type == COLUMN_HASH ||
	    c->type == COLUMN_TEXT) {
		write_text_cell(&value, c, cell);
	} else {
		memcpy(&number, cell, sizeof(number));
		cell_write(&value, cells[c->type], number);
	}
	if (value.len > 0 && !slice_is(buf_slice(&value), "-"))
		buf_printf(out, "  %-*s%.*s\n", NAME_WIDTH, c->name,
		    SLICE_FMT(buf_slice(&value)));
	buf_fini(&value);
}

static void
write_row(struct explanation *e, enum row_kind kind, const void *row,
    const char *title)
{
	const struct column *columns;
	size_t count, i;

	if (e->format == OUTPUT_JSON) {
		row_json(kind, row, &e->json);
		return;
	}
	buf_printf(e->out, "%s%s\n", e->any ? "\n" : "", title);
	columns = row_columns(kind, &count);
	for (i = 0; i < count; i++)
		write_line(e->out, &columns[i], row);
}

static void
begin_list(struct explanation *e, const char *name)
{
	if (e->format == OUTPUT_JSON) {
		json_key(&e->json, name);
		json_open(&e->json, '[');
	}
}

static void
end_list(struct explanation *e)
{
	if (e->format == OUTPUT_JSON)
		json_close(&e->json, ']');
}

/* Every key that begins with the id. */
static struct db_scan *
scan_of(struct explanation *e, enum family f, const struct id *id)
{
	uint8_t last[ATTEMPT_KEY_MAX + 1];

	memset(last, UINT8_MAX, sizeof(last));
	memcpy(last, id->bytes, ID_BYTES);
	return db_scan_new(ledger_db(e->ledger), f,
	    slice_make(id->bytes, ID_BYTES), slice_make(last, sizeof(last)),
	    false);
}

/* The row as it was when the attempt under way began. */
static bool
open_request(struct explanation *e, const struct id *id, struct intent *i)
{
	struct db_scan *scan = scan_of(e, FAMILY_INTENT, id);
	struct slice key, value;
	bool found = false;

	while (!found && db_scan_next(scan, &key, &value)) {
		buf_reset(&e->found);
		buf_put_slice(&e->found, value);
		found = intent_mark_of(key) != INTENT_RECEIPT &&
			intent_read(i, buf_slice(&e->found)) && i->has_request;
	}
	db_scan_free(scan);
	return found;
}

static void
explain_request(struct explanation *e, const struct id *id)
{
	struct request_row row;
	struct intent intent;

	if (e->format == OUTPUT_JSON)
		json_key(&e->json, "request");
	if (ledger_request(e->ledger, id, &e->found, &row)) {
		write_row(e, ROW_REQUEST, &row, "request");
		e->any = true;
	} else if (open_request(e, id, &intent)) {
		write_row(e, ROW_REQUEST, &intent.request,
		    "request, under way");
		e->any = true;
	} else if (e->format == OUTPUT_JSON) {
		json_put_null(&e->json);
	}
}

static void
explain_attempts(struct explanation *e, const struct id *id)
{
	struct db_scan *scan = scan_of(e, FAMILY_ATTEMPT, id);
	struct slice key, value;
	struct attempt_row row;
	struct intent intent;

	begin_list(e, "attempts");
	while (db_scan_next(scan, &key, &value)) {
		if (!row_read(ROW_ATTEMPT, value, &row))
			continue;
		write_row(e, ROW_ATTEMPT, &row, "attempt");
		e->any = true;
	}
	db_scan_free(scan);
	scan = scan_of(e, FAMILY_INTENT, id);
	while (db_scan_next(scan, &key, &value)) {
		if (intent_mark_of(key) >= 0 || !intent_read(&intent, value) ||
		    !intent.has_attempt)
			continue;
		write_row(e, ROW_ATTEMPT, &intent.attempt,
		    "attempt, under way");
		e->any = true;
	}
	db_scan_free(scan);
	end_list(e);
}

static void
explain_receipt(struct explanation *e, const struct attempt_row *attempt)
{
	struct receipt_row named = { .chain = attempt->chain,
		.seq = attempt->chain_seq };
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt r;

	if (!receipt_key(key, &named) ||
	    !db_get(ledger_db(e->ledger), FAMILY_RECEIPT,
		slice_make(key, sizeof(key)), &e->found) ||
	    !receipt_read(&r, buf_slice(&e->found)))
		return;
	write_row(e, ROW_RECEIPT, &r.row, "receipt");
}

static void
explain_receipts(struct explanation *e, const struct id *id)
{
	struct db_scan *scan = scan_of(e, FAMILY_ATTEMPT, id);
	struct slice key, value;
	struct attempt_row row;

	begin_list(e, "receipts");
	while (db_scan_next(scan, &key, &value))
		if (row_read(ROW_ATTEMPT, value, &row))
			explain_receipt(e, &row);
	db_scan_free(scan);
	end_list(e);
}

bool
view_explain(struct ledger *l, const struct id *id, enum output_format format,
    struct buf *out)
{
	struct explanation e = {
		.ledger = l,
		.format = format,
		.out = out,
		.json = { .out = out },
	};

	buf_init(&e.found, ROW_BYTES_MAX);
	if (format == OUTPUT_JSON)
		json_open(&e.json, '{');
	explain_request(&e, id);
	explain_attempts(&e, id);
	explain_receipts(&e, id);
	if (format == OUTPUT_JSON) {
		json_close(&e.json, '}');
		buf_putc(out, '\n');
	}
	buf_fini(&e.found);
	return e.any;
}
