#pragma once
/*
 * report: what the rows of a window come to, by any of their dimensions.  It
 * is read from roll-ups, and from the rows themselves where a window begins
 * or ends within an hour, so that it says what the rows say; from rows alone in
 * a store that has no roll-ups yet (recount.h).  Whoever runs it
 * waits for it: never a thread that serves.  Bounded in memory: the more
 * groups, the more, up to REPORT_GROUPS_MAX of them.
 */
#include <stdatomic.h>

#include "common/report/closed.h"
#include "common/report/criterion.h"
#include "common/store/rollup.h"

#define REPORT_BY_MAX     8
#define REPORT_GROUPS_MAX 20000

/* Of a comparison. */
enum side { SIDE_FIXED, SIDE_ROUTED, SIDES };

struct report_query {
	enum row_kind kind;     /* of requests, or of attempts */
	int64_t from_us, to_us; /* the second not included */
	bool by_time;
	enum period period; /* by_time */
	struct criterion by[REPORT_BY_MAX];
	size_t by_count;
	struct filter filter;
	struct filter scope; /* of whoever asks: has to pass, too */
	bool rows;           /* from the rows alone, to check */
	/* Two filters whose rows are held against each other (comparison.h),
	 * and as they were asked for. */
	bool compared;
	struct filter sides[SIDES];
	struct slice sides_words[SIDES];
	/*
	 * Target that each request is priced with, too, as one call at the
	 * prices of its own price book; empty: none.  Needs the rows.
	 */
	struct slice baseline;
	const atomic_bool *stop; /* give up; may be NULL */
};

/*
 * "day,project,tag.run": what to group by, added to the query.  False and one
 * line in `why`.
 */
must_check bool report_by(struct report_query *q, struct slice list,
    struct buf *why);

struct report_group {
	int64_t period;                     /* by_time */
	unsigned sides;                     /* compared: bits, 1 << side */
	struct slice values[REPORT_BY_MAX]; /* in the order of `by` */
	struct total total;
};

struct report {
	struct report_query query; /* as it was asked */
	struct report_group **groups;
	size_t count;
	struct total total;
	int64_t cells, rows; /* read for it */
	bool is_closed;      /* it is of one month, which is */
	struct closed closed;
};

enum report_result {
	REPORT_OK,
	REPORT_STOPPED,
	REPORT_TOO_MANY, /* groups: ask for less */
	REPORT_FAILED    /* the store could not be read; logged */
};

/* By time, then the dearest first.  report_free what it gives, also then. */
enum report_result report_run(struct ledger *l, const struct report_query *q,
    struct report **report);
void report_free(struct report *r); /* NULL is fine */

/* Where its figures come from: "roll-ups", "rows", or both. */
const char *report_source(const struct report *r);

/* Does the request count when actual cost is held against a baseline? */
bool report_qualifies(const struct request_row *row);
