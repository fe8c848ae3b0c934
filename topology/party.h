#pragma once
/*
 * party: those whose requests a node limits together, as its file says it: a
 * project, a user, and the callers of a tier, each by itself.  Values that
 * never change; slices are NUL-terminated too.
 */
#include "common/base/slice.h"
#include "common/limit/terms.h"

/* A project or a user: all its callers together. */
struct party {
	struct slice name;
	struct limit_terms limits;
};

/* What each caller of it may do. */
struct tier {
	struct slice name;
	struct limit_terms limits;
	struct shaping_terms shaping; /* of a caller */
};
