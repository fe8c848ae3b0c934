#include "topology/mesh.h"

const struct member *
mesh_member(const struct mesh *m, struct slice name)
{
	size_t i;

	for (i = 0; i < m->members_count; i++)
		if (slice_eq(m->members[i].name, name))
			return &m->members[i];
	return NULL;
}

const struct team *
mesh_team(const struct mesh *m, struct slice name)
{
	size_t i;

	for (i = 0; i < m->teams_count; i++)
		if (slice_eq(m->teams[i].name, name))
			return &m->teams[i];
	return NULL;
}

static bool
answers_to(const struct group *g, struct slice name)
{
	size_t i;

	for (i = 0; i < g->aliases_count; i++)
		if (slice_eq(g->aliases[i], name))
			return true;
	return slice_eq(g->name, name);
}

const struct group *
node_group(const struct node_file *n, struct slice name)
{
	size_t i;

	for (i = 0; i < n->groups_count; i++)
		if (answers_to(&n->groups[i], name))
			return &n->groups[i];
	return NULL;
}

static const struct party *
find_party(const struct party *parties, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(parties[i].name, name))
			return &parties[i];
	return NULL;
}

const struct party *
node_project(const struct node_file *n, struct slice name)
{
	return find_party(n->projects, n->projects_count, name);
}

const struct party *
node_user(const struct node_file *n, struct slice name)
{
	return find_party(n->users, n->users_count, name);
}

const struct tier *
node_tier(const struct node_file *n, struct slice name)
{
	size_t i;

	for (i = 0; i < n->tiers_count; i++)
		if (slice_eq(n->tiers[i].name, name))
			return &n->tiers[i];
	return NULL;
}

bool
team_may_use(const struct team *t, struct slice target)
{
	struct slice grant;
	size_t i;

	for (i = 0; i < t->models_count; i++) {
		grant = t->models[i];
		if (slice_eq(grant, target))
			return true;
		if (grant.len > 0 && grant.ptr[grant.len - 1] == '*' &&
		    target.len >= grant.len - 1 &&
		    memcmp(grant.ptr, target.ptr, grant.len - 1) == 0)
			return true;
	}
	return false;
}

bool
member_has_key(const struct member *m, const struct public_key *key)
{
	size_t i;

	for (i = 0; i < m->keys_count; i++)
		if (crypto_equal(&m->keys[i], key, sizeof(*key)))
			return true;
	return false;
}

struct slice
provider_region(const struct provider *p, const struct member *self)
{
	return p->region.len > 0 ? p->region : self->region;
}

bool
region_is_among(struct slice region, const struct slice *regions, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(regions[i], region))
			return true;
	return false;
}

static bool
rates_fit(int64_t input, int64_t output, const struct price_ceiling *max)
{
	return (max->input < 0 || input <= max->input) &&
	       (max->output < 0 || output <= max->output);
}

bool
price_fits(const struct price *price, const struct price_ceiling *max)
{
	size_t i;

	for (i = 0; i < price->tiers_count; i++)
		if (!rates_fit(price->tiers[i].rates.input,
			price->tiers[i].rates.output, max))
			return false;
	return rates_fit(price->input, price->output, max);
}
