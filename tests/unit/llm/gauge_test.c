#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/gauge.h"

#define TOKEN 880 /* units of one, centred */

static void
texts_have_their_tokens(void **state)
{
	static const struct {
		const char *text;
		int64_t units;
	} cases[] = {
		{ "", 0 },
		{ "word", TOKEN },
		{ "eightlet", TOKEN },
		{ "ninelette", 2 * TOKEN },
		{ "thirteenlette", 3 * TOKEN },
		{ "two words", 2 * TOKEN },
		{ "HelloWorld", 2 * TOKEN },
		{ "HTTPServer", 2 * TOKEN },
		{ "a  b", 3 * TOKEN },
		{ "a\\tb", 2 * TOKEN },
		{ "a\\n\\n\\nb", 3 * TOKEN },
		{ "a\\n    b", 4 * TOKEN },
		{ "123", TOKEN },
		{ "1234567", 3 * TOKEN },
		{ "a1", 2 * TOKEN },
		{ "});", 2 * TOKEN },
		{ "\\\"x\\\"", 3 * TOKEN },
		{ "\xd1\x8f\xd1\x8f", 2 * 370 },
		{ "\xe4\xb8\xad\xe6\x96\x87", 2 * 660 },
		{ "\\u4e2d\\u6587", 2 * 660 },
		{ "\\u044f\\u044F", 2 * 370 },
		{ "\\u003c", TOKEN },
		{ "\xea\xb0\x80", 572 },
		{ "\xe0\xa4\x85", 396 },
		{ "\xf0\x9f\x98\x80", 1760 },
		{ "\\", TOKEN },
		{ "\\u4", 2 * TOKEN },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++)
		if (gauge_text(slice_of(cases[i].text)) != cases[i].units)
			fail_msg("%s: %lld", cases[i].text,
			    (long long)gauge_text(slice_of(cases[i].text)));
}

/* Long runs cost by their length, however long. */
static void
runs_go_on(void **state)
{
	char text[6001];
	int64_t units;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	units = gauge_text(slice_make(text, 6000));
	assert_in_range(units, 950 * TOKEN, 1050 * TOKEN);
	memset(text, '7', sizeof(text) - 1);
	units = gauge_text(slice_make(text, 6000));
	assert_in_range(units, 1950 * TOKEN, 2050 * TOKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_have_their_tokens),
		cmocka_unit_test(runs_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
