#include "common/report/window.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/format/moment.h"
#include "common/store/period.h"

#define MONTH_CHARS 7 /* 2026-11 */

static bool
read_moment(struct slice text, int64_t now_us, int64_t *us, struct buf *why)
{
	enum period whole = PERIOD_DAY;
	int64_t span;

	if (!moment_read(text, now_us, us)) {
		buf_printf(why, "'%.*s': " MOMENT_WANTED "\n", SLICE_FMT(text));
		return false;
	}
	if (!span_read(text, &span))
		return true;
	if (span < period_start_us(PERIOD_DAY, 1))
		whole = PERIOD_HOUR;
	if (span >= period_start_us(PERIOD_HOUR, 1))
		*us = period_start_us(whole, period_of(whole, *us));
	return true;
}

static bool
read_month(struct slice text, int64_t now_us, struct window *w, struct buf *why)
{
	char first[MONTH_CHARS + 4];
	int64_t month;

	if (text.len == MONTH_CHARS) {
		snprintf(first, sizeof(first), "%.*s-01", SLICE_FMT(text));
		if (moment_read(slice_of(first), now_us, &w->from_us)) {
			month = period_of(PERIOD_MONTH, w->from_us);
			w->to_us = period_start_us(PERIOD_MONTH, month + 1);
			return true;
		}
	}
	buf_printf(why, "'%.*s' is no month: write 2026-11\n", SLICE_FMT(text));
	return false;
}

bool
window_read(struct window *w, const struct window_words *words, int64_t now_us,
    struct buf *why)
{
	int64_t month = period_of(PERIOD_MONTH, now_us);

	w->from_us = period_start_us(PERIOD_MONTH, month);
	w->to_us = period_start_us(PERIOD_MONTH, month + 1);
	if (words->month.len > 0) {
		if (words->from.len == 0 && words->to.len == 0)
			return read_month(words->month, now_us, w, why);
		buf_puts(why, "a month has its own beginning and end: leave "
			      "from and to out\n");
		return false;
	}
	if (words->from.len > 0 &&
	    !read_moment(words->from, now_us, &w->from_us, why))
		return false;
	if (words->to.len > 0 &&
	    !read_moment(words->to, now_us, &w->to_us, why))
		return false;
	if (w->from_us < w->to_us)
		return true;
	buf_puts(why, "the window ends before it begins\n");
	return false;
}
