#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/format/table.h"

#define OUT_MAX 65536

static const struct table_column columns[] = {
	{ "name", CELL_TEXT },
	{ "count", CELL_INT },
	{ "took", CELL_US },
	{ "cost", CELL_MICROUSD },
	{ "at", CELL_TIME },
};

static void
put_row(struct table *t, const char *name, int64_t count, int64_t at)
{
	table_text(t, slice_of(name));
	table_int(t, count);
	table_int(t, 12345);
	table_int(t, 1234);
	table_int(t, at);
}

static void
test_text_is_aligned(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	table_open(&t, &out, OUTPUT_TEXT, columns, count_of(columns));
	put_row(&t, "grün", 7, 1000000);
	put_row(&t, "", 123456, 0);
	table_close(&t);
	assert_string_equal(buf_text(&out),
	    "name   count     took       cost  at\n"
	    "grün       7  12.3 ms  $0.001234  1970-01-01T00:00:01Z\n"
	    "-     123456  12.3 ms  $0.001234  -\n");
	buf_fini(&out);
}

static void
test_a_long_table_stays_one(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	table_open(&t, &out, OUTPUT_TEXT, columns, count_of(columns));
	put_row(&t, "a long name", 123456, 0);
	table_flush(&t);
	assert_string_equal(buf_text(&out),
	    "name          count     took       cost  at\n"
	    "a long name  123456  12.3 ms  $0.001234  -\n");
	buf_reset(&out);
	put_row(&t, "b", 7, 0);
	table_flush(&t);
	put_row(&t, "c", 8, 0);
	table_close(&t);
	assert_string_equal(buf_text(&out),
	    "b                 7  12.3 ms  $0.001234  -\n"
	    "c                 8  12.3 ms  $0.001234  -\n");
	buf_fini(&out);
}

static void
test_json_has_plain_numbers(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	table_open(&t, &out, OUTPUT_JSON, columns, count_of(columns));
	put_row(&t, "a\"b", 7, 1000000);
	put_row(&t, "", 0, 0);
	table_close(&t);
	assert_string_equal(buf_text(&out),
	    "[{\"name\":\"a\\\"b\",\"count\":7,\"took\":12345,\"cost\":1234,"
	    "\"at\":\"1970-01-01T00:00:01.000000Z\"},"
	    "{\"name\":\"\",\"count\":0,\"took\":12345,\"cost\":1234,"
	    "\"at\":null}]\n");
	buf_fini(&out);
}

static void
test_an_empty_table_has_its_heading(void **state)
{
	struct table t;
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	table_open(&t, &out, OUTPUT_TEXT, columns, 2);
	table_close(&t);
	assert_string_equal(buf_text(&out), "name  count\n");
	buf_reset(&out);
	table_open(&t, &out, OUTPUT_JSON, columns, 2);
	table_close(&t);
	assert_string_equal(buf_text(&out), "[]\n");
	buf_fini(&out);
}

static void
assert_cell(enum cell_type type, int64_t number, const char *expected)
{
	struct buf out;

	buf_init(&out, 128);
	cell_write(&out, type, number);
	assert_string_equal(buf_text(&out), expected);
	buf_fini(&out);
}

static void
test_units_are_for_people(void **state)
{
	(void)state;
	assert_cell(CELL_INT, INT64_MIN, "-9223372036854775808");
	assert_cell(CELL_BOOL, 1, "yes");
	assert_cell(CELL_BOOL, 0, "no");
	assert_cell(CELL_US, 0, "-");
	assert_cell(CELL_US, 999, "999 us");
	assert_cell(CELL_US, 1000, "1.0 ms");
	assert_cell(CELL_US, 61500000, "61.50 s");
	assert_cell(CELL_BYTES, 2048, "2048 B");
	assert_cell(CELL_BYTES, 20480, "20.0 KiB");
	assert_cell(CELL_BYTES, 20971520, "20.0 MiB");
	assert_cell(CELL_MICROUSD, 0, "$0.000000");
	assert_cell(CELL_MICROUSD, 12000001, "$12.000001");
	assert_cell(CELL_MICROUSD, -5, "-$0.000005");
	assert_cell(CELL_MICROUSD, INT64_MIN, "-$9223372036854.775808");
	assert_cell(CELL_TIME, -1, "-");
	assert_cell(CELL_TIME, INT64_MAX, "-");
	assert_cell(CELL_TIME, INT64_C(253402300799999999),
	    "9999-12-31T23:59:59Z");
}

/* Nothing that a peer named can move a terminal's cursor. */
static void
test_control_bytes_are_not_shown(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 128);
	cell_write_text(&out, slice_of("a\x1b[2Jb\n\x7f\xc2\x9b\xff"
				       "c"));
	assert_string_equal(buf_text(&out), "a?[2Jb????c");
	buf_fini(&out);
}

static void
test_a_full_buf_fails_and_does_not_crash(void **state)
{
	struct table t;
	struct buf out;
	int i;

	(void)state;
	buf_init(&out, 10);
	table_open(&t, &out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < 100; i++)
		put_row(&t, "name", i, 0);
	table_close(&t);
	assert_true(out.failed);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_aligned),
		cmocka_unit_test(test_a_long_table_stays_one),
		cmocka_unit_test(test_json_has_plain_numbers),
		cmocka_unit_test(test_an_empty_table_has_its_heading),
		cmocka_unit_test(test_units_are_for_people),
		cmocka_unit_test(test_control_bytes_are_not_shown),
		cmocka_unit_test(test_a_full_buf_fails_and_does_not_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
