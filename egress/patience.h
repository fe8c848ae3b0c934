#pragma once
/*
 * patience: how long a call waits for its node, which may stop sending the
 * body or reading the answer, and yet keep its link up.  What the call holds
 * of what all teams share is theirs again then.
 */
#include <stdbool.h>
#include <stdint.h>

struct call;

/* Has the node let it wait for too long?  Time is monotonic. */
bool patience_is_over(const struct call *c, int64_t now_us);

/* Now and then: who waits for too long ends as if the node had gone. */
void patience_tick(struct call *c, int64_t now_us);
