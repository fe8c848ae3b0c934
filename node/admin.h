#pragma once
/*
 * admin: what operators ask of a node beside what every member answers:
 * tokens, and the evidence of tests.
 */
#include "common/member/admin.h"

#define NODE_ADMIN_ROUTES 6
extern const struct admin_route node_admin_routes[NODE_ADMIN_ROUTES];
