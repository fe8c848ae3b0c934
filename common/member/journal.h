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

/*
 * Events as lines of a table.  What only some kinds have, and none of those
 * that are shown, has no column: bits of what an event wants to have shown are
 * gathered, then the columns are made of them.
 */
#define JOURNAL_COLUMNS 8
#define JOURNAL_WIDEST  (~0u)
unsigned journal_shown(const struct event_row *row);
size_t journal_columns(unsigned shown,
    struct table_column columns[JOURNAL_COLUMNS]);
void journal_line(struct table *t, const struct event_row *row, unsigned shown);
