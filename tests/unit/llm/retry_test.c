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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seconds_and_milliseconds),
		cmocka_unit_test(dates),
		cmocka_unit_test(what_says_nothing_is_no_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
