#pragma once
/*
 * extract: an operator's command asks what a parent has in its ledger of this
 * node's calls, page by page (common/export/extract.h).  The clerk takes the
 * question, the first worker's link carries it, the page comes back the same
 * way as it is: nothing is kept here.  One at a time on a link.
 */
#include "common/base/slice.h"

struct admin_call;
struct extracts;
struct link;
struct loop;
struct loop_timer;
struct question;

struct extracts *extracts_new(void);
/* No loop runs any more.  NULL is fine. */
void extracts_free(struct extracts *x);

/*
 * An admin route: parent, kind, from and to (microseconds UTC, 0: open),
 * after (hex; empty: from the first one).  200 and the page; 409: ask again
 * soon; 503: it cannot be reached now; 501: it is of another version.
 */
int extract_serve(struct admin_call *call);

/* A link's part: what was asked on it. */
struct extract_line {
	struct question *asked; /* NULL: nothing */
	int64_t number;         /* of the last one */
	struct loop_timer *deadline;
};
void extract_line_init(struct extract_line *line, struct loop *loop);
void extract_line_fini(struct extract_line *line);

/* LEDGER_PAGE came; the link is lost. */
void extract_on_page(struct extract_line *line, struct slice message);
void extract_on_loss(struct extract_line *line);
