#pragma once
/*
 * grant: what mesh.yaml lets a team use, by model, region and price: that
 * each of them can match something.
 */
#include "topology/folder.h"

/* With the egress files; adds to the folder's mistakes. */
void grant_check(struct folder *f, const struct team *team);
