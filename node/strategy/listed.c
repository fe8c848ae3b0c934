#include "node/strategy/plan.h"

/* static and failover: as the file lists them. */
void
order_listed(struct plan *p, const struct order_wish *wish)
{
	size_t open[TARGETS_MAX], count = plan_open(p, open), i;

	for (i = 0; i < count; i++)
		plan_add(p, open[i]);
	p->strategy = wish->group->strategy == STRATEGY_STATIC
			  ? STRATEGY_STATIC
			  : STRATEGY_FAILOVER;
	p->decider = DECIDED_BY_STRATEGY;
}
