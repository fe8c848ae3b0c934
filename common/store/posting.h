#pragma once
/*
 * posting: what a row adds to the sums of budgets (spend.h) and to roll-ups
 * (rollup.h), gathered so that all rows of one write cost little.  One a
 * writer.
 */
#include "common/store/db.h"
#include "common/store/row.h"

struct ledger_watch;
struct posting;
struct slips;
struct recount;

/* Where the rows go. */
struct posting_place {
	struct db_batch *batch;
	struct db *db;
};

/* `watch` may be NULL; without slips sums and roll-ups change at once. */
struct posting *posting_new(const struct ledger_watch *watch,
    struct slips *slips, struct recount *recount)
    __attribute__((returns_nonnull));
void posting_free(struct posting *p); /* NULL is fine */

/*
 * The row is about to be put: its `counted` columns are brought up to date.
 * `before` is what is stored of it; NULL: nothing.
 */
void posting_request(struct posting *p, struct posting_place to,
    const struct request_row *before, struct request_row *row);
void posting_attempt(struct posting *p, struct posting_place to,
    const struct attempt_row *before, struct attempt_row *row);

/* More for a sum of FAMILY_SPEND. */
void posting_add(struct posting *p, struct posting_place to, struct slice key,
    const int64_t sums[MERGE_SUMS]);

/*
 * What was gathered, into the batch that has those rows, before it is written.
 * Gives how many of them to recount_release when it is.
 */
must_check size_t posting_write(struct posting *p, struct posting_place to);
