#pragma once
/*
 * admin: what operators may ask of an egress beside what all members have.
 */
#include "common/member/admin.h"

struct buf;
struct process;

#define EGRESS_ADMIN_ROUTES 4
/* The accounts and the teams, as Prometheus text. */
void egress_metrics(struct process *p, struct buf *out);

extern const struct admin_route egress_admin_routes[EGRESS_ADMIN_ROUTES];
