#include "node/strategy/draw.h"
#include "node/strategy/plan.h"

/*
 * docs/ROUTING.md has the formula.  Every term is 0 to 1 and 1 is best, so
 * weights compare; the score is their weighted mean.
 */

#define QUALITY_UNKNOWN 0.5

/* As if each had made 20 attempts more, of which one failed. */
#define PRIOR_FAILURES 1.0
#define PRIOR_ATTEMPTS 20.0

/* Affinity does not count against health. */
#define SICK_FACTOR 2.0
#define SICK_RATE   0.05

struct scoring {
	struct plan *plan;
	const struct order_wish *wish;
	size_t open[TARGETS_MAX], count;
};

static struct candidate *
candidate_at(const struct scoring *s, size_t i)
{
	return &s->plan->candidates[s->open[i]];
}

static bool
is_cold(const struct scoring *s, const struct candidate *c)
{
	return c->seen.attempts < s->wish->group->score.min_attempts;
}

/* What the less of is the better; 0: not known. */
static double
amount_of(const struct scoring *s, const struct candidate *c,
    enum score_term term)
{
	if (is_cold(s, c))
		return 0;
	switch (term) {
	case TERM_TTFT:
		return (double)c->seen.ttft_p50_us;
	case TERM_LATENCY:
		return (double)c->seen.total_p50_us;
	default:
		return c->seen.tokens_per_s > 0 ? 1 / c->seen.tokens_per_s : 0;
	}
}

/* The unknown are taken for the mean of the known. */
static void
fill_seen(const struct scoring *s, enum score_term term)
{
	double amounts[TARGETS_MAX], least = 0, sum = 0;
	size_t i, known = 0;

	for (i = 0; i < s->count; i++) {
		amounts[i] = amount_of(s, candidate_at(s, i), term);
		if (amounts[i] > 0 && (known++ == 0 || amounts[i] < least))
			least = amounts[i];
	}
	for (i = 0; i < s->count; i++)
		if (amounts[i] > 0)
			sum += least / amounts[i];
	for (i = 0; i < s->count; i++)
		candidate_at(s, i)->terms[term] =
		    amounts[i] > 0 ? least / amounts[i]
		    : known > 0    ? sum / (double)known
				   : 1;
}

static void
fill_cost(const struct scoring *s)
{
	int64_t cheapest = INT64_MAX;
	struct candidate *c;
	size_t i;

	for (i = 0; i < s->count; i++)
		cheapest = min_i64(cheapest, candidate_at(s, i)->cost_microusd);
	for (i = 0; i < s->count; i++) {
		c = candidate_at(s, i);
		c->terms[TERM_COST] = 1;
		if (c->cost_microusd > 0)
			c->terms[TERM_COST] =
			    (double)cheapest / (double)c->cost_microusd;
	}
}

static void
fill_stated(const struct scoring *s)
{
	struct candidate *c;
	double quality;
	size_t i;

	for (i = 0; i < s->count; i++) {
		c = candidate_at(s, i);
		quality = QUALITY_UNKNOWN;
		if (c->listed->quality_ppm >= 0)
			quality = (double)c->listed->quality_ppm / 1e6;
		c->terms[TERM_QUALITY] = quality;
		c->terms[TERM_COMPLEXITY] =
		    1 - s->wish->complexity * (1 - quality);
		c->terms[TERM_ERRORS] =
		    1 - ((double)c->seen.failures + PRIOR_FAILURES) /
			    ((double)c->seen.attempts + PRIOR_ATTEMPTS);
	}
}

/* False when nobody is warm, and well. */
static bool
fill_affinity(const struct scoring *s)
{
	double best = 1, rate;
	struct candidate *c;
	bool any = false;
	size_t i;

	for (i = 0; i < s->count; i++) {
		rate = 1 - candidate_at(s, i)->terms[TERM_ERRORS];
		best = rate < best ? rate : best;
	}
	for (i = 0; i < s->count; i++) {
		c = candidate_at(s, i);
		rate = 1 - c->terms[TERM_ERRORS];
		c->terms[TERM_AFFINITY] =
		    c->warm && !(rate > SICK_RATE && rate > SICK_FACTOR * best);
		any |= c->terms[TERM_AFFINITY] > 0;
	}
	return any;
}

static void
fill_scores(const struct scoring *s)
{
	double weights[SCORE_TERMS], total = 0;
	struct candidate *c;
	size_t i, t;
	bool warm;

	fill_cost(s);
	fill_seen(s, TERM_TTFT);
	fill_seen(s, TERM_LATENCY);
	fill_seen(s, TERM_THROUGHPUT);
	fill_stated(s);
	warm = fill_affinity(s);
	for (t = 0; t < SCORE_TERMS; t++) {
		weights[t] = (double)s->wish->group->score.weights_ppm[t];
		if (t == TERM_AFFINITY && !warm)
			weights[t] = 0;
		total += weights[t];
	}
	for (i = 0; i < s->count; i++) {
		c = candidate_at(s, i);
		c->score = 0;
		for (t = 0; t < SCORE_TERMS && total > 0; t++)
			c->score += weights[t] / total * c->terms[t];
	}
}

/* The best first; of equals the one that is listed first. */
static void
sort(struct scoring *s)
{
	size_t i, at, index;

	for (i = 1; i < s->count; i++) {
		index = s->open[i];
		for (at = i; at > 0 && s->plan->candidates[index].score >
					   candidate_at(s, at - 1)->score;
		     at--)
			s->open[at] = s->open[at - 1];
		s->open[at] = index;
	}
}

/* The cold one that was tried least, if it is to go first. */
static bool
explored(const struct scoring *s, size_t *index)
{
	struct draw draw = draw_of(s->wish->seed);
	const struct candidate *c, *least = NULL;
	size_t i;

	if ((int64_t)draw_below(&draw, 1000000) >=
	    s->wish->group->score.explore_ppm)
		return false;
	for (i = 0; i < s->count; i++) {
		c = candidate_at(s, i);
		if (is_cold(s, c) &&
		    (least == NULL || c->seen.attempts < least->seen.attempts))
			least = c;
	}
	if (least == NULL)
		return false;
	*index = (size_t)(least - s->plan->candidates);
	return true;
}

void
order_score(struct plan *p, const struct order_wish *wish)
{
	struct scoring s = { .plan = p, .wish = wish };
	size_t i, first = SIZE_MAX;

	s.count = plan_open(p, s.open);
	p->strategy = STRATEGY_SCORE;
	p->decider = DECIDED_BY_STRATEGY;
	fill_scores(&s);
	if (explored(&s, &first)) {
		p->decider = DECIDED_BY_EXPLORATION;
		plan_add(p, first);
	}
	sort(&s);
	for (i = 0; i < s.count; i++)
		if (s.open[i] != first)
			plan_add(p, s.open[i]);
}
