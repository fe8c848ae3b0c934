/*
 * Stored totals and dimensions, and the words of a report: what is read is
 * written again as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/report/question.h"

#define OUT_MAX (4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_total(struct slice bytes, struct buf *out)
{
	struct total t = { .of = { 0 } }, again = { .of = { 0 } };

	if (total_read(&t, bytes)) {
		total_write(&t, out);
		if (!total_read(&again, buf_slice(out)) ||
		    memcmp(t.of, again.of, sizeof(t.of)) != 0)
			abort();
		(void)sketch_quantile(&t.sketches[SKETCH_TOTAL], 950);
	}
	total_fini(&t);
	total_fini(&again);
}

static void
read_dimensions(struct slice bytes, struct buf *out)
{
	struct dimensions d, again;
	int i;

	if (!dimensions_read(&d, bytes))
		return;
	dimensions_write(&d, out);
	if (!dimensions_read(&again, buf_slice(out)))
		abort();
	for (i = 0; i < DIMENSIONS; i++)
		if (!slice_eq(d.of[i], again.of[i]))
			abort();
	(void)dimension_tag(d.of[DIMENSION_tags], slice_of("run"));
}

static void
read_words(struct slice text, struct buf *out)
{
	const struct question question = { .by = text, .where = text };
	const struct question window = { .window = { .from = text,
					     .month = text } };
	const struct question sides = { .fixed = text, .routed = text };
	struct report_query q;

	(void)question_read(&q, &sides, ROW_REQUEST, 1790000000000000, out);
	(void)question_read(&q, &question, ROW_REQUEST, 1790000000000000, out);
	(void)question_read(&q, &window, ROW_ATTEMPT, 1790000000000000, out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice bytes = slice_make(data + (size > 0), size - (size > 0));
	struct buf out;

	if (size == 0)
		return 0;
	buf_init(&out, OUT_MAX);
	if (data[0] % 3 == 0)
		read_total(bytes, &out);
	else if (data[0] % 3 == 1)
		read_dimensions(bytes, &out);
	else
		read_words(bytes, &out);
	buf_fini(&out);
	return 0;
}
