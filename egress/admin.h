#pragma once
/*
 * admin: what operators may ask of an egress beside what all members have.
 */
#include "common/member/admin.h"

#define EGRESS_ADMIN_ROUTES 1
extern const struct admin_route egress_admin_routes[EGRESS_ADMIN_ROUTES];
