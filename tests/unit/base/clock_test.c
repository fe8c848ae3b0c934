#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"

static void
writes_utc_to_the_microsecond(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ 1, "1970-01-01T00:00:00.000001Z" },
		{ 951782399999999, "2000-02-28T23:59:59.999999Z" },
		{ 951782400000000, "2000-02-29T00:00:00.000000Z" },
		{ 1795387329123456, "2026-11-22T22:42:09.123456Z" },
		{ 253402300799999999, "9999-12-31T23:59:59.999999Z" },
		{ 253402300800000000, "9999-12-31T23:59:59.999999Z" },
		{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
		{ -1, "1970-01-01T00:00:00.000000Z" },
		{ INT64_MIN, "1970-01-01T00:00:00.000000Z" },
	};
	char text[CLOCK_TEXT_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_write(cases[i].us, text);
		assert_string_equal(text, cases[i].text);
	}
}

static void
monotonic_time_never_goes_back(void **state)
{
	int64_t last = clock_mono_us(), now;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++, last = now) {
		now = clock_mono_us();
		assert_true(now >= last);
	}
	assert_true(clock_wall_us() > 1600000000 * (int64_t)US_PER_SECOND);
}

static void
a_thread_has_a_time_of_its_own(void **state)
{
	int64_t begun = clock_thread_us(), now;

	(void)state;
	do {
		now = clock_thread_us();
		assert_true(now >= begun);
	} while (now == begun);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_utc_to_the_microsecond),
		cmocka_unit_test(monotonic_time_never_goes_back),
		cmocka_unit_test(a_thread_has_a_time_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
