#pragma once
/*
 * rehearsal: what would be done with a request now, without doing it: the
 * same parsing, eligibility, strategy and wording, on routes and scripts of
 * its own; no call, no row, and a policy service is not asked.  The clerk's
 * thread; takes as long as the request is large and its policy may run.
 */
#include "common/base/slice.h"

struct buf;
struct node;

/*
 * `wish` is JSON: {"request": a body as callers send it, "group": …,
 * "dialect": …, "caller": …, "seed": …}, all but the first optional.  Gives
 * the HTTP status; what is wrong with the wish, or what would be done, is
 * appended to `out`.
 */
int rehearsal_serve(struct node *n, struct slice wish, bool json,
    struct buf *out);
