#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/format/moment.h"

static int64_t
parsed(const char *text)
{
	int64_t us = -1;

	return moment_parse(slice_of(text), &us) ? us : -1;
}

static void
test_what_people_write(void **state)
{
	(void)state;
	assert_int_equal(parsed("1970-01-01"), 0);
	assert_int_equal(parsed("2026-11-23"),
	    INT64_C(1795392000) * US_PER_SECOND);
	assert_int_equal(parsed("2026-11-23T04:05:06Z"),
	    INT64_C(1795406706) * US_PER_SECOND);
	assert_int_equal(parsed("2026-11-23T04:05:06.5Z"),
	    INT64_C(1795406706500000));
	assert_int_equal(parsed("2024-02-29"),
	    INT64_C(1709164800) * US_PER_SECOND);
}

static void
test_what_is_no_moment(void **state)
{
	static const char *const wrong[] = { "", "2026", "2026-11-2",
		"2026-13-01", "2026-00-01", "2026-02-29", "2026-11-31",
		"1969-12-31", "2026-11-23T", "2026-11-23T04:05:06",
		"2026-11-23T24:00:00Z", "2026-11-23T04:60:06Z",
		"2026-11-23T04:05:06.Z", "2026-11-23T04:05:06.1234567Z",
		"2026-11-23T04:05:06+01:00", "2026-11-23 04:05:06Z",
		"2026-11-23Z", "x026-11-23", "2026-11-23T04:05:06.12x4Z" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(wrong); i++)
		assert_int_equal(parsed(wrong[i]), -1);
}

static void
test_what_the_clock_wrote_is_read_back(void **state)
{
	int64_t us = 1, step = 987654321, read;
	char text[CLOCK_TEXT_BYTES];

	(void)state;
	while (us < INT64_C(253402300799999999)) {
		clock_write(us, text);
		assert_true(moment_parse(slice_of(text), &read));
		assert_int_equal(read, us);
		us += step;
		step += step / 64;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_people_write),
		cmocka_unit_test(test_what_is_no_moment),
		cmocka_unit_test(test_what_the_clock_wrote_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
