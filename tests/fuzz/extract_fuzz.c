/*
 * LEDGER_ASK comes from a node and LEDGER_PAGE from an egress: whatever is
 * read is within bounds, and an ask is written back as it was read.
 */
#include <assert.h>

#include "common/export/extract.h"
#include "common/store/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_ask(struct slice message)
{
	struct extract_ask a, again;
	struct buf out;

	if (!extract_ask_read(&a, message))
		return;
	assert(a.after.len <= EXTRACT_KEY_MAX && a.from >= 0 && a.to >= 0);
	if (a.kind == EXPORT_KINDS)
		return;
	assert(extract_has(a.kind));
	buf_init(&out, EXTRACT_ASK_MAX);
	extract_ask_write(&out, &a);
	assert(extract_ask_read(&again, buf_slice(&out)));
	assert(again.kind == a.kind && again.number == a.number &&
	       again.from == a.from && again.to == a.to &&
	       slice_eq(again.after, a.after));
	buf_fini(&out);
}

static void
check_page(struct slice message)
{
	struct slice key, value;
	struct extract_page p;
	struct buf lines;
	enum export_kind k;
	size_t left;

	if (!extract_page_read(&p, message))
		return;
	assert(p.end < EXTRACT_ENDS && (!p.more || p.left > 0));
	left = p.left;
	buf_init(&lines, 4 * EXPORT_LINE_MAX);
	while (extract_next(&p, &key, &value)) {
		assert(key.len >= 1 && key.len <= EXTRACT_KEY_MAX);
		left--;
		/* What a command makes of it. */
		for (k = 0; k < EXPORT_KINDS; k++)
			if (extract_has(k) && k != EXPORT_OPEN)
				(void)kind_line(k, EXPORT_JSONL, key, value,
				    &lines);
		buf_reset(&lines);
	}
	assert(left == 0 || p.entries.failed);
	buf_fini(&lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_ask(slice_make(bytes, len));
	check_page(slice_make(bytes, len));
	return 0;
}
