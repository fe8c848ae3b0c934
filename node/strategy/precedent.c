#include "node/strategy/precedent.h"

#include "common/llm/capability.h"
#include "topology/provider.h"

#define PPM        1e6
#define PER_1000_S 1000.0

_Static_assert(DECISION_CANDIDATES_MAX <= TARGETS_MAX, "all fit in a plan");

/* "tools, images" as bits; words of a later version are passed over. */
static unsigned
read_supports(struct slice text)
{
	unsigned bits = 0;
	struct slice word;
	size_t i;

	while (text.len > 0) {
		word = slice_cut(&text, ',');
		while (text.len > 0 && text.ptr[0] == ' ')
			text = slice_after(text, 1);
		for (i = 0; capability_name(i) != NULL; i++)
			if (slice_is(word, capability_name(i)))
				bits |= 1u << i;
	}
	return bits;
}

/*
 * One that stands in the order then fell out later is not excluded here, nor
 * is whom the policy that was asked left out; a pin says so in the detail.
 */
static bool
was_open(const struct candidate_row *c)
{
	return c->rank > 0 || c->excluded.len == 0 ||
	       (c->detail.len == 0 &&
		   slice_is(c->excluded, exclusion_name(EXCLUSION_NOT_CHOSEN)));
}

static void
read_candidate(struct precedent *p, size_t i, const struct candidate_row *row)
{
	/* That it is the node's own is all that is asked of it. */
	static const struct model own;

	p->routes[i] = (struct route){
		.target = row->target,
		.egress = row->egress,
		.region = row->region,
		.local = row->egress.len == 0 ? &own : NULL,
		.context_tokens = row->context,
		.max_output = row->max_output,
		.supports = read_supports(row->supports),
		.price = { .input = row->price_input,
		    .cached_input = row->price_cached_input,
		    .output = row->price_output },
	};
	p->listed[i] = (struct group_target){
		.model = row->target,
		.weight = row->weight,
		.quality_ppm = row->quality_ppm,
	};
	p->candidates[i] = (struct candidate){
		.route = &p->routes[i],
		.listed = &p->listed[i],
		.excluded =
		    was_open(row) ? EXCLUSION_NONE : EXCLUSION_NOT_CHOSEN,
		.detail = "",
		.seen = { .attempts = row->attempts,
		    .failures = row->failures,
		    .ttft_p50_us = row->ttft_p50_us,
		    .ttft_p95_us = row->ttft_p95_us,
		    .total_p50_us = row->total_p50_us,
		    .total_p95_us = row->total_p95_us,
		    .tokens_per_s = (double)row->tokens_per_ks / PER_1000_S },
		.cost_microusd = row->cost_microusd,
		.warm = row->warm != 0,
	};
}

static bool
read_shape(struct shape *s, const struct decision_row *row)
{
	*s = (struct shape){
		.stream = row->stream != 0,
		.tools = row->tools != 0,
		.forced_tool = row->forced_tool != 0,
		.one_call_at_a_time = row->parallel_tools == 0,
		.images = row->images != 0,
		.documents = row->documents != 0,
		.audio = row->audio != 0,
		.structured = row->structured != 0,
		.reasoning = row->reasoning != 0,
		.choices = row->choices,
		.messages = row->messages,
		.input_estimate_tokens = row->input_tokens,
		.output_cap = row->output_cap,
	};
	return dialect_by_name(&s->dialect, row->dialect) &&
	       operation_by_name(&s->operation, row->operation);
}

bool
precedent_read(struct precedent *p, const struct decision *d)
{
	const struct decision_row *row = &d->row;
	size_t i;

	*p = (struct precedent){
		.group = { .name = row->group,
		    .targets = p->listed,
		    .targets_count = d->count },
		.wish = { .group = &p->group,
		    .shape = &p->shape,
		    .complexity = (double)row->complexity_ppm / PPM,
		    .seed = (uint64_t)row->seed },
		.plan = { .candidates = p->candidates,
		    .count = d->count,
		    .failed = "",
		    .policy_order = "" },
		.contract = { .plan = &p->plan,
		    .wish = &p->wish,
		    .request_id = p->request_id,
		    .caller = row->caller,
		    .user = row->user,
		    .project = row->project,
		    .tags = row->tags,
		    .now_wall_us = row->decided_at },
		.request_id = "req_",
	};
	id_write(&row->request, p->request_id + 4);
	for (i = 0; i < d->count; i++)
		read_candidate(p, i, &d->candidates[i]);
	return read_shape(&p->shape, row);
}

const struct candidate_row *
precedent_first(const struct decision *d)
{
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->candidates[i].rank == 1)
			return &d->candidates[i];
	return NULL;
}
