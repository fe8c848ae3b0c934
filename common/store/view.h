#pragma once
/*
 * view: stored rows as people read them: requests or attempts as lines of a
 * table, and all that is known of one request, for programs too.  Reads only;
 * works on a store opened read-only.  Output that does not fit fails the buf.
 */
#include "common/base/id.h"
#include "common/format/table.h"
#include "common/store/admin_scope.h"
#include "common/store/ledger.h"
#include "common/store/row.h"

/* The columns of a table of requests or of attempts, and one row of it. */
#define VIEW_COLUMNS 12
const struct table_column *view_columns(enum row_kind kind);
void view_put(struct table *t, enum row_kind kind, const void *row);

/*
 * The request's row, its decision, its attempts and their receipts; also of
 * one that is under way.  False when the store knows nothing by that id.
 */
must_check bool view_explain(struct ledger *l, const struct id *id,
    enum output_format format, struct buf *out);

/*
 * Is all that is known by that id within the scope?  At a node by the
 * request's project, at an egress by the attempts' teams and projects.
 */
must_check bool view_allows(struct ledger *l, const struct id *id,
    const struct admin_scope *scope);

/* The newest request (at an egress: of an attempt); false when none. */
must_check bool view_last(struct ledger *l, struct id *id);
