#pragma once
/*
 * balance: how one holder of limits stands, in JSON: what its rates leave, its
 * budgets, what it spent.  Money is decimal text, as a binary fraction would
 * not be the sum that is counted.  Pure.
 */
#include "common/member/limits.h"

struct json_writer;

/* One thing that is limited. */
struct balance_line {
	const char *name; /* "rpm", "month_usd" */
	int64_t most;
	int64_t used; /* held too; no more than `most` of a rate */
	int64_t held; /* of budgets */
	bool is_usd;
};

#define BALANCE_LINES (LIMIT_BUDGET + BUDGET_WINDOWS * BUDGET_UNITS)

/* The one at that place, always the same one; false: it has no such
 * limit, and only what is used is told. */
bool balance_line(const struct limits_standing *s, size_t place,
    struct balance_line *line);

/* Has it any limit; did it spend anything? */
bool balance_is_limited(const struct limits_standing *s);
bool balance_has_spent(const struct limits_standing *s);

/* {"rpm":{"limit":…,"remaining":…,"resets_at":…},…}; null: not limited. */
void balance_put_rates(struct json_writer *w, const struct limits_standing *s,
    int64_t wall_us);

/* [{"name":"month_usd","limit":…,"spent":…,"held":…,"remaining":…,…}] */
void balance_put_budgets(struct json_writer *w,
    const struct limits_standing *s);

/* {"day":{"requests":…,"tokens":…,"usd":"…"},"month":…,"lifetime":…} */
void balance_put_spent(struct json_writer *w, const struct limits_standing *s);

/* "0.001234"; never below 0. */
void balance_put_usd(struct json_writer *w, const char *name, int64_t microusd);
