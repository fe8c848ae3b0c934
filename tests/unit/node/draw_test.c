#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/strategy/draw.h"

static void
the_same_seed_gives_the_same_draws(void **state)
{
	struct draw a = draw_of(7), b = draw_of(7), other = draw_of(8);
	int i, alike = 0;
	uint64_t n;

	(void)state;
	for (i = 0; i < 1000; i++) {
		n = draw_below(&a, 1000);
		assert_int_equal(n, draw_below(&b, 1000));
		alike += n == draw_below(&other, 1000);
	}
	assert_in_range(alike, 0, 10);
}

static void
draws_stay_below_their_end_and_reach_all(void **state)
{
	size_t counts[10] = { 0 }, i;
	struct draw d = draw_of(0);
	int round;

	(void)state;
	for (round = 0; round < 10000; round++)
		counts[draw_below(&d, 10)]++;
	for (i = 0; i < 10; i++)
		assert_in_range(counts[i], 850, 1150);
	for (round = 0; round < 1000; round++)
		assert_int_equal(draw_below(&d, 1), 0);
	assert_true(draw_below(&d, UINT64_MAX) < UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_draws),
		cmocka_unit_test(draws_stay_below_their_end_and_reach_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
