#pragma once
/*
 * script: the strategy of a team's own TypeScript.  `scripts` holds a worker's
 * sandboxes, one for each compiled policy by its hash and limits.  A policy
 * that had to be killed three times within a minute is put aside for a minute,
 * and all of them share a quarter of the worker's time: who has taken its part
 * waits, so that no policy takes it from other requests.  One thread's.
 */
#include "common/base/slice.h"

struct buf;
struct contract_wish;
struct plan;
struct scripts;
struct topology;

struct scripts *scripts_new(void);
void scripts_free(struct scripts *s); /* NULL is fine */

/* Load the policies of its groups, and forget all others. */
void scripts_adopt(struct scripts *s, const struct topology *t);

/* Do all load?  Else false, with group, file and reason in `why`. */
must_check bool scripts_fit(const struct topology *t, struct buf *why);

#define SCRIPT_PUT_ASIDE "put-aside"
#define SCRIPT_BUSY      "busy" /* it has taken its share of time */

/*
 * Order the plan as the group's policy says: NULL, or a word for why it could
 * not, and then the plan is as before: timeout, threw, memory, not-json,
 * not-allowed, not-loaded, put-aside or
 * busy.
 */
const char *script_order(struct scripts *s, struct plan *p,
    const struct contract_wish *wish);

/*
 * Order the plan by a policy's answer, of a script or a service; false and
 * why when it is not one.
 */
must_check bool script_take(struct plan *p, struct slice answer,
    struct buf *why);
