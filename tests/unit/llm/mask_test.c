#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/llm/mask.h"

static struct buf out;

static void
assert_masks(const char *text, const char *secret, const char *want)
{
	buf_reset(&out);
	mask_put(&out, slice_of(text), slice_of(secret));
	assert_string_equal(buf_text(&out), want);
}

static void
the_secret_goes_wherever_it_stands(void **state)
{
	(void)state;
	assert_masks("key hunter2!", "hunter2", "key [key]!");
	assert_masks("xhunter2hunter2y", "hunter2", "x[key][key]y");
	assert_masks("a b c", "a b", "[key] c");
	assert_masks("hunter", "hunter2", "hunter");
	assert_masks("", "hunter2", "");
	assert_masks("hunter2", "", "hunter2");
}

static void
what_looks_like_a_key_goes(void **state)
{
	static const char *const keys[] = { "sk-abcdefghijkl",
		"sk-proj-0123456789abcdef_-0123", "sk-****************3abc",
		"gsr_0123456789abcdef", "gsk_abcdefghijklmnop",
		"AIzaSyA1234567890abcdefghijklmnopqrstu",
		"0123456789abcdef0123456789abcdef",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc",
		"aB3dE5gH7jK9mN1pQ3sT5vW7", "xai-0123456789ab" };
	char text[128], want[128];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(keys); i++) {
		snprintf(text, sizeof(text), "Bad key: \"%s\", sorry", keys[i]);
		assert_masks(text, "", "Bad key: \"[key]\", sorry");
		snprintf(text, sizeof(text), "%s", keys[i]);
		snprintf(want, sizeof(want), "%s", MASK);
		assert_masks(text, "", want);
	}
}

static void
what_people_need_stays(void **state)
{
	static const char *const texts[] = {
		"The model `gpt-5-2026-01-01` does not exist",
		"Qwen2.5-Coder-32B-Instruct-AWQ is not available",
		"meta-llama/Llama-3.3-70B-Instruct-Turbo",
		"req_011CSHoEeqs5C35K2UUqR7Fy",
		"chatcmpl-9aBcDeFgHiJkLmNoPqRsTuVwX",
		"019a1b2c-3d4e-5f60-7182-93a4b5c6d7e8",
		"prompt is too long: 210000 tokens > 200000 maximum",
		"context_length_exceeded_for_this_request",
		"max_completion_tokens", "sk-short", "\xe4\xbb\x8a\xe6\x97\xa5"
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(texts); i++)
		assert_masks(texts[i], "", texts[i]);
}

static void
assert_overwrites(const char *text, const char *secret, const char *want)
{
	char bytes[64];

	snprintf(bytes, sizeof(bytes), "%s", text);
	assert_int_equal(mask_wanted(slice_of(text), slice_of(secret)),
	    strcmp(text, want) != 0);
	mask_over((uint8_t *)bytes, strlen(bytes), slice_of(secret));
	assert_string_equal(bytes, want);
}

static void
a_secret_is_overwritten_in_place(void **state)
{
	(void)state;
	assert_overwrites("a key-1 b", "key-1", "a ***** b");
	assert_overwrites("key-1key-1", "key-1", "**********");
	assert_overwrites("key-", "key-1", "key-");
	assert_overwrites("aaaa", "aaa", "***a");
	assert_overwrites("", "key-1", "");
	assert_overwrites("nothing is secret", "", "nothing is secret");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_secret_goes_wherever_it_stands),
		cmocka_unit_test(what_looks_like_a_key_goes),
		cmocka_unit_test(what_people_need_stays),
		cmocka_unit_test(a_secret_is_overwritten_in_place),
	};
	int failed;

	buf_init(&out, 4096);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	buf_fini(&out);
	return failed;
}
