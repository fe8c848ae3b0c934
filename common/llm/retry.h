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
