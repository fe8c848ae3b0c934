#include "topology/reach.h"

struct reach
reach_of(struct folder *f, struct folder_file *file)
{
	struct reach reach = { .folder = f,
		.file = file,
		.own = file->record,
		.self = mesh_member(folder_mesh(f), file->stem) };
	struct folder_file *egress;

	if (reach.self == NULL)
		return reach;
	reach.team = mesh_team(folder_mesh(f), reach.self->team);
	if (reach.self->parents_count > 0) {
		reach.parent_name = reach.self->parents[0].ptr;
		reach.parent_member =
		    mesh_member(folder_mesh(f), reach.self->parents[0]);
		egress = folder_egress(f, reach.self->parents[0]);
		if (egress != NULL && egress->root != NULL)
			reach.parent = egress->record;
	}
	return reach;
}

static struct slice
region_of(const struct model *model, const struct member *at)
{
	if (at == NULL)
		return model->provider->region;
	return provider_region(model->provider, at);
}

struct reached
reach_find(const struct reach *reach, struct slice target)
{
	struct reached found = { .own = true };

	found.model = find_model(reach->own->providers,
	    reach->own->providers_count, target);
	if (found.model != NULL) {
		found.region = region_of(found.model, reach->self);
		return found;
	}
	found.own = false;
	if (reach->parent != NULL)
		found.model = find_model(reach->parent->providers,
		    reach->parent->providers_count, target);
	if (found.model != NULL)
		found.region = region_of(found.model, reach->parent_member);
	return found;
}
