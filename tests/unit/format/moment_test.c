#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/format/moment.h"

#define NOW INT64_C(1790000000000000)

static void
test_spans_have_a_unit(void **state)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = { { "250ms", 250000 }, { "5s", 5000000 },
		{ "15m", INT64_C(900000000) }, { "2h", INT64_C(7200000000) },
		{ "7d", INT64_C(604800000000) } };
	static const char *const bad[] = { "", "5", "s", "0s", "-5s", "5 s",
		"5S", "1.5h", "5ss", "999999d", "99999999999999999999s" };
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++) {
		assert_true(span_read(slice_of(good[i].text), &us));
		assert_int_equal(us, good[i].us);
	}
	for (i = 0; i < count_of(bad); i++)
		assert_false(span_read(slice_of(bad[i]), &us));
}

/* What clock_write writes is read as the same moment. */
static void
test_moments_are_those_of_the_clock(void **state)
{
	static const int64_t moments[] = { 1, 951782400000000, NOW,
		INT64_C(1709164800123456), INT64_C(4107542400000000),
		INT64_C(253402300799999999) };
	char text[CLOCK_TEXT_BYTES];
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(moments); i++) {
		clock_write(moments[i], text);
		assert_true(moment_read(slice_of(text), NOW, &us));
		assert_int_equal(us, moments[i]);
	}
}

static void
test_moments_may_be_short(void **state)
{
	static const struct {
		const char *text, *whole;
	} good[] = {
		{ "2026-11-26", "2026-11-26T00:00:00.000000Z" },
		{ "2026-11-26Z", "2026-11-26T00:00:00.000000Z" },
		{ "2026-11-26T07:05", "2026-11-26T07:05:00.000000Z" },
		{ "2026-11-26T07:05:09.5", "2026-11-26T07:05:09.500000Z" },
		{ "2024-02-29", "2024-02-29T00:00:00.000000Z" },
		{ "2000-02-29", "2000-02-29T00:00:00.000000Z" },
	};
	static const char *const bad[] = { "", "yesterday", "2026", "2026-11",
		"2026-11-31", "2026-02-29", "2100-02-29", "2026-00-01",
		"2026-13-01", "2026-11-26T", "2026-11-26T24:00",
		"2026-11-26T07", "2026-11-26T07:60", "2026-11-26T07:05:60",
		"2026-11-26T07:05Zx", "2026-11-26 07:05", "1969-12-31",
		"2026-11-26T07:05+01:00", "2026-11-26T07:05:09." };
	char text[CLOCK_TEXT_BYTES];
	int64_t us;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(good); i++) {
		assert_true(moment_read(slice_of(good[i].text), NOW, &us));
		clock_write(us, text);
		assert_string_equal(text, good[i].whole);
	}
	for (i = 0; i < count_of(bad); i++)
		assert_false(moment_read(slice_of(bad[i]), NOW, &us));
	assert_true(moment_read(slice_of("2h"), NOW, &us));
	assert_int_equal(us, NOW - INT64_C(7200000000));
	assert_true(moment_read(slice_of("90000d"), NOW, &us));
	assert_int_equal(us, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spans_have_a_unit),
		cmocka_unit_test(test_moments_are_those_of_the_clock),
		cmocka_unit_test(test_moments_may_be_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
