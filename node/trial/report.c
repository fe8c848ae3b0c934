#include "node/trial/report.h"

#include "common/format/table.h"
#include "node/evidence.h"
#include "node/trial/docket.h"

static const char *
outcome_name(enum docket_outcome o)
{
	static const char *const names[] = {
		[OUTCOME_OPEN] = "open",
		[OUTCOME_PASSED] = "ok",
		[OUTCOME_FAILED] = "failed",
		[OUTCOME_SKIPPED] = "skipped",
	};

	return names[o];
}

static struct slice
target_of(const struct docket_entry *e)
{
	return e->target != NULL ? e->target->name : slice_of("");
}

static const char *
way_of(const struct docket_entry *e)
{
	return e->direct ? WAY_DIRECT : WAY_ROUTER;
}

void
report_print(const struct docket *d, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "target", CELL_TEXT },
		{ "capability", CELL_TEXT },
		{ "way", CELL_TEXT },
		{ "result", CELL_TEXT },
		{ "why", CELL_TEXT },
		{ "took", CELL_US },
		{ "request", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < d->count; i++) {
		const struct docket_entry *e = &d->entries[i];

		table_text(&t, target_of(e));
		table_text(&t, slice_of(e->name));
		table_text(&t, slice_of(way_of(e)));
		table_text(&t, slice_of(outcome_name(e->outcome)));
		table_text(&t, slice_of(e->why));
		table_int(&t, e->us);
		table_text(&t, slice_of(e->request));
	}
	table_close(&t);
	buf_printf(out, "%zu passed, %zu failed, %zu skipped\n",
	    docket_counted(d, OUTCOME_PASSED),
	    docket_counted(d, OUTCOME_FAILED),
	    docket_counted(d, OUTCOME_SKIPPED));
}

/* Only what was tried says something. */
static void
put_result(struct json_writer *w, const struct docket_entry *e)
{
	struct slice id = slice_of(e->request);

	if (e->outcome != OUTCOME_PASSED && e->outcome != OUTCOME_FAILED)
		return;
	json_open(w, '{');
	json_field_text(w, "target", target_of(e));
	json_field_text(w, "capability", slice_of(e->name));
	json_field_bool(w, "passed", e->outcome == OUTCOME_PASSED);
	json_field_text(w, "detail", slice_of(e->why));
	json_field_text(w, "way", slice_of(way_of(e)));
	json_field_text(w, "request",
	    slice_starts(id, "req_") ? slice_after(id, 4) : id);
	json_close(w, '}');
}

void
report_json(const struct docket *d, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '{');
	json_field_text(&w, "group", d->group);
	json_key(&w, "results");
	json_open(&w, '[');
	for (i = 0; i < d->count; i++) {
		const struct docket_entry *e = &d->entries[i];

		json_open(&w, '{');
		json_field_text(&w, "target", target_of(e));
		json_field_text(&w, "capability", slice_of(e->name));
		json_field_text(&w, "way", slice_of(way_of(e)));
		json_field_text(&w, "dialect",
		    slice_of(dialect_name(e->dialect)));
		json_field_text(&w, "result",
		    slice_of(outcome_name(e->outcome)));
		json_field_text(&w, "why", slice_of(e->why));
		json_field_int(&w, "took_us", e->us);
		json_field_text(&w, "request", slice_of(e->request));
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_field_int(&w, "passed",
	    (int64_t)docket_counted(d, OUTCOME_PASSED));
	json_field_int(&w, "failed",
	    (int64_t)docket_counted(d, OUTCOME_FAILED));
	json_field_int(&w, "skipped",
	    (int64_t)docket_counted(d, OUTCOME_SKIPPED));
	json_close(&w, '}');
	buf_putc(out, '\n');
}

size_t
report_evidence(const struct docket *d, size_t from, struct buf *out)
{
	size_t end = min_size(d->count, from + REPORT_RESULTS_MAX), i;
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	json_field_text(&w, "group", d->group);
	json_key(&w, "results");
	json_open(&w, '[');
	for (i = from; i < end; i++)
		put_result(&w, &d->entries[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	return end;
}
