#include "common/member/journal.h"

#include <assert.h>

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

static bool
has_request(const struct event_row *row)
{
	const struct id none = { .bytes = { 0 } };

	return memcmp(&row->request, &none, sizeof(none)) != 0;
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

unsigned
journal_shown(const struct event_row *row)
{
	unsigned shown = 1u << EVENT_AT | 1u << EVENT_KIND | 1u << EVENT_BY |
			 1u << EVENT_WHY;

	shown |= (unsigned)(row->target.len > 0) << EVENT_TARGET;
	shown |= (unsigned)has_request(row) << EVENT_REQUEST;
	shown |= (unsigned)(row->caller.len > 0) << EVENT_CALLER;
	shown |= (unsigned)(row->until > 0) << EVENT_UNTIL;
	return shown;
}

size_t
journal_columns(unsigned shown, struct table_column some[JOURNAL_COLUMNS])
{
	size_t i, n = 0;

	static_assert(EVENT_COLUMNS == JOURNAL_COLUMNS, "columns of events");
	/* Those that each has, also of a table without a row. */
	shown |= journal_shown(&(struct event_row){ .at = 0 });
	for (i = 0; i < EVENT_COLUMNS; i++)
		if (shown & 1u << i)
			some[n++] = columns[i];
	return n;
}

void
journal_line(struct table *t, const struct event_row *row, unsigned shown)
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
