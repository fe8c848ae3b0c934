#include "topology/limit.h"

#include "topology/hint.h"

/* The pair that the path of keys leads to, or NULL. */
static const struct yaml_item *
find_pair(const struct folder_file *file, const struct slice *path,
    size_t count)
{
	const struct yaml_node *node = file->root;
	const struct yaml_item *item = NULL;
	size_t i;

	for (i = 0; i < count; i++) {
		item = node != NULL ? yaml_find(node, path[i]) : NULL;
		node = item != NULL ? item->value : NULL;
	}
	return item;
}

static bool
has_node(const struct mesh *mesh, const struct team *team)
{
	size_t i;

	for (i = 0; i < mesh->members_count; i++)
		if (mesh->members[i].role == ROLE_NODE &&
		    slice_eq(mesh->members[i].team, team->name))
			return true;
	return false;
}

void
limit_check_team(struct folder *f, const struct team *team)
{
	static const char *const keys[] = { "limits", "budget", "weight" };
	const struct yaml_item *item;
	size_t i;

	if (has_node(folder_mesh(f), team))
		return;
	for (i = 0; i < count_of(keys); i++) {
		item = find_pair(&f->mesh,
		    PATH(slice_of("teams"), team->name, slice_of(keys[i])));
		if (item == NULL)
			continue;
		mistake_add(f->mistakes, &f->mesh.source, item->key->place,
		    "no node is of team '%s', so its '%s' limits nothing; "
		    "give a member 'team: %s', or remove it",
		    team->name.ptr, keys[i], team->name.ptr);
	}
}

static bool
may_use_any(const struct team *team, const struct provider *p)
{
	size_t i;

	for (i = 0; i < p->models_count; i++)
		if (team_may_use(team, p->models[i].target))
			return true;
	return false;
}

static void
check_team_key(struct folder *f, const struct folder_file *file,
    const struct provider *p, struct slice name)
{
	const struct team *team = mesh_team(folder_mesh(f), name);
	struct yaml_place place = find_pair(file,
	    PATH(slice_of("providers"), p->name, slice_of("team_keys"), name))
				      ->key->place;

	if (team == NULL)
		mistake_add(f->mistakes, &file->source, place,
		    "there is no team '%s'%s", name.ptr, hint_team(f, name));
	else if (!may_use_any(team, p))
		mistake_add(f->mistakes, &file->source, place,
		    "team '%s' may use no model of '%s', so its key is never "
		    "sent; list one in mesh.yaml under teams.%s.models, or "
		    "remove it",
		    name.ptr, p->name.ptr, name.ptr);
}

void
limit_check_egress(struct folder *f, const struct folder_file *file)
{
	const struct egress_file *e = file->record;
	size_t i, k;

	/* Without teams every key would be wrong, for one reason. */
	if (f->mesh.root == NULL)
		return;
	for (i = 0; i < e->providers_count; i++)
		for (k = 0; k < e->providers[i].team_keys_count; k++)
			check_team_key(f, file, &e->providers[i],
			    e->providers[i].team_keys[k].team);
}

/* The most that any target answers with; 0 when one may answer with more. */
static int64_t
own_max_output(const struct reach *reach, const struct group *g)
{
	struct reached ways[MEMBER_PARENTS_MAX], *found = &ways[0];
	int64_t most = 0;
	size_t i;

	for (i = 0; i < g->targets_count; i++) {
		/* An own upstream is the only way to its targets. */
		if (reach_find(reach, g->targets[i].model, ways) == 0 ||
		    !found->own || found->model->max_output == 0)
			return 0;
		if (found->model->max_output > most)
			most = found->model->max_output;
	}
	return most;
}

static void
check_max_output(const struct reach *reach, const struct group *g)
{
	int64_t most = own_max_output(reach, g);

	if (most == 0 || g->max_output <= most)
		return;
	mistake_add(reach->folder->mistakes, &reach->file->source,
	    folder_place(reach->file,
		PATH(slice_of("groups"), g->name, slice_of("max_output"))),
	    "'max_output' can never be reached: no target answers with more "
	    "than %jd; make it smaller or remove it",
	    (intmax_t)most);
}

void
limit_check_node(const struct reach *reach)
{
	const struct node_file *n = reach->own;
	const struct yaml_item *item;
	size_t i;

	for (i = 0; i < n->groups_count; i++)
		check_max_output(reach, &n->groups[i]);
	for (i = 0; i < n->providers_count; i++) {
		item = find_pair(reach->file,
		    PATH(slice_of("providers"), n->providers[i].name,
			slice_of("team_keys")));
		if (item == NULL)
			continue;
		mistake_add(reach->folder->mistakes, &reach->file->source,
		    item->key->place,
		    "'team_keys' are kept by an egress; a node has one team, "
		    "whose key is 'api_key': write that, and remove this");
	}
}
