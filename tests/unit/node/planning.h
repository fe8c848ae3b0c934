#pragma once
/*
 * planning: a group with targets, and a plan of them, for the tests of
 * strategies.  Starts with as many open candidates as asked for, of which
 * nothing is known.
 */
#include <string.h>

#include "node/strategy/plan.h"

struct planning {
	struct group group;
	struct group_target listed[TARGETS_MAX];
	struct candidate candidates[TARGETS_MAX];
	struct order_wish wish;
	struct plan plan;
};

static inline void
planning_init(struct planning *p, size_t count)
{
	size_t i;

	memset(p, 0, sizeof(*p));
	p->wish.group = &p->group;
	p->plan.candidates = p->candidates;
	p->plan.count = count;
	p->group.targets = p->listed;
	p->group.targets_count = count;
	for (i = 0; i < count; i++) {
		p->listed[i].weight = 1;
		p->listed[i].quality_ppm = -1;
		p->candidates[i].listed = &p->listed[i];
	}
}

/* Forget the order: another may be made. */
static inline void
planning_again(struct planning *p, uint64_t seed)
{
	size_t i;

	p->wish.seed = seed;
	p->plan.order_count = 0;
	for (i = 0; i < p->plan.count; i++)
		p->candidates[i].rank = 0;
}
