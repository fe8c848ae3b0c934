#pragma once
/*
 * promise: what a group promises its callers, against what its targets are:
 * that each may be used, and that at least one can do what its contract says.
 */
#include "topology/reach.h"

/* Adds to the folder's mistakes. */
void promise_check(const struct reach *reach, const struct group *g);
