#pragma once
/*
 * terms: limits, budgets and shaping as the topology's files say them, before
 * anything counts against them.  Values; 0 is what was not said.
 */
#include "common/base/lang.h"

/* Days and months are UTC's. */
enum budget_window {
	BUDGET_DAY,
	BUDGET_MONTH,
	BUDGET_LIFETIME,
	BUDGET_WINDOWS
};

enum budget_unit {
	BUDGET_REQUESTS,
	BUDGET_TOKENS,
	BUDGET_MICROUSD,
	BUDGET_UNITS
};

/* Hard rates: nothing waits for them. */
struct rate_terms {
	int64_t rpm;        /* requests a minute */
	int64_t tpm;        /* tokens a minute, input and output */
	int64_t concurrent; /* requests under way */
};

/* Hard sums. */
struct budget_terms {
	int64_t most[BUDGET_WINDOWS][BUDGET_UNITS];
	int64_t warn_ppm; /* share of one that is worth a warning */
};

/* Of a node, a project, a user, a caller or a team. */
struct limit_terms {
	struct rate_terms rates;
	struct budget_terms budget;
};

/*
 * Smoothing of a caller, of a group, or of an account with a provider and a
 * model of it.  What does not fit at once waits for at most queue_ms in a
 * queue of at most queue_depth, or is refused where queue_ms is 0.
 */
struct shaping_terms {
	int64_t rpm;         /* request starts a minute */
	int64_t burst;       /* starts at once; else a second's worth of rpm */
	int64_t tpm;         /* input and output as reserved, a minute */
	int64_t input_tpm;   /* input as estimated, a minute */
	int64_t output_tpm;  /* output as reserved, a minute */
	int64_t token_burst; /* tokens at once; else ten seconds' worth */
	int64_t concurrent;  /* under way */
	int64_t queue_ms;
	int64_t queue_depth;
};

/* Say the terms anything? */
static inline bool
shaping_is_said(const struct shaping_terms *t)
{
	return t->rpm > 0 || t->tpm > 0 || t->input_tpm > 0 ||
	       t->output_tpm > 0 || t->concurrent > 0;
}

/* How long who has to pass both may wait: the stricter of those that say. */
static inline int64_t
shaping_queue_ms(const struct shaping_terms *a, const struct shaping_terms *b)
{
	if (!shaping_is_said(a))
		return b->queue_ms;
	if (!shaping_is_said(b))
		return a->queue_ms;
	return min_i64(a->queue_ms, b->queue_ms);
}
