#pragma once
/*
 * invoice: what a provider says was used, read from the exports that it
 * gives, of one of the layouts in layout.c (tables) and interval.c (JSON).
 * Several files add up: the pages of an answer, or usage and costs.  A file
 * is bounded (INVOICE_BYTES_MAX), and what cannot be read is told with its
 * line.  Pure.
 */
#include "common/invoice/cell.h"

struct buf;

#define INVOICE_BYTES_MAX (32u << 20)

struct invoice {
	struct cells *cells; /* the caller's */
	/* What any of the files tells; the rest is not compared. */
	bool has[QUANTITIES];
	/* Some money is of no model: it is compared by day alone. */
	bool money_by_day;
	bool has_days;
	int64_t first_day, last_day;
	bool more; /* the last page says that there are more */
};

/*
 * Add an export; the bytes change.  *layout becomes what it was taken for,
 * "OpenAI usage (CSV)", and *vendor whose it is ("" when anybody's).  False
 * and what is wrong in `why`, without the file's name.
 */
struct taken {
	const char *layout, *vendor;
};
must_check bool invoice_take(struct invoice *i, char *bytes, size_t len,
    struct taken *taken, struct buf *why);

/* For the layouts: one line of it.  False and one line in `why`. */
struct charge {
	int64_t day;
	struct slice model; /* empty: none is told */
	struct quantities q;
	int64_t nano, grain;
};
must_check bool invoice_charge(struct invoice *i, const struct charge *c,
    struct buf *why);

/* The day belongs to it even if nothing was used. */
void invoice_cover(struct invoice *i, int64_t day);

/* When all is read: money becomes whole micro-USD.  False: too many
 * cells, or sums that are too large. */
must_check bool invoice_settle(struct invoice *i);
