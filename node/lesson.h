#pragma once
/*
 * lesson: what a round's call taught about its target, told to the target's
 * state.  What the egress saw itself it judges, and tells in CAPACITY; of that
 * only the window learns here.
 */
#include "common/llm/failure.h"

struct request;

/*
 * The round's call has ended so, or was given up before it said anything; or
 * it is made once more (`again`), and this is not all yet.  Nothing when the
 * target's state waits for nothing.
 */
void lesson_learn(struct request *r, enum failure failure, bool given_up,
    bool again);

/* Any 32 bits, others for each attempt: for jitter. */
uint32_t lesson_random(const struct request *r);
