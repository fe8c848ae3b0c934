#include "node/route.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/llm/capability.h"
#include "common/llm/catalog.h"
#include "common/member/target.h"
#include "node/affinity.h"
#include "node/eligible.h"
#include "node/evidence.h"
#include "topology/load.h"
#include "topology/tariff.h"

#define ARENA_MAX ((size_t)256 << 20) /* of the largest node file */

/* Evidence ages: what was fresh when they were made is looked at again. */
#define EVIDENCE_US (60 * US_PER_SECOND)

struct routes {
	int references;
	struct topology *topology;
	struct catalog *catalogs[MEMBER_PARENTS_MAX];
	struct evidence_book *evidence;
	int64_t made_wall_us;
	bool leans_on_evidence;
	const char *price_book;      /* of the node's own upstreams */
	struct group_routes *groups; /* as the node file lists them */
	size_t count;
	struct arena arena;
};

static void
own_upstream(struct route *out, const struct model *m, const struct routes *r)
{
	const struct provider_type *type = m->provider->type;

	out->local = m;
	out->region = provider_region(m->provider, r->topology->self);
	out->model = m->name;
	out->cap_key = type->cap_key;
	out->max_output = m->max_output;
	out->context_tokens = m->context;
	out->max_body_bytes = m->max_body_bytes;
	out->max_tools_bytes = m->max_tools_bytes;
	out->dialects = m->provider->dialects;
	out->quirks = type->quirks;
	out->supports = m->supports;
	out->supports_stated = m->supports_stated;
	out->count = provider_counts(m->provider);
	out->price = m->price;
	out->price_book = r->price_book;
}

static void
exclude(struct route *out, enum exclusion why, const char *detail)
{
	if (out->excluded != EXCLUSION_NONE)
		return;
	out->excluded = why;
	out->detail = detail;
}

static const struct team *
team_of(const struct topology *t)
{
	return mesh_team(&t->mesh, t->self->team);
}

/* Each tier says why by itself: the catalog only lacks what is not granted. */
static void
through_egress(struct route *out, struct routes *r)
{
	const struct member *self = r->topology->self;
	const struct catalog *c = r->catalogs[out->parent];
	const struct catalog_entry *e = catalog_find(c, out->target);
	const struct team *team = team_of(r->topology);

	if (team == NULL || !team_may_use(team, out->target))
		exclude(out, EXCLUSION_NOT_GRANTED, "");
	else if (c == NULL)
		exclude(out, EXCLUSION_UNREACHABLE, "no catalog came yet");
	else if (e == NULL)
		exclude(out, EXCLUSION_NOT_OFFERED, "");
	if (out->parent < self->parents_count)
		out->egress = self->parents[out->parent];
	if (e == NULL)
		return;
	out->region = e->region;
	out->model = e->model;
	out->cap_key = arena_text(&r->arena, e->cap_key);
	out->max_output = e->max_output;
	out->context_tokens = e->context;
	out->max_body_bytes = e->max_body_bytes;
	out->max_tools_bytes = e->max_tools_bytes;
	out->dialects = e->dialects;
	out->quirks = e->quirks;
	out->supports = e->supports;
	out->supports_stated = e->supports_stated;
	out->count = e->count;
	out->price = e->price;
	out->price_book = arena_text(&r->arena, c->price_book);
}

static void
check_place(struct route *out, const struct team *team,
    const struct contract *c)
{
	if (team != NULL && team->regions_count > 0 &&
	    !region_is_among(out->region, team->regions, team->regions_count))
		exclude(out, EXCLUSION_REGION, "the team's");
	if (c->regions_count > 0 &&
	    !region_is_among(out->region, c->regions, c->regions_count))
		exclude(out, EXCLUSION_REGION, "the contract's");
	if (team != NULL && !price_fits(&out->price, &team->max_price))
		exclude(out, EXCLUSION_PRICE, "the team's");
	if (!price_fits(&out->price, &c->max_price))
		exclude(out, EXCLUSION_PRICE, "the contract's");
}

static void
check_evidence(struct route *out, struct routes *r, const struct group *g)
{
	const struct evidence_wish wish = {
		.group = g->name,
		.target = out->target,
		.capabilities = g->contract.requires,
		.not_before_us =
		    r->made_wall_us - g->contract.evidence_ms * US_PER_MS,
	};
	unsigned missing = 0;

	if (g->contract.evidence_ms == 0)
		return;
	r->leans_on_evidence = true;
	if (!evidence_covers(r->evidence, &wish, &missing))
		exclude(out, EXCLUSION_EVIDENCE,
		    capability_list(&r->arena, missing));
}

/* What the group promises of every one of its targets. */
static void
check_contract(struct route *out, struct routes *r, const struct group *g)
{
	const struct contract *c = &g->contract;
	unsigned missing = c->requires & ~out->supports;

	check_place(out, team_of(r->topology), c);
	if (c->requires != 0 && !out->supports_stated)
		exclude(out, EXCLUSION_UNKNOWN,
		    capability_list(&r->arena, c->requires));
	if (missing != 0)
		exclude(out, EXCLUSION_CAPABILITY,
		    capability_list(&r->arena, missing));
	if (out->context_tokens > 0 &&
	    out->context_tokens < c->min_context_tokens)
		exclude(out, EXCLUSION_CONTEXT, "less than the contract's");
	if (c->min_quality_ppm >= 0 &&
	    out->listed->quality_ppm < c->min_quality_ppm)
		exclude(out, EXCLUSION_QUALITY, "");
	check_evidence(out, r, g);
}

static void
conclude(struct route *way, struct routes *r, const struct group *g)
{
	way->supports_text = capability_list(&r->arena, way->supports);
	if (way->excluded == EXCLUSION_NONE)
		check_contract(way, r, g);
}

/* Behind those that are as good. */
static void
insert(struct route *ways[MEMBER_PARENTS_MAX], size_t count, struct route *way)
{
	while (count > 0 && way->excluded == EXCLUSION_NONE &&
	       ways[count - 1]->excluded != EXCLUSION_NONE) {
		ways[count] = ways[count - 1];
		count--;
	}
	ways[count] = way;
}

/* A way through each parent; *out is what they have in common. */
static void
through_parents(struct route *out, struct routes *r, const struct group *g)
{
	size_t count = r->topology->self->parents_count, i;
	struct route *ways[MEMBER_PARENTS_MAX], *way;
	struct route *all;

	if (count == 0) {
		through_egress(out, r);
		conclude(out, r, g);
		return;
	}
	all = arena_many(&r->arena, struct route, count);
	for (i = 0; i < count; i++) {
		way = &all[i];
		*way = *out;
		way->parent = (unsigned)i;
		through_egress(way, r);
		conclude(way, r, g);
		insert(ways, i, way);
	}
	for (i = 1; i < count; i++)
		ways[i - 1]->next = ways[i];
	*out = *ways[0];
}

static void
join(struct route *out, struct routes *r, const struct routes_wish *wish,
    const struct group *g)
{
	const struct node_file *file = r->topology->node;
	const struct model *m = find_model(file->providers,
	    file->providers_count, out->listed->model);

	out->target = out->listed->model;
	out->detail = "";
	out->affinity = affinity_target(out->target);
	if (wish->states != NULL)
		out->state = target_state_get(wish->states, out->target);
	if (m == NULL) {
		through_parents(out, r, g);
		return;
	}
	own_upstream(out, m, r);
	conclude(out, r, g);
}

static void
join_group(struct group_routes *out, struct routes *r,
    const struct routes_wish *wish)
{
	const struct group *g = out->group;
	size_t i;

	out->count = g->targets_count;
	out->routes = arena_many(&r->arena, struct route, out->count);
	for (i = 0; i < out->count; i++) {
		out->routes[i].listed = &g->targets[i];
		join(&out->routes[i], r, wish, g);
	}
}

static void
name_own_book(struct routes *r)
{
	const struct node_file *file = r->topology->node;
	const struct tariff_wish own = { .providers = file->providers,
		.count = file->providers_count };
	char name[PRICE_BOOK_CHARS];
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	tariff_write(&bytes, &own);
	price_book_name(name, buf_slice(&bytes));
	r->price_book = arena_text(&r->arena, slice_of(name));
	buf_fini(&bytes);
}

struct routes *
routes_new(const struct routes_wish *wish)
{
	struct routes *r = xcalloc(1, sizeof(*r));
	const struct node_file *file = wish->topology->node;
	size_t i;

	r->references = 1;
	r->topology = topology_hold(wish->topology);
	for (i = 0; i < MEMBER_PARENTS_MAX; i++)
		if (wish->catalogs[i] != NULL)
			r->catalogs[i] = catalog_hold(wish->catalogs[i]);
	if (wish->evidence != NULL)
		r->evidence = evidence_book_hold(wish->evidence);
	r->made_wall_us = wish->now_wall_us;
	arena_init(&r->arena, ARENA_MAX);
	name_own_book(r);
	r->count = file->groups_count;
	r->groups = arena_many(&r->arena, struct group_routes, r->count);
	for (i = 0; i < r->count; i++) {
		r->groups[i].group = &file->groups[i];
		join_group(&r->groups[i], r, wish);
	}
	return r;
}

struct routes *
routes_hold(struct routes *r)
{
	r->references++;
	return r;
}

void
routes_release(struct routes *r)
{
	size_t i;

	if (r == NULL || --r->references > 0)
		return;
	for (i = 0; i < MEMBER_PARENTS_MAX; i++)
		catalog_release(r->catalogs[i]);
	evidence_book_release(r->evidence);
	topology_release(r->topology);
	arena_fini(&r->arena);
	free(r);
}

bool
route_is_up(const struct route *route, unsigned up)
{
	return route->local != NULL || (up & (1u << route->parent)) != 0;
}

bool
routes_are_of(const struct routes *r, const struct routes_wish *wish)
{
	return r != NULL && r->topology == wish->topology &&
	       memcmp(r->catalogs, wish->catalogs, sizeof(r->catalogs)) == 0 &&
	       r->evidence == wish->evidence &&
	       (!r->leans_on_evidence ||
		   wish->now_wall_us - r->made_wall_us < EVIDENCE_US);
}

const struct group_routes *
routes_of(const struct routes *r, const struct group *group)
{
	size_t at = (size_t)(group - r->topology->node->groups);

	assert(at < r->count && r->groups[at].group == group);
	return &r->groups[at];
}
