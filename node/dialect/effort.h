#pragma once
/*
 * effort: how much a model is asked to reason, as words and as a budget of
 * tokens, for dialects that say it one way or the other.  Pure.
 */
#include "common/base/slice.h"

enum effort {
	EFFORT_UNSET,
	EFFORT_NONE,
	EFFORT_MINIMAL,
	EFFORT_LOW,
	EFFORT_MEDIUM,
	EFFORT_HIGH,
	EFFORT_XHIGH,
	EFFORT_MAX
};

/* The effort that budget tokens come to, and the other way round. */
enum effort effort_of_budget(int64_t tokens);
int64_t effort_budget(enum effort e);
const char *effort_name(enum effort e); /* NULL for UNSET */
enum effort effort_by_name(struct slice plain);
