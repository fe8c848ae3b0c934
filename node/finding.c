#include "node/finding.h"

#include "common/base/arena.h"
#include "common/llm/shape.h"
#include "node/eligible.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "node/strategy/plan.h"

#define PPM        1000000
#define PER_1000_S 1000

/*
 * Of each candidate's texts that others have a say in, a caller's unknown
 * fields or an egress: all candidates together have to fit one entry.
 */
#define DETAIL_MAX 512
#define REGION_MAX 64

static int64_t
ppm(double share)
{
	return (int64_t)(share * PPM + 0.5);
}

static int64_t
number(double value)
{
	return value < 9e15 ? (int64_t)(value + 0.5)
			    : INT64_C(9000000000000000);
}

/* Whole characters of it. */
static struct slice
cut(struct slice text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max > 0 && ((unsigned char)text.ptr[max] & 0xc0) == 0x80)
		max--;
	return slice_make(text.ptr, max);
}

static void
fill_candidate(struct candidate_row *row, const struct candidate *c)
{
	const struct route *route = c->route;
	const struct sight *s = &c->seen;

	*row = (struct candidate_row){
		.target = c->listed->model,
		.rank = c->rank,
		.excluded = slice_of(exclusion_name(c->excluded)),
		.detail = cut(slice_of(c->detail), DETAIL_MAX),
		.region = cut(route->region, REGION_MAX),
		.egress = route->egress,
		.weight = c->listed->weight,
		.context = route->context_tokens,
		.max_output = route->max_output,
		.supports = slice_of(route->supports_text),
		.price_input = route->price.input,
		.price_cached_input = route->price.cached_input,
		.price_output = route->price.output,
		.cost_microusd = c->cost_microusd,
		.quality_ppm = c->listed->quality_ppm,
		.attempts = s->attempts,
		.failures = s->failures,
		.ttft_p50_us = s->ttft_p50_us,
		.ttft_p95_us = s->ttft_p95_us,
		.total_p50_us = s->total_p50_us,
		.total_p95_us = s->total_p95_us,
		.tokens_per_ks = number(s->tokens_per_s * PER_1000_S),
		.warm = c->warm,
		.score_ppm = ppm(c->score),
		.cost_ppm = ppm(c->terms[TERM_COST]),
		.ttft_ppm = ppm(c->terms[TERM_TTFT]),
		.latency_ppm = ppm(c->terms[TERM_LATENCY]),
		.throughput_ppm = ppm(c->terms[TERM_THROUGHPUT]),
		.errors_ppm = ppm(c->terms[TERM_ERRORS]),
		.quality_term_ppm = ppm(c->terms[TERM_QUALITY]),
		.complexity_term_ppm = ppm(c->terms[TERM_COMPLEXITY]),
		.affinity_ppm = ppm(c->terms[TERM_AFFINITY]),
	};
}

/* Which policy: the start of the script's hash, or the service's host. */
static struct slice
policy_of(struct arena *arena, const struct group *g)
{
	char hex[2 * HASH_BYTES + 1];
	struct slice host;
	const char *end;

	if (g->strategy == STRATEGY_SCRIPT) {
		hex_write(hex, &g->script.hash, sizeof(g->script.hash));
		return slice_of(arena_printf(arena, "%.16s", hex));
	}
	if (g->strategy != STRATEGY_EXTERNAL)
		return slice_of("");
	end = memmem(g->external.url.ptr, g->external.url.len, "://", 3);
	host = slice_after(g->external.url,
	    end != NULL ? (size_t)(end + 3 - g->external.url.ptr) : 0);
	end = memchr(host.ptr, '/', host.len);
	if (end != NULL)
		host.len = (size_t)(end - host.ptr);
	return host;
}

static const char *
decided_by(const struct plan *p)
{
	return p->order_count > 0 ? decider_name(p->decider) : "";
}

static void
fill_shape(struct decision_row *row, struct arena *arena,
    const struct shape *shape)
{
	row->dialect = slice_of(dialect_name(shape->dialect));
	row->operation = slice_of(operation_name(shape->operation));
	row->needs = slice_of(capability_list(arena, eligible_needs(shape)));
	row->stream = shape->stream;
	row->tools = shape->tools;
	row->forced_tool = shape->forced_tool;
	row->parallel_tools = !shape->one_call_at_a_time;
	row->images = shape->images;
	row->documents = shape->documents;
	row->audio = shape->audio;
	row->structured = shape->structured;
	row->reasoning = shape->reasoning;
	row->choices = shape->choices;
	row->messages = shape->messages;
	row->input_tokens = shape->input_estimate_tokens;
	row->output_cap = shape->output_cap;
}

void
finding_rows(struct decision *out, struct arena *arena,
    const struct contract_wish *w, const struct id *request)
{
	const struct plan *p = w->plan;
	const struct group *g = w->wish->group;
	size_t i;

	out->count = p->count;
	out->row = (struct decision_row){
		.request = *request,
		.decided_at = w->now_wall_us,
		.group = g->name,
		.strategy = slice_of(strategy_name(g->strategy)),
		.by = slice_of(strategy_name(p->strategy)),
		.decider = slice_of(decided_by(p)),
		.failed = slice_of(p->failed),
		.note = slice_of(p->note),
		.policy = policy_of(arena, g),
		.policy_order = slice_of(p->policy_order),
		.decided_us = p->decided_us,
		.policy_us = p->policy_us,
		/* A signed column: its bits are what matters. */
		.seed = (int64_t)w->wish->seed,
		.complexity_ppm = ppm(w->wish->complexity),
		.caller = w->caller,
		.user = w->user,
		.project = w->project,
		.tags = w->tags,
	};
	fill_shape(&out->row, arena, w->wish->shape);
	for (i = 0; i < p->count; i++)
		fill_candidate(&out->candidates[i], &p->candidates[i]);
}
