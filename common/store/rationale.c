#include "common/store/rationale.h"

#include <stdio.h>

#include "common/format/table.h"

#define CELL_CHARS 48
#define MILLION    1e6

static size_t
count_excluded(const struct decision *d)
{
	size_t i, n = 0;

	for (i = 0; i < d->count; i++)
		n += d->candidates[i].excluded.len > 0;
	return n;
}

static void
put_failed_policy(struct buf *out, const struct decision_row *row)
{
	cell_write_text(out, row->strategy);
	buf_puts(out, " failed (");
	cell_write_text(out, row->failed);
	buf_putc(out, ')');
}

/* "score decided in 12 us, …" */
static void
put_decider(struct buf *out, const struct decision_row *row)
{
	if (row->decider.len == 0) {
		buf_puts(out, "nothing could be put in order");
		if (row->failed.len == 0)
			return;
		buf_puts(out, ": ");
		put_failed_policy(out, row);
		return;
	}
	cell_write_text(out, row->by);
	buf_puts(out, " decided");
	if (row->decided_us > 0) {
		buf_puts(out, " in ");
		cell_write(out, CELL_US, row->decided_us);
	}
	if (slice_is(row->decider, "exploration")) {
		buf_puts(out, ", with a cold target first");
	} else if (slice_is(row->decider, "fallback")) {
		buf_puts(out, ", because ");
		put_failed_policy(out, row);
	} else if (slice_is(row->decider, "baseline")) {
		buf_puts(out, ", while ");
		cell_write_text(out, row->strategy);
		buf_puts(out, " has no say");
	}
}

void
rationale_sentence(struct buf *out, const struct decision *d)
{
	size_t excluded = count_excluded(d);

	put_decider(out, &d->row);
	if (excluded == 0)
		buf_puts(out, "; all could be tried\n");
	else
		buf_printf(out, "; %zu of %zu could not be tried\n", excluded,
		    d->count);
}

/* Indexes by rank; those without one behind, as the group lists them. */
static void
sort_by_rank(const struct decision *d, size_t order[DECISION_CANDIDATES_MAX])
{
	size_t n = 0, i, k;

	for (i = 0; i < d->count; i++) {
		int64_t rank = d->candidates[i].rank;

		for (k = n++; k > 0 && rank > 0; k--) {
			int64_t before = d->candidates[order[k - 1]].rank;

			if (before > 0 && before <= rank)
				break;
			order[k] = order[k - 1];
		}
		order[k] = i;
	}
}

static void
put_head(struct table *t, const struct candidate_row *c)
{
	char rank[CELL_CHARS] = "";

	if (c->rank > 0)
		snprintf(rank, sizeof(rank), "%lld", (long long)c->rank);
	table_text(t, slice_of(rank));
	table_text(t, c->target);
}

static void
put_reason(struct table *t, const struct candidate_row *c)
{
	struct buf text;

	buf_init(&text, ROW_BYTES_MAX);
	buf_put_slice(&text, c->excluded);
	if (c->excluded.len > 0 && c->detail.len > 0)
		buf_puts(&text, ": ");
	buf_put_slice(&text, c->detail);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_candidate(struct table *t, const struct candidate_row *c)
{
	char failed[CELL_CHARS];

	snprintf(failed, sizeof(failed), "%lld of %lld", (long long)c->failures,
	    (long long)c->attempts);
	put_head(t, c);
	table_int(t, c->cost_microusd);
	table_int(t, c->ttft_p50_us);
	table_int(t, c->total_p50_us);
	table_text(t, slice_of(failed));
	put_reason(t, c);
}

static void
put_share(struct table *t, int64_t ppm)
{
	char text[CELL_CHARS];

	snprintf(text, sizeof(text), "%.3f", (double)ppm / MILLION);
	table_text(t, slice_of(text));
}

static void
put_score(struct table *t, const struct candidate_row *c)
{
	put_head(t, c);
	put_share(t, c->score_ppm);
	put_share(t, c->cost_ppm);
	put_share(t, c->ttft_ppm);
	put_share(t, c->latency_ppm);
	put_share(t, c->throughput_ppm);
	put_share(t, c->errors_ppm);
	put_share(t, c->quality_term_ppm);
	put_share(t, c->complexity_term_ppm);
	put_share(t, c->affinity_ppm);
}

static bool
is_scored(const struct candidate_row *c)
{
	return c->score_ppm != 0;
}

static void
put_scores(struct buf *out, const struct decision *d, const size_t *order)
{
	static const struct table_column columns[] = {
		{ "rank", CELL_TEXT },
		{ "target", CELL_TEXT },
		{ "score", CELL_TEXT },
		{ "cost", CELL_TEXT },
		{ "ttft", CELL_TEXT },
		{ "latency", CELL_TEXT },
		{ "throughput", CELL_TEXT },
		{ "errors", CELL_TEXT },
		{ "quality", CELL_TEXT },
		{ "complexity", CELL_TEXT },
		{ "affinity", CELL_TEXT },
	};
	struct table table;
	size_t i;

	buf_puts(out, "\nscores, 1 is best\n");
	table_open(&table, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < d->count; i++)
		if (is_scored(&d->candidates[order[i]]))
			put_score(&table, &d->candidates[order[i]]);
	table_close(&table);
}

void
rationale_tables(struct buf *out, const struct decision *d)
{
	static const struct table_column columns[] = {
		{ "rank", CELL_TEXT },
		{ "target", CELL_TEXT },
		{ "cost", CELL_MICROUSD },
		{ "ttft", CELL_US },
		{ "total", CELL_US },
		{ "failed", CELL_TEXT },
		{ "not tried because", CELL_TEXT },
	};
	size_t order[DECISION_CANDIDATES_MAX], i;
	bool scored = false;
	struct table table;

	sort_by_rank(d, order);
	buf_puts(out, "\ncandidates\n");
	table_open(&table, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < d->count; i++) {
		put_candidate(&table, &d->candidates[order[i]]);
		scored = scored || is_scored(&d->candidates[order[i]]);
	}
	table_close(&table);
	if (scored)
		put_scores(out, d, order);
}
