#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/format/base64.h"

static const char *
decoded(const char *text, char room[32])
{
	struct base64 b = base64_begin(slice_of(text));
	size_t len = 0;
	int byte;

	while ((byte = base64_next(&b)) >= 0)
		room[len++] = (char)byte;
	room[len] = '\0';
	return room;
}

static void
bytes_come_out_of_both_alphabets(void **state)
{
	char room[32];

	(void)state;
	assert_string_equal(decoded("aGVsbG8=", room), "hello");
	assert_string_equal(decoded("aGVsbG8", room), "hello");
	assert_string_equal(decoded("YT8_", room), "a??");
	assert_string_equal(decoded("YT8/", room), "a??");
	assert_string_equal(decoded("", room), "");
	assert_string_equal(decoded(NULL, room), "");
}

static void
a_json_string_may_escape_slashes_and_break_lines(void **state)
{
	char room[32];

	(void)state;
	assert_string_equal(decoded("YT8\\/", room), "a??");
	assert_string_equal(decoded("aGVs\\r\\nbG8=", room), "hello");
}

static void
what_is_no_letter_ends_it(void **state)
{
	char room[32];

	(void)state;
	assert_string_equal(decoded("aGVs*bG8=", room), "hel");
	assert_string_equal(decoded("a", room), "");
	assert_string_equal(decoded("\\", room), "");
	assert_string_equal(decoded("aGVs\\", room), "hel");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_of_both_alphabets),
		cmocka_unit_test(
		    a_json_string_may_escape_slashes_and_break_lines),
		cmocka_unit_test(what_is_no_letter_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
