#include "common/base/stat.h"

#include <stdatomic.h>

static const struct {
	const char *name, *help;
} table[STAT_COUNT] = {
#define STAT(id, metric, help) [STAT_##id] = { metric, help },
#include "common/base/stat.def"
#undef STAT
};

/* RULE ZERO: a counter is global by nature; only this file writes them. */
static atomic_uint_fast64_t counts[STAT_COUNT];

void
stat_add(enum stat which, uint64_t n)
{
	atomic_fetch_add_explicit(&counts[which], n, memory_order_relaxed);
}

uint64_t
stat_get(enum stat which)
{
	return atomic_load_explicit(&counts[which], memory_order_relaxed);
}

const char *
stat_name(enum stat which)
{
	return table[which].name;
}

const char *
stat_help(enum stat which)
{
	return table[which].help;
}
