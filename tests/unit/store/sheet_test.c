#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/store/sheet.h"

#define OUT_MAX 65536

/* The cell of `detail` in an event's line. */
static void
assert_cell(const char *text, const char *cell)
{
	struct event_row row = { .at = INT64_C(1795406706000000),
		.kind = slice_of("k"),
		.detail = slice_of(text),
		.by = slice_of("me") };
	char want[256];
	struct buf out;

	buf_init(&out, OUT_MAX);
	sheet_row(ROW_EVENT, &row, &out);
	snprintf(want, sizeof(want),
	    "2026-11-23T04:05:06.000000Z,k,,%s,me,,,,,,,,0,0\n", cell);
	assert_string_equal(buf_text(&out), want);
	buf_fini(&out);
}

static void
test_the_header_is_the_columns(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	sheet_head(ROW_EVENT, &out);
	assert_string_equal(buf_text(&out),
	    "at,kind,target,detail,by,until,request,team,caller,group,bucket,"
	    "outcome,waited_us,retry_us\n");
	buf_fini(&out);
}

static void
test_cells_are_quoted_where_they_have_to_be(void **state)
{
	(void)state;
	assert_cell("plain", "plain");
	assert_cell("a,b", "\"a,b\"");
	assert_cell("say \"no\"", "\"say \"\"no\"\"\"");
	assert_cell(" edge", "\" edge\"");
	assert_cell("two\nlines\r\tand", "two lines  and");
	assert_cell("\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9");
}

static void
test_no_cell_is_a_formula(void **state)
{
	(void)state;
	assert_cell("=1+1", "'=1+1");
	assert_cell("+1", "'+1");
	assert_cell("-1", "'-1");
	assert_cell("@SUM(A1)", "'@SUM(A1)");
	assert_cell("\t=cmd", "\"' =cmd\"");
	assert_cell("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\"");
	assert_cell("a=1", "a=1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_header_is_the_columns),
		cmocka_unit_test(test_cells_are_quoted_where_they_have_to_be),
		cmocka_unit_test(test_no_cell_is_a_formula),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
