#include "common/invoice/finding.h"

#include <inttypes.h>

#include "common/base/buf.h"
#include "common/store/period.h"

/* Columns: those of quantities stand behind these. */
#define OWN_COLUMNS 3

struct sheet {
	const bool *has;
	struct table_column columns[OWN_COLUMNS + QUANTITIES];
	size_t own, count; /* own: those before quantities */
};

static void
sheet_open(struct sheet *s, struct table *t, struct buf *out,
    const char *const *own)
{
	enum quantity q;

	for (s->own = 0; own[s->own] != NULL; s->own++)
		s->columns[s->own] =
		    (struct table_column){ own[s->own], CELL_TEXT };
	s->count = s->own;
	for (q = 0; q < QUANTITIES; q++)
		if (s->has[q])
			s->columns[s->count++] =
			    (struct table_column){ quantity_name(q),
				    quantity_type(q) };
	table_open(t, out, OUTPUT_TEXT, s->columns, s->count);
}

static void
put_quantities(struct table *t, const bool *has, const struct quantities *q)
{
	enum quantity i;

	for (i = 0; i < QUANTITIES; i++)
		if (has[i])
			table_int(t, q->of[i]);
}

static void
put_line(struct table *t, const bool *has, const char *name,
    const struct quantities *q)
{
	table_text(t, slice_of(name));
	put_quantities(t, has, q);
}

/* Empty: money of all models of a day. */
static const char *
model_of(const struct cell *cell)
{
	return cell->model[0] != '\0' ? cell->shown : "(all models)";
}

static void
put_sums(struct buf *out, const struct finding *f)
{
	static const char *const own[] = { "", NULL };
	const struct balance *b = f->balance;
	struct sheet sheet = { .has = f->bookings->invoice->has };
	struct quantities difference = b->invoice;
	enum residual r;
	struct table t;

	(void)!quantities_add(&difference, &b->ledger, -1);
	sheet_open(&sheet, &t, out, own);
	put_line(&t, sheet.has, "invoice", &b->invoice);
	put_line(&t, sheet.has, "ledger", &b->ledger);
	put_line(&t, sheet.has, "difference", &difference);
	for (r = 0; r < RESIDUALS; r++)
		if (b->found[r] > 0)
			put_line(&t, sheet.has, residual_name(r), &b->parts[r]);
	table_close(&t);
}

static void
put_cells(struct buf *out, const struct finding *f)
{
	static const char *const own[] = { "day", "model", "residual", NULL };
	struct sheet sheet = { .has = f->bookings->invoice->has };
	char day[PERIOD_CHARS];
	const struct cell *cell;
	enum residual r;
	struct table t;
	size_t i;

	sheet_open(&sheet, &t, out, own);
	for (i = 0; (cell = cells_at(f->bookings->cells, i)) != NULL; i++)
		for (r = 0; r < RESIDUALS && !cell->outside; r++) {
			if (quantities_none(&cell->parts[r]))
				continue;
			period_write(PERIOD_DAY, cell->day, day);
			table_text(&t, slice_of(day));
			table_text(&t, slice_of(model_of(cell)));
			put_line(&t, sheet.has, residual_name(r),
			    &cell->parts[r]);
		}
	table_close(&t);
}

static bool
any_found(const struct balance *b)
{
	enum residual r;

	for (r = 0; r < RESIDUALS; r++)
		if (b->found[r] > 0)
			return true;
	return false;
}

void
finding_text(struct buf *out, const struct finding *f)
{
	const struct bookings *of = f->bookings;
	char first[PERIOD_CHARS], last[PERIOD_CHARS];
	enum residual r;

	period_write(PERIOD_DAY, of->first_day, first);
	period_write(PERIOD_DAY, of->last_day, last);
	buf_printf(out,
	    "%s against the ledger of %.*s, provider %.*s, %s to %s (UTC): "
	    "%" PRId64 " calls\n\n",
	    f->layouts, SLICE_FMT(of->member), SLICE_FMT(of->provider), first,
	    last, of->calls);
	put_sums(out, f);
	if (any_found(f->balance)) {
		buf_putc(out, '\n');
		put_cells(out, f);
		buf_putc(out, '\n');
	}
	for (r = 0; r < RESIDUALS; r++)
		if (f->balance->found[r] > 0)
			buf_printf(out, "%s%s: %s\n",
			    residual_explains(r) ? "" : "! ", residual_name(r),
			    residual_rule(r));
	if (!any_found(f->balance))
		buf_puts(out, "The invoice and the ledger agree.\n");
	else if (f->balance->explained)
		buf_puts(out, "The invoice and the ledger agree but for what "
			      "is explained.\n");
	else
		buf_puts(out, "The invoice and the ledger do NOT agree: see "
			      "what is marked !\n");
}

static void
json_quantities(struct json_writer *w, const bool *has,
    const struct quantities *q)
{
	enum quantity i;

	for (i = 0; i < QUANTITIES; i++)
		if (has[i])
			json_field_int(w, quantity_name(i), q->of[i]);
}

static void
json_object(struct json_writer *w, const char *name, const bool *has,
    const struct quantities *q)
{
	json_key(w, name);
	json_open(w, '{');
	json_quantities(w, has, q);
	json_close(w, '}');
}

static void
json_residual(struct json_writer *w, enum residual r)
{
	json_field_text(w, "residual", slice_of(residual_name(r)));
	json_field_bool(w, "explained", residual_explains(r));
}

static void
json_cells(struct json_writer *w, const struct finding *f)
{
	const bool *has = f->bookings->invoice->has;
	char day[PERIOD_CHARS];
	const struct cell *cell;
	enum residual r;
	size_t i;

	for (i = 0; (cell = cells_at(f->bookings->cells, i)) != NULL; i++)
		for (r = 0; r < RESIDUALS && !cell->outside; r++) {
			if (quantities_none(&cell->parts[r]))
				continue;
			period_write(PERIOD_DAY, cell->day, day);
			json_open(w, '{');
			json_field_text(w, "day", slice_of(day));
			json_field_text(w, "model",
			    slice_of(
				cell->model[0] != '\0' ? cell->shown : ""));
			json_residual(w, r);
			json_quantities(w, has, &cell->parts[r]);
			json_close(w, '}');
		}
}

static void
json_head(struct json_writer *w, const struct finding *f)
{
	const struct bookings *of = f->bookings;
	char day[PERIOD_CHARS];

	json_field_text(w, "invoice_of", slice_of(f->layouts));
	json_field_text(w, "member", of->member);
	json_field_text(w, "provider", of->provider);
	period_write(PERIOD_DAY, of->first_day, day);
	json_field_text(w, "first_day", slice_of(day));
	period_write(PERIOD_DAY, of->last_day, day);
	json_field_text(w, "last_day", slice_of(day));
	json_field_int(w, "calls", of->calls);
	json_field_bool(w, "clean", f->balance->explained);
}

void
finding_json(struct buf *out, const struct finding *f)
{
	const struct balance *b = f->balance;
	const bool *has = f->bookings->invoice->has;
	struct json_writer w = { .out = out };
	struct quantities difference = b->invoice;
	enum residual r;

	(void)!quantities_add(&difference, &b->ledger, -1);
	json_open(&w, '{');
	json_head(&w, f);
	json_object(&w, "invoice", has, &b->invoice);
	json_object(&w, "ledger", has, &b->ledger);
	json_object(&w, "difference", has, &difference);
	json_key(&w, "residuals");
	json_open(&w, '[');
	for (r = 0; r < RESIDUALS; r++) {
		if (b->found[r] == 0)
			continue;
		json_open(&w, '{');
		json_residual(&w, r);
		json_quantities(&w, has, &b->parts[r]);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_key(&w, "cells");
	json_open(&w, '[');
	json_cells(&w, f);
	json_close(&w, ']');
	json_close(&w, '}');
	buf_putc(out, '\n');
}
