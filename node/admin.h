#pragma once
/*
 * admin: what operators ask of a node beside what every member answers:
 * tokens, the evidence of tests, its targets, limits, what happened to them,
 * and what would be done with a request.
 */
#include "common/member/admin.h"

#define NODE_ADMIN_ROUTES 14
extern const struct admin_route node_admin_routes[NODE_ADMIN_ROUTES];
