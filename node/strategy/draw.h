#pragma once
/*
 * draw: the chance of one request.  The same seed gives the same draws, so an
 * order can be worked out again from what was written down.  A value.
 */
#include "common/base/lang.h"

struct draw {
	uint64_t state;
};

/* Any seed is as good: neighbours are not alike. */
struct draw draw_of(uint64_t seed);

/* From 0 to below `end`, which is not 0; each as likely. */
uint64_t draw_below(struct draw *d, uint64_t end);
