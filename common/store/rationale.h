#pragma once
/*
 * rationale: a decision in words and tables, for people.  Pure; the sticky
 * failure is that of `out`.
 */
#include "common/store/decision.h"

/* Who decided, in one sentence with a line break. */
void rationale_sentence(struct buf *out, const struct decision *d);

/*
 * The candidates in their order, then those that were not tried, with the
 * reason; and a table of the score's terms where there was a score.
 */
void rationale_tables(struct buf *out, const struct decision *d);
