#pragma once
/*
 * cell: one model on one day of UTC, as the invoice has it and as the ledger
 * has it, and the table of all of them.  Owned by one thread.  Sums are
 * bounded: what would pass QUANTITY_MAX is refused.
 */
#include "common/invoice/alias.h"
#include "common/invoice/quantity.h"
#include "common/invoice/residual.h"
#include "common/llm/price.h"

struct cells;

#define CELLS_MAX 100000

/* Of calls whose figures are not the provider's. */
struct guessed {
	struct quantities own; /* as the ledger has them */
	struct quantities up;  /* how much more they may have been */
};

struct cell {
	int64_t day;             /* since 1970-01-01 */
	char model[MODEL_BYTES]; /* folded; empty: money of all models */
	char shown[MODEL_BYTES]; /* as it was written first */
	bool invoiced, booked;   /* by one of the two at least once */
	bool outside;            /* a day that is not compared */
	struct quantities invoice, ledger;
	int64_t nano, grain; /* of the invoice's money, until cells_settle */
	struct guessed interrupted, estimated;
	int64_t failed;     /* calls without usage */
	int64_t calls;      /* whose cost is in the ledger's */
	bool priced;        /* `price` is there */
	struct price price; /* of its last call */
	struct quantities parts[RESIDUALS];
};

struct cells *cells_new(const struct aliases *aliases);
void cells_free(struct cells *c);

/* The one of that day and name; NULL when there are CELLS_MAX. */
struct cell *cells_get(struct cells *c, int64_t day, struct slice model);

/* NULL when there is none; the name is folded. */
struct cell *cells_find(const struct cells *c, int64_t day, const char *model);

/* The n-th; NULL behind the last.  New ones come last. */
struct cell *cells_at(const struct cells *c, size_t n);

/* By model, then day. */
void cells_sort(struct cells *c);
