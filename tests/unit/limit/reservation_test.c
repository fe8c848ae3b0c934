/*
 * What happens to reservations in years of random days: they are settled,
 * extended, released, forgotten by who held them, or lost with the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/limit/calendar.h"
#include "common/limit/chain.h"

#define SECOND ((int64_t)1000000)
#define DAY_1  20000 /* 2024-10-04 */
#define DAYS   2000
#define STEPS  40000

#define NODES    1
#define PROJECTS 2
#define USERS    3
#define CALLERS  5
#define SCOPES   (NODES + PROJECTS + USERS + CALLERS)
#define OPEN_MAX 40

struct open {
	struct hold hold;
	size_t scopes[CHAIN_MAX];
};

/* Beside the scopes: what was settled on each day, as the rows say it. */
struct world {
	uint64_t random;
	int64_t now_us, day;
	struct limit_terms terms[SCOPES];
	struct scope scopes[SCOPES];
	int64_t rows[SCOPES][DAYS][BUDGET_UNITS];
	struct open open[OPEN_MAX];
	size_t open_count;
	size_t let_in, refused, crashed, overdrawn;
};

static struct world w;

static int64_t
chance(int64_t of)
{
	w.random = w.random * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)(w.random >> 33) % of;
}

/* Some say little, some nothing. */
static void
some_terms(struct limit_terms *t)
{
	static const int64_t a_day[BUDGET_UNITS] = { 20, 2000, 20000 };
	static const int64_t days[BUDGET_WINDOWS] = { 1, 10, 600 };
	int window, u;

	*t = (struct limit_terms){ .rates = { 0 } };
	for (window = 0; window < BUDGET_WINDOWS; window++)
		for (u = 0; u < BUDGET_UNITS; u++)
			if (chance(3) == 0)
				t->budget.most[window][u] =
				    1 + chance(2 * a_day[u] * days[window]);
	if (chance(3) == 0)
		t->rates.rpm = 1 + chance(60);
	if (chance(3) == 0)
		t->rates.tpm = 1 + chance(5000);
	if (chance(3) == 0)
		t->rates.concurrent = 1 + chance(6);
}

static void
begin(uint64_t seed)
{
	size_t i;

	memset(&w, 0, sizeof(w));
	w.random = seed;
	w.now_us = 1000 * SECOND;
	w.day = DAY_1;
	for (i = 0; i < SCOPES; i++) {
		some_terms(&w.terms[i]);
		scope_set(&w.scopes[i], &w.terms[i], w.now_us);
	}
}

static bool
is_in(int64_t day, int window, int64_t today)
{
	switch (window) {
	case BUDGET_DAY:
		return day == today;
	case BUDGET_MONTH:
		return calendar_month(day) == calendar_month(today);
	default:
		return true;
	}
}

static int64_t
posted(size_t scope, int window, int unit)
{
	int64_t today = w.scopes[scope].budget.day, sum = 0, day;

	for (day = today; day >= DAY_1 && is_in(day, window, today); day--)
		sum += w.rows[scope][day - DAY_1][unit];
	return sum;
}

static int64_t
held(size_t scope, int window, int unit)
{
	int64_t sum = 0;
	size_t i, s;

	for (i = 0; i < w.open_count; i++) {
		const struct open *o = &w.open[i];

		for (s = 0; s < o->hold.chain.count; s++)
			if (o->scopes[s] == scope &&
			    is_in(o->hold.day, window,
				w.scopes[scope].budget.day))
				sum += o->hold.budget.of[unit];
	}
	return sum;
}

static void
agrees(size_t scope)
{
	const struct scope *s = &w.scopes[scope];
	const struct budget *b = &s->budget;
	int64_t running = 0;
	size_t i, at;
	int window, u;

	for (window = 0; window < BUDGET_WINDOWS; window++)
		for (u = 0; u < BUDGET_UNITS; u++) {
			assert_int_equal(b->posted[window][u],
			    posted(scope, window, u));
			assert_int_equal(b->held[window][u],
			    held(scope, window, u));
			assert_true(b->held[window][u] >= 0);
		}
	for (i = 0; i < w.open_count; i++)
		for (at = 0; at < w.open[i].hold.chain.count; at++)
			running += w.open[i].scopes[at] == scope;
	assert_int_equal(s->running, running);
}

/* Of what was just let in. */
static void
is_within(size_t scope, const struct budget_amounts *wanted)
{
	const struct scope *s = &w.scopes[scope];
	int window, u;

	for (window = 0; window < BUDGET_WINDOWS; window++)
		for (u = 0; u < BUDGET_UNITS; u++)
			if (s->budget.terms.most[window][u] > 0 &&
			    wanted->of[u] > 0)
				assert_true(s->budget.posted[window][u] +
						s->budget.held[window][u] <=
					    s->budget.terms.most[window][u]);
}

/* Whoever it is, it falls under the node; to some, nothing applies between. */
static void
some_chain(struct open *o, struct chain *chain)
{
	size_t n = 0, i;

	o->scopes[n++] = 0;
	if (chance(4) > 0)
		o->scopes[n++] = NODES + (size_t)chance(PROJECTS);
	if (chance(4) > 0)
		o->scopes[n++] = NODES + PROJECTS + (size_t)chance(USERS);
	if (chance(8) > 0)
		o->scopes[n++] =
		    NODES + PROJECTS + USERS + (size_t)chance(CALLERS);
	chain->count = n;
	for (i = 0; i < n; i++)
		chain->scopes[i] = &w.scopes[o->scopes[i]];
}

static void
reserve(void)
{
	struct scope before[SCOPES];
	struct open *o = &w.open[w.open_count];
	struct chain chain = { .count = 0 };
	struct chain_wish wish = { .now_us = w.now_us,
		.day = w.day,
		.rate_tokens = chance(600),
		.budget.of = { 1, chance(900), chance(3) * chance(4000) } };
	struct chain_bar bar;
	size_t i;

	if (w.open_count == OPEN_MAX)
		return;
	memset(o, 0, sizeof(*o));
	some_chain(o, &chain);
	for (i = 0; i < chain.count; i++)
		budget_roll(&chain.scopes[i]->budget, w.day);
	memcpy(before, w.scopes, sizeof(before));
	if (!chain_reserve(&o->hold, &chain, &wish, &bar)) {
		assert_memory_equal(before, w.scopes, sizeof(before));
		assert_non_null(bar.scope);
		w.refused++;
		return;
	}
	w.open_count++;
	w.let_in++;
	for (i = 0; i < chain.count; i++) {
		const struct scope *s = chain.scopes[i];

		is_within(o->scopes[i], &wish.budget);
		agrees(o->scopes[i]);
		if (s->rates.concurrent > 0)
			assert_true(s->running <= s->rates.concurrent);
	}
}

static void
extend(struct open *o)
{
	const struct budget_amounts more = { .of = { 0, chance(300),
						 chance(2000) } };
	struct scope before[SCOPES];
	struct hold hold = o->hold;
	struct chain_bar bar;
	size_t i;

	memcpy(before, w.scopes, sizeof(before));
	if (!chain_extend(&o->hold, &more, &bar)) {
		assert_memory_equal(before, w.scopes, sizeof(before));
		assert_memory_equal(&o->hold, &hold, sizeof(hold));
		return;
	}
	for (i = 0; i < o->hold.chain.count; i++) {
		is_within(o->scopes[i], &more);
		agrees(o->scopes[i]);
	}
}

/* Written down before it is counted, as rows are. */
static void
note(const struct open *o, const struct budget_amounts *spent)
{
	size_t i;
	int u;

	for (i = 0; i < o->hold.chain.count; i++)
		for (u = 0; u < BUDGET_UNITS; u++)
			w.rows[o->scopes[i]][o->hold.day - DAY_1][u] +=
			    spent->of[u];
}

static void
gone(struct open *o)
{
	struct open was = *o;
	size_t i;

	assert_int_equal(o->hold.chain.count, 0);
	*o = w.open[--w.open_count];
	for (i = 0; i < CHAIN_MAX; i++)
		agrees(was.scopes[i]);
}

static void
settle(struct open *o)
{
	struct chain_spent spent = { .rate_tokens = chance(700) };
	int u;

	for (u = 0; u < BUDGET_UNITS; u++) {
		spent.budget.of[u] = o->hold.budget.of[u] > 0
					 ? chance(o->hold.budget.of[u] + 1)
					 : 0;
		if (chance(50) == 0) {
			spent.budget.of[u] += 1 + chance(100);
			w.overdrawn++;
		}
	}
	note(o, &spent.budget);
	chain_settle(&o->hold, &spent, w.now_us);
	gone(o);
}

/* Nobody knows what it came to: all of it. */
static void
expire(struct open *o)
{
	const struct chain_spent all = { o->hold.rate_tokens, o->hold.budget };

	note(o, &all.budget);
	chain_settle(&o->hold, &all, w.now_us);
	gone(o);
}

/* What was posted is known from the rows; what was open counts as spent. */
static void
crash(void)
{
	size_t i;
	int window, u;

	for (i = 0; i < w.open_count; i++)
		note(&w.open[i], &w.open[i].hold.budget);
	w.open_count = 0;
	for (i = 0; i < SCOPES; i++) {
		struct scope *s = &w.scopes[i];
		int64_t day = s->budget.day;

		memset(s, 0, sizeof(*s));
		scope_set(s, &w.terms[i], w.now_us);
		scope_empty(s, w.now_us - chance(30 * SECOND));
		s->budget.day = day;
		for (window = 0; window < BUDGET_WINDOWS; window++)
			for (u = 0; u < BUDGET_UNITS; u++)
				s->budget.posted[window][u] =
				    posted(i, window, u);
		agrees(i);
	}
	w.crashed++;
}

static void
retune(void)
{
	size_t i = (size_t)chance(SCOPES);

	some_terms(&w.terms[i]);
	scope_set(&w.scopes[i], &w.terms[i], w.now_us);
	agrees(i);
}

static void
pass_time(void)
{
	w.now_us += chance(10 * SECOND);
	if (chance(25) == 0) {
		w.day += chance(20) == 0 ? 1 + chance(45) : 1;
		w.now_us += 60 * SECOND;
	}
}

static void
step(void)
{
	struct open *o =
	    w.open_count > 0 ? &w.open[chance((int64_t)w.open_count)] : NULL;

	pass_time();
	switch (chance(o != NULL ? 12 : 4)) {
	case 4:
		chain_release(&o->hold);
		gone(o);
		break;
	case 5:
		expire(o);
		break;
	case 6:
		extend(o);
		break;
	case 7:
	case 8:
	case 9:
		settle(o);
		break;
	case 10:
		if (chance(20) == 0)
			crash();
		break;
	case 11:
		if (chance(20) == 0)
			retune();
		break;
	default:
		reserve();
	}
}

static void
never_over_and_nothing_is_lost(void **state)
{
	uint64_t seed;
	size_t i, n;

	(void)state;
	for (seed = 1; seed <= 5; seed++) {
		begin(seed);
		for (n = 0; n < STEPS && w.day < DAY_1 + DAYS - 50; n++)
			step();
		while (w.open_count > 0)
			settle(&w.open[0]);
		for (i = 0; i < SCOPES; i++)
			agrees(i);
		/* It was about something. */
		assert_true(w.let_in > 500);
		assert_true(w.refused > 500);
		assert_true(w.crashed > 10);
		assert_true(w.overdrawn > 20);
	}
}

#define TAKEN 1500

/* Of one scope: when, and how much until then. */
struct past {
	size_t count;
	int64_t at_us[TAKEN], sum[TAKEN + 1];
};

static struct past requests_of[3], tokens_of[3];

static void
remember(struct past *p, int64_t at_us, int64_t units)
{
	p->at_us[p->count] = at_us;
	p->sum[p->count + 1] = p->sum[p->count] + units;
	p->count++;
}

static void
is_within_rate(const struct past *p, int64_t per_minute)
{
	size_t from, to;

	for (from = 0; per_minute > 0 && from < p->count; from++)
		for (to = from; to < p->count; to++) {
			int64_t us = p->at_us[to] - p->at_us[from];

			assert_true(
			    (p->sum[to + 1] - p->sum[from]) * 60 * SECOND <=
			    per_minute * 60 * SECOND + per_minute * us);
		}
}

/* None is larger than the burst. */
static void
over_any_interval_a_minutes_worth_and_the_rate(void **state)
{
	static const struct rate_terms rates[3] = {
		{ .rpm = 300, .tpm = 20000 }, { .rpm = 100 }, { .tpm = 9000 }
	};
	struct hold holds[8] = { { .day = 0 } };
	struct scope scopes[3] = { { .level = SCOPE_NODE } };
	int64_t now_us = 1000 * SECOND;
	size_t i, refused = 0;

	(void)state;
	w.random = 99;
	for (i = 0; i < 3; i++)
		scope_set(&scopes[i],
		    &(struct limit_terms){ .rates = rates[i] }, now_us);
	while (tokens_of[0].count < TAKEN) {
		struct hold *h = &holds[chance(8)];
		size_t other = 1 + (size_t)chance(2);
		const struct chain chain = { .scopes = { &scopes[0],
						 &scopes[other] },
			.count = 2 };
		const struct chain_wish wish = { .now_us = now_us,
			.rate_tokens = 1 + chance(400) };
		struct chain_bar bar;

		chain_settle(h,
		    &(struct chain_spent){ .rate_tokens = h->rate_tokens },
		    now_us);
		if (!chain_reserve(h, &chain, &wish, &bar)) {
			refused++;
			now_us += chance(2) == 0 ? bar.wait_us
						 : chance(bar.wait_us + 1);
			continue;
		}
		remember(&requests_of[0], now_us, 1);
		remember(&tokens_of[0], now_us, wish.rate_tokens);
		remember(&requests_of[other], now_us, 1);
		remember(&tokens_of[other], now_us, wish.rate_tokens);
		if (chance(100) == 0)
			now_us += chance(100 * SECOND);
	}
	assert_true(refused > 100);
	for (i = 0; i < 3; i++) {
		is_within_rate(&requests_of[i], rates[i].rpm);
		is_within_rate(&tokens_of[i], rates[i].tpm);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_over_and_nothing_is_lost),
		cmocka_unit_test(
		    over_any_interval_a_minutes_worth_and_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
