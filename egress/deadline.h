#pragma once
/*
 * deadline: how long a call may take, by what its node says, which is bounded
 * but not believed.  Pure: times are arguments.
 */
#include "common/base/lang.h"

/* As a topology's longest: nobody waits longer. */
#define DEADLINE_MAX_MS ((int64_t)24 * 60 * 60 * 1000)

/* What an OPEN says, as it may be counted with. */
int64_t deadline_bound_ms(int64_t said_ms);

/*
 * What is left for the provider of `remaining_ms`, which began to run out
 * `passed_us` ago, and of what a call may take at most; never nothing.
 */
int64_t deadline_left_ms(int64_t remaining_ms, int64_t passed_us,
    int64_t most_ms);
