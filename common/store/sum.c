#include "common/store/sum.h"

#include "common/store/intent.h"

static bool
find_attempt(struct ledger_turn *t, const struct id *request, int64_t number,
    struct buf *bytes, struct attempt_row *row)
{
	struct attempt_key key =
	    attempt_key_make(request, number, slice_make(NULL, 0));

	return ledger_find(t, FAMILY_ATTEMPT, attempt_key_slice(&key), bytes) &&
	       row_read(ROW_ATTEMPT, buf_slice(bytes), row);
}

void
sum_attempts(struct ledger_turn *t, const struct id *request, int64_t count,
    struct usage *usage, int64_t *cost_microusd)
{
	enum usage_source source;
	struct attempt_row row;
	struct buf bytes;
	int64_t number;

	*usage = (struct usage){ .source = USAGE_NONE };
	*cost_microusd = 0;
	buf_init(&bytes, ROW_BYTES_MAX);
	for (number = 1; number <= count; number++) {
		if (!find_attempt(t, request, number, &bytes, &row))
			continue;
		usage->input_tokens += row.input_tokens;
		usage->cache_read_tokens += row.cache_read_tokens;
		usage->cache_write_tokens += row.cache_write_tokens;
		usage->cache_write_1h_tokens += row.cache_write_1h_tokens;
		usage->output_tokens += row.output_tokens;
		usage->reasoning_tokens += row.reasoning_tokens;
		usage->image_tokens += row.image_tokens;
		usage->web_searches += row.web_searches;
		source = usage_source_by_name(row.usage_source);
		if (source > usage->source)
			usage->source = source;
		*cost_microusd += row.cost_microusd;
	}
	buf_fini(&bytes);
}

static bool
is_right(const struct request_row *row, const struct usage *u, int64_t cost)
{
	return row->input_tokens == u->input_tokens &&
	       row->cache_read_tokens == u->cache_read_tokens &&
	       row->cache_write_tokens == u->cache_write_tokens &&
	       row->cache_write_1h_tokens == u->cache_write_1h_tokens &&
	       row->output_tokens == u->output_tokens &&
	       row->reasoning_tokens == u->reasoning_tokens &&
	       row->image_tokens == u->image_tokens &&
	       row->web_searches == u->web_searches &&
	       row->cost_microusd == cost;
}

static void
take(struct request_row *row, const struct usage *u, int64_t cost)
{
	row->input_tokens = u->input_tokens;
	row->cache_read_tokens = u->cache_read_tokens;
	row->cache_write_tokens = u->cache_write_tokens;
	row->cache_write_1h_tokens = u->cache_write_1h_tokens;
	row->output_tokens = u->output_tokens;
	row->reasoning_tokens = u->reasoning_tokens;
	row->image_tokens = u->image_tokens;
	row->web_searches = u->web_searches;
	row->usage_source = slice_of(usage_source_name(u->source));
	row->cost_microusd = cost;
}

void
sum_correct(struct ledger_turn *t, const struct id *request)
{
	struct slice key = slice_make(request->bytes, ID_BYTES);
	struct request_row row;
	struct usage usage;
	struct buf bytes;
	int64_t cost;

	buf_init(&bytes, ROW_BYTES_MAX);
	if (!ledger_find(t, FAMILY_REQUEST, key, &bytes) ||
	    !row_read(ROW_REQUEST, buf_slice(&bytes), &row) ||
	    slice_is(row.state, "open"))
		goto out;
	sum_attempts(t, request, row.attempts, &usage, &cost);
	if (is_right(&row, &usage, cost))
		goto out;
	take(&row, &usage, cost);
	ledger_replace_row(t, ROW_REQUEST, &row, key);
out:
	buf_fini(&bytes);
}
