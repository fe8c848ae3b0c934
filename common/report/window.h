#pragma once
/*
 * window: which time a report is of, as people say it.  Pure.
 */
#include "common/base/slice.h"

struct buf;

struct window {
	int64_t from_us, to_us; /* the second not included */
};

/*
 * `from` and `to` as moment.h reads them; a span ("7d", "36h") begins with
 * that whole day or hour.  `month` ("2026-11") stands for both.  Empty ones:
 * from the beginning of this month, to its end.  False and one line in `why`.
 */
struct window_words {
	struct slice from, to, month;
};
must_check bool window_read(struct window *w, const struct window_words *words,
    int64_t now_us, struct buf *why);
