#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "common/limit/calendar.h"

#define SECOND ((int64_t)1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

static int64_t
day_of(int year, int month, int mday)
{
	struct tm tm = { .tm_year = year - 1900,
		.tm_mon = month - 1,
		.tm_mday = mday };

	return calendar_day((int64_t)timegm(&tm) * SECOND);
}

/* From any calendar on the wall. */
static void
days_and_months_of_real_dates(void **state)
{
	static const struct {
		int64_t second, day, month;
	} dates[] = {
		{ 0, 0, 0 }, { -1, -1, -1 }, { -86400, -1, -1 },
		{ -86401, -2, -1 }, { 86399, 0, 0 },
		{ 2678399, 30, 0 },               /* 1970-01-31 23:59:59 */
		{ 2678400, 31, 1 },               /* 1970-02-01 */
		{ -2208988800, -25567, -840 },    /* 1900-01-01 */
		{ -2203891201, -25509, -839 },    /* 1900-02-28 23:59:59 */
		{ -2203891200, -25508, -838 },    /* 1900-03-01: no leap year */
		{ 951782400, 11016, 361 },        /* 2000-02-29 */
		{ 951868800, 11017, 362 },        /* 2000-03-01 */
		{ 1709164800, 19782, 649 },       /* 2024-02-29 */
		{ 1735689599, 20088, 659 },       /* 2024-12-31 23:59:59 */
		{ 1735689600, 20089, 660 },       /* 2025-01-01 */
		{ 4107542399, 47540, 1561 },      /* 2100-02-28 23:59:59 */
		{ 4107542400, 47541, 1562 },      /* 2100-03-01: no leap year */
		{ -62135596800, -719162, -23628 } /* 0001-01-01 */
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(dates); i++) {
		assert_int_equal(calendar_day(dates[i].second * SECOND),
		    dates[i].day);
		assert_int_equal(calendar_month(dates[i].day), dates[i].month);
	}
	assert_int_equal(calendar_day(-1), -1);
	assert_int_equal(calendar_day(DAY - 1), 0);
}

/* From the year 1 to 3000. */
static void
every_day_is_in_the_month_that_the_system_says(void **state)
{
	int64_t day;

	(void)state;
	for (day = -719162; day < 376200; day++) {
		time_t t = (time_t)(day * 86400);
		struct tm tm;

		assert_non_null(gmtime_r(&t, &tm));
		assert_int_equal(calendar_month(day),
		    (tm.tm_year - 70) * 12 + tm.tm_mon);
	}
}

static void
windows_end_where_the_next_ones_begin(void **state)
{
	static const struct {
		int year, month, mday, next_year, next_month;
	} of[] = {
		{ 2024, 2, 1, 2024, 3 },
		{ 2024, 2, 29, 2024, 3 },
		{ 2023, 2, 28, 2023, 3 },
		{ 2100, 2, 28, 2100, 3 },
		{ 2025, 12, 31, 2026, 1 },
		{ 1969, 12, 1, 1970, 1 },
		{ 2025, 4, 30, 2025, 5 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(of); i++) {
		int64_t day = day_of(of[i].year, of[i].month, of[i].mday);

		assert_int_equal(calendar_end_us(day, BUDGET_DAY),
		    (day + 1) * DAY);
		assert_int_equal(calendar_end_us(day, BUDGET_MONTH),
		    day_of(of[i].next_year, of[i].next_month, 1) * DAY);
		assert_true(calendar_end_us(day, BUDGET_LIFETIME) == INT64_MAX);
	}
}

#define WALL (1764000000 * SECOND)
#define BOOT (5000 * SECOND)

static void
is_told(struct calendar_clock *c, int64_t wall_us, int64_t boot_us,
    int64_t told_us, bool unbelieved)
{
	bool ahead = !unbelieved;

	assert_int_equal(calendar_now_us(c, wall_us, boot_us, &ahead), told_us);
	assert_int_equal(ahead, unbelieved);
}

static void
a_clock_set_back_reopens_nothing(void **state)
{
	struct calendar_clock c;

	(void)state;
	calendar_start(&c, WALL, BOOT, 0);
	is_told(&c, WALL, BOOT, WALL, false);
	is_told(&c, WALL + HOUR, BOOT + HOUR, WALL + HOUR, false);
	is_told(&c, WALL - DAY, BOOT + 2 * HOUR, WALL + HOUR, false);
	is_told(&c, 0, BOOT + 3 * HOUR, WALL + HOUR, false);
	is_told(&c, WALL + HOUR + 1, BOOT + 4 * HOUR, WALL + HOUR + 1, false);
}

static void
a_jump_ahead_is_believed_no_further_than_the_skew(void **state)
{
	struct calendar_clock c;

	(void)state;
	calendar_start(&c, WALL, BOOT, 0);
	is_told(&c, WALL + CALENDAR_SKEW_US, BOOT, WALL + CALENDAR_SKEW_US,
	    false);
	is_told(&c, WALL + CALENDAR_SKEW_US + 1, BOOT, WALL + CALENDAR_SKEW_US,
	    true);
	is_told(&c, WALL + 40 * DAY, BOOT + HOUR,
	    WALL + HOUR + CALENDAR_SKEW_US, true);
	/* It is set right again. */
	is_told(&c, WALL + 2 * HOUR, BOOT + 2 * HOUR, WALL + 2 * HOUR, false);
}

/* The boot clock has run while the machine slept. */
static void
sleep_is_believed(void **state)
{
	struct calendar_clock c;

	(void)state;
	calendar_start(&c, WALL, BOOT, 0);
	is_told(&c, WALL + 3 * DAY, BOOT + 3 * DAY, WALL + 3 * DAY, false);
}

static void
a_start_with_a_clock_that_is_behind_goes_on_from_what_was_counted(void **state)
{
	const int64_t floor_us = WALL + 2 * DAY;
	struct calendar_clock c;

	(void)state;
	calendar_start(&c, WALL, BOOT, floor_us);
	is_told(&c, WALL, BOOT, floor_us, false);
	is_told(&c, WALL + HOUR, BOOT + HOUR, floor_us, false);
	/* Then it is set right: the day goes on. */
	is_told(&c, floor_us + 2 * HOUR, BOOT + 2 * HOUR, floor_us + 2 * HOUR,
	    false);
	is_told(&c, floor_us + 9 * HOUR, BOOT + 3 * HOUR,
	    floor_us + 3 * HOUR + CALENDAR_SKEW_US, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(days_and_months_of_real_dates),
		cmocka_unit_test(
		    every_day_is_in_the_month_that_the_system_says),
		cmocka_unit_test(windows_end_where_the_next_ones_begin),
		cmocka_unit_test(a_clock_set_back_reopens_nothing),
		cmocka_unit_test(
		    a_jump_ahead_is_believed_no_further_than_the_skew),
		cmocka_unit_test(sleep_is_believed),
		cmocka_unit_test(
		    a_start_with_a_clock_that_is_behind_goes_on_from_what_was_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
