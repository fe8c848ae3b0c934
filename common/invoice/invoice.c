#include "common/invoice/invoice.h"

#include "common/base/buf.h"
#include "common/invoice/amount.h"
#include "common/invoice/interval.h"
#include "common/invoice/layout.h"

static char
first_char(const char *bytes, size_t len)
{
	size_t i = 0;

	while (i < len && memchr(" \t\r\n", bytes[i], 4) != NULL)
		i++;
	return i < len ? bytes[i] : '\0';
}

bool
invoice_take(struct invoice *i, char *bytes, size_t len, struct taken *taken,
    struct buf *why)
{
	char c = first_char(bytes, len);

	if (c == '{' || c == '[')
		return interval_take(i, slice_make(bytes, len), taken, why);
	return layout_take(i, bytes, len, taken, why);
}

void
invoice_cover(struct invoice *i, int64_t day)
{
	if (!i->has_days || day < i->first_day)
		i->first_day = day;
	if (!i->has_days || day > i->last_day)
		i->last_day = day;
	i->has_days = true;
}

bool
invoice_charge(struct invoice *i, const struct charge *c, struct buf *why)
{
	bool money = c->nano != 0;
	struct cell *cell;

	invoice_cover(i, c->day);
	if (!money && quantities_none(&c->q))
		return true;
	if (money && c->model.len == 0)
		i->money_by_day = true;
	if (c->model.len == 0 && !quantities_none(&c->q)) {
		buf_puts(why, "it does not say of which model the tokens are: "
			      "export it grouped by model");
		return false;
	}
	cell = cells_get(i->cells, c->day, c->model);
	if (cell == NULL) {
		buf_printf(why,
		    "it has more days and models than are compared (%d)",
		    CELLS_MAX);
		return false;
	}
	cell->invoiced = true;
	cell->nano += c->nano;
	cell->grain += c->grain;
	if (!quantities_add(&cell->invoice, &c->q, 1) ||
	    cell->nano > QUANTITY_MAX || cell->nano < -QUANTITY_MAX ||
	    cell->grain > QUANTITY_MAX) {
		buf_puts(why, "its sums are larger than can be");
		return false;
	}
	return true;
}

/* Money of all models of a day, where some is of none. */
static bool
gather(struct invoice *i, struct cell *cell)
{
	struct cell *all;

	if (!i->money_by_day || cell->model[0] == '\0' || cell->nano == 0)
		return true;
	all = cells_get(i->cells, cell->day, slice_make("", 0));
	if (all == NULL)
		return false;
	all->invoiced = true;
	all->nano += cell->nano;
	all->grain += cell->grain;
	cell->nano = cell->grain = 0;
	return all->nano <= QUANTITY_MAX && all->nano >= -QUANTITY_MAX &&
	       all->grain <= QUANTITY_MAX;
}

bool
invoice_settle(struct invoice *i)
{
	struct cell *cell;
	size_t n;

	for (n = 0; (cell = cells_at(i->cells, n)) != NULL; n++)
		if (!gather(i, cell))
			return false;
	for (n = 0; (cell = cells_at(i->cells, n)) != NULL; n++)
		cell->invoice.of[QUANTITY_COST] = amount_microusd(cell->nano);
	return true;
}
