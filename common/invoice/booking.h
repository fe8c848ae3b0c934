#pragma once
/*
 * booking: the ledger's side: attempts of one provider by day and model, in
 * the quantities that the invoice tells.  Calls whose figures are not the
 * provider's are kept apart, with how far off they may be, and so are those
 * near midnight, which the provider may count on the other day.  Owned by
 * one thread.
 */
#include "common/invoice/invoice.h"
#include "common/store/row.h"

/* So near to midnight a call may be another day's. */
#define EDGE_US (INT64_C(5) * 60 * 1000000)

/* Calls at midnight that are remembered; more stay where they are. */
#define EDGES_MAX 200000

/* A call that may be counted on the other day, and the cells of the two;
 * money has cells of its own where it is compared by day. */
struct edge {
	struct cell *from, *to, *money_from, *money_to;
	int64_t distance_us; /* how far it reaches over the edge */
	bool moved;          /* balance's: it is counted there */
	struct quantities q;
};

struct bookings {
	const struct invoice *invoice;
	struct cells *cells;
	struct slice provider, member;
	int64_t first_day, last_day; /* that are compared */
	struct edge *edges;
	size_t edges_count, edges_room;
	int64_t calls;
	bool full; /* more cells than can be */
};

/* The invoice is settled, its cells are these. */
void bookings_init(struct bookings *b, const struct invoice *invoice,
    struct slice provider, struct slice member);
void bookings_fini(struct bookings *b);

/* When requests may have begun whose calls matter; microseconds UTC. */
int64_t bookings_from_us(const struct bookings *b);
int64_t bookings_to_us(const struct bookings *b);

/* Did this member call, and no egress behind it? */
must_check bool booking_is_own(const struct bookings *b,
    const struct attempt_row *row);

/* Is it a call of this member to the provider, in these days? */
must_check bool booking_is_wanted(const struct bookings *b,
    const struct attempt_row *row);

/* One that is.  `price` is that of its price book, or NULL: not known. */
void booking_take(struct bookings *b, const struct attempt_row *row,
    const struct price *price);
