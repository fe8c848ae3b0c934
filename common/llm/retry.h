#pragma once
/*
 * retry: how long a provider asks to wait before the next try.  Pure.
 */
#include "common/base/slice.h"

/*
 * From its Retry-After (seconds, also with a fraction, or an HTTP date) and
 * retry-after-ms headers, the latter first; milliseconds, 0 when neither says
 * anything.  now_us is wall time.
 */
int64_t retry_after_ms(struct slice header, struct slice header_ms,
    int64_t now_us);

/*
 * A wait that stands at the text's beginning: "1.2s", "29m12s", "547ms",
 * "20 seconds", or seconds without a unit; milliseconds, 0 when none does.
 */
int64_t retry_wait_ms(struct slice text);

/* The same out of a sentence: "Please try again in 29m12s." */
int64_t retry_told_ms(struct slice message);
