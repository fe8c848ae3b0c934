#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/slice.h"
#include "common/base/utf8.h"

static size_t
char_bytes(const char *bytes, size_t len)
{
	return utf8_char(bytes, bytes + len);
}

/* Writes each code point, and reads it back as one whole character. */
static void
every_code_point_is_a_character_but_surrogates(void **state)
{
	char bytes[UTF8_MAX];
	uint32_t point;
	size_t len, cut;

	(void)state;
	for (point = 0; point < 0x110000; point++) {
		len = utf8_write(bytes, point);
		if (point >= 0xd800 && point < 0xe000) {
			assert_int_equal(char_bytes(bytes, len), 0);
			continue;
		}
		if (char_bytes(bytes, len) != len)
			fail_msg("U+%04X is not taken", point);
		for (cut = 1; cut < len; cut++)
			assert_int_equal(char_bytes(bytes, cut), 0);
	}
}

static void
refuses_overlong_and_stray_bytes(void **state)
{
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xff", "\xfe", "\xc3(", "\xe2\x82(", "\xe2(\xa1",
		"\xf0\x9f\x98(", "\xed\xa0\x80", "\xed\xbf\xbf" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		assert_int_equal(char_bytes(bad[i], strlen(bad[i])), 0);
	assert_int_equal(char_bytes("", 0), 0);
}

static void
skips_to_ascii_or_trouble(void **state)
{
	static const char text[] = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x";
	static const char cut[] = "\xc3\xa9\xe2\x82";

	(void)state;
	assert_ptr_equal(utf8_skip(text, text + 10), text + 9);
	assert_ptr_equal(utf8_skip(text, text + 9), text + 9);
	assert_ptr_equal(utf8_skip(cut, cut + 4), cut + 2);
	assert_ptr_equal(utf8_skip(text + 9, text + 10), text + 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_code_point_is_a_character_but_surrogates),
		cmocka_unit_test(refuses_overlong_and_stray_bytes),
		cmocka_unit_test(skips_to_ascii_or_trouble),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
