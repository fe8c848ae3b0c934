/*
 * The first byte chooses the kind, 'i' an intent, 'd' a decision; whatever is
 * read is written alike.
 */
#include <assert.h>

#include "common/format/json.h"
#include "common/store/decision.h"
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
		struct decision_row decision;
		struct candidate_row candidate;
		struct evidence_row evidence;
		struct event_row event;
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

static void
write_decision(const struct decision *d, struct buf *out)
{
	struct json_writer json = { .out = out };

	decision_json(d, &json);
	assert(!out->failed);
	buf_reset(out);
	decision_write(out, &d->row, d->candidates, d->count);
}

static void
check_decision(struct slice bytes)
{
	struct buf first, second;
	struct decision d;

	if (!decision_read(&d, bytes))
		return;
	assert(d.count <= DECISION_CANDIDATES_MAX);
	buf_init(&first, OUT_MAX);
	buf_init(&second, OUT_MAX);
	write_decision(&d, &first);
	assert(decision_read(&d, buf_slice(&first)));
	write_decision(&d, &second);
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
	else if (bytes[0] == 'd')
		check_decision(rest);
	else if (bytes[0] == 'i' && intent_read(&intent, rest))
		assert(intent.has_request || intent.has_attempt);
	return 0;
}
