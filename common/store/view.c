#include "common/store/view.h"

#include <stdio.h>

#include "common/store/dossier.h"
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
	       (f->status == 0 || f->status == r->status) &&
	       admin_scope_allows(f->scope, slice_of(""), r->project);
}

static bool
attempt_passes(const struct view_filter *f, const struct attempt_row *a)
{
	return passes(f->caller, a->caller) && passes(f->group, a->group) &&
	       passes(f->target, a->target) && fail_passes(f, a->fail) &&
	       (f->status == 0 || f->status == a->status) &&
	       admin_scope_allows(f->scope, a->team, a->project);
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
	table_int(t, r->input_tokens + r->cache_read_tokens +
			 r->cache_write_tokens + r->cache_write_1h_tokens);
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
	table_int(t, a->input_tokens + a->cache_read_tokens +
			 a->cache_write_tokens + a->cache_write_1h_tokens);
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

/* A search for rows, from the newest on. */
struct search {
	enum row_kind kind;
	const struct view_filter *filter;
	struct db_scan *scan;
	size_t left;     /* rows to show */
	size_t searched; /* rows looked at */
	union any_row row;
};

static struct search
search_start(struct ledger *l, enum row_kind kind,
    const struct view_filter *filter)
{
	struct slice none = { NULL, 0 };
	uint8_t from[ID_BYTES];

	return (struct search){
		.kind = kind,
		.filter = filter,
		.scan = db_scan_new(ledger_db(l),
		    kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT,
		    after(filter->since, from), none, true),
		.left = filter->limit > 0 ? filter->limit : VIEW_LIMIT,
	};
}

/* The next row that passes is in s->row then. */
static bool
search_next(struct search *s)
{
	struct slice key, value;

	while (s->left > 0 && s->searched < VIEW_SEARCH_MAX &&
	       db_scan_next(s->scan, &key, &value)) {
		s->searched++;
		if (!row_read(s->kind, value, &s->row))
			continue;
		if (s->kind == ROW_REQUEST
			? !request_passes(s->filter, &s->row.request)
			: !attempt_passes(s->filter, &s->row.attempt))
			continue;
		s->left--;
		return true;
	}
	return false;
}

static void
list_text(struct search *s, struct buf *out)
{
	struct table table;

	table_open(&table, out, OUTPUT_TEXT,
	    s->kind == ROW_REQUEST ? request_table : attempt_table, COLUMNS);
	while (search_next(s)) {
		if (s->kind == ROW_REQUEST)
			put_request(&table, &s->row.request);
		else
			put_attempt(&table, &s->row.attempt);
	}
	table_close(&table);
	if (s->searched == VIEW_SEARCH_MAX)
		buf_printf(out, "(only the newest %d were searched)\n",
		    VIEW_SEARCH_MAX);
}

static void
list_json(struct search *s, struct buf *out)
{
	struct json_writer json = { .out = out };

	json_open(&json, '[');
	while (search_next(s))
		row_json(s->kind, &s->row, &json);
	json_close(&json, ']');
	buf_putc(out, '\n');
}

static void
list_rows(struct search s, enum output_format format, struct buf *out)
{
	if (format == OUTPUT_TEXT)
		list_text(&s, out);
	else
		list_json(&s, out);
	db_scan_free(s.scan);
}

void
view_requests(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out)
{
	list_rows(search_start(l, ROW_REQUEST, filter), format, out);
}

void
view_attempts(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out)
{
	list_rows(search_start(l, ROW_ATTEMPT, filter), format, out);
}

static bool
last_key(struct ledger *l, enum row_kind kind, struct id *id)
{
	const struct view_filter newest = { .limit = 1 };
	struct search s = search_start(l, kind, &newest);
	bool found = search_next(&s);

	if (found)
		*id = kind == ROW_REQUEST ? s.row.request.id
					  : s.row.attempt.request;
	db_scan_free(s.scan);
	return found;
}

struct sight {
	const struct admin_scope *scope;
	bool any, all; /* attempts were there; all of them may be seen */
};

static void
see(void *arg, const struct attempt_row *a)
{
	struct sight *s = arg;

	s->any = true;
	s->all = s->all && admin_scope_allows(s->scope, a->team, a->project);
}

bool
view_allows(struct ledger *l, const struct id *id,
    const struct admin_scope *scope)
{
	struct sight sight = { .scope = scope, .all = true };
	struct request_row request;
	struct buf bytes;
	bool is_node;

	if (admin_scope_is_all(scope))
		return true;
	buf_init(&bytes, ROW_BYTES_MAX);
	is_node = dossier_request(l, id, &bytes, &request);
	if (is_node)
		sight.all =
		    admin_scope_allows(scope, slice_of(""), request.project);
	else
		dossier_attempts(l, id, see, &sight);
	buf_fini(&bytes);
	return sight.all && (is_node || sight.any);
}

bool
view_last(struct ledger *l, struct id *id)
{
	return last_key(l, ROW_REQUEST, id) || last_key(l, ROW_ATTEMPT, id);
}
