#include "node/strategy/draw.h"
#include "node/strategy/plan.h"

/* Those that were not drawn yet, in the order of the file. */
struct urn {
	size_t indexes[TARGETS_MAX], count;
	uint64_t weights[TARGETS_MAX], total;
};

static void
urn_fill(struct urn *u, const struct plan *p)
{
	size_t i;

	u->count = plan_open(p, u->indexes);
	u->total = 0;
	for (i = 0; i < u->count; i++) {
		const struct candidate *c = &p->candidates[u->indexes[i]];

		u->weights[i] = (uint64_t)max_i64(0, c->listed->weight);
		u->total += u->weights[i];
	}
}

/* When only those without a weight are left, the first of them. */
static size_t
urn_draw(struct urn *u, struct draw *draw)
{
	uint64_t at = u->total > 0 ? draw_below(draw, u->total) : 0;
	size_t i = 0, index;

	for (; u->total > 0 && at >= u->weights[i]; i++)
		at -= u->weights[i];
	index = u->indexes[i];
	u->total -= u->weights[i];
	for (u->count--; i < u->count; i++) {
		u->indexes[i] = u->indexes[i + 1];
		u->weights[i] = u->weights[i + 1];
	}
	return index;
}

void
order_weighted(struct plan *p, const struct order_wish *wish)
{
	struct draw draw = draw_of(wish->seed);
	struct urn urn;

	urn_fill(&urn, p);
	while (urn.count > 0)
		plan_add(p, urn_draw(&urn, &draw));
	p->strategy = STRATEGY_WEIGHTED;
	p->decider = DECIDED_BY_STRATEGY;
}
