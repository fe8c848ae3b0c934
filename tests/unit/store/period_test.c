#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/store/period.h"

#define DAY_US INT64_C(86400000000)
#define NOW_US INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */

/* The C library's calendar judges ours, for every day of 200 years. */
static void
months_are_those_of_the_calendar(void **state)
{
	int64_t day, month;
	struct tm tm;
	time_t at;

	(void)state;
	for (day = 0; day < 200 * 366; day++) {
		at = (time_t)(day * 86400);
		gmtime_r(&at, &tm);
		month = period_of(PERIOD_MONTH, day * DAY_US);
		assert_int_equal(month, (tm.tm_year - 70) * 12 + tm.tm_mon);
		assert_int_equal(period_start_us(PERIOD_MONTH, month),
		    (day - tm.tm_mday + 1) * DAY_US);
	}
}

static void
periods_are_written(void **state)
{
	char text[PERIOD_CHARS];

	(void)state;
	period_write(PERIOD_HOUR, period_of(PERIOD_HOUR, NOW_US), text);
	assert_string_equal(text, "2026-09-21T14");
	period_write(PERIOD_DAY, period_of(PERIOD_DAY, NOW_US), text);
	assert_string_equal(text, "2026-09-21");
	period_write(PERIOD_MONTH, period_of(PERIOD_MONTH, NOW_US), text);
	assert_string_equal(text, "2026-09");
	assert_int_equal(period_by_name(slice_of("day")), PERIOD_DAY);
	assert_int_equal(period_by_name(slice_of("week")), PERIODS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(months_are_those_of_the_calendar),
		cmocka_unit_test(periods_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
