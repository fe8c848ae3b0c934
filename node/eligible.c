#include "node/eligible.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/llm/capability.h"
#include "common/llm/drop.h"
#include "common/llm/estimate.h"
#include "common/llm/shape.h"
#include "common/member/target.h"
#include "node/affinity.h"
#include "node/route.h"
#include "topology/mesh.h"

#define REASONS_MAX  2048
#define ATTEMPTS_MIN 10 /* seen in the window before a contract judges */
#define PPM          1000000

const char *
capability_list(struct arena *arena, unsigned bits)
{
	const char *text = "";
	size_t i;

	for (i = 0; capability_name(i) != NULL; i++)
		if ((bits & (1u << i)) != 0)
			text = arena_printf(arena, "%s%s%s", text,
			    text[0] != '\0' ? ", " : "", capability_name(i));
	return text;
}

unsigned
eligible_needs(const struct shape *shape)
{
	unsigned needs = 0;

	if (shape->operation == OPERATION_COUNT)
		return 0;
	if (shape->tools)
		needs |= CAPABILITY_TOOLS;
	if (shape->forced_tool)
		needs |= CAPABILITY_FORCED_TOOLS;
	if (shape->images)
		needs |= CAPABILITY_IMAGES;
	if (shape->documents)
		needs |= CAPABILITY_DOCUMENTS;
	if (shape->audio)
		needs |= CAPABILITY_AUDIO;
	if (shape->schema)
		needs |= CAPABILITY_JSON_SCHEMA;
	if (shape->reasoning)
		needs |= CAPABILITY_REASONING;
	if (shape->output_cap > 0)
		needs |= CAPABILITY_OUTPUT_CAP;
	return needs;
}

/* What is lost by the group's leave is not needed of who is told without. */
static unsigned
spared(const struct route *route, const struct group *g,
    const struct shape *shape)
{
	bool same = (route->dialects & (1u << shape->dialect)) != 0;

	if (!same && (g->drop & DROP_REASONING) != 0)
		return CAPABILITY_REASONING;
	return 0;
}

static void
exclude(struct candidate *c, enum exclusion why, const char *detail)
{
	c->excluded = why;
	c->detail = detail;
}

static bool
is_too_long(const struct route *route, const struct shape *shape)
{
	int64_t surely =
	    shape->input_estimate_tokens * (100 - ELIGIBLE_DOUBT_PERCENT) / 100;

	return route->context_tokens > 0 && surely > route->context_tokens;
}

static int64_t
tools_bytes(const struct json_value *root)
{
	const struct json_value *tools =
	    root != NULL ? json_find(root, "tools") : NULL;

	return tools != NULL ? (int64_t)tools->raw.len : 0;
}

/* Can it do what this request asks? */
static void
check_shape(struct candidate *c, struct arena *arena, const struct group *g,
    const struct eligible_wish *wish)
{
	const struct route *route = c->route;
	const struct shape *shape = wish->shape;
	unsigned promised = g->contract.dialects, missing;

	missing =
	    eligible_needs(shape) & ~route->supports & ~spared(route, g, shape);
	/* Nobody says what it can do: only what it lacks is known. */
	if (!route->supports_stated)
		missing &= CAPABILITY_OUTPUT_CAP;
	if (promised != 0 && (promised & (1u << shape->dialect)) == 0)
		exclude(c, EXCLUSION_DIALECT, "the contract has not this API");
	else if (shape->operation == OPERATION_COUNT && !route->count)
		exclude(c, EXCLUSION_DIALECT, ELIGIBLE_COUNTS_NOT);
	else if (missing != 0)
		exclude(c, EXCLUSION_CAPABILITY,
		    capability_list(arena, missing));
	else if (is_too_long(route, shape))
		exclude(c, EXCLUSION_CONTEXT,
		    arena_printf(arena, "about %lld tokens of %lld",
			(long long)shape->input_estimate_tokens,
			(long long)route->context_tokens));
	else if (route->max_body_bytes > 0 &&
		 (int64_t)wish->body_bytes > route->max_body_bytes)
		exclude(c, EXCLUSION_BODY_SIZE, "");
	else if (route->max_tools_bytes > 0 &&
		 tools_bytes(wish->root) > route->max_tools_bytes)
		exclude(c, EXCLUSION_TOOLS_SIZE, "");
}

/* Has it kept to what the contract asks of it lately? */
static void
check_record(struct candidate *c, const struct contract *contract)
{
	const struct sight *s = &c->seen;

	if (s->attempts < ATTEMPTS_MIN)
		return;
	if (contract->max_error_ppm >= 0 &&
	    s->failures * PPM > contract->max_error_ppm * s->attempts)
		exclude(c, EXCLUSION_ERROR_RATE, "");
	else if ((contract->max_ttft_ms > 0 &&
		     s->ttft_p95_us > contract->max_ttft_ms * US_PER_MS) ||
		 (contract->max_latency_ms > 0 &&
		     s->total_p95_us > contract->max_latency_ms * US_PER_MS))
		exclude(c, EXCLUSION_LATENCY, "");
}

static void
check_state(struct candidate *c, struct arena *arena,
    const struct target_look *look, const struct eligible_wish *wish)
{
	if (look->disabled_until_us > 0) {
		exclude(c, EXCLUSION_DISABLED, "");
	} else if (c->excluded == EXCLUSION_NONE && look->wait_us > 0 &&
		   wish->pinned.len == 0) {
		c->wait_us = look->wait_us;
		c->backoff = look->kind;
		exclude(c, EXCLUSION_BACKING_OFF,
		    arena_printf(arena, "%s, for %lld ms more",
			backoff_kind_name(look->kind),
			(long long)(look->wait_us / US_PER_MS)));
	}
}

static int64_t
estimated_cost(const struct route *route, const struct shape *shape)
{
	int64_t output = ESTIMATE_OUTPUT_TOKENS;
	struct usage usage = {
		.input_tokens = shape->input_estimate_tokens,
		.source = USAGE_ESTIMATED,
	};

	if (shape->output_cap > 0)
		output = min_i64(output, shape->output_cap);
	usage.output_tokens = output * max_i64(shape->choices, 1);
	return price_cost(&route->price, &usage);
}

/* May it be asked for this by c->route, whatever the target's state is? */
static void
check_way(struct candidate *c, struct arena *arena,
    const struct eligible_wish *wish)
{
	const struct route *route = c->route;

	exclude(c, route->excluded, route->detail);
	/* Proof is made by trying the one that has none. */
	if (wish->pinned.len > 0 && c->excluded == EXCLUSION_EVIDENCE)
		exclude(c, EXCLUSION_NONE, "");
	if (c->excluded != EXCLUSION_NONE)
		return;
	if (wish->pinned.len > 0 && !slice_eq(wish->pinned, route->target))
		exclude(c, EXCLUSION_NOT_CHOSEN, "another target is pinned");
	else
		check_shape(c, arena, wish->routes->group, wish);
	if (c->excluded == EXCLUSION_NONE &&
	    !route_is_up(route, wish->links_up))
		exclude(c, EXCLUSION_UNREACHABLE, "");
}

/*
 * The first way that is open; where none is, the first that will be by
 * itself, or the first of all, for the reason that is told.
 */
static void
choose_way(struct candidate *c, struct arena *arena,
    const struct eligible_wish *wish)
{
	const struct route *way = c->route->next;
	struct candidate now;

	check_way(c, arena, wish);
	for (; way != NULL && c->excluded != EXCLUSION_NONE; way = way->next) {
		now = *c;
		now.route = way;
		check_way(&now, arena, wish);
		if (now.excluded == EXCLUSION_NONE ||
		    (exclusion_is_for_now(now.excluded) &&
			!exclusion_is_for_now(c->excluded)))
			*c = now;
	}
}

static bool
only_links_are_missing(const struct candidate *c)
{
	return c->excluded == EXCLUSION_NONE ||
	       c->excluded == EXCLUSION_UNREACHABLE;
}

static void
consider(struct candidate *c, struct arena *arena,
    const struct eligible_wish *wish)
{
	struct target_look look;

	c->listed = c->route->listed;
	c->state = c->route->state;
	c->detail = "";
	target_look(c->state, &look, wish->now_us, wish->wall_us);
	c->seen = look.seen;
	choose_way(c, arena, wish);
	if (c->route->excluded == EXCLUSION_NONE ||
	    c->excluded == EXCLUSION_NONE) {
		c->cost_microusd = estimated_cost(c->route, wish->shape);
		c->warm = wish->warm != 0 && wish->warm == c->route->affinity;
	}
	/* Who tries one target wants to see how it is. */
	if (only_links_are_missing(c) && wish->pinned.len == 0)
		check_record(c, &wish->routes->group->contract);
	if (only_links_are_missing(c))
		check_state(c, arena, &look, wish);
}

bool
eligible_find_way(struct candidate *c, struct arena *arena,
    const struct eligible_wish *wish)
{
	const struct group *g = wish->routes->group;
	struct candidate now = *c;
	const struct route *way;

	way = &wish->routes->routes[c->listed - g->targets];
	for (; way != NULL; way = way->next) {
		if (way->local == NULL && (c->gone & (1u << way->parent)) != 0)
			continue;
		now.route = way;
		check_way(&now, arena, wish);
		if (now.excluded != EXCLUSION_NONE)
			continue;
		*c = now;
		return true;
	}
	return false;
}

void
eligible_make(struct plan *p, struct arena *arena,
    const struct eligible_wish *wish)
{
	size_t i;

	*p = (struct plan){
		.candidates =
		    arena_many(arena, struct candidate, wish->routes->count),
		.count = wish->routes->count,
		.strategy = wish->routes->group->strategy,
		.failed = "",
		.policy_order = "",
	};
	for (i = 0; i < p->count; i++) {
		p->candidates[i].route = &wish->routes->routes[i];
		consider(&p->candidates[i], arena, wish);
	}
}

/* Whose time comes first of those that only have to wait; NULL: nobody's. */
static const struct candidate *
soonest(const struct plan *p)
{
	const struct candidate *c, *first = NULL;
	size_t i;

	for (i = 0; i < p->count; i++) {
		c = &p->candidates[i];
		if (c->wait_us > 0 &&
		    (first == NULL || c->wait_us < first->wait_us))
			first = c;
	}
	return first;
}

int64_t
eligible_wait_ms(const struct plan *p)
{
	const struct candidate *first = soonest(p);

	return first != NULL ? (first->wait_us + US_PER_MS - 1) / US_PER_MS : 0;
}

static bool
has(const struct plan *p, enum exclusion e)
{
	size_t i;

	for (i = 0; i < p->count; i++)
		if (p->candidates[i].excluded == e)
			return true;
	return false;
}

/* "openai/x: capability (images); own/y: context" */
static const char *
list_reasons(const struct plan *p, struct arena *arena)
{
	const char *text;
	struct buf b;
	size_t i;

	buf_init(&b, REASONS_MAX);
	for (i = 0; i < p->count && !b.failed; i++) {
		const struct candidate *c = &p->candidates[i];

		if (c->excluded == EXCLUSION_NONE)
			continue;
		buf_printf(&b, "%s%.*s: %s", b.len > 0 ? "; " : "",
		    SLICE_FMT(c->listed->model), exclusion_name(c->excluded));
		if (c->detail[0] != '\0')
			buf_printf(&b, " (%s)", c->detail);
	}
	text = arena_text(arena, buf_slice(&b));
	buf_fini(&b);
	return text;
}

enum fail
eligible_refusal(const struct plan *p, struct arena *arena, const char **detail,
    int64_t *retry_after_ms)
{
	const struct candidate *first = soonest(p);

	*retry_after_ms = 0;
	*detail = arena_printf(arena, "%s.", list_reasons(p, arena));
	if (first != NULL) {
		*retry_after_ms = eligible_wait_ms(p);
		return has(p, EXCLUSION_THROTTLED)
			   ? FAIL_UPSTREAM_CAPACITY_THROTTLED
			   : target_fail(first->backoff);
	}
	return has(p, EXCLUSION_UNREACHABLE) ? FAIL_EGRESS_UNREACHABLE
					     : FAIL_NO_ELIGIBLE_TARGET;
}
