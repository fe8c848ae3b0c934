#pragma once
/*
 * moment: times and spans as people and rows write them.  Pure.
 */
#include "common/base/slice.h"

/* "90s", "15m", "2h", "7d", "250ms"; false for anything else, and for 0. */
must_check bool span_read(struct slice text, int64_t *us);

/*
 * Microseconds UTC of "2026-11-26", "2026-11-26T07:00", "…:30", "…:30.5", with
 * or without Z; or of a span: so long before `now_us`.
 */
must_check bool moment_read(struct slice text, int64_t now_us, int64_t *us);

/*
 * As rows have it: "2026-11-23", "2026-11-23T04:05:06Z" or with up to six
 * decimals.  What clock_write wrote is read without loss.
 */
must_check bool moment_parse(struct slice text, int64_t *us);

#define MOMENT_WANTED                                                          \
	"a time is 2026-11-26, 2026-11-26T07:00:00Z, or how long ago: 2h"
#define SPAN_WANTED "a span is a number and ms, s, m, h or d: 500ms, 5s, 2h"
