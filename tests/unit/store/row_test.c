#include "tests/unit/store/fixture.h"

#include "common/format/json.h"
#include "common/format/pack.h"

#define ROW_ROOM 8192

/* Fill every column with something that depends on its place. */
static void
fill(enum row_kind kind, void *row)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count; i++) {
		char *cell = (char *)row + columns[i].offset;
		int64_t number = (int64_t)(i + 1) << (i % 60);

		if (columns[i].type == COLUMN_ID)
			memset(cell, (int)i + 1, ID_BYTES);
		else if (columns[i].type == COLUMN_HASH)
			memset(cell, (int)i + 1, HASH_BYTES);
		else if (columns[i].type == COLUMN_TEXT)
			*(struct slice *)cell = slice_of(columns[i].name);
		else if (columns[i].type == COLUMN_BOOL)
			*(int64_t *)cell = 1;
		else
			memcpy(cell, &number, sizeof(number));
	}
}

static void
assert_same(enum row_kind kind, const void *a, const void *b)
{
	size_t count, i;
	const struct column *columns = row_columns(kind, &count);

	for (i = 0; i < count; i++) {
		const char *x = (const char *)a + columns[i].offset;
		const char *y = (const char *)b + columns[i].offset;

		if (columns[i].type == COLUMN_TEXT)
			assert_true(slice_eq(*(const struct slice *)x,
			    *(const struct slice *)y));
		else if (columns[i].type == COLUMN_HASH)
			assert_memory_equal(x, y, HASH_BYTES);
		else if (columns[i].type == COLUMN_ID)
			assert_memory_equal(x, y, ID_BYTES);
		else
			assert_memory_equal(x, y, sizeof(int64_t));
	}
}

union any_row {
	struct request_row request;
	struct attempt_row attempt;
	struct receipt_row receipt;
	struct decision_row decision;
	struct candidate_row candidate;
	struct evidence_row evidence;
	struct event_row event;
};

static void
test_every_column_comes_back(void **state)
{
	union any_row in, out;
	struct buf bytes;
	int kind;

	(void)state;
	buf_init(&bytes, ROW_ROOM);
	for (kind = 0; kind < ROW_KINDS; kind++) {
		memset(&in, 0, sizeof(in));
		fill((enum row_kind)kind, &in);
		buf_reset(&bytes);
		row_write((enum row_kind)kind, &in, &bytes);
		assert_true(
		    row_read((enum row_kind)kind, buf_slice(&bytes), &out));
		assert_same((enum row_kind)kind, &in, &out);
	}
	buf_fini(&bytes);
}

static void
test_empty_rows_are_rows(void **state)
{
	struct request_row in = { 0 }, out;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, ROW_ROOM);
	row_write(ROW_REQUEST, &in, &bytes);
	assert_true(row_read(ROW_REQUEST, buf_slice(&bytes), &out));
	assert_same(ROW_REQUEST, &in, &out);
	buf_fini(&bytes);
}

/* A row of fewer columns, as an older version wrote it. */
static void
test_older_rows_read_as_empty_there(void **state)
{
	struct request_row row;
	struct id id = { { 7 } };
	struct buf bytes;

	(void)state;
	buf_init(&bytes, ROW_ROOM);
	pack_array(&bytes, 3);
	pack_int(&bytes, 1);
	pack_bytes(&bytes, id.bytes, ID_BYTES);
	pack_text(&bytes, slice_of("settled"));
	assert_true(row_read(ROW_REQUEST, buf_slice(&bytes), &row));
	assert_memory_equal(&row.id, &id, sizeof(id));
	assert_true(slice_is(row.state, "settled"));
	assert_int_equal(row.status, 0);
	assert_int_equal(row.path.len, 0);
	buf_fini(&bytes);
}

static bool
reads(struct buf *bytes)
{
	struct request_row row;

	return row_read(ROW_REQUEST, buf_slice(bytes), &row);
}

static void
test_newer_and_broken_rows_are_refused(void **state)
{
	struct request_row in = { 0 };
	struct buf bytes;
	size_t whole, i;

	(void)state;
	buf_init(&bytes, ROW_ROOM);
	row_write(ROW_REQUEST, &in, &bytes);
	whole = bytes.len;
	/* Cut short anywhere, or with something behind. */
	for (i = 0; i < whole; i++) {
		bytes.len = i;
		assert_false(reads(&bytes));
	}
	bytes.len = whole;
	buf_putc(&bytes, 0);
	assert_false(reads(&bytes));
	/* A newer schema. */
	buf_reset(&bytes);
	pack_array(&bytes, 1);
	pack_int(&bytes, 2);
	assert_false(reads(&bytes));
	/* More columns than there are. */
	buf_reset(&bytes);
	pack_array(&bytes, 200);
	pack_int(&bytes, 1);
	for (i = 0; i < 199; i++)
		pack_int(&bytes, 0);
	assert_false(reads(&bytes));
	buf_fini(&bytes);
}

static bool
contains(struct buf *b, const char *text)
{
	return strstr(buf_text(b), text) != NULL;
}

static void
test_json_is_for_people(void **state)
{
	struct attempt_row row = { .number = 2,
		.state = slice_of("settled"),
		.started_at = INT64_C(1000000),
		.cost_microusd = 1234 };
	struct buf out;
	struct json_writer json = { .out = &out };

	(void)state;
	buf_init(&out, ROW_ROOM);
	row_json(ROW_ATTEMPT, &row, &json);
	assert_false(out.failed);
	assert_true(
	    contains(&out, "\"request\":\"req_00000000000000000000000000\""));
	assert_true(
	    contains(&out, "\"started_at\":\"1970-01-01T00:00:01.000000Z\""));
	assert_true(contains(&out, "\"cost_microusd\":1234"));
	assert_true(contains(&out, "\"answer_hash\":null"));
	/* A time that no calendar has. */
	row.started_at = INT64_MAX;
	buf_reset(&out);
	json = (struct json_writer){ .out = &out };
	row_json(ROW_ATTEMPT, &row, &json);
	assert_true(contains(&out, "\"started_at\":null"));
	buf_fini(&out);
}

static void
test_docs_name_every_column(void **state)
{
	struct buf out;
	int kind;

	(void)state;
	buf_init(&out, 1 << 20);
	row_docs(&out);
	for (kind = 0; kind < ROW_KINDS; kind++) {
		size_t count, i;
		const struct column *columns =
		    row_columns((enum row_kind)kind, &count);

		for (i = 0; i < count; i++) {
			char line[256];

			snprintf(line, sizeof(line), "| `%s` |",
			    columns[i].name);
			assert_true(contains(&out, line));
			assert_true(contains(&out, columns[i].meaning));
		}
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column_comes_back),
		cmocka_unit_test(test_empty_rows_are_rows),
		cmocka_unit_test(test_older_rows_read_as_empty_there),
		cmocka_unit_test(test_newer_and_broken_rows_are_refused),
		cmocka_unit_test(test_json_is_for_people),
		cmocka_unit_test(test_docs_name_every_column),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
