#pragma once
/*
 * view: stored rows as people and programs read them: the newest requests or
 * attempts, and all that is known of one request.  Reads only; works on a
 * store opened read-only.  Output that does not fit fails the buf.
 */
#include "common/base/id.h"
#include "common/format/table.h"
#include "common/store/admin_scope.h"
#include "common/store/ledger.h"

/* Empty, 0 and NULL let everything pass. */
struct view_filter {
	struct slice caller, group, target;
	struct slice fail; /* error name, or "any" */
	int64_t status;
	const struct id *since;          /* only what came after it */
	const struct admin_scope *scope; /* NULL: of all */
	size_t limit;                    /* rows at most; 0: VIEW_LIMIT */
};
#define VIEW_LIMIT 20

/*
 * Rows looked at, at most: the thread that shows them also syncs the store.
 * The text says when the search ended there.
 */
#define VIEW_SEARCH_MAX 50000

/* The newest first.  Text: a table; JSON: an array of whole rows. */
void view_requests(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out);

/* The same of attempts: what an egress has. */
void view_attempts(struct ledger *l, const struct view_filter *filter,
    enum output_format format, struct buf *out);

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
