#include "common/store/admin_scope.h"

static bool
is_among(const struct slice *names, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(names[i], name))
			return true;
	return false;
}

bool
admin_scope_is_all(const struct admin_scope *s)
{
	return s == NULL || (s->teams_count == 0 && s->projects_count == 0);
}

bool
admin_scope_allows(const struct admin_scope *s, struct slice team,
    struct slice project)
{
	if (admin_scope_is_all(s))
		return true;
	if (s->teams_count > 0 && !is_among(s->teams, s->teams_count, team))
		return false;
	return s->projects_count == 0 ||
	       is_among(s->projects, s->projects_count, project);
}

static bool
holds(const struct slice *whole, size_t count, const struct slice *part,
    size_t part_count)
{
	size_t i;

	if (count == 0)
		return true;
	for (i = 0; i < part_count; i++)
		if (!is_among(whole, count, part[i]))
			return false;
	return part_count > 0;
}

bool
admin_scope_holds(const struct admin_scope *whole,
    const struct admin_scope *part)
{
	return holds(whole->teams, whole->teams_count, part->teams,
		   part->teams_count) &&
	       holds(whole->projects, whole->projects_count, part->projects,
		   part->projects_count);
}
