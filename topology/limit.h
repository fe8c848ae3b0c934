#pragma once
/*
 * limit: that what the files say of limits means something across files: a
 * limit that matches nothing, or that can never be reached, is a mistake.
 */
#include "topology/reach.h"

/* What a team is limited to limits the requests of some node. */
void limit_check_team(struct folder *f, const struct team *team);

/* The keys that teams bring are of teams that may use them. */
void limit_check_egress(struct folder *f, const struct folder_file *file);

/* What a node says of outputs and accounts can come about. */
void limit_check_node(const struct reach *reach);
