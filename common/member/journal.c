#include "common/member/journal.h"

#include "common/base/clock.h"
#include "common/member/target.h"

static struct slice
key_of(struct id *id, struct id_source *ids, const struct event_row *row)
{
	*id = id_next(ids, row->at);
	return slice_make(id->bytes, ID_BYTES);
}

void
journal_put(struct ledger_turn *t, struct id_source *ids,
    const struct event_row *row)
{
	struct buf *bytes = ledger_room(t);
	struct id id;

	if (ledger_full(t))
		return;
	row_write(ROW_EVENT, row, bytes);
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_EVENT, key_of(&id, ids, row),
	    buf_slice(bytes));
}

void
journal_target(struct ledger_turn *t, struct id_source *ids,
    struct slice target, const struct target_change *change)
{
	struct event_row row = {
		.at = clock_wall_us(),
		.kind = slice_of(JOURNAL_RECOVERED),
		.target = target,
		.detail = slice_of(backoff_kind_name(change->kind)),
		.by = slice_of("router"),
	};

	if (change->turn == TARGET_AS_BEFORE)
		return;
	if (change->turn == TARGET_BACKS_OFF) {
		row.kind = slice_of(JOURNAL_BACKING_OFF);
		row.until = row.at + change->wait_us;
	}
	journal_put(t, ids, &row);
}

void
journal_add(struct db_batch *b, struct db *db, struct id_source *ids,
    const struct event_row *row)
{
	struct buf bytes;
	struct id id;

	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_EVENT, row, &bytes);
	db_batch_put(b, db, FAMILY_EVENT, key_of(&id, ids, row),
	    buf_slice(&bytes));
	buf_fini(&bytes);
}

/* A search from the newest on. */
struct search {
	const struct journal_filter *filter;
	struct db_scan *scan;
	size_t left, searched;
	struct event_row row;
};

static bool
search_next(struct search *s)
{
	struct slice key, value;

	while (s->left > 0 && s->searched < JOURNAL_SEARCH_MAX &&
	       db_scan_next(s->scan, &key, &value)) {
		s->searched++;
		if (!row_read(ROW_EVENT, value, &s->row))
			continue;
		if (s->filter->target.len > 0 &&
		    !slice_eq(s->filter->target, s->row.target))
			continue;
		s->left--;
		return true;
	}
	return false;
}

static void
list_text(struct search *s, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "at", CELL_TIME },
		{ "event", CELL_TEXT },
		{ "target", CELL_TEXT },
		{ "until", CELL_TIME },
		{ "by", CELL_TEXT },
		{ "why", CELL_TEXT },
	};
	struct table t;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	while (search_next(s)) {
		table_int(&t, s->row.at);
		table_text(&t, s->row.kind);
		table_text(&t, s->row.target);
		table_int(&t, s->row.until);
		table_text(&t, s->row.by);
		table_text(&t, s->row.detail);
	}
	table_close(&t);
	if (s->searched == JOURNAL_SEARCH_MAX)
		buf_printf(out, "(only the newest %d were searched)\n",
		    JOURNAL_SEARCH_MAX);
}

static void
list_json(struct search *s, struct buf *out)
{
	struct json_writer w = { .out = out };

	json_open(&w, '[');
	while (search_next(s))
		row_json(ROW_EVENT, &s->row, &w);
	json_close(&w, ']');
	buf_putc(out, '\n');
}

void
journal_list(struct ledger *l, const struct journal_filter *filter,
    enum output_format format, struct buf *out)
{
	const struct slice none = { NULL, 0 };
	struct search s = {
		.filter = filter,
		.scan =
		    db_scan_new(ledger_db(l), FAMILY_EVENT, none, none, true),
		.left = filter->limit > 0 ? filter->limit : JOURNAL_LIMIT,
	};

	if (format == OUTPUT_JSON)
		list_json(&s, out);
	else
		list_text(&s, out);
	db_scan_free(s.scan);
}
