#include "topology/grant.h"

#include "topology/hint.h"

static struct yaml_place
place_of(struct folder *f, const struct team *team, const char *key,
    struct slice entry)
{
	return folder_place(&f->mesh,
	    PATH(slice_of("teams"), team->name, slice_of(key), entry));
}

/* Does the grant cover any model of this egress? */
static bool
egress_matches(const struct egress_file *e, struct slice grant)
{
	const struct team team = { .models = &grant, .models_count = 1 };
	size_t i, k;

	for (i = 0; i < e->providers_count; i++)
		for (k = 0; k < e->providers[i].models_count; k++)
			if (team_may_use(&team,
				e->providers[i].models[k].target))
				return true;
	return false;
}

static bool
grant_matches(const struct folder *f, struct slice grant)
{
	size_t i;

	for (i = 0; i < f->egresses_count; i++)
		if (egress_matches(f->egresses[i].record, grant))
			return true;
	return false;
}

static void
check_models(struct folder *f, const struct team *team)
{
	struct hint_words w = { .count = 0 };
	size_t i;

	for (i = 0; i < f->egresses_count; i++) {
		const struct egress_file *e = f->egresses[i].record;

		hint_add_models(&w, e->providers, e->providers_count);
	}
	for (i = 0; i < team->models_count; i++)
		if (!grant_matches(f, team->models[i]))
			mistake_add(f->mistakes, &f->mesh.source,
			    place_of(f, team, "models", team->models[i]),
			    "the grant '%s' matches no model of any egress%s",
			    team->models[i].ptr, hint(f, team->models[i], &w));
}

/* One that could not be read has what nobody knows. */
static bool
egresses_are_read(const struct folder *f)
{
	size_t i;

	for (i = 0; i < f->egresses_count; i++)
		if (f->egresses[i].root == NULL)
			return false;
	return true;
}

/* Does it serve there, by what it says or by where it stands? */
static bool
egress_serves(const struct folder *f, const struct folder_file *file,
    struct slice region)
{
	const struct member *self = mesh_member(folder_mesh(f), file->stem);
	const struct egress_file *e = file->record;
	size_t i;

	for (i = 0; self != NULL && i < e->providers_count; i++)
		if (slice_eq(provider_region(&e->providers[i], self), region))
			return true;
	return false;
}

/* Members of a node's kind count: its own providers are where it stands. */
static bool
region_is_known(const struct folder *f, struct slice region)
{
	const struct mesh *mesh = folder_mesh(f);
	size_t i;

	for (i = 0; i < mesh->members_count; i++)
		if (slice_eq(mesh->members[i].region, region))
			return true;
	for (i = 0; i < f->egresses_count; i++)
		if (egress_serves(f, &f->egresses[i], region))
			return true;
	return false;
}

static void
check_regions(struct folder *f, const struct team *team)
{
	const struct mesh *mesh = folder_mesh(f);
	struct hint_words w = { .count = 0 };
	size_t i;

	for (i = 0; i < f->egresses_count; i++) {
		const struct egress_file *e = f->egresses[i].record;
		const struct member *self =
		    mesh_member(mesh, f->egresses[i].stem);

		if (self != NULL)
			hint_add_regions(&w, e->providers, e->providers_count,
			    self);
	}
	for (i = 0; i < mesh->members_count; i++)
		if (mesh->members[i].region.len > 0)
			hint_add(&w, mesh->members[i].region.ptr);
	for (i = 0; i < team->regions_count; i++)
		if (!region_is_known(f, team->regions[i]))
			mistake_add(f->mistakes, &f->mesh.source,
			    place_of(f, team, "regions", team->regions[i]),
			    "no member and no provider of an egress is in "
			    "region '%s'%s",
			    team->regions[i].ptr,
			    hint(f, team->regions[i], &w));
}

/* The models of this egress that the team may use, with and without price. */
static void
count_models(const struct egress_file *e, const struct team *team,
    size_t *granted, size_t *fitting)
{
	const struct model *m;
	size_t i, k;

	for (i = 0; i < e->providers_count; i++)
		for (k = 0; k < e->providers[i].models_count; k++) {
			m = &e->providers[i].models[k];
			if (!team_may_use(team, m->target))
				continue;
			++*granted;
			*fitting += price_fits(&m->price, &team->max_price);
		}
}

static void
check_price(struct folder *f, const struct team *team)
{
	size_t i, granted = 0, fitting = 0;

	for (i = 0; i < f->egresses_count; i++)
		count_models(f->egresses[i].record, team, &granted, &fitting);
	if (granted > 0 && fitting == 0)
		mistake_add(f->mistakes, &f->mesh.source,
		    place_of(f, team, "max_price", slice_of("")),
		    "every model that team '%s' may use costs more",
		    team->name.ptr);
}

void
grant_check(struct folder *f, const struct team *team)
{
	check_models(f, team);
	if (!egresses_are_read(f))
		return;
	check_regions(f, team);
	check_price(f, team);
}
