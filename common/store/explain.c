#include <stdio.h>

#include "common/base/clock.h"
#include "common/store/custody.h"
#include "common/store/decision.h"
#include "common/store/dossier.h"
#include "common/store/rationale.h"
#include "common/store/receipt.h"
#include "common/store/view.h"

#define NAME_WIDTH    23 /* of the longest column name and a gap */
#define EXPLAIN_TRIES 5

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

static bool
is_zero(const struct column *c, const void *row)
{
	int64_t number;

	if (c->type == COLUMN_ID || c->type == COLUMN_TEXT ||
	    c->type == COLUMN_HASH)
		return false;
	memcpy(&number, (const char *)row + c->offset, sizeof(number));
	return number == 0;
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

static void
explain_request(struct explanation *e, const struct id *id)
{
	struct request_row row;

	if (e->format == OUTPUT_JSON)
		json_key(&e->json, "request");
	if (dossier_request(e->ledger, id, &e->found, &row)) {
		write_row(e, ROW_REQUEST, &row,
		    dossier_is_open(row.state) ? "request, under way"
					       : "request");
		e->any = true;
	} else if (e->format == OUTPUT_JSON) {
		json_put_null(&e->json);
	}
}

/* Its own sentence first; of its columns only those that say something. */
static void
write_decision(struct explanation *e, const struct decision *d)
{
	const struct column *columns;
	size_t count, i;

	buf_printf(e->out, "%sdecision\n  ", e->any ? "\n" : "");
	rationale_sentence(e->out, d);
	columns = row_columns(ROW_DECISION, &count);
	for (i = 0; i < count; i++)
		if (!is_zero(&columns[i], &d->row))
			write_line(e->out, &columns[i], &d->row);
	rationale_tables(e->out, d);
}

static void
explain_decision(struct explanation *e, const struct id *id)
{
	bool json = e->format == OUTPUT_JSON;
	struct decision d;
	bool there = decision_get(e->ledger, id, &e->found, &d);

	if (json)
		json_key(&e->json, "decision");
	if (there && json)
		decision_json(&d, &e->json);
	else if (there)
		write_decision(e, &d);
	else if (json)
		json_put_null(&e->json);
	e->any = e->any || there;
}

static void
explain_attempt(void *arg, const struct attempt_row *row)
{
	struct explanation *e = arg;

	write_row(e, ROW_ATTEMPT, row,
	    dossier_is_open(row->state) ? "attempt, under way" : "attempt");
	e->any = true;
}

static void
explain_attempts(struct explanation *e, const struct id *id)
{
	begin_list(e, "attempts");
	dossier_attempts(e->ledger, id, explain_attempt, e);
	end_list(e);
}

static void
explain_receipt(void *arg, const struct attempt_row *attempt)
{
	struct explanation *e = arg;
	struct receipt_row named = { .chain = attempt->chain,
		.seq = attempt->chain_seq };
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt r;

	if (!receipt_key(key, &named) ||
	    !db_get(ledger_db(e->ledger), FAMILY_RECEIPT,
		slice_make(key, sizeof(key)), &e->found) ||
	    !receipt_read(&r, buf_slice(&e->found)) ||
	    custody_is_past(ledger_custody(e->ledger), &r.row,
		clock_wall_us() / US_PER_MS))
		return;
	write_row(e, ROW_RECEIPT, &r.row, "receipt");
}

static void
explain_receipts(struct explanation *e, const struct id *id)
{
	begin_list(e, "receipts");
	dossier_attempts(e->ledger, id, explain_receipt, e);
	end_list(e);
}

static void
explain_all(struct explanation *e, const struct id *id)
{
	if (e->format == OUTPUT_JSON)
		json_open(&e->json, '{');
	explain_request(e, id);
	explain_decision(e, id);
	explain_attempts(e, id);
	explain_receipts(e, id);
	if (e->format == OUTPUT_JSON) {
		json_close(&e->json, '}');
		buf_putc(e->out, '\n');
	}
}

/* Its row as it is now, as one number of it. */
static struct hash
mark_of(struct explanation *e, const struct id *id)
{
	if (!db_get(ledger_db(e->ledger), FAMILY_REQUEST,
		slice_make(id->bytes, ID_BYTES), &e->found))
		buf_reset(&e->found);
	return hash_of(e->found.data, e->found.len);
}

/* A receipt may come between two reads: then it is told as it is now. */
bool
view_explain(struct ledger *l, const struct id *id, enum output_format format,
    struct buf *out)
{
	struct explanation e = { .ledger = l, .format = format, .out = out };
	struct hash before, after;
	size_t start = out->len;
	int tries = EXPLAIN_TRIES;

	buf_init(&e.found, ROW_BYTES_MAX);
	after = mark_of(&e, id);
	do {
		before = after;
		out->len = start;
		e.any = false;
		e.json = (struct json_writer){ .out = out };
		explain_all(&e, id);
		after = mark_of(&e, id);
	} while (memcmp(&before, &after, sizeof(after)) != 0 && --tries > 0);
	buf_fini(&e.found);
	return e.any;
}
