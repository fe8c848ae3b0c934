#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/member/price_sheet.h"

#define OUT_MAX 65536

static const struct price_entry entries[] = {
	{ { "a/x", 3 }, { .input = 3000000,
			    .cached_input = PRICE_UNKNOWN,
			    .cache_write_5m = 3750000,
			    .cache_write_1h = PRICE_UNKNOWN,
			    .output = 15000000,
			    .reasoning = PRICE_UNKNOWN,
			    .image = PRICE_UNKNOWN,
			    .request_microusd = 7,
			    .tiers_count = 1,
			    .tiers = { { 200000,
				{ 6000000, -1, -1, -1, 22500000, 1, 2 } } } } },
	{ { "b/y", 3 }, { .input = 1, .output = 2 } },
};

static bool
draw(struct buf *out, const char *target, enum output_format format)
{
	const struct price_book book = { .entries = entries, .count = 2 };
	const struct price_sheet_wish wish = { .target = slice_of(target),
		.format = format };
	struct price_sheet sheet;

	buf_init(out, OUT_MAX);
	price_sheet_open(&sheet, out, &wish, "from");
	price_sheet_add_book(&sheet, &book, slice_of("central"),
	    slice_of("b00c"));
	return price_sheet_close(&sheet);
}

static void
no_price_is_left_to_a_rule(void **state)
{
	struct buf out;

	(void)state;
	assert_true(draw(&out, "a/x", OUTPUT_JSON));
	assert_string_equal(buf_text(&out),
	    "[{\"target\":\"a/x\",\"above\":0,\"input\":3000000,"
	    "\"cached_input\":3000000,\"cache_write_5m\":3750000,"
	    "\"cache_write_1h\":3750000,\"output\":15000000,"
	    "\"reasoning\":15000000,\"image\":3000000,\"request\":7,"
	    "\"web_search\":0,\"from\":\"central\",\"book\":\"b00c\"},"
	    "{\"target\":\"a/x\",\"above\":200000,\"input\":6000000,"
	    "\"cached_input\":6000000,\"cache_write_5m\":6000000,"
	    "\"cache_write_1h\":6000000,\"output\":22500000,"
	    "\"reasoning\":1,\"image\":2,\"request\":7,"
	    "\"web_search\":0,\"from\":\"central\",\"book\":\"b00c\"}]\n");
	buf_fini(&out);
}

static void
each_target_and_tier_has_a_line(void **state)
{
	const char *at;
	struct buf out;
	size_t lines = 0;

	(void)state;
	assert_true(draw(&out, "", OUTPUT_TEXT));
	for (at = buf_text(&out); (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 1 + 3);
	assert_non_null(strstr(buf_text(&out), "$0.000002"));
	buf_fini(&out);
}

static void
what_has_no_price_is_said(void **state)
{
	struct buf out;

	(void)state;
	assert_false(draw(&out, "a/z", OUTPUT_JSON));
	assert_string_equal(buf_text(&out),
	    "no target 'a/z' has a price here\n");
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_price_is_left_to_a_rule),
		cmocka_unit_test(each_target_and_tier_has_a_line),
		cmocka_unit_test(what_has_no_price_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
