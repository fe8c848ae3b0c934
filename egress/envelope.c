#include "egress/envelope.h"

#include "common/llm/envelope.h"
#include "topology/load.h"

struct slice
envelope_region(const struct model *m, struct slice home)
{
	return m->provider->region.len > 0 ? m->provider->region : home;
}

enum exclusion
envelope_terms(const struct team *team, const struct model *m,
    struct slice home)
{
	if (!team_may_use(team, m->target))
		return EXCLUSION_NOT_GRANTED;
	/* Where no one knows where it serves, it may be the wrong place. */
	if (team->regions_count > 0 &&
	    !region_is_among(envelope_region(m, home), team->regions,
		team->regions_count))
		return EXCLUSION_REGION;
	if (!price_fits(&m->price, &team->max_price))
		return EXCLUSION_PRICE;
	return EXCLUSION_NONE;
}

static bool
serves(const struct provider *p, const struct envelope *e)
{
	if (e->operation == OPERATION_COUNT && !provider_counts(p))
		return false;
	return (p->dialects & (1u << e->dialect)) != 0;
}

enum exclusion
envelope_judge(const struct model **out, const struct topology *t,
    const struct envelope *e)
{
	const struct member *origin = mesh_member(&t->mesh, e->origin);
	const struct team *team = mesh_team(&t->mesh, e->team);
	const struct model *m;
	enum exclusion why;

	/* First of all: who has no grant is not told what there is. */
	if (origin == NULL || team == NULL ||
	    !slice_eq(origin->team, e->team) || !team_may_use(team, e->target))
		return EXCLUSION_NOT_GRANTED;
	m = find_model(t->egress->providers, t->egress->providers_count,
	    e->target);
	if (m == NULL)
		return EXCLUSION_NOT_OFFERED;
	why = envelope_terms(team, m, t->self->region);
	if (why != EXCLUSION_NONE)
		return why;
	if (!serves(m->provider, e))
		return EXCLUSION_DIALECT;
	*out = m;
	return EXCLUSION_NONE;
}
