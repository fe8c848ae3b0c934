#pragma once
/*
 * load_spread: how durations are spread: exact to the microsecond below
 * 65 ms, to the millisecond below 65 s, and counted as 65 s beyond.
 */
#include <stdint.h>

#define SPREAD_CELLS 65536

struct spread {
	uint64_t count;
	uint32_t us[SPREAD_CELLS], ms[SPREAD_CELLS];
};

void spread_add(struct spread *s, int64_t us);

/* The duration that this share (0 to 1) does not exceed; 0 when empty. */
int64_t spread_at(const struct spread *s, double share);
