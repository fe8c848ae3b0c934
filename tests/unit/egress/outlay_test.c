/*
 * What a node tells of its spending is not believed further than that: no day
 * that has not begun, no day twice, and no end of days.
 */
#include "egress/outlay.h"

#include "common/base/clock.h"
#include "common/limit/calendar.h"
#include "common/member/limits.h"
#include "common/member/outlay.h"
#include "common/member/worker.h"
#include "egress/egress.h"
#include "tests/unit/store/fixture.h"

#define TODAY 20782
#define MOST  1000

static const struct public_key first = { .bytes = { 1 } };
static const struct public_key second = { .bytes = { 2 } };

static struct outlay_teller
teller(const char *node, const char *team, const struct public_key *key)
{
	return (struct outlay_teller){ slice_of(node), slice_of(team), key };
}

static struct outlay_day
of_day(int64_t day, int64_t microusd)
{
	return (struct outlay_day){ day, { { 1, 10, microusd } } };
}

/* The new micro-USD. */
static int64_t
hear(struct outlays *o, const struct outlay_teller *who, int64_t today,
    struct outlay_day day)
{
	struct spend more;

	if (!outlays_hear(o, who, today, &day, &more))
		return 0;
	assert_int_equal(more.day, day.day);
	return more.amounts.of[BUDGET_MICROUSD];
}

static void
a_day_is_heard_when_it_has_begun(void **state)
{
	const struct outlay_teller n = teller("n", "t", &first);
	struct outlays *o;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	o = outlays_open(f.ledger);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY + 1, 7)), 0);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY + 40, 7)), 0);
	assert_int_equal(outlays_count(o), 0);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY, 5)), 5);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY, 5)), 0);
	/* Of a clock that was ahead nothing is lost. */
	assert_int_equal(hear(o, &n, TODAY + 1, of_day(TODAY + 1, 9)), 9);
	assert_int_equal(hear(o, &n, TODAY + 1, of_day(TODAY, 6)), 1);
	outlays_close(o);
	fixture_free(&f);
}

static void
another_state_or_team_counts_from_nothing(void **state)
{
	const struct outlay_teller n = teller("n", "t", &first);
	const struct outlay_teller rotated = teller("n", "t", &second);
	const struct outlay_teller moved = teller("n", "u", &first);
	struct outlays *o;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	o = outlays_open(f.ledger);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY, 50)), 50);
	assert_int_equal(hear(o, &rotated, TODAY, of_day(TODAY, 20)), 20);
	assert_int_equal(hear(o, &moved, TODAY, of_day(TODAY, 30)), 30);
	assert_int_equal(hear(o, &n, TODAY, of_day(TODAY, 51)), 1);
	outlays_close(o);
	fixture_free(&f);
}

static void
days_that_are_over_are_forgotten_and_not_heard(void **state)
{
	const struct outlay_teller n = teller("n", "t", &first);
	struct outlays *o;
	struct fixture f;
	int64_t day;

	(void)state;
	fixture_new(&f);
	o = outlays_open(f.ledger);
	for (day = TODAY; day < TODAY + 400; day++) {
		assert_int_equal(hear(o, &n, day, of_day(day, 3)), 3);
		assert_int_equal(hear(o, &n, day,
				     of_day(day - OUTLAY_WINDOW - 1, 4)),
		    0);
		assert_true(outlays_count(o) <= OUTLAY_WINDOW + 1);
	}
	assert_int_equal(hear(o, &n, day - 1,
			     of_day(day - 1 - OUTLAY_WINDOW, 3)),
	    0);
	outlays_close(o);
	fixture_free(&f);
}

/* An egress that has a store and limits, and nothing else. */
struct world {
	struct fixture f;
	struct egress egress;
	struct worker worker;
	struct dock dock;
};

static struct limit_terms
find_terms(const struct topology *t, const struct limits_who *who)
{
	struct limit_terms terms = { .rates = { 0 } };

	(void)t;
	if (who->level == SCOPE_TEAM)
		terms.budget.most[BUDGET_DAY][BUDGET_MICROUSD] = MOST;
	return terms;
}

static void
world_start(struct world *w)
{
	const struct limits_source source = { find_terms };

	w->egress.limits = limits_open(w->f.ledger, NULL, &source);
	assert_non_null(w->egress.limits);
	w->egress.outlays = outlays_open(w->f.ledger);
	w->worker.turn = w->f.turn;
	w->dock = (struct dock){ .worker = &w->worker, .egress = &w->egress };
}

static void
world_stop(struct world *w)
{
	outlays_close(w->egress.outlays);
	limits_close(w->egress.limits);
}

static void
tell(struct world *w, const struct outlay_teller *who, int64_t day,
    int64_t microusd)
{
	const struct outlay o = { .days = { of_day(day, microusd) },
		.count = 1 };
	struct buf message;

	buf_init(&message, 4096);
	outlay_write(&message, &o);
	outlay_hear(&w->dock, who, buf_slice(&message));
	buf_fini(&message);
}

static int64_t
posted(struct world *w, enum scope_level level, const char *name,
    enum budget_window window)
{
	const struct limits_who who = { level, slice_of(name), slice_of("") };
	struct limits_standing s;

	limits_stand(w->egress.limits, &who, &s);
	return s.scope.budget.posted[window][BUDGET_MICROUSD];
}

static void
expect(struct world *w, int64_t microusd)
{
	int window;

	for (window = BUDGET_DAY; window < BUDGET_WINDOWS; window++) {
		assert_int_equal(posted(w, SCOPE_TEAM, "t",
				     (enum budget_window)window),
		    microusd);
		assert_int_equal(posted(w, SCOPE_MEMBER, "n",
				     (enum budget_window)window),
		    microusd);
	}
}

/* Who has spent all does not get a new day by telling of one. */
static void
no_budget_is_opened_by_a_day_ahead(void **state)
{
	const struct outlay_teller n = teller("n", "t", &first);
	struct world w = { .dock = { .worker = NULL } };
	int64_t today;

	(void)state;
	fixture_new(&w.f);
	world_start(&w);
	today = limits_day(w.egress.limits);
	tell(&w, &n, today, MOST);
	tell(&w, &n, today + 40, 1);
	tell(&w, &n, UINT32_MAX, 1);
	expect(&w, MOST);
	fixture_turn(&w.f);
	world_stop(&w);
	world_start(&w);
	assert_int_equal(limits_day(w.egress.limits), today);
	expect(&w, MOST);
	tell(&w, &n, today, MOST);
	expect(&w, MOST);
	world_stop(&w);
	fixture_free(&w.f);
}

/* What an earlier build wrote of members is no clock. */
static void
what_members_told_is_no_clock(void **state)
{
	struct world w = { .dock = { .worker = NULL } };
	int64_t today;

	(void)state;
	fixture_new(&w.f);
	world_start(&w);
	today = limits_day(w.egress.limits);
	spend_add(w.f.turn, &(struct spend_sum){ SCOPE_MEMBER, slice_of("n"),
				{ today + 40, { { 1, 1, 1 } } } });
	fixture_turn(&w.f);
	world_stop(&w);
	world_start(&w);
	assert_int_equal(limits_day(w.egress.limits), today);
	world_stop(&w);
	fixture_free(&w.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_day_is_heard_when_it_has_begun),
		cmocka_unit_test(another_state_or_team_counts_from_nothing),
		cmocka_unit_test(
		    days_that_are_over_are_forgotten_and_not_heard),
		cmocka_unit_test(no_budget_is_opened_by_a_day_ahead),
		cmocka_unit_test(what_members_told_is_no_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
