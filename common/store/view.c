#include "common/store/view.h"

#include <stdio.h>

#include "common/store/row.h"

#define COLUMNS 12

static const struct table_column request_table[COLUMNS] = {
	{ "id", CELL_TEXT },
	{ "received", CELL_TIME },
	{ "caller", CELL_TEXT },
	{ "group", CELL_TEXT },
	{ "target", CELL_TEXT },
	{ "status", CELL_INT },
	{ "in", CELL_INT },
	{ "out", CELL_INT },
	{ "cost", CELL_MICROUSD },
	{ "first", CELL_US },
	{ "total", CELL_US },
	{ "fail", CELL_TEXT },
};

static const struct table_column attempt_table[COLUMNS] = {
	{ "id", CELL_TEXT },
	{ "started", CELL_TIME },
	{ "origin", CELL_TEXT },
	{ "caller", CELL_TEXT },
	{ "target", CELL_TEXT },
	{ "status", CELL_INT },
	{ "in", CELL_INT },
	{ "out", CELL_INT },
	{ "cost", CELL_MICROUSD },
	{ "first", CELL_US },
	{ "total", CELL_US },
	{ "fail", CELL_TEXT },
};

static bool
passes(struct slice wanted, struct slice text)
{
	return wanted.len == 0 || slice_eq(wanted, text);
}

static bool
fail_passes(const struct view_filter *f, struct slice fail)
{
	return slice_is(f->fail, "any") ? fail.len > 0 : passes(f->fail, fail);
}

static bool
request_passes(const struct view_filter *f, const struct request_row *r)
{
	return passes(f->caller, r->caller) && passes(f->group, r->group) &&
	       passes(f->target, r->target) && fail_passes(f, r->fail) &&
	       (f->status == 0 || f->status == r->status);
}

static bool
attempt_passes(const struct view_filter *f, const struct attempt_row *a)
{
	return passes(f->caller, a->caller) && passes(f->group, a->group) &&
	       passes(f->target, a->target) && fail_passes(f, a->fail) &&
	       (f->status == 0 || f->status == a->status);
}

static void
put_id(struct table *t, const struct id *id)
{
	char text[4 + ID_TEXT_BYTES] = "req_";

	id_write(id, text + 4);
	table_text(t, slice_of(text));
}

static void
put_request(struct table *t, const struct request_row *r)
{
	put_id(t, &r->id);
	table_int(t, r->received_at);
	table_text(t, r->caller);
	table_text(t, r->group);
	table_text(t, r->target);
	table_int(t, r->status);
	table_int(t,
	    r->input_tokens + r->cache_read_tokens + r->cache_write_tokens);
	table_int(t, r->output_tokens + r->reasoning_tokens);
	table_int(t, r->cost_microusd);
	table_int(t, r->first_byte_us);
	table_int(t, r->total_us);
	table_text(t, r->fail);
}

static void
put_attempt(struct table *t, const struct attempt_row *a)
{
	put_id(t, &a->request);
	table_int(t, a->started_at);
	table_text(t, a->origin);
	table_text(t, a->caller);
	table_text(t, a->target);
	table_int(t, a->status);
	table_int(t,
	    a->input_tokens + a->cache_read_tokens + a->cache_write_tokens);
	table_int(t, a->output_tokens + a->reasoning_tokens);
	table_int(t, a->cost_microusd);
	table_int(t, a->first_byte_us);
	table_int(t, a->total_us);
	table_text(t, a->fail);
}

union any_row {
	struct request_row request;
	struct attempt_row attempt;
};

static bool
row_passes(enum row_kind kind, const struct view_filter *f, struct slice bytes,
    union any_row *row)
{
	if (!row_read(kind, bytes, row))
		return false;
	return kind == ROW_REQUEST ? request_passes(f, &row->request)
				   : attempt_passes(f, &row->attempt);
}

/* Smaller than any id after `since`, greater than every key of `since`. */
static struct slice
after(const struct id *since, uint8_t key[ID_BYTES])
{
	int i = ID_BYTES - 1;

	if (since == NULL)
		return slice_make(NULL, 0);
	memcpy(key, since->bytes, ID_BYTES);
	while (i > 0 && key[i] == UINT8_MAX)
		key[i--] = 0;
	key[i]++;
	return slice_make(key, ID_BYTES);
}

static struct db_scan *
scan_newest(struct ledger *l, enum row_kind kind, const struct id *since)
{
	struct slice none = { NULL, 0 };
	uint8_t from[ID_BYTES];

	return db_scan_new(ledger_db(l),
	    kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT,
	    after(since, from), none, true);
}

static void
list_text(struct ledger *l, enum row_kind kind,
    const struct view_filter *filter, struct buf *out)
{
	size_t left = filter->limit > 0 ? filter->limit : VIEW_LIMIT;
	struct db_scan *scan = scan_newest(l, kind, filter->since);
	struct slice key, value;
	union any_row row;
	struct table table;

	table_open(&table, out, OUTPUT_TEXT,
	    kind == ROW_REQUEST ? request_table : attempt_table, COLUMNS);
	while (left > 0 && db_scan_next(scan, &key, &value)) {
		if (!row_passes(kind, filter, value, &row))
			continue;
		left--;
		if (kind == ROW_REQUEST)
			put_request(&table, &row.request);
		else
			put_attempt(&table, &row.attempt);
	}
	table_close(&table);
	db_scan_free(scan);
}

static void
list_json(struct ledger *l, enum row_kind kind,
    const struct view_filter *filter, struct buf *out)
{
	size_t left = filter->limit > 0 ? filter->limit : VIEW_LIMIT;
	struct db_scan *scan = scan_newest(l, kind, filter->since);
	struct json_writer json = { .out = out };
	struct slice key, value;
	union any_row row;

	json_open(&json, '[');
	while (left > 0 && db_scan_next(scan, &key, &value)) {
		if (!row_passes(kind, filter, value, &row))
			continue;
		left--;
		row_json(kind, &row, &json);
	}
	json_close(&json, ']');
	buf_putc(out, '\n');
	db_scan_free(scan);
}

void
view_requests(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out)
{
	if (format == OUTPUT_TEXT)
		list_text(l, ROW_REQUEST, filter, out);
	else
		list_json(l, ROW_REQUEST, filter, out);
}

void
view_attempts(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out)
{
	if (format == OUTPUT_TEXT)
		list_text(l, ROW_ATTEMPT, filter, out);
	else
		list_json(l, ROW_ATTEMPT, filter, out);
}

static bool
last_key(struct ledger *l, enum row_kind kind, struct id *id)
{
	struct db_scan *scan = scan_newest(l, kind, NULL);
	struct slice key, value;
	bool found = db_scan_next(scan, &key, &value) && key.len >= ID_BYTES;

	if (found)
		memcpy(id->bytes, key.ptr, ID_BYTES);
	db_scan_free(scan);
	return found;
}

bool
view_last(struct ledger *l, struct id *id)
{
	return last_key(l, ROW_REQUEST, id) || last_key(l, ROW_ATTEMPT, id);
}
