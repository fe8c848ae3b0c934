#include "common/report/contrast.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/csv.h"
#include "common/format/table.h"
#include "common/report/comparison.h"

#define CELL_BYTES 64

/*** For programs. */

/* As many digits as a double is sure of. */
static void
put_number(struct buf *out, struct value v, const char *none)
{
	if (v.there)
		buf_printf(out, "%.15g", v.number);
	else
		buf_puts(out, none);
}

static void
json_number(struct json_writer *w, const char *name, struct value v)
{
	char text[CELL_BYTES];
	struct buf number;

	buf_init(&number, sizeof(text));
	put_number(&number, v, "null");
	json_key(w, name);
	json_put_raw(w, buf_slice(&number));
	buf_fini(&number);
}

static void
json_line(struct json_writer *w, const struct line *l)
{
	int i;

	for (i = 0; i < SIDES; i++)
		json_number(w, side_name((enum side)i), l->of[i]);
	json_number(w, "difference", l->difference);
	json_number(w, "difference_percent", l->percent);
}

static void
json_figures(struct json_writer *w, const struct comparison *c)
{
	struct line l;
	size_t i;

	json_key(w, "figures");
	json_open(w, '[');
	for (i = 0; comparison_line(c, i, &l); i++) {
		json_open(w, '{');
		json_field_text(w, "figure", slice_of(l.name));
		json_field_text(w, "label", slice_of(l.label));
		json_field_text(w, "unit", slice_of(unit_name(l.unit)));
		json_line(w, &l);
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void
json_parts(struct json_writer *w, const struct comparison *c,
    const struct parts *parts, const char *name)
{
	size_t i;

	json_key(w, name);
	json_open(w, '[');
	for (i = 0; i < parts->count; i++) {
		const struct part *p = &parts->at[i];
		struct line l = comparison_part(p);

		json_open(w, '{');
		json_field_text(w, parts->title, p->name);
		json_line(w, &l);
		json_number(w, "fixed_share",
		    comparison_share(c, p, SIDE_FIXED));
		json_number(w, "routed_share",
		    comparison_share(c, p, SIDE_ROUTED));
		json_close(w, '}');
	}
	json_close(w, ']');
}

static void
json_time(struct json_writer *w, const char *name, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	clock_write(min_i64(wall_us, ROW_TIME_MAX), text);
	json_field_text(w, name, slice_of(text));
}

static void
write_json(const struct comparison *c, struct buf *out)
{
	const struct report *r = c->report;
	struct json_writer w = { .out = out };
	int i;

	json_open(&w, '{');
	json_time(&w, "from", r->query.from_us);
	json_time(&w, "to", r->query.to_us);
	json_field_text(&w, "of", slice_of("requests"));
	for (i = 0; i < SIDES; i++) {
		json_key(&w, side_name((enum side)i));
		json_open(&w, '{');
		json_field_text(&w, "where", r->query.sides_words[i]);
		json_field_int(&w, "requests",
		    comparison_requests(c, (enum side)i));
		json_close(&w, '}');
	}
	json_field_int(&w, "on_both_sides", c->both);
	json_field_bool(&w, "paired", false);
	json_figures(&w, c);
	json_parts(&w, c, &c->errors, "errors");
	json_parts(&w, c, &c->targets, "targets");
	json_field_text(&w, "source", slice_of(report_source(r)));
	json_field_int(&w, "cells_read", r->cells);
	json_field_int(&w, "rows_read", r->rows);
	json_close(&w, '}');
	buf_putc(out, '\n');
}

static void
csv_line(struct buf *out, const struct line *l)
{
	int i;

	buf_printf(out, ",%s", unit_name(l->unit));
	for (i = 0; i < SIDES; i++) {
		buf_putc(out, ',');
		put_number(out, l->of[i], "");
	}
	buf_putc(out, ',');
	put_number(out, l->difference, "");
	buf_putc(out, ',');
	put_number(out, l->percent, "");
	buf_puts(out, CSV_LINE_END);
}

static void
csv_parts(struct buf *out, const struct parts *parts)
{
	size_t i;

	for (i = 0; i < parts->count; i++) {
		struct line l = comparison_part(&parts->at[i]);

		buf_printf(out, "%s,", parts->title);
		csv_text(out, parts->at[i].name);
		csv_line(out, &l);
	}
}

static void
write_csv(const struct comparison *c, struct buf *out)
{
	struct line l;
	size_t i;

	buf_puts(out, "of,name,unit,fixed,routed,difference,"
		      "difference_percent" CSV_LINE_END);
	for (i = 0; comparison_line(c, i, &l); i++) {
		buf_printf(out, "figure,%s", l.name);
		csv_line(out, &l);
	}
	csv_parts(out, &c->errors);
	csv_parts(out, &c->targets);
}

/*** For people. */

static void
put_money(struct buf *out, double microusd, const char *sign)
{
	double usd = microusd / 1e6;

	/* What one request costs may have digits behind the sixth. */
	buf_printf(out, "%s$%.*f", usd < 0 ? "-" : sign,
	    microusd == (double)(int64_t)microusd ? 6 : 8,
	    usd < 0 ? -usd : usd);
}

static void
put_us(struct buf *out, double us, const char *sign)
{
	buf_puts(out, us < 0 ? "-" : sign);
	cell_write(out, CELL_US, (int64_t)(us < 0 ? -us : us));
}

/* `sign` goes before what is more than nothing. */
static void
put_value(struct buf *out, enum unit unit, double v, const char *sign)
{
	if (v <= 0)
		sign = "";
	if (unit == UNIT_MICROUSD)
		put_money(out, v, sign);
	else if (unit == UNIT_US)
		put_us(out, v, sign);
	else if (unit == UNIT_TOKENS)
		buf_printf(out, "%s%.1f", sign, v);
	else if (v != (double)(int64_t)v)
		buf_printf(out, "%s%.2f", sign, v);
	else
		buf_printf(out, "%s%.0f", sign, v);
}

static void
put_cell(struct table *t, const struct line *l, struct value v, bool signed_)
{
	const char *sign = signed_ ? "+" : "";
	struct buf text;

	buf_init(&text, CELL_BYTES);
	if (v.there && l->unit == UNIT_SHARE)
		buf_printf(&text, "%s%.1f%s",
		    v.number * 100 >= 0.05 ? sign : "", v.number * 100,
		    signed_ ? " points" : "%");
	else if (v.there)
		put_value(&text, l->unit, v.number, sign);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_percent(struct table *t, struct value percent)
{
	struct buf text;

	buf_init(&text, CELL_BYTES);
	if (percent.there)
		buf_printf(&text, "%+.1f%%", percent.number);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_line(struct table *t, const struct line *l)
{
	int i;

	for (i = 0; i < SIDES; i++)
		put_cell(t, l, l->of[i], false);
	put_cell(t, l, l->difference, true);
	put_percent(t, l->percent);
}

static void
write_figures(const struct comparison *c, enum output_format format,
    struct buf *out)
{
	static const struct table_column columns[] = {
		{ "figure", CELL_TEXT },
		{ "fixed", CELL_TEXT },
		{ "routed", CELL_TEXT },
		{ "difference", CELL_TEXT },
		{ "change", CELL_TEXT },
	};
	struct table t;
	struct line l;
	size_t i;

	table_open(&t, out, format, columns, count_of(columns));
	for (i = 0; comparison_line(c, i, &l); i++) {
		table_text(&t, slice_of(l.label));
		put_line(&t, &l);
	}
	table_close(&t);
}

static void
put_share(struct table *t, struct value share)
{
	struct line l = { .unit = UNIT_SHARE };

	put_cell(t, &l, share, false);
}

static void
write_parts(const struct comparison *c, const struct parts *parts,
    enum output_format format, struct buf *out)
{
	const struct table_column columns[] = {
		{ parts->title, CELL_TEXT },
		{ "fixed", CELL_INT },
		{ "share", CELL_TEXT },
		{ "routed", CELL_INT },
		{ "share", CELL_TEXT },
	};
	struct table t;
	size_t i;
	int k;

	if (parts->count == 0)
		return;
	buf_putc(out, '\n');
	table_open(&t, out, format, columns, count_of(columns));
	for (i = 0; i < parts->count; i++) {
		const struct part *p = &parts->at[i];

		table_text(&t, p->name);
		for (k = 0; k < SIDES; k++) {
			table_int(&t, p->of[k]);
			put_share(&t, comparison_share(c, p, (enum side)k));
		}
	}
	table_close(&t);
}

static void
write_head(const struct comparison *c, struct buf *out)
{
	const struct report_query *q = &c->report->query;
	char from[CLOCK_TEXT_BYTES], to[CLOCK_TEXT_BYTES];

	clock_write(min_i64(q->from_us, ROW_TIME_MAX), from);
	clock_write(min_i64(q->to_us, ROW_TIME_MAX), to);
	buf_printf(out,
	    "Requests from %.19sZ to %.19sZ, from %s.\nFixed: ", from, to,
	    report_source(c->report));
	cell_write_text(out, q->sides_words[SIDE_FIXED]);
	buf_printf(out,
	    " (%lld). Routed: ", (long long)comparison_requests(c, SIDE_FIXED));
	cell_write_text(out, q->sides_words[SIDE_ROUTED]);
	buf_printf(out, " (%lld).\n",
	    (long long)comparison_requests(c, SIDE_ROUTED));
	if (c->both > 0)
		buf_printf(out,
		    "%lld of them are on both sides: the filters overlap.\n",
		    (long long)c->both);
	buf_puts(out, "The requests of the two sides are not paired: what "
		      "differs comes of routing only\nwhere both had the same "
		      "work.\n\n");
}

static void
write_tables(const struct comparison *c, enum output_format format,
    struct buf *out)
{
	write_head(c, out);
	write_figures(c, format, out);
	write_parts(c, &c->errors, format, out);
	write_parts(c, &c->targets, format, out);
}

void
contrast_write(const struct report *r, enum statement_format format,
    struct buf *out)
{
	struct comparison c;

	comparison_init(&c, r);
	switch (format) {
	case STATEMENT_JSON:
		write_json(&c, out);
		break;
	case STATEMENT_CSV:
		write_csv(&c, out);
		break;
	case STATEMENT_MARKDOWN:
		write_tables(&c, OUTPUT_MARKDOWN, out);
		break;
	default:
		write_tables(&c, OUTPUT_TEXT, out);
	}
	comparison_fini(&c);
}
