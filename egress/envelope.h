#pragma once
/*
 * envelope: what the topology lets a team use, whatever its node's policy
 * chose.  Asked of every request, and of what a team is offered.  Pure.
 */
#include "common/llm/exclusion.h"

struct envelope;
struct model;
struct slice;
struct team;
struct topology;

/* Where it serves: its provider's region, else `home`, the egress's own. */
struct slice envelope_region(const struct model *m, struct slice home);

/*
 * May the team use that model?  EXCLUSION_NONE, or NOT_GRANTED, REGION or
 * PRICE, whichever comes first.
 */
enum exclusion envelope_terms(const struct team *team, const struct model *m,
    struct slice home);

/*
 * May this request go out?  The model is given when it may.  Also NOT_OFFERED
 * when no provider has it, and DIALECT when its provider cannot be asked so.
 */
enum exclusion envelope_judge(const struct model **out,
    const struct topology *t, const struct envelope *e);
