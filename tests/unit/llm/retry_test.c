#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/retry.h"

static int64_t
wait_ms(const char *header, const char *header_ms)
{
	/* 1994-11-06 08:49:00 */
	return retry_after_ms(slice_of(header), slice_of(header_ms),
	    INT64_C(784111740) * 1000000);
}

static void
seconds_and_milliseconds(void **state)
{
	(void)state;
	assert_int_equal(wait_ms("3", ""), 3000);
	assert_int_equal(wait_ms("0", ""), 0);
	assert_int_equal(wait_ms("1.5", ""), 1500);
	assert_int_equal(wait_ms("0.0001", ""), 1);
	assert_int_equal(wait_ms("2.", ""), 2000);
	assert_int_equal(wait_ms("3", "250"), 250);
	assert_int_equal(wait_ms("", "250.2"), 251);
	assert_int_equal(wait_ms("3", "soon"), 3000);
	assert_int_equal(wait_ms("9999999999", ""), 10000000000);
}

static void
dates(void **state)
{
	(void)state;
	assert_int_equal(wait_ms("Sun, 06 Nov 1994 08:49:37 GMT", ""), 37000);
	assert_int_equal(wait_ms("Sun, 06 Nov 1994 08:48:00 GMT", ""), 0);
	assert_int_equal(wait_ms("Mon, 07 Nov 1994 08:49:00 GMT", ""),
	    86400000);
	assert_int_equal(wait_ms("Wed, 29 Feb 2096 00:00:00 GMT", ""),
	    10000000000);
}

static void
what_says_nothing_is_no_wait(void **state)
{
	static const char *const nothing[] = { "", "-1", "+1", ".5", "1e3",
		"soon", "1 ", "99999999999", "1.5.2",
		"Sun, 06 Nov 1994 08:49:37 CET",
		"Sun, 06 Xxx 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 0x:49:37 GMT" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(nothing); i++)
		assert_int_equal(wait_ms(nothing[i], ""), 0);
}

static void
waits_in_words(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "Limit 1, Used 1. Please try again in 1.2s. See x.", 1200 },
		{ "Please try again in 29m12s. Upgrade", 1752000 },
		{ "Please Try Again In 547ms", 547 },
		{ "Please retry after 20 seconds. Go on", 20000 },
		{ "please retry in 34.07s.", 34070 },
		{ "try again after 1 minute", 60000 },
		{ "try again in 6m0s", 360000 },
		{ "try again in 1h2m3.5s", 3723500 },
		{ "try again in 7", 7000 },
		{ "try again in 7.", 7000 },
		{ "try again in 2 days", 172800000 },
		{ "try again in soon; try again in 3s", 3000 },
		{ "try again in 9999999999 days", 10000000000 },
		{ "try again in 99999999999999999999", 10000000000 },
		{ "try again in 1s1s1s1s1s1s", 4000 },
		{ "try again in 1s 5", 1000 },
		{ "try again in 3 attempts", 0 },
		{ "try again in -3s", 0 },
		{ "try again in ", 0 },
		{ "try again in", 0 },
		{ "try again later", 0 },
		{ "", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++)
		if (retry_told_ms(slice_of(cases[i].text)) != cases[i].ms)
			fail_msg("%s is %lld", cases[i].text,
			    (long long)retry_told_ms(slice_of(cases[i].text)));
	assert_int_equal(retry_wait_ms(slice_of("12.5")), 12500);
	assert_int_equal(retry_wait_ms(slice_of("34s")), 34000);
	assert_int_equal(retry_wait_ms(slice_of("soon")), 0);
	assert_int_equal(retry_wait_ms(slice_of("")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_and_milliseconds),
		cmocka_unit_test(dates),
		cmocka_unit_test(what_says_nothing_is_no_wait),
		cmocka_unit_test(waits_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
