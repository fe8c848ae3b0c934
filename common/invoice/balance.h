#pragma once
/*
 * balance: by what the invoice and the ledger differ, cell by cell, as parts
 * with names; in each cell, and so in all, the parts of a quantity come to
 * invoice less ledger exactly.  Pure.
 */
#include "common/invoice/booking.h"

struct balance {
	int64_t cells; /* that are compared */
	struct quantities invoice, ledger;
	struct quantities parts[RESIDUALS];
	int64_t found[RESIDUALS]; /* cells with such a part */
	bool explained;           /* every part needs nobody */
};

/* Sorts the cells and fills their parts.  False: sums are too large. */
must_check bool balance_run(struct bookings *b, struct balance *out);
