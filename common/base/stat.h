#pragma once
/*
 * stat: the counters of stat.def.  Relaxed atomics: adding is one locked
 * instruction, reading sees a recent value.  Safe in any thread.
 */
#include "common/base/lang.h"

enum stat {
#define STAT(name, metric, help) STAT_##name,
#include "common/base/stat.def"
#undef STAT
	STAT_COUNT
};

void stat_add(enum stat which, uint64_t n);

uint64_t stat_get(enum stat which);

/* The metric's name and what it counts, for tables that list them all. */
const char *stat_name(enum stat which);
const char *stat_help(enum stat which);
