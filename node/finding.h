#pragma once
/*
 * finding: a plan as the rows of a decision, for the store and for people.
 */
#include "common/store/decision.h"

struct arena;
struct contract_wish;

/* Text points into the plan, its routes and the arena. */
void finding_rows(struct decision *out, struct arena *arena,
    const struct contract_wish *w, const struct id *request);
