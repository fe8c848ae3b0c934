#include "tests/unit/export/outcome.h"

#include "common/base/clock.h"

/*
 * The egress took a call before its export began, and waited for the body or a
 * place: no row said so then.  What it had signed by then it has to have.
 */
static void
test_what_was_taken_and_not_begun_is_explained(void **state)
{
	static const struct {
		int64_t total_us;
		bool clean;
	} cases[] = { { 10000000, true }, { 1000, false } };
	struct outcome o;
	struct pair p;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		pair_new(&p, 3);
		pair_export_one(&p, true);
		pair_call_at(&p, clock_wall_us() - 5000000, cases[i].total_us);
		pair_turn(&p);
		pair_export_one(&p, false);
		o = compare(&p);
		assert_int_equal(o.clean, cases[i].clean);
		assert_int_equal(o.r.explained, cases[i].clean ? 1 : 0);
		assert_int_equal(o.r.matched, 3);
		pair_free(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_what_was_taken_and_not_begun_is_explained),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
