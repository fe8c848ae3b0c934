#pragma once
/*
 * question: a report as somebody asks for it, in words: of a query, or of a
 * command's options.  Pure but for the clock that is given.
 */
#include "common/report/report.h"
#include "common/report/window.h"

/* Empty ones were not said.  They have to outlive the query. */
struct question {
	struct window_words window;
	struct slice by;       /* "day,project,tag.run" */
	struct slice where;    /* "project:checkout,status:429" */
	struct slice of;       /* "requests" or "attempts" */
	struct slice source;   /* "rows": from them alone */
	struct slice baseline; /* provider/model */
	/* Filters as `where`: of a comparison, both or none. */
	struct slice fixed, routed;
};

/* `of` unless the question says so.  False and one line in `why`. */
must_check bool question_read(struct report_query *q,
    const struct question *question, enum row_kind of, int64_t now_us,
    struct buf *why);

/* What to say when a report did not come to its end. */
const char *question_failure(enum report_result result);
