#include "common/limit/budget.h"

#include <string.h>

#include "common/limit/calendar.h"

#define PPM 1000000

static const char *const names[BUDGET_WINDOWS][BUDGET_UNITS] = {
	[BUDGET_DAY] = { "day_requests", "day_tokens", "day_usd" },
	[BUDGET_MONTH] = { "month_requests", "month_tokens", "month_usd" },
	[BUDGET_LIFETIME] = { "lifetime_requests", "lifetime_tokens",
	    "lifetime_usd" },
};

const char *
budget_sum_name(enum budget_window window, enum budget_unit unit)
{
	return names[window][unit];
}

void
budget_set(struct budget *b, const struct budget_terms *terms)
{
	int w, u;

	b->terms = *terms;
	b->limited = 0;
	for (w = 0; w < BUDGET_WINDOWS; w++)
		for (u = 0; u < BUDGET_UNITS; u++)
			if (terms->most[w][u] > 0)
				b->limited |= 1u << w;
}

static void
begin(struct budget *b, enum budget_window w)
{
	memset(b->posted[w], 0, sizeof(b->posted[w]));
	memset(b->held[w], 0, sizeof(b->held[w]));
}

void
budget_roll(struct budget *b, int64_t day)
{
	if (day <= b->day)
		return;
	begin(b, BUDGET_DAY);
	if (calendar_month(day) != calendar_month(b->day))
		begin(b, BUDGET_MONTH);
	b->day = day;
}

static struct budget_bar
bar_of(const struct budget *b, int w, int u)
{
	return (struct budget_bar){ (enum budget_window)w, (enum budget_unit)u,
		b->terms.most[w][u], b->posted[w][u], b->held[w][u] };
}

bool
budget_fits(const struct budget *b, const struct budget_amounts *wanted,
    struct budget_bar *bar)
{
	int w, u;

	for (w = BUDGET_LIFETIME; w >= BUDGET_DAY; w--) {
		if ((b->limited & (1u << w)) == 0)
			continue;
		for (u = 0; u < BUDGET_UNITS; u++) {
			int64_t most = b->terms.most[w][u];

			if (most == 0 || wanted->of[u] == 0 ||
			    wanted->of[u] <=
				most - b->posted[w][u] - b->held[w][u])
				continue;
			*bar = bar_of(b, w, u);
			return false;
		}
	}
	return true;
}

static bool
is_over(const struct budget *b, enum budget_window w, int64_t day)
{
	if (day == b->day)
		return false;
	switch (w) {
	case BUDGET_DAY:
		return true;
	case BUDGET_MONTH:
		return calendar_month(day) != calendar_month(b->day);
	default:
		return false;
	}
}

void
budget_hold(struct budget *b, int64_t day, const struct budget_amounts *held)
{
	int w, u;

	for (w = 0; w < BUDGET_WINDOWS; w++) {
		if (is_over(b, (enum budget_window)w, day))
			continue;
		for (u = 0; u < BUDGET_UNITS; u++)
			b->held[w][u] += held->of[u];
	}
}

void
budget_settle(struct budget *b, int64_t day, const struct budget_amounts *held,
    const struct budget_amounts *spent)
{
	int w, u;

	for (w = 0; w < BUDGET_WINDOWS; w++) {
		if (is_over(b, (enum budget_window)w, day))
			continue;
		for (u = 0; u < BUDGET_UNITS; u++) {
			b->held[w][u] -= held->of[u];
			b->posted[w][u] += spent->of[u];
		}
	}
}

void
budget_post(struct budget *b, int64_t day, int64_t today,
    const struct budget_amounts *spent)
{
	const struct budget_amounts none = { .of = { 0 } };

	budget_roll(b, min_i64(day, today));
	budget_settle(b, min_i64(day, b->day), &none, spent);
}

int64_t
budget_fullest_ppm(const struct budget *b, struct budget_bar *bar)
{
	__int128 share;
	int64_t fullest = 0;
	int w, u;

	for (w = 0; w < BUDGET_WINDOWS; w++)
		for (u = 0; u < BUDGET_UNITS; u++) {
			int64_t most = b->terms.most[w][u];
			int64_t used = b->posted[w][u] + b->held[w][u];

			if (most == 0 || used <= 0)
				continue;
			share = (__int128)used * PPM / most;
			if (share <= fullest)
				continue;
			fullest =
			    share < INT64_MAX ? (int64_t)share : INT64_MAX;
			*bar = bar_of(b, w, u);
		}
	return fullest;
}
