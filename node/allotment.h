#pragma once
/*
 * allotment: what a caller may use and has used, as GET /v1/usage tells it:
 * its own limits, budgets, shaping and spending, and the limits that it shares
 * with others of its project, user and node; nothing of those others.
 */
#include "common/base/lang.h"

struct buf;
struct caller;
struct limits;
struct topology;

void allotment_write(struct buf *out, struct limits *l,
    const struct topology *t, const struct caller *c, int64_t wall_us);
