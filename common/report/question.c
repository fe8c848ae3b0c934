#include "common/report/question.h"

#include "common/base/buf.h"
#include "common/report/comparison.h"

static bool
read_of(struct report_query *q, struct slice of, struct buf *why)
{
	if (slice_is(of, "requests"))
		q->kind = ROW_REQUEST;
	else if (slice_is(of, "attempts"))
		q->kind = ROW_ATTEMPT;
	else if (of.len > 0)
		buf_printf(why,
		    "a report is of requests or attempts, not of "
		    "'%.*s'\n",
		    SLICE_FMT(of));
	return of.len == 0 || slice_is(of, "requests") ||
	       slice_is(of, "attempts");
}

static bool
read_source(struct report_query *q, struct slice source, struct buf *why)
{
	q->rows = slice_is(source, "rows");
	if (source.len == 0 || q->rows || slice_is(source, "roll-ups"))
		return true;
	buf_printf(why, "a report is from roll-ups or rows, not from '%.*s'\n",
	    SLICE_FMT(source));
	return false;
}

/* A comparison's own groups are what comparison.h tells of. */
static bool
read_sides(struct report_query *q, const struct question *question,
    struct buf *why)
{
	const char *wrong = NULL;

	if (question->fixed.len == 0 && question->routed.len == 0)
		return true;
	if (question->fixed.len == 0 || question->routed.len == 0)
		wrong = "a comparison has two sides: say fixed and routed, as "
			"--fixed group:baseline --routed group:smart\n";
	else if (q->kind != ROW_REQUEST)
		wrong = "a comparison is of requests: ask a node, not of "
			"attempts\n";
	else if (question->by.len > 0)
		wrong = "a comparison has lines of its own: leave by out; "
			"where says which requests of both sides\n";
	else if (question->baseline.len > 0)
		wrong = "a comparison is of what both sides cost: leave "
			"baseline out\n";
	if (wrong != NULL) {
		buf_puts(why, wrong);
		return false;
	}
	q->compared = true;
	q->sides_words[SIDE_FIXED] = question->fixed;
	q->sides_words[SIDE_ROUTED] = question->routed;
	return comparison_by(q, why) &&
	       filter_read(&q->sides[SIDE_FIXED], question->fixed, why) &&
	       filter_read(&q->sides[SIDE_ROUTED], question->routed, why);
}

bool
question_read(struct report_query *q, const struct question *question,
    enum row_kind of, int64_t now_us, struct buf *why)
{
	struct window w;

	*q =
	    (struct report_query){ .kind = of, .baseline = question->baseline };
	if (!read_of(q, question->of, why) ||
	    !read_source(q, question->source, why) ||
	    !window_read(&w, &question->window, now_us, why) ||
	    !report_by(q, question->by, why) ||
	    !filter_read(&q->filter, question->where, why) ||
	    !read_sides(q, question, why))
		return false;
	if (q->baseline.len > 0 && q->kind != ROW_REQUEST) {
		buf_puts(why,
		    "savings are of requests: ask a node, not of attempts\n");
		return false;
	}
	q->from_us = w.from_us;
	q->to_us = w.to_us;
	return true;
}

const char *
question_failure(enum report_result result)
{
	switch (result) {
	case REPORT_TOO_MANY:
		return "there are too many groups: group by fewer dimensions, "
		       "or filter\n";
	case REPORT_STOPPED:
		return "the daemon ends; ask again\n";
	default:
		return "the store could not be read; see the log\n";
	}
}
