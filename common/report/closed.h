#pragma once
/*
 * closed: what became of a month that was closed: which of its sums changed
 * afterwards (a late receipt did), and whether its statement still stands.
 */
#include "common/store/ledger.h"
#include "common/store/total.h"

struct json_writer;
struct public_key;
struct report_query;

#define CLOSED_TEXT_MAX 128

struct closed {
	char at[CLOSED_TEXT_MAX], by[CLOSED_TEXT_MAX];
	/* The report is of the whole month, by its roll-ups, so what it says
	 * can be compared. */
	bool whole;
	int64_t totals[MEASURES]; /* as they were then */
};

/* Is the report of one month that is closed?  False: it is not. */
must_check bool closed_find(struct ledger *l, const struct report_query *q,
    struct closed *c);

/* "closed on …; later adjustments: …", a line; or as a field "closed". */
void closed_write(const struct closed *c, const struct total *now,
    struct buf *out);
void closed_json(const struct closed *c, const struct total *now,
    struct json_writer *w);

struct closed_audit {
	int64_t months, good;
};

/*
 * Check each closed month: the member's signature, its sums' hash, and that
 * the receipts that its chains ended with are here as they were, or dropped
 * by retention.  A line for each fault.  False: the store could not be read.
 */
must_check bool closed_verify(struct ledger *l, const struct public_key *member,
    void (*finding)(void *arg, const char *line), void *arg,
    struct closed_audit *audit);
