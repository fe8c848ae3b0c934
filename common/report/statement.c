#include "common/report/statement.h"

#include "common/base/clock.h"
#include "common/format/csv.h"
#include "common/format/json.h"
#include "common/format/table.h"
#include "common/report/contrast.h"

#define PER_SECONDS  1000 /* SKETCH_SPEED */
#define NAME_BYTES   96
#define COLUMNS_MAX  32
#define TEXT_COLUMNS (REPORT_BY_MAX + 1 + 16)

static const struct {
	const char *name, *media_type;
} formats[STATEMENT_FORMATS] = {
	[STATEMENT_TEXT] = { "text", "text/plain; charset=utf-8" },
	[STATEMENT_MARKDOWN] = { "markdown", "text/markdown; charset=utf-8" },
	[STATEMENT_JSON] = { "json", "application/json" },
	[STATEMENT_CSV] = { "csv", "text/csv; charset=utf-8" },
};

enum statement_format
statement_format(struct slice name)
{
	int f;

	for (f = 0; f < STATEMENT_FORMATS; f++)
		if (slice_is(name, formats[f].name))
			return (enum statement_format)f;
	return STATEMENT_FORMATS;
}

const char *
statement_media_type(enum statement_format format)
{
	return formats[format].media_type;
}

/*** What is told of a total beside its measures. */

static int64_t
quantile(const struct total *t, enum sketched s, int per_mille)
{
	return sketch_quantile(&t->sketches[s], per_mille);
}

static int64_t
savings(const struct total *t)
{
	return t->of[MEASURE_baseline_microusd] -
	       t->of[MEASURE_savings_cost_microusd];
}

static const struct figure {
	const char *name;
	enum sketched sketch;
	int per_mille;
	int64_t per; /* divided by that */
} figures[] = {
	{ "first_byte_p50_us", SKETCH_FIRST_BYTE, 500, 1 },
	{ "first_byte_p95_us", SKETCH_FIRST_BYTE, 950, 1 },
	{ "first_byte_p99_us", SKETCH_FIRST_BYTE, 990, 1 },
	{ "total_p50_us", SKETCH_TOTAL, 500, 1 },
	{ "total_p95_us", SKETCH_TOTAL, 950, 1 },
	{ "total_p99_us", SKETCH_TOTAL, 990, 1 },
	{ "tokens_per_second_p50", SKETCH_SPEED, 500, PER_SECONDS },
	{ "tokens_per_second_p5", SKETCH_SPEED, 50, PER_SECONDS },
};

static const char *const sketch_meanings[SKETCHES] = {
	[SKETCH_FIRST_BYTE] = "to the first content",
	[SKETCH_TOTAL] = "the whole",
	[SKETCH_SPEED] = "output behind the first content, of streams",
};

static int64_t
figure_of(const struct total *t, const struct figure *f)
{
	return quantile(t, f->sketch, f->per_mille) / f->per;
}

/*** All columns: JSON and CSV. */

static void
write_total(struct json_writer *w, const struct total *t)
{
	size_t i;

	for (i = 0; i < MEASURES; i++)
		json_field_int(w, measure_name((enum measure)i), t->of[i]);
	json_field_int(w, "savings_microusd", savings(t));
	for (i = 0; i < count_of(figures); i++)
		json_field_int(w, figures[i].name, figure_of(t, &figures[i]));
}

static const char *
criterion_text(const struct criterion *c, struct buf *name)
{
	buf_reset(name);
	criterion_write(c, name);
	return buf_text(name);
}

static void
write_group(struct json_writer *w, const struct report *r,
    const struct report_group *g, struct buf *name)
{
	const struct report_query *q = &r->query;
	char period[PERIOD_CHARS];
	size_t i;

	json_open(w, '{');
	if (q->by_time) {
		period_write(q->period, g->period, period);
		json_field_text(w, period_name(q->period), slice_of(period));
	}
	for (i = 0; i < q->by_count; i++)
		json_field_text(w, criterion_text(&q->by[i], name),
		    g->values[i]);
	write_total(w, &g->total);
	json_close(w, '}');
}

static void
write_by(struct json_writer *w, const struct report_query *q, struct buf *name)
{
	size_t i;

	json_key(w, "by");
	json_open(w, '[');
	if (q->by_time)
		json_put_text(w, slice_of(period_name(q->period)));
	for (i = 0; i < q->by_count; i++)
		json_put_text(w, slice_of(criterion_text(&q->by[i], name)));
	json_close(w, ']');
}

static void
write_time(struct json_writer *w, const char *name, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	clock_write(min_i64(wall_us, ROW_TIME_MAX), text);
	json_field_text(w, name, slice_of(text));
}

static void
write_json(const struct report *r, struct buf *out, struct buf *name)
{
	const struct report_query *q = &r->query;
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '{');
	write_time(&w, "from", q->from_us);
	write_time(&w, "to", q->to_us);
	json_field_text(&w, "of",
	    slice_of(q->kind == ROW_REQUEST ? "requests" : "attempts"));
	if (q->baseline.len > 0)
		json_field_text(&w, "baseline", q->baseline);
	write_by(&w, q, name);
	json_key(&w, "rows");
	json_open(&w, '[');
	for (i = 0; i < r->count; i++)
		write_group(&w, r, r->groups[i], name);
	json_close(&w, ']');
	json_key(&w, "total");
	json_open(&w, '{');
	write_total(&w, &r->total);
	json_close(&w, '}');
	json_field_text(&w, "source", slice_of(report_source(r)));
	json_field_int(&w, "cells_read", r->cells);
	json_field_int(&w, "rows_read", r->rows);
	if (r->is_closed)
		closed_json(&r->closed, &r->total, &w);
	json_close(&w, '}');
	buf_putc(out, '\n');
}

static void
head_csv(const struct report *r, struct buf *out)
{
	const struct report_query *q = &r->query;
	size_t i;

	if (q->by_time)
		buf_printf(out, "%s,", period_name(q->period));
	for (i = 0; i < q->by_count; i++) {
		criterion_write(&q->by[i], out);
		buf_putc(out, ',');
	}
	for (i = 0; i < MEASURES; i++)
		buf_printf(out, "%s,", measure_name((enum measure)i));
	buf_puts(out, "savings_microusd");
	for (i = 0; i < count_of(figures); i++)
		buf_printf(out, ",%s", figures[i].name);
	buf_puts(out, CSV_LINE_END);
}

/* Groups only: a total among them would be added to itself. */
static void
write_csv(const struct report *r, struct buf *out)
{
	const struct report_query *q = &r->query;
	char period[PERIOD_CHARS];
	size_t i, k;

	head_csv(r, out);
	for (i = 0; i < r->count; i++) {
		const struct report_group *g = r->groups[i];

		if (q->by_time) {
			period_write(q->period, g->period, period);
			buf_printf(out, "%s,", period);
		}
		for (k = 0; k < q->by_count; k++) {
			csv_text(out, g->values[k]);
			buf_putc(out, ',');
		}
		for (k = 0; k < MEASURES; k++) {
			buf_put_int(out, g->total.of[k]);
			buf_putc(out, ',');
		}
		buf_put_int(out, savings(&g->total));
		for (k = 0; k < count_of(figures); k++) {
			buf_putc(out, ',');
			buf_put_int(out, figure_of(&g->total, &figures[k]));
		}
		buf_puts(out, CSV_LINE_END);
	}
}

/*** The columns that matter: text and Markdown. */

struct text_column {
	const char *name;
	enum cell_type type;
	/* CELL_TEXT: a share, in `share`; else a number. */
	int64_t (*number)(const struct total *t);
	void (*share)(const struct total *t, struct buf *out);
	bool attempts, requests, baseline; /* reports that have it */
};

static void
write_share(struct buf *out, int64_t part, int64_t whole)
{
	if (whole > 0)
		buf_printf(out, "%.1f%%", 100.0 * (double)part / (double)whole);
}

#define NUMBER(name, expression)                                               \
	static int64_t name(const struct total *t)                             \
	{                                                                      \
		return (expression);                                           \
	}
#define SHARE(name, part, whole)                                               \
	static void name(const struct total *t, struct buf *out)               \
	{                                                                      \
		write_share(out, (part), (whole));                             \
	}
#define OF(m) (t->of[MEASURE_##m])

NUMBER(requests, OF(requests))
NUMBER(attempts, OF(attempts))
NUMBER(fallbacks, OF(fallbacks))
NUMBER(refused, OF(refused))
NUMBER(cost, OF(cost_microusd))
NUMBER(output, OF(output_tokens) + OF(reasoning_tokens))
NUMBER(input, OF(input_tokens) + OF(cache_read_tokens) +
		  OF(cache_write_tokens) + OF(cache_write_1h_tokens))
NUMBER(p50, quantile(t, SKETCH_TOTAL, 500))
NUMBER(p95, quantile(t, SKETCH_TOTAL, 950))
NUMBER(first_p95, quantile(t, SKETCH_FIRST_BYTE, 950))
NUMBER(qualifying, OF(savings_requests))
NUMBER(qualifying_cost, OF(savings_cost_microusd))
NUMBER(baseline, OF(baseline_microusd))
NUMBER(saved, savings(t))
SHARE(errors, OF(errors), OF(requests))
SHARE(failed, OF(failed_attempts), OF(attempts))
SHARE(cached, OF(cache_read_tokens), input(t))
SHARE(saved_share, savings(t), OF(baseline_microusd))

#define ROW(name, type, call, a, r, b)                                         \
	{                                                                      \
		name, type, call, NULL, a, r, b                                \
	}
#define ROW_SHARE(name, call, a, r, b)                                         \
	{                                                                      \
		name, CELL_TEXT, NULL, call, a, r, b                           \
	}

static const struct text_column text_columns[] = {
	ROW("requests", CELL_INT, requests, false, true, true),
	ROW_SHARE("errors", errors, false, true, false),
	ROW("refused", CELL_INT, refused, false, true, false),
	ROW("attempts", CELL_INT, attempts, true, false, false),
	ROW_SHARE("failed", failed, true, false, false),
	ROW("fallbacks", CELL_INT, fallbacks, true, true, false),
	ROW("input", CELL_INT, input, true, true, false),
	ROW_SHARE("cached", cached, true, true, false),
	ROW("output", CELL_INT, output, true, true, false),
	ROW("cost", CELL_MICROUSD, cost, true, true, true),
	ROW("first p95", CELL_US, first_p95, true, true, false),
	ROW("p50", CELL_US, p50, true, true, false),
	ROW("p95", CELL_US, p95, true, true, false),
	ROW("qualify", CELL_INT, qualifying, false, false, true),
	ROW("their cost", CELL_MICROUSD, qualifying_cost, false, false, true),
	ROW("baseline", CELL_MICROUSD, baseline, false, false, true),
	ROW("saved", CELL_MICROUSD, saved, false, false, true),
	ROW_SHARE("share", saved_share, false, false, true),
};

static bool
is_shown(const struct report_query *q, const struct text_column *c)
{
	if (q->baseline.len > 0)
		return c->baseline;
	return q->kind == ROW_REQUEST ? c->requests : c->attempts;
}

/* The names lie in `names`, one after the other with their NULs. */
static size_t
choose_columns(const struct report_query *q,
    struct table_column columns[COLUMNS_MAX],
    char names[REPORT_BY_MAX][NAME_BYTES], struct buf *name)
{
	size_t n = 0, i;

	if (q->by_time)
		columns[n++] =
		    (struct table_column){ period_name(q->period), CELL_TEXT };
	for (i = 0; i < q->by_count; i++) {
		struct slice text = slice_of(criterion_text(&q->by[i], name));

		text.len = min_size(text.len, NAME_BYTES - 1);
		memcpy(names[i], text.ptr, text.len);
		names[i][text.len] = '\0';
		columns[n++] = (struct table_column){ names[i], CELL_TEXT };
	}
	for (i = 0; i < count_of(text_columns); i++)
		if (is_shown(q, &text_columns[i]))
			columns[n++] =
			    (struct table_column){ text_columns[i].name,
				    text_columns[i].type };
	return n;
}

static void
put_total(struct table *t, const struct report_query *q,
    const struct total *total, struct buf *share)
{
	size_t i;

	for (i = 0; i < count_of(text_columns); i++) {
		const struct text_column *c = &text_columns[i];

		if (!is_shown(q, c))
			continue;
		if (c->number != NULL) {
			table_int(t, c->number(total));
			continue;
		}
		buf_reset(share);
		c->share(total, share);
		table_text(t, buf_slice(share));
	}
}

/* `g` NULL: the line of the total. */
static void
put_line(struct table *t, const struct report *r, const struct report_group *g,
    struct buf *share)
{
	const struct report_query *q = &r->query;
	char period[PERIOD_CHARS];
	size_t named = q->by_time + q->by_count, i;

	if (g == NULL) {
		for (i = 0; i < named; i++)
			table_text(t, slice_of(i == 0 ? "total" : " "));
		put_total(t, q, &r->total, share);
		return;
	}
	if (q->by_time) {
		period_write(q->period, g->period, period);
		table_text(t, slice_of(period));
	}
	for (i = 0; i < q->by_count; i++)
		table_text(t, g->values[i]);
	put_total(t, q, &g->total, share);
}

static void
write_window(const struct report *r, struct buf *out)
{
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES];

	clock_write(min_i64(r->query.from_us, ROW_TIME_MAX), from);
	clock_write(min_i64(r->query.to_us, ROW_TIME_MAX), to);
	buf_printf(out, "%s from %.19sZ to %.19sZ, from %s\n",
	    r->query.kind == ROW_REQUEST ? "Requests" : "Attempts", from, to,
	    report_source(r));
	if (r->query.baseline.len > 0)
		buf_printf(out,
		    "Held against %.*s at the prices of each request's own "
		    "price book; of requests\nthat succeeded and whose tokens "
		    "the provider counted.\n",
		    SLICE_FMT(r->query.baseline));
	buf_putc(out, '\n');
}

static void
write_table(const struct report *r, enum output_format format, struct buf *out,
    struct buf *name)
{
	char names[REPORT_BY_MAX][NAME_BYTES];
	struct table_column columns[COLUMNS_MAX];
	const struct report_query *q = &r->query;
	size_t count = choose_columns(q, columns, names, name), i;
	struct table t;

	write_window(r, out);
	table_open(&t, out, format, columns, count);
	for (i = 0; i < r->count; i++)
		put_line(&t, r, r->groups[i], name);
	if (q->by_time || q->by_count > 0 || r->count == 0)
		put_line(&t, r, NULL, name);
	table_close(&t);
	if (q->baseline.len > 0 && r->total.of[MEASURE_savings_requests] == 0 &&
	    r->total.of[MEASURE_requests] > 0)
		buf_printf(out,
		    "\nNone of them can be held against %.*s: no price book of "
		    "theirs has it, or none succeeded;\n"
		    "`get prices` lists the targets that have prices.\n",
		    SLICE_FMT(q->baseline));
	if (r->is_closed)
		closed_write(&r->closed, &r->total, out);
}

void
statement_write(const struct report *r, enum statement_format format,
    struct buf *out)
{
	struct buf name;

	if (r->query.compared) {
		contrast_write(r, format, out);
		return;
	}
	buf_init(&name, 4096);
	switch (format) {
	case STATEMENT_JSON:
		write_json(r, out, &name);
		break;
	case STATEMENT_CSV:
		write_csv(r, out);
		break;
	case STATEMENT_MARKDOWN:
		write_table(r, OUTPUT_MARKDOWN, out, &name);
		break;
	default:
		write_table(r, OUTPUT_TEXT, out, &name);
	}
	buf_fini(&name);
}

void
statement_docs(struct buf *out)
{
	size_t i;

	buf_puts(out, "\n## dimensions of reports\n\n| dimension | meaning |\n"
		      "|---|---|\n");
	for (i = 0; i < PERIODS; i++)
		buf_printf(out, "| `%s` | %s of UTC |\n",
		    period_name((enum period)i), period_name((enum period)i));
	for (i = 0; i < DIMENSIONS; i++)
		buf_printf(out, "| `%s` | %s |\n",
		    dimension_name((enum dimension)i),
		    dimension_meaning((enum dimension)i));
	buf_puts(out, "\n## figures of reports\n\n| figure | unit | meaning |\n"
		      "|---|---|---|\n");
	for (i = 0; i < MEASURES; i++)
		buf_printf(out, "| `%s` | %s | %s |\n",
		    measure_name((enum measure)i),
		    column_type_name(measure_type((enum measure)i)),
		    measure_meaning((enum measure)i));
	buf_puts(out, "| `savings_microusd` | micro-USD | the baseline's cost "
		      "less that of the requests that qualify |\n");
	for (i = 0; i < count_of(figures); i++)
		buf_printf(out, "| `%s` | %s | %s, %g %% are not above it |\n",
		    figures[i].name,
		    figures[i].sketch == SKETCH_SPEED ? "tokens a second"
						      : "microseconds",
		    sketch_meanings[figures[i].sketch],
		    figures[i].per_mille / 10.0);
}
