#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/invoice/amount.h"

static void
test_amounts_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		int power;
		int64_t nano, grain;
	} good[] = {
		{ "12", 0, INT64_C(12000000000), 5000000 },
		{ "0.05", 0, 50000000, 5000000 },
		{ "0.003835980000000000000000000000", 0, 3835980, 0 },
		{ "0.0000000005", 0, 1, 0 },
		{ "0.0000000004", 0, 0, 0 },
		{ "1.2e-05", 0, 12000, 500 },
		{ "3E2", 0, INT64_C(300000000000), 5000000 },
		{ "-4.5", 0, INT64_C(-4500000000), 5000000 },
		{ "$3.25", 0, INT64_C(3250000000), 5000000 },
		{ "123.45", -2, INT64_C(1234500000), 50000 },
		{ "1000000", 0, INT64_C(1000000000000000), 5000000 },
	};
	static const char *const bad[] = { "", "-", ".5", "5.", "1,000", "1e",
		"1e99", "1000000.01", "0x3", "12 ", "$",
		"99999999999999999999999999999999999999999999999" };
	struct amount a;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++) {
		assert_true(
		    amount_read(&a, slice_of(good[i].text), good[i].power));
		assert_int_equal(a.nano, good[i].nano);
		assert_int_equal(a.grain, good[i].grain);
	}
	for (i = 0; i < count_of(bad); i++)
		assert_false(amount_read(&a, slice_of(bad[i]), 0));
}

static void
test_micro_usd_are_rounded_once(void **state)
{
	(void)state;
	assert_int_equal(amount_microusd(1499), 1);
	assert_int_equal(amount_microusd(1500), 2);
	assert_int_equal(amount_microusd(-1500), -2);
	assert_int_equal(amount_microusd(-1499), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts_are_read_exactly),
		cmocka_unit_test(test_micro_usd_are_rounded_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
