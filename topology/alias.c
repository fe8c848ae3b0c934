#include "topology/alias.h"

#include "topology/folder.h"
#include "topology/mistake.h"

static const struct group *
named(const struct node_file *node, struct slice name)
{
	size_t i;

	for (i = 0; i < node->groups_count; i++)
		if (slice_eq(node->groups[i].name, name))
			return &node->groups[i];
	return NULL;
}

/* A group before this one that has the alias, or NULL. */
static const struct group *
holder(const struct node_file *node, const struct group *group,
    struct slice alias)
{
	const struct group *g;
	size_t i;

	for (g = node->groups; g != group; g++)
		for (i = 0; i < g->aliases_count; i++)
			if (slice_eq(g->aliases[i], alias))
				return g;
	return NULL;
}

static void
check_alias(struct folder *f, struct folder_file *file,
    const struct group *group, struct slice alias)
{
	const struct node_file *node = file->record;
	const struct group *other = holder(node, group, alias);
	struct yaml_place place = folder_place(file,
	    PATH(slice_of("groups"), group->name, slice_of("aliases"), alias));

	if (named(node, alias) != NULL)
		mistake_add(f->mistakes, &file->source, place,
		    "'%s' is the name of a group; an alias is a further name",
		    alias.ptr);
	else if (other != NULL)
		mistake_add(f->mistakes, &file->source, place,
		    "'%s' is an alias of group '%s' already", alias.ptr,
		    other->name.ptr);
}

void
alias_check(struct folder *f, struct folder_file *file)
{
	const struct node_file *node = file->record;
	size_t i, k;

	for (i = 0; i < node->groups_count; i++)
		for (k = 0; k < node->groups[i].aliases_count; k++)
			check_alias(f, file, &node->groups[i],
			    node->groups[i].aliases[k]);
}
