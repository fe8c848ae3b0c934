#pragma once
/*
 * allowance: how many bytes all threads together may hold of something.
 * Taking is all or nothing and never waits.  Safe in any thread.
 */
#include <stdatomic.h>

#include "common/base/lang.h"

struct allowance {
	atomic_size_t held;
	size_t max;
};

void allowance_init(struct allowance *a, size_t max);

must_check bool allowance_take(struct allowance *a, size_t bytes);

void allowance_give(struct allowance *a, size_t bytes);
