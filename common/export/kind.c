#include "common/export/kind.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/export/csv.h"
#include "common/format/json.h"
#include "common/store/decision.h"
#include "common/store/intent.h"
#include "common/store/receipt.h"

static const struct {
	const char *name;
	enum family family;
	enum row_kind row;
} kinds[EXPORT_KINDS] = {
	[EXPORT_REQUEST] = { "request", FAMILY_REQUEST, ROW_REQUEST },
	[EXPORT_ATTEMPT] = { "attempt", FAMILY_ATTEMPT, ROW_ATTEMPT },
	[EXPORT_OPEN] = { "open", FAMILY_INTENT, ROW_ATTEMPT },
	[EXPORT_RECEIPT] = { "receipt", FAMILY_RECEIPT, ROW_RECEIPT },
	[EXPORT_DECISION] = { "decision", FAMILY_DECISION, ROW_DECISION },
	[EXPORT_EVENT] = { "event", FAMILY_EVENT, ROW_EVENT },
};

/* Any of the rows, with room for a decision's candidates. */
union entry {
	struct request_row request;
	struct attempt_row attempt;
	struct event_row event;
	struct receipt receipt;
	struct decision decision;
	struct intent intent;
};

const char *
kind_name(enum export_kind k)
{
	return kinds[k].name;
}

enum row_kind
kind_row(enum export_kind k)
{
	return kinds[k].row;
}

enum family
kind_family(enum export_kind k)
{
	return kinds[k].family;
}

bool
kind_is_timed(enum export_kind k)
{
	return k != EXPORT_RECEIPT;
}

void
kind_file(enum export_kind k, enum export_encoding e,
    char name[EXPORT_NAME_BYTES])
{
	snprintf(name, EXPORT_NAME_BYTES, "%s.%s", kinds[k].name,
	    e == EXPORT_JSONL ? "jsonl" : "csv");
}

void
kind_head(enum export_kind k, enum export_encoding e, struct buf *out)
{
	if (e == EXPORT_CSV)
		csv_header(kinds[k].row, out);
}

void
kind_put_receipt(struct buf *out, const struct receipt *r, struct slice message)
{
	struct json_writer w = { .out = out, .comma = true };
	char text[BASE64_CHARS(RECEIPT_MAX) + 1];

	assert(message.len <= RECEIPT_MAX);
	base64_write(text, message.ptr, message.len);
	buf_puts(out, SEALED_KEY);
	buf_puts(out, text);
	buf_putc(out, '"');
	row_json_fields(ROW_RECEIPT, &r->row, &w);
	buf_puts(out, "}\n");
}

/* The row of the entry, or NULL; LINE_PUT when there is one. */
static enum line
read_entry(enum export_kind k, struct slice key, struct slice value,
    union entry *e, const void **row)
{
	bool good;

	switch (k) {
	case EXPORT_RECEIPT:
		good = receipt_read(&e->receipt, value);
		*row = &e->receipt.row;
		break;
	case EXPORT_DECISION:
		good = decision_read(&e->decision, value);
		*row = &e->decision.row;
		break;
	case EXPORT_OPEN:
		if (intent_mark_of(key) >= 0)
			return LINE_LEFT_OUT;
		good = intent_read(&e->intent, value);
		if (good && !e->intent.has_attempt)
			return LINE_LEFT_OUT;
		*row = &e->intent.attempt;
		break;
	default:
		good = row_read(kinds[k].row, value, e);
		*row = e;
	}
	return good ? LINE_PUT : LINE_DAMAGED;
}

static void
put_json(enum export_kind k, const union entry *e, const void *row,
    struct buf *out)
{
	struct json_writer w = { .out = out };

	if (k == EXPORT_DECISION)
		decision_json(&e->decision, &w);
	else
		row_json(kinds[k].row, row, &w);
	buf_putc(out, '\n');
}

enum line
kind_line(enum export_kind k, enum export_encoding encoding, struct slice key,
    struct slice value, struct buf *out)
{
	const void *row = NULL;
	union entry e;
	enum line line = read_entry(k, key, value, &e, &row);

	if (line != LINE_PUT)
		return line;
	if (encoding == EXPORT_CSV)
		csv_row(kinds[k].row, row, out);
	else if (k == EXPORT_RECEIPT)
		kind_put_receipt(out, &e.receipt, value);
	else
		put_json(k, &e, row, out);
	return LINE_PUT;
}

int64_t
kind_time_us(enum export_kind k, struct slice key, struct slice value)
{
	struct receipt r;
	struct id id;

	if (k == EXPORT_RECEIPT) {
		if (!receipt_read(&r, value))
			return -1;
		return id_time_ms(&r.row.request) * US_PER_MS;
	}
	if (key.len < ID_BYTES)
		return -1;
	memcpy(id.bytes, key.ptr, ID_BYTES);
	return id_time_ms(&id) * US_PER_MS;
}
