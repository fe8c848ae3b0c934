/* The first byte chooses the kind; any row that is read is written alike. */
#include <assert.h>

#include "common/format/json.h"
#include "common/store/intent.h"

#define OUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_row(enum row_kind kind, struct slice bytes)
{
	union {
		struct request_row request;
		struct attempt_row attempt;
		struct receipt_row receipt;
	} row;
	struct buf first, second;
	struct json_writer json = { .out = &first };

	if (!row_read(kind, bytes, &row))
		return;
	buf_init(&first, OUT_MAX);
	buf_init(&second, OUT_MAX);
	row_json(kind, &row, &json);
	buf_reset(&first);
	row_write(kind, &row, &first);
	assert(row_read(kind, buf_slice(&first), &row));
	row_write(kind, &row, &second);
	assert(slice_eq(buf_slice(&first), buf_slice(&second)));
	buf_fini(&first);
	buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct intent intent;
	struct slice rest;

	if (len == 0)
		return 0;
	rest = slice_make(bytes + 1, len - 1);
	if (bytes[0] < ROW_KINDS)
		check_row((enum row_kind)bytes[0], rest);
	else if (intent_read(&intent, rest))
		assert(intent.has_request || intent.has_attempt);
	return 0;
}
