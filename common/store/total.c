#include "common/store/total.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/format/varint.h"

#define FORM        1         /* the first byte of a stored one */
#define STORED_MAX  (1 << 20) /* far beyond three full sketches */
#define PER_SECONDS 1000      /* SKETCH_SPEED */

static const struct {
	const char *name;
	enum column_type type;
	const char *meaning;
} measures[MEASURES] = {
#define MEASURE(name, type, meaning) { #name, COLUMN_##type, meaning },
#include "common/store/measure.def"
#undef MEASURE
};

const char *
measure_name(enum measure m)
{
	return measures[m].name;
}

enum column_type
measure_type(enum measure m)
{
	return measures[m].type;
}

const char *
measure_meaning(enum measure m)
{
	return measures[m].meaning;
}

void
total_reset(struct total *t)
{
	size_t i;

	memset(t->of, 0, sizeof(t->of));
	for (i = 0; i < SKETCHES; i++)
		sketch_reset(&t->sketches[i]);
}

void
total_fini(struct total *t)
{
	size_t i;

	for (i = 0; i < SKETCHES; i++)
		sketch_fini(&t->sketches[i]);
	memset(t->of, 0, sizeof(t->of));
}

void
total_add(struct total *t, const struct total *from, int64_t times)
{
	size_t i;

	for (i = 0; i < MEASURES; i++)
		t->of[i] += times * from->of[i];
	for (i = 0; i < SKETCHES; i++)
		sketch_merge(&t->sketches[i], &from->sketches[i], times);
}

bool
total_empty(const struct total *t)
{
	size_t i;

	for (i = 0; i < MEASURES; i++)
		if (t->of[i] != 0)
			return false;
	for (i = 0; i < SKETCHES; i++)
		if (t->sketches[i].count > 0)
			return false;
	return true;
}

static int64_t
speed(int64_t tokens, int64_t first_us, int64_t total_us)
{
	if (first_us <= 0 || total_us <= first_us || tokens > INT32_MAX)
		return 0;
	return tokens * PER_SECONDS * US_PER_SECOND / (total_us - first_us);
}

/* Requests and attempts have these columns alike. */
#define TAKE(t, row)                                                           \
	do {                                                                   \
		(t)->of[MEASURE_queued] = (row)->queued_us > 0;                \
		(t)->of[MEASURE_queued_us] = (row)->queued_us;                 \
		(t)->of[MEASURE_total_us] = (row)->total_us;                   \
		(t)->of[MEASURE_interrupted] =                                 \
		    slice_is((row)->state, "interrupted");                     \
		(t)->of[MEASURE_estimated] =                                   \
		    slice_is((row)->usage_source, "estimated") ||              \
		    slice_is((row)->usage_source, "partial");                  \
		(t)->of[MEASURE_cache_reads] = (row)->cache_read_tokens > 0;   \
		(t)->of[MEASURE_body_bytes] = (row)->body_bytes;               \
		(t)->of[MEASURE_answer_bytes] = (row)->answer_bytes;           \
		(t)->of[MEASURE_input_tokens] = (row)->input_tokens;           \
		(t)->of[MEASURE_cache_read_tokens] = (row)->cache_read_tokens; \
		(t)->of[MEASURE_cache_write_tokens] =                          \
		    (row)->cache_write_tokens;                                 \
		(t)->of[MEASURE_cache_write_1h_tokens] =                       \
		    (row)->cache_write_1h_tokens;                              \
		(t)->of[MEASURE_output_tokens] = (row)->output_tokens;         \
		(t)->of[MEASURE_reasoning_tokens] = (row)->reasoning_tokens;   \
		(t)->of[MEASURE_cost_microusd] = (row)->cost_microusd;         \
		(t)->of[MEASURE_web_searches] = (row)->web_searches;           \
		sketch_add(&(t)->sketches[SKETCH_FIRST_BYTE],                  \
		    (row)->first_byte_us, 1);                                  \
		sketch_add(&(t)->sketches[SKETCH_TOTAL], (row)->total_us, 1);  \
	} while (0)

void
total_of_request(struct total *t, const struct request_row *row)
{
	bool good = row->fail.len == 0;

	total_reset(t);
	if (slice_is(row->state, "open"))
		return;
	TAKE(t, row);
	t->of[MEASURE_requests] = 1;
	t->of[MEASURE_errors] = !good;
	t->of[MEASURE_attempts] = row->attempts;
	t->of[MEASURE_failed_attempts] = row->attempts - good;
	t->of[MEASURE_fallbacks] = row->fallbacks;
	t->of[MEASURE_streams] = row->stream;
	t->of[MEASURE_refused] = row->bucket.len > 0 && !good;
	if (row->stream && good)
		sketch_add(&t->sketches[SKETCH_SPEED],
		    speed(row->output_tokens + row->reasoning_tokens,
			row->first_byte_us, row->total_us),
		    1);
}

void
total_of_attempt(struct total *t, const struct attempt_row *row)
{
	bool good = row->fail.len == 0;

	total_reset(t);
	if (slice_is(row->state, "open"))
		return;
	TAKE(t, row);
	t->of[MEASURE_attempts] = 1;
	t->of[MEASURE_failed_attempts] = !good;
	t->of[MEASURE_fallbacks] = row->after.len > 0 && !row->again;
	t->of[MEASURE_stated_calls] = row->provider_cost.len > 0;
	t->of[MEASURE_stated_microusd] = row->stated_microusd;
	if (good)
		sketch_add(&t->sketches[SKETCH_SPEED],
		    speed(row->output_tokens + row->reasoning_tokens,
			row->first_byte_us, row->total_us),
		    1);
}

void
total_write(const struct total *t, struct buf *out)
{
	size_t count = MEASURES, i;

	while (count > 0 && t->of[count - 1] == 0)
		count--;
	buf_putc(out, FORM);
	varint_write(out, (int64_t)count);
	for (i = 0; i < count; i++)
		varint_write(out, t->of[i]);
	for (i = 0; i < SKETCHES; i++)
		sketch_write(&t->sketches[i], out);
}

bool
total_read(struct total *t, struct slice value)
{
	int64_t count, i;

	total_reset(t);
	if (value.len < 2 || value.ptr[0] != FORM)
		return false;
	value = slice_after(value, 1);
	if (!varint_read(&value, &count) || count < 0 || count > MEASURES)
		return false;
	for (i = 0; i < count; i++)
		if (!varint_read(&value, &t->of[i]))
			return false;
	for (i = 0; i < SKETCHES; i++)
		if (!sketch_read(&t->sketches[i], &value))
			return false;
	return value.len == 0;
}

static bool
add_value(struct total *sum, struct total *one, struct slice value)
{
	if (value.ptr == NULL)
		return true;
	if (!total_read(one, value))
		return false;
	total_add(sum, one, 1);
	return true;
}

char *
total_merge(const struct operands *o, size_t *len)
{
	struct total sum = { .of = { 0 } }, one = { .of = { 0 } };
	struct buf out;
	char *text = NULL;
	bool good;
	int i;

	buf_init(&out, STORED_MAX);
	good = add_value(&sum, &one, o->base);
	for (i = 0; good && i < o->count; i++)
		good = add_value(&sum, &one,
		    slice_make(o->values[i], o->lengths[i]));
	if (good) {
		total_write(&sum, &out);
		text = xmalloc(out.len);
		memcpy(text, out.data, out.len);
		*len = out.len;
	}
	buf_fini(&out);
	total_fini(&one);
	total_fini(&sum);
	return text;
}
