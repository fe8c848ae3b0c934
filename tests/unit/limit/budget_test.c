#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limit/budget.h"
#include "common/limit/calendar.h"

#define LAST_OF_MAY 20604 /* 2026-05-31 */

static struct budget
budget_of(enum budget_window w, enum budget_unit u, int64_t most)
{
	struct budget_terms terms = { .warn_ppm = 0 };
	struct budget b = { .limited = 0 };

	terms.most[w][u] = most;
	budget_set(&b, &terms);
	budget_roll(&b, LAST_OF_MAY);
	return b;
}

static struct budget_amounts
tokens(int64_t n)
{
	return (struct budget_amounts){ .of = { [BUDGET_TOKENS] = n } };
}

static bool
fits(const struct budget *b, int64_t n)
{
	const struct budget_amounts wanted = tokens(n);
	struct budget_bar bar;

	return budget_fits(b, &wanted, &bar);
}

static void
holds(struct budget *b, int64_t day, int64_t n)
{
	const struct budget_amounts held = tokens(n);

	budget_hold(b, day, &held);
}

static void
settles(struct budget *b, int64_t day, int64_t held_tokens, int64_t n)
{
	const struct budget_amounts held = tokens(held_tokens);
	const struct budget_amounts spent = tokens(n);

	budget_settle(b, day, &held, &spent);
}

static void
is(const struct budget *b, enum budget_window w, int64_t posted, int64_t held)
{
	assert_int_equal(b->posted[w][BUDGET_TOKENS], posted);
	assert_int_equal(b->held[w][BUDGET_TOKENS], held);
}

static void
what_is_posted_held_and_wanted_fits_up_to_the_last_unit(void **state)
{
	struct budget b = budget_of(BUDGET_MONTH, BUDGET_TOKENS, 100);
	const struct budget_amounts wanted = tokens(31);
	struct budget_bar bar;

	(void)state;
	assert_true(fits(&b, 100));
	assert_false(fits(&b, 101));
	holds(&b, LAST_OF_MAY, 50);
	settles(&b, LAST_OF_MAY, 50, 40);
	holds(&b, LAST_OF_MAY, 30);
	assert_true(fits(&b, 30));
	assert_false(budget_fits(&b, &wanted, &bar));
	assert_int_equal(bar.window, BUDGET_MONTH);
	assert_int_equal(bar.unit, BUDGET_TOKENS);
	assert_int_equal(bar.most, 100);
	assert_int_equal(bar.posted, 40);
	assert_int_equal(bar.held, 30);
	assert_false(fits(&b, INT64_MAX));
	assert_string_equal(budget_sum_name(bar.window, bar.unit),
	    "month_tokens");
}

static void
the_longest_window_is_named(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 10);
	const struct budget_amounts wanted = tokens(31);
	struct budget_terms terms = b.terms;
	struct budget_bar bar;

	(void)state;
	terms.most[BUDGET_MONTH][BUDGET_TOKENS] = 30;
	terms.most[BUDGET_LIFETIME][BUDGET_TOKENS] = 31;
	budget_set(&b, &terms);
	assert_false(budget_fits(&b, &wanted, &bar));
	assert_int_equal(bar.window, BUDGET_MONTH);
	holds(&b, LAST_OF_MAY, 1);
	assert_false(budget_fits(&b, &wanted, &bar));
	assert_int_equal(bar.window, BUDGET_LIFETIME);
}

static void
windows_begin_anew_and_a_lifetime_does_not(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 100);

	(void)state;
	budget_roll(&b, LAST_OF_MAY - 1);
	assert_int_equal(b.day, LAST_OF_MAY);
	holds(&b, LAST_OF_MAY, 60);
	settles(&b, LAST_OF_MAY, 60, 60);
	holds(&b, LAST_OF_MAY, 10);
	budget_roll(&b, LAST_OF_MAY);
	is(&b, BUDGET_DAY, 60, 10);
	budget_roll(&b, LAST_OF_MAY + 1);
	is(&b, BUDGET_DAY, 0, 0);
	is(&b, BUDGET_MONTH, 0, 0);
	is(&b, BUDGET_LIFETIME, 60, 10);
	holds(&b, LAST_OF_MAY + 1, 5);
	budget_roll(&b, LAST_OF_MAY + 2);
	is(&b, BUDGET_DAY, 0, 0);
	is(&b, BUDGET_MONTH, 0, 5);
	is(&b, BUDGET_LIFETIME, 60, 15);
	/* A year later it is the same month of another year. */
	budget_roll(&b, LAST_OF_MAY + 2 + 365);
	is(&b, BUDGET_MONTH, 0, 0);
}

/* Days in a month that goes on, and over its end. */
static void
what_is_held_over_midnight_counts_where_it_was_admitted(void **state)
{
	const int64_t day = LAST_OF_MAY - 1;
	struct budget b = { .limited = 0 };

	(void)state;
	budget_roll(&b, day);
	holds(&b, day, 10);
	holds(&b, day, 7);
	budget_roll(&b, day + 1);
	holds(&b, day + 1, 3);
	settles(&b, day, 10, 8);
	is(&b, BUDGET_DAY, 0, 3);
	is(&b, BUDGET_MONTH, 8, 10);
	is(&b, BUDGET_LIFETIME, 8, 10);
	budget_roll(&b, day + 2);
	settles(&b, day, 7, 7);
	settles(&b, day + 1, 3, 4);
	is(&b, BUDGET_DAY, 0, 0);
	is(&b, BUDGET_MONTH, 0, 0);
	is(&b, BUDGET_LIFETIME, 19, 0);
}

static void
an_overdraft_is_posted_and_blocks_the_next(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 100);
	struct budget_bar bar;

	(void)state;
	holds(&b, LAST_OF_MAY, 90);
	settles(&b, LAST_OF_MAY, 90, 130);
	is(&b, BUDGET_DAY, 130, 0);
	assert_false(fits(&b, 1));
	assert_true(fits(&b, 0));
	assert_int_equal(budget_fullest_ppm(&b, &bar), 1300000);
	budget_roll(&b, LAST_OF_MAY + 1);
	assert_true(fits(&b, 100));
}

static void
nothing_spent_is_as_if_nothing_had_been(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 100), before;

	(void)state;
	holds(&b, LAST_OF_MAY, 12);
	before = b;
	holds(&b, LAST_OF_MAY, 30);
	settles(&b, LAST_OF_MAY, 30, 0);
	assert_memory_equal(&b, &before, sizeof(b));
}

static void
new_terms_keep_the_sums(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 100);
	const struct budget_terms none = { .warn_ppm = 0 };
	struct budget_terms less = b.terms;
	struct budget_bar bar;

	(void)state;
	holds(&b, LAST_OF_MAY, 50);
	settles(&b, LAST_OF_MAY, 20, 20);
	less.most[BUDGET_DAY][BUDGET_TOKENS] = 50;
	budget_set(&b, &less);
	assert_false(fits(&b, 1));
	budget_set(&b, &none);
	assert_true(fits(&b, INT64_MAX / 2));
	assert_int_equal(budget_fullest_ppm(&b, &bar), 0);
	budget_set(&b, &less);
	is(&b, BUDGET_DAY, 20, 30);
}

static void
the_fullest_sum_is_told(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 100);
	struct budget_terms terms = b.terms;
	struct budget_bar bar;

	(void)state;
	terms.most[BUDGET_LIFETIME][BUDGET_TOKENS] = 60;
	terms.most[BUDGET_MONTH][BUDGET_MICROUSD] = 1;
	budget_set(&b, &terms);
	assert_int_equal(budget_fullest_ppm(&b, &bar), 0);
	holds(&b, LAST_OF_MAY, 30);
	assert_int_equal(budget_fullest_ppm(&b, &bar), 500000);
	assert_int_equal(bar.window, BUDGET_LIFETIME);
	assert_int_equal(bar.held, 30);
	b.posted[BUDGET_MONTH][BUDGET_MICROUSD] = INT64_MAX / 2;
	assert_true(budget_fullest_ppm(&b, &bar) == INT64_MAX);
	assert_int_equal(bar.unit, BUDGET_MICROUSD);
}

/* Else whoever tells of tomorrow has all of today forgotten. */
static void
what_is_told_of_a_later_day_begins_none(void **state)
{
	struct budget b = budget_of(BUDGET_DAY, BUDGET_TOKENS, 10);
	const struct budget_amounts spent = tokens(3);

	(void)state;
	settles(&b, LAST_OF_MAY, 0, 5);
	holds(&b, LAST_OF_MAY, 2);
	budget_post(&b, LAST_OF_MAY + 40, LAST_OF_MAY, &spent);
	assert_int_equal(b.day, LAST_OF_MAY);
	is(&b, BUDGET_DAY, 8, 2);
	is(&b, BUDGET_MONTH, 8, 2);
	is(&b, BUDGET_LIFETIME, 8, 2);
	/* An earlier one counts where it still has a window. */
	budget_post(&b, LAST_OF_MAY - 1, LAST_OF_MAY, &spent);
	is(&b, BUDGET_DAY, 8, 2);
	is(&b, BUDGET_MONTH, 11, 2);
	/* One that began here, by a clock that went back since, is kept. */
	budget_post(&b, LAST_OF_MAY, LAST_OF_MAY - 1, &spent);
	is(&b, BUDGET_DAY, 11, 2);
	budget_post(&b, LAST_OF_MAY + 1, LAST_OF_MAY + 1, &spent);
	is(&b, BUDGET_DAY, 3, 0);
	is(&b, BUDGET_LIFETIME, 17, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_posted_held_and_wanted_fits_up_to_the_last_unit),
		cmocka_unit_test(the_longest_window_is_named),
		cmocka_unit_test(windows_begin_anew_and_a_lifetime_does_not),
		cmocka_unit_test(
		    what_is_held_over_midnight_counts_where_it_was_admitted),
		cmocka_unit_test(an_overdraft_is_posted_and_blocks_the_next),
		cmocka_unit_test(nothing_spent_is_as_if_nothing_had_been),
		cmocka_unit_test(new_terms_keep_the_sums),
		cmocka_unit_test(the_fullest_sum_is_told),
		cmocka_unit_test(what_is_told_of_a_later_day_begins_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
