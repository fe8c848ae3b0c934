#pragma once
/*
 * admin_scope: which rows somebody may see: those of some teams, of some
 * projects, or of both at once.  A value; its names are somebody else's.
 */
#include "common/base/slice.h"

struct admin_scope {
	const struct slice *teams;
	size_t teams_count; /* 0: of all teams */
	const struct slice *projects;
	size_t projects_count; /* 0: of all projects */
};

/* NULL is everything, too. */
must_check bool admin_scope_is_all(const struct admin_scope *s);

/*
 * May a row of that team and project be seen?  Where a scope names some, what
 * has none (empty) is not among them.
 */
must_check bool admin_scope_allows(const struct admin_scope *s,
    struct slice team, struct slice project);

/* Is all that `part` lets see within `whole`? */
must_check bool admin_scope_holds(const struct admin_scope *whole,
    const struct admin_scope *part);
