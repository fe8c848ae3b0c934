#include "node/dialect/effort.h"

static const struct {
	const char *name;
	int64_t budget; /* tokens */
} efforts[] = {
	[EFFORT_UNSET] = { NULL, 0 },
	[EFFORT_NONE] = { "none", 0 },
	[EFFORT_MINIMAL] = { "minimal", 1024 },
	[EFFORT_LOW] = { "low", 2048 },
	[EFFORT_MEDIUM] = { "medium", 8192 },
	[EFFORT_HIGH] = { "high", 16384 },
	[EFFORT_XHIGH] = { "xhigh", 32768 },
	[EFFORT_MAX] = { "max", 65536 },
};

/* The least effort whose budget is enough. */
enum effort
effort_of_budget(int64_t tokens)
{
	size_t e;

	for (e = EFFORT_LOW; e < EFFORT_MAX; e++)
		if (tokens <= efforts[e].budget)
			break;
	return (enum effort)e;
}

int64_t
effort_budget(enum effort e)
{
	return efforts[e].budget;
}

const char *
effort_name(enum effort e)
{
	return efforts[e].name;
}

enum effort
effort_by_name(struct slice plain)
{
	size_t e;

	for (e = EFFORT_NONE; e < count_of(efforts); e++)
		if (slice_is(plain, efforts[e].name))
			return (enum effort)e;
	return EFFORT_UNSET;
}
