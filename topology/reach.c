#include "topology/reach.h"

static struct reach_parent
parent_of(struct folder *f, struct slice name)
{
	struct reach_parent parent = {
		.name = name,
		.member = mesh_member(folder_mesh(f), name),
	};
	struct folder_file *egress = folder_egress(f, name);

	if (egress != NULL && egress->root != NULL)
		parent.file = egress->record;
	return parent;
}

struct reach
reach_of(struct folder *f, struct folder_file *file)
{
	struct reach reach = { .folder = f,
		.file = file,
		.own = file->record,
		.self = mesh_member(folder_mesh(f), file->stem) };
	size_t i;

	if (reach.self == NULL)
		return reach;
	reach.team = mesh_team(folder_mesh(f), reach.self->team);
	reach.parents_count = reach.self->parents_count;
	for (i = 0; i < reach.parents_count; i++)
		reach.parents[i] = parent_of(f, reach.self->parents[i]);
	return reach;
}

bool
reach_is_known(const struct reach *reach)
{
	size_t i;

	for (i = 0; i < reach->parents_count; i++)
		if (reach->parents[i].file == NULL ||
		    reach->parents[i].member == NULL)
			return false;
	return reach->parents_count > 0;
}

static struct slice
region_of(const struct model *model, const struct member *at)
{
	if (at == NULL)
		return model->provider->region;
	return provider_region(model->provider, at);
}

size_t
reach_find(const struct reach *reach, struct slice target,
    struct reached ways[MEMBER_PARENTS_MAX])
{
	const struct model *m = find_model(reach->own->providers,
	    reach->own->providers_count, target);
	size_t i, count = 0;

	if (m != NULL) {
		ways[0] =
		    (struct reached){ m, region_of(m, reach->self), true };
		return 1;
	}
	for (i = 0; i < reach->parents_count; i++) {
		const struct reach_parent *p = &reach->parents[i];

		m = p->file != NULL ? find_model(p->file->providers,
					  p->file->providers_count, target)
				    : NULL;
		if (m != NULL)
			ways[count++] = (struct reached){ m,
				region_of(m, p->member), false };
	}
	return count;
}
