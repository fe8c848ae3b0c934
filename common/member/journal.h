#pragma once
/*
 * journal: what happened to targets and to requests that were held up, and
 * who did it, as rows of their own:
 * an operator's word is durable before it is answered, what the router did by
 * itself goes with the settlements of its turn.
 */
#include "common/format/table.h"
#include "common/store/admin_scope.h"
#include "common/store/ledger.h"

struct target_change;

#define JOURNAL_DISABLED    "target-disabled"
#define JOURNAL_ENABLED     "target-enabled"
#define JOURNAL_BACKING_OFF "target-backing-off"
#define JOURNAL_RECOVERED   "target-recovered"

#define JOURNAL_SHAPED          "traffic-shaped"
#define JOURNAL_UPSTREAM_SHAPED "upstream-shaped"
#define JOURNAL_OVERDRAFT       "overdraft"

/* Bytes of an operator's reason. */
#define JOURNAL_DETAIL_MAX 512

/*
 * The router's own: nothing for TARGET_AS_BEFORE.  On a worker, whose `ids`
 * they are; left out when ledger_full.
 */
void journal_target(struct ledger_turn *t, struct id_source *ids,
    struct slice target, const struct target_change *change);

/* Any event of the router's own, likewise. */
void journal_put(struct ledger_turn *t, struct id_source *ids,
    const struct event_row *row);

/* Into a batch of somebody's own. */
void journal_add(struct db_batch *b, struct db *db, struct id_source *ids,
    const struct event_row *row);

struct journal_filter {
	struct slice target, kind; /* empty: of all */
	struct id request;         /* zero: of all, and of none */
	size_t limit;              /* rows at most; 0: JOURNAL_LIMIT */
	/* At a node by the project of the event's request, at an egress by its
	 * team; NULL: of all.  Targets' own are nobody's. */
	const struct admin_scope *scope;
};

/* Its id, with "req_" before it or not. */
must_check bool journal_request(struct slice text, struct id *id);
#define JOURNAL_REQUEST_WANTED                                                 \
	"a request is named by its id, as X-Request-Id has it"

#define JOURNAL_LIMIT      20
#define JOURNAL_SEARCH_MAX 50000 /* rows looked at */

/* The newest first; works on a store opened read-only. */
void journal_list(struct ledger *l, const struct journal_filter *filter,
    enum output_format format, struct buf *out);
