#pragma once
/*
 * period: hours, days and months of UTC as numbers since 1970.  Pure.
 */
#include "common/base/slice.h"

enum period { PERIOD_HOUR, PERIOD_DAY, PERIOD_MONTH, PERIODS };

const char *period_name(enum period p);

/* PERIODS when there is none of that name. */
enum period period_by_name(struct slice name);

/* The one that this moment is in. */
int64_t period_of(enum period p, int64_t wall_us);

/* When it begins. */
int64_t period_start_us(enum period p, int64_t number);

#define PERIOD_CHARS 17

/* "2026-11-26T07", "2026-11-26", "2026-11". */
void period_write(enum period p, int64_t number, char text[PERIOD_CHARS]);
