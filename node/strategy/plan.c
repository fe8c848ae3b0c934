#include "node/strategy/plan.h"

#include <assert.h>

const char *
decider_name(enum decider d)
{
	static const char *const names[] = {
		[DECIDED_BY_STRATEGY] = "strategy",
		[DECIDED_BY_EXPLORATION] = "exploration",
		[DECIDED_BY_FALLBACK] = "fallback",
		[DECIDED_BY_BASELINE] = "baseline",
	};

	return names[d];
}

size_t
plan_open(const struct plan *p, size_t indexes[TARGETS_MAX])
{
	size_t i, n = 0;

	for (i = 0; i < p->count; i++)
		if (p->candidates[i].excluded == EXCLUSION_NONE)
			indexes[n++] = i;
	return n;
}

void
plan_add(struct plan *p, size_t index)
{
	struct candidate *c = &p->candidates[index];

	assert(c->excluded == EXCLUSION_NONE && c->rank == 0);
	p->order[p->order_count++] = index;
	c->rank = (int)p->order_count;
}
