#include "common/store/view.h"

#include <assert.h>

#include "common/store/dossier.h"
#include "common/store/row.h"
#include "common/store/search.h"

static const struct table_column request_table[VIEW_COLUMNS] = {
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

static const struct table_column attempt_table[VIEW_COLUMNS] = {
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

const struct table_column *
view_columns(enum row_kind kind)
{
	assert(kind == ROW_REQUEST || kind == ROW_ATTEMPT);
	return kind == ROW_REQUEST ? request_table : attempt_table;
}

void
view_put(struct table *t, enum row_kind kind, const void *row)
{
	if (kind == ROW_REQUEST)
		put_request(t, row);
	else
		put_attempt(t, row);
}

static bool
last_key(struct ledger *l, enum row_kind kind, struct id *id)
{
	const union search_row *row;
	struct wish newest;
	struct search *s;

	wish_init(&newest, kind);
	newest.limit = 1;
	s = search_new(l, &newest);
	row = search_next(s, NULL);
	if (row != NULL)
		*id = kind == ROW_REQUEST ? row->request.id
					  : row->attempt.request;
	search_free(s);
	return row != NULL;
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
