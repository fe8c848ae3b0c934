#include "common/export/kind.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/store/checkpoint.h"
#include "common/store/decision.h"
#include "common/store/intent.h"
#include "common/store/receipt.h"
#include "common/store/sheet.h"

static const struct {
	const char *name;
	enum family family;
	enum row_kind row;
} kinds[EXPORT_KINDS] = {
	[EXPORT_REQUEST] = { "request", FAMILY_REQUEST, ROW_REQUEST },
	[EXPORT_ATTEMPT] = { "attempt", FAMILY_ATTEMPT, ROW_ATTEMPT },
	[EXPORT_OPEN] = { "open", FAMILY_INTENT, ROW_ATTEMPT },
	[EXPORT_RECEIPT] = { "receipt", FAMILY_RECEIPT, ROW_RECEIPT },
	[EXPORT_OUTBOX] = { "outbox", FAMILY_OUTBOX, ROW_KINDS },
	[EXPORT_CHECKPOINT] = { "checkpoint", FAMILY_META, ROW_CHECKPOINT },
	[EXPORT_DECISION] = { "decision", FAMILY_DECISION, ROW_DECISION },
	[EXPORT_EVENT] = { "event", FAMILY_EVENT, ROW_EVENT },
};

/* Any of the rows, with room for a decision's candidates. */
union entry {
	struct request_row request;
	struct attempt_row attempt;
	struct event_row event;
	struct receipt receipt;
	struct checkpoint checkpoint;
	struct decision decision;
	struct intent intent;
};

const char *
kind_name(enum export_kind k)
{
	return kinds[k].name;
}

enum family
kind_family(enum export_kind k)
{
	return kinds[k].family;
}

bool
kind_is_timed(enum export_kind k)
{
	return k != EXPORT_RECEIPT && k != EXPORT_OUTBOX &&
	       k != EXPORT_CHECKPOINT;
}

void
kind_bounds(enum export_kind k, struct slice *from, struct slice *to)
{
	*from = *to = slice_make(NULL, 0);
	if (k != EXPORT_CHECKPOINT)
		return;
	*from = slice_of(CHECKPOINT_PREFIX);
	*to = slice_of(CHECKPOINT_END);
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
	if (e != EXPORT_CSV)
		return;
	if (k == EXPORT_OUTBOX)
		buf_puts(out, "origin,chain,seq\n");
	else
		sheet_head(kinds[k].row, out);
}

bool
outbox_entry_read(struct outbox_entry *e, struct slice key)
{
	const char *zero = key.len > 0 ? memchr(key.ptr, '\0', key.len) : NULL;
	struct slice place;
	int i;

	if (zero == NULL)
		return false;
	e->origin = slice_make(key.ptr, (size_t)(zero - key.ptr));
	place = slice_after(key, e->origin.len + 1);
	if (place.len != RECEIPT_KEY_BYTES)
		return false;
	hex_write(e->chain, place.ptr, CHAIN_ID_BYTES);
	e->seq = 0;
	for (i = CHAIN_ID_BYTES; i < RECEIPT_KEY_BYTES; i++)
		e->seq =
		    (int64_t)((uint64_t)e->seq << 8 | (uint8_t)place.ptr[i]);
	return e->seq > 0;
}

void
outbox_entry_write(struct buf *out, const struct outbox_entry *e)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	json_field_text(&w, "origin", e->origin);
	json_field_text(&w, "chain", slice_of(e->chain));
	json_field_int(&w, "seq", e->seq);
	json_close(&w, '}');
	buf_putc(out, '\n');
}

static enum line
outbox_line(enum export_encoding encoding, struct slice key, struct buf *out)
{
	struct outbox_entry e;

	if (!outbox_entry_read(&e, key))
		return LINE_DAMAGED;
	if (encoding == EXPORT_JSONL)
		outbox_entry_write(out, &e);
	else
		buf_printf(out, "%.*s,%s,%lld\n", SLICE_FMT(e.origin), e.chain,
		    (long long)e.seq);
	return LINE_PUT;
}

static void
put_sealed(struct buf *out, enum row_kind kind, const void *row,
    struct slice message)
{
	struct json_writer w = { .out = out, .comma = true };
	char text[BASE64_CHARS(RECEIPT_MAX) + 1];

	assert(message.len <= RECEIPT_MAX);
	base64_write(text, message.ptr, message.len);
	buf_puts(out, SEALED_KEY);
	buf_puts(out, text);
	buf_putc(out, '"');
	row_json_fields(kind, row, &w);
	buf_puts(out, "}\n");
}

void
kind_put_receipt(struct buf *out, const struct receipt *r, struct slice message)
{
	put_sealed(out, ROW_RECEIPT, &r->row, message);
}

void
kind_put_checkpoint(struct buf *out, const struct checkpoint *c,
    struct slice message)
{
	put_sealed(out, ROW_CHECKPOINT, &c->row, message);
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
	case EXPORT_CHECKPOINT:
		good = checkpoint_read(&e->checkpoint, value);
		*row = &e->checkpoint.row;
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
	enum line line;
	union entry e;

	if (k == EXPORT_OUTBOX)
		return outbox_line(encoding, key, out);
	line = read_entry(k, key, value, &e, &row);
	if (line != LINE_PUT)
		return line;
	if (encoding == EXPORT_CSV)
		sheet_row(kinds[k].row, row, out);
	else if (k == EXPORT_RECEIPT)
		kind_put_receipt(out, &e.receipt, value);
	else if (k == EXPORT_CHECKPOINT)
		kind_put_checkpoint(out, &e.checkpoint, value);
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
	if (!kind_is_timed(k) || key.len < ID_BYTES)
		return -1;
	memcpy(id.bytes, key.ptr, ID_BYTES);
	return id_time_ms(&id) * US_PER_MS;
}
