#pragma once
/*
 * moment: a time as rows and people write it, read back: RFC 3339 in UTC.
 * What clock_write wrote is read without loss.  Pure.
 */
#include "common/base/slice.h"

/*
 * "2026-11-23", "2026-11-23T04:05:06Z" or with up to six decimals, from 1970
 * to 9999, as microseconds since 1970; false for anything else.
 */
must_check bool moment_parse(struct slice text, int64_t *us);
