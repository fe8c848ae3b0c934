#include "common/member/journal.h"

#include "common/base/clock.h"
#include "common/member/target.h"

#define REQUEST_PREFIX "req_"

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

bool
journal_request(struct slice text, struct id *id)
{
	if (slice_starts(text, REQUEST_PREFIX))
		text = slice_after(text, strlen(REQUEST_PREFIX));
	return id_parse(id, text);
}

/* A search from the newest on. */
struct search {
	struct ledger *ledger;
	const struct journal_filter *filter;
	struct db_scan *scan;
	size_t left, searched;
	struct event_row row;
};

static bool
has_request(const struct event_row *row)
{
	const struct id none = { .bytes = { 0 } };

	return memcmp(&row->request, &none, sizeof(none)) != 0;
}

static bool
is_wanted(const struct journal_filter *f, const struct event_row *row)
{
	if (f->target.len > 0 && !slice_eq(f->target, row->target))
		return false;
	if (f->kind.len > 0 && !slice_eq(f->kind, row->kind))
		return false;
	return memcmp(&f->request, &(struct id){ { 0 } }, ID_BYTES) == 0 ||
	       memcmp(&f->request, &row->request, ID_BYTES) == 0;
}

static bool
is_in_scope(const struct search *s)
{
	const struct admin_scope *scope = s->filter->scope;
	const struct event_row *row = &s->row;
	struct request_row request;
	struct buf bytes;
	bool is;

	if (admin_scope_is_all(scope))
		return true;
	if (row->team.len > 0)
		return admin_scope_allows(scope, row->team, slice_of(""));
	if (!has_request(row))
		return false;
	buf_init(&bytes, ROW_BYTES_MAX);
	is = ledger_request(s->ledger, &row->request, &bytes, &request) &&
	     admin_scope_allows(scope, slice_of(""), request.project);
	buf_fini(&bytes);
	return is;
}

static bool
search_next(struct search *s)
{
	struct slice key, value;

	while (s->left > 0 && s->searched < JOURNAL_SEARCH_MAX &&
	       db_scan_next(s->scan, &key, &value)) {
		s->searched++;
		if (!row_read(ROW_EVENT, value, &s->row))
			continue;
		if (!is_wanted(s->filter, &s->row) || !is_in_scope(s))
			continue;
		s->left--;
		return true;
	}
	return false;
}

static void
search_begin(struct search *s, struct ledger *l,
    const struct journal_filter *filter)
{
	const struct slice none = { NULL, 0 };

	*s = (struct search){
		.ledger = l,
		.filter = filter,
		.scan =
		    db_scan_new(ledger_db(l), FAMILY_EVENT, none, none, true),
		.left = filter->limit > 0 ? filter->limit : JOURNAL_LIMIT,
	};
}

static void
put_request(struct table *t, const struct event_row *row)
{
	char id[sizeof(REQUEST_PREFIX) + ID_TEXT_BYTES] = REQUEST_PREFIX;

	id_write(&row->request, id + strlen(REQUEST_PREFIX));
	table_text(t, slice_of(has_request(row) ? id : ""));
}

/* "caller ci rpm refused, waited 1.2 s, again in 340 ms"; or the reason. */
static void
put_why(struct table *t, const struct event_row *row)
{
	struct buf text;

	buf_init(&text, ROW_BYTES_MAX);
	cell_write_text(&text, row->bucket.len > 0 ? row->bucket : row->detail);
	if (row->outcome.len > 0) {
		buf_putc(&text, ' ');
		cell_write_text(&text, row->outcome);
	}
	if (row->waited_us > 0) {
		buf_puts(&text, ", waited ");
		cell_write(&text, CELL_US, row->waited_us);
	}
	if (row->retry_us > 0) {
		buf_puts(&text, ", free in ");
		cell_write(&text, CELL_US, row->retry_us);
	}
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

enum event_column {
	EVENT_AT,
	EVENT_KIND,
	EVENT_TARGET,
	EVENT_REQUEST,
	EVENT_CALLER,
	EVENT_UNTIL,
	EVENT_BY,
	EVENT_WHY,
	EVENT_COLUMNS
};

static const struct table_column columns[EVENT_COLUMNS] = {
	[EVENT_AT] = { "at", CELL_TIME },
	[EVENT_KIND] = { "event", CELL_TEXT },
	[EVENT_TARGET] = { "target", CELL_TEXT },
	[EVENT_REQUEST] = { "request", CELL_TEXT },
	[EVENT_CALLER] = { "caller", CELL_TEXT },
	[EVENT_UNTIL] = { "until", CELL_TIME },
	[EVENT_BY] = { "by", CELL_TEXT },
	[EVENT_WHY] = { "why", CELL_TEXT },
};

/* What only some kinds of events have, and none of these, has no column. */
static unsigned
columns_of(struct search *s)
{
	unsigned shown = ~0u & ~(1u << EVENT_TARGET | 1u << EVENT_REQUEST |
				   1u << EVENT_CALLER | 1u << EVENT_UNTIL);

	while (search_next(s)) {
		shown |= (unsigned)(s->row.target.len > 0) << EVENT_TARGET;
		shown |= (unsigned)has_request(&s->row) << EVENT_REQUEST;
		shown |= (unsigned)(s->row.caller.len > 0) << EVENT_CALLER;
		shown |= (unsigned)(s->row.until > 0) << EVENT_UNTIL;
	}
	return shown;
}

static void
put_event(struct table *t, const struct event_row *row, unsigned shown)
{
	table_int(t, row->at);
	table_text(t, row->kind);
	if (shown & 1u << EVENT_TARGET)
		table_text(t, row->target);
	if (shown & 1u << EVENT_REQUEST)
		put_request(t, row);
	if (shown & 1u << EVENT_CALLER)
		table_text(t, row->caller);
	if (shown & 1u << EVENT_UNTIL)
		table_int(t, row->until);
	table_text(t, row->by);
	put_why(t, row);
}

static void
list_text(struct search *s, unsigned shown, struct buf *out)
{
	struct table_column some[EVENT_COLUMNS];
	struct table t;
	size_t i, n = 0;

	for (i = 0; i < EVENT_COLUMNS; i++)
		if (shown & 1u << i)
			some[n++] = columns[i];
	table_open(&t, out, OUTPUT_TEXT, some, n);
	while (search_next(s))
		put_event(&t, &s->row, shown);
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

/* Events may come between the two searches: they only lack a column. */
void
journal_list(struct ledger *l, const struct journal_filter *filter,
    enum output_format format, struct buf *out)
{
	struct search s;
	unsigned shown;

	search_begin(&s, l, filter);
	if (format == OUTPUT_JSON) {
		list_json(&s, out);
	} else {
		shown = columns_of(&s);
		db_scan_free(s.scan);
		search_begin(&s, l, filter);
		list_text(&s, shown, out);
	}
	db_scan_free(s.scan);
}
