#pragma once
/*
 * recall: what a Responses caller leans on, put back into its request, and
 * what it may lean on later, kept; where its group holds content at all.
 */
#include "common/llm/fail.h"

struct request;

/*
 * Expand previous_response_id and item references: r->root is then the whole
 * body.  FAIL_NONE, or why that cannot be, with the cure in r->detail.  What
 * Messages has of the kind, threads, is refused.
 */
enum fail recall_expand(struct request *r);

/* Its answer is complete: keep both, in the turn that settles it. */
void recall_keep(struct request *r);
