#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/llm/capability.h"
#include "common/llm/catalog.h"
#include "common/llm/drop.h"
#include "common/llm/shape.h"
#include "common/member/target.h"
#include "node/eligible.h"
#include "node/route.h"
#include "node/strategy/plan.h"
#include "topology/load.h"
#include "topology/preset.h"

#define WORLDS     3000
#define SHAPES     8
#define OFFERED    6
#define OWN        3
#define LISTED     8
#define ARENA      (16 << 20)
#define ALL_BITS   ((1u << CAPABILITIES) - 1)
#define PRICE_MOST 10

/* --- random worlds: what one grants, another offers, a third promises --- */

struct world {
	uint64_t random;
	struct member self;
	struct team team;
	struct slice grants[OFFERED], regions[2], promised[1];
	struct mesh mesh;
	struct provider own;
	struct model models[OWN];
	struct group_target listed[LISTED];
	struct group group;
	struct node_file file;
	/* One that is shared has its count behind it; this one is ours. */
	struct {
		struct topology topology;
		int owners[4];
	} shared;
	struct catalog_entry entries[OFFERED];
	struct catalog catalog;
	struct target_states *states;
	struct routes *routes;
	struct shape shape;
};

static const char *const offered_names[OFFERED] = { "e/0", "e/1", "e/2", "e/3",
	"e/4", "e/5" };
static const char *const own_names[OWN] = { "own/0", "own/1", "own/2" };
static const char *const region_names[] = { "", "eu", "us" };

static uint32_t
draw(struct world *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % below;
}

static bool
coin(struct world *w)
{
	return draw(w, 2) == 1;
}

static struct slice
draw_region(struct world *w)
{
	return slice_of(region_names[draw(w, count_of(region_names))]);
}

static struct price_ceiling
draw_ceiling(struct world *w)
{
	if (draw(w, 3) > 0)
		return (struct price_ceiling){ -1, -1 };
	return (struct price_ceiling){ (int64_t)draw(w, PRICE_MOST),
		(int64_t)draw(w, PRICE_MOST) };
}

static struct price
draw_price(struct world *w)
{
	return (struct price){ .input = (int64_t)draw(w, PRICE_MOST),
		.cached_input = PRICE_UNKNOWN,
		.cache_write_5m = PRICE_UNKNOWN,
		.cache_write_1h = PRICE_UNKNOWN,
		.output = (int64_t)draw(w, PRICE_MOST),
		.reasoning = PRICE_UNKNOWN };
}

static unsigned
draw_bits(struct world *w)
{
	return draw(w, ALL_BITS + 1);
}

/* Most of them, so that some requests are served. */
static unsigned
draw_many_bits(struct world *w)
{
	return draw_bits(w) | draw_bits(w) | draw_bits(w);
}

static void
draw_catalog(struct world *w)
{
	size_t i;

	w->catalog = (struct catalog){ .egress = slice_of("central"),
		.price_book = slice_of("book"),
		.entries = w->entries,
		.holders = 1000000 }; /* not of catalog_read: never freed */
	for (i = 0; i < OFFERED; i++) {
		if (draw(w, 6) == 0)
			continue; /* not offered, though perhaps granted */
		w->entries[w->catalog.count++] = (struct catalog_entry){
			.target = slice_of(offered_names[i]),
			.model = slice_of(offered_names[i] + 2),
			.cap_key = slice_of("max_tokens"),
			.dialects = 1u + draw(w, 7),
			.supports = draw_many_bits(w),
			.supports_stated = draw(w, 4) > 0,
			.region = draw_region(w),
			.context = coin(w) ? 0 : (int64_t)draw(w, 4000),
			.max_body_bytes = coin(w) ? 0 : (int64_t)draw(w, 4000),
			.count = coin(w),
			.price = draw_price(w),
		};
	}
}

static void
draw_own(struct world *w)
{
	size_t i;

	w->own = (struct provider){ .name = slice_of("own"),
		.type = preset_at(0),
		.dialects = 1u + draw(w, 7),
		.region = draw_region(w),
		.models = w->models,
		.models_count = OWN };
	for (i = 0; i < OWN; i++)
		w->models[i] = (struct model){
			.name = slice_of(own_names[i] + 4),
			.target = slice_of(own_names[i]),
			.provider = &w->own,
			.context = coin(w) ? 0 : (int64_t)draw(w, 4000),
			.supports = draw_many_bits(w),
			.supports_stated = draw(w, 4) > 0,
			.price = draw_price(w),
		};
}

static void
draw_team(struct world *w)
{
	size_t i;

	w->self = (struct member){ .name = slice_of("payments"),
		.team = slice_of("payments"),
		.region = draw_region(w),
		.parents = { slice_of("central") },
		.parents_count = 1 };
	w->team = (struct team){ .name = slice_of("payments"),
		.models = w->grants,
		.max_price = draw_ceiling(w),
		.regions = w->regions,
		.regions_count = draw(w, 3) };
	w->regions[0] = slice_of("eu");
	w->regions[1] = slice_of("us");
	for (i = 0; i < OFFERED; i++)
		if (draw(w, 5) > 0)
			w->grants[w->team.models_count++] =
			    slice_of(offered_names[i]);
}

static void
draw_group(struct world *w)
{
	size_t i;

	for (i = 0; i < LISTED; i++)
		w->listed[i] = (struct group_target){
			.model = slice_of(i < OFFERED ? offered_names[i]
						      : own_names[i - OFFERED]),
			.weight = 1,
			.quality_ppm = (int64_t)draw(w, 4) - 1,
		};
	w->promised[0] = slice_of("eu");
	w->group = (struct group){ .name = slice_of("assistant"),
		.targets = w->listed,
		.targets_count = LISTED,
		.drop = coin(w) ? DROP_REASONING : 0,
		.contract = { .dialects = coin(w) ? 0 : draw(w, 8),
		    .requires = coin(w) ? 0 : draw_bits(w) & draw_bits(w),
		    .min_context_tokens = coin(w) ? 0 : (int64_t)draw(w, 4000),
		    .min_quality_ppm = (int64_t)draw(w, 3) - 1,
		    .max_error_ppm = -1,
		    .regions = w->promised,
		    .regions_count = draw(w, 2),
		    .max_price = draw_ceiling(w) } };
}

static void
draw_shape(struct world *w)
{
	w->shape = (struct shape){ .dialect = (enum dialect)draw(w, DIALECTS),
		.operation =
		    draw(w, 8) == 0 ? OPERATION_COUNT : OPERATION_GENERATE,
		.tools = coin(w),
		.forced_tool = draw(w, 4) == 0,
		.images = draw(w, 4) == 0,
		.documents = draw(w, 6) == 0,
		.audio = draw(w, 8) == 0,
		.structured = coin(w),
		.schema = draw(w, 4) == 0,
		.reasoning = draw(w, 3) == 0,
		.output_cap = coin(w) ? 0 : 100,
		.choices = 1,
		.messages = 1,
		.input_estimate_tokens = (int64_t)draw(w, 4000) };
}

static void
world_init(struct world *w, uint64_t seed)
{
	memset(w, 0, sizeof(*w));
	w->random = seed * 0x9e3779b97f4a7c15u + 1;
	draw_team(w);
	draw_catalog(w);
	draw_own(w);
	draw_group(w);
	w->mesh = (struct mesh){ .members = &w->self,
		.members_count = 1,
		.teams = &w->team,
		.teams_count = 1 };
	w->file = (struct node_file){ .providers = &w->own,
		.providers_count = 1,
		.groups = &w->group,
		.groups_count = 1 };
	w->states = target_states_new();
}

static void
world_fini(struct world *w)
{
	routes_release(w->routes);
	target_states_free(w->states);
}

/* --- the rules once more, in other words --- */

static bool
is_among(struct slice s, const struct slice *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_eq(list[i], s))
			return true;
	return count == 0;
}

static bool
within(const struct price *p, struct price_ceiling most)
{
	return (most.input == -1 || p->input <= most.input) &&
	       (most.output == -1 || p->output <= most.output);
}

/* Of whom it is known what it can do, every flag wants its capability. */
static bool
can(const struct world *w, unsigned dialects, unsigned supports, bool stated)
{
	const struct shape *s = &w->shape;
	bool told_without = (w->group.drop & DROP_REASONING) != 0 &&
			    (dialects & (1u << s->dialect)) == 0;

	if (s->operation == OPERATION_COUNT)
		return true;
	if (s->output_cap > 0 && !(supports & CAPABILITY_OUTPUT_CAP))
		return false;
	if (!stated)
		return true;
	return !((s->tools && !(supports & CAPABILITY_TOOLS)) ||
		 (s->forced_tool && !(supports & CAPABILITY_FORCED_TOOLS)) ||
		 (s->images && !(supports & CAPABILITY_IMAGES)) ||
		 (s->documents && !(supports & CAPABILITY_DOCUMENTS)) ||
		 (s->audio && !(supports & CAPABILITY_AUDIO)) ||
		 (s->schema && !(supports & CAPABILITY_JSON_SCHEMA)) ||
		 (s->reasoning && !told_without &&
		     !(supports & CAPABILITY_REASONING)));
}

struct terms {
	unsigned dialects, supports;
	bool stated, count;
	struct slice region;
	int64_t context, max_body;
	struct price price;
};

static bool
fulfils(const struct world *w, const struct terms *t, int64_t quality,
    size_t body_bytes)
{
	const struct contract *c = &w->group.contract;
	const struct shape *s = &w->shape;

	return is_among(t->region, w->regions, w->team.regions_count) &&
	       is_among(t->region, c->regions, c->regions_count) &&
	       within(&t->price, w->team.max_price) &&
	       within(&t->price, c->max_price) &&
	       (c->requires == 0 || t->stated) &&
	       (c->requires & t->supports) == c->requires &&
	       (t->context == 0 || t->context >= c->min_context_tokens) &&
	       (c->min_quality_ppm == -1 || quality >= c->min_quality_ppm) &&
	       (c->dialects == 0 || (c->dialects >> s->dialect & 1) != 0) &&
	       (s->operation == OPERATION_GENERATE || t->count) &&
	       can(w, t->dialects, t->supports, t->stated) &&
	       (t->context == 0 ||
		   s->input_estimate_tokens * 85 / 100 <= t->context) &&
	       (t->max_body == 0 || (int64_t)body_bytes <= t->max_body);
}

static bool
entry_terms(const struct world *w, struct slice target, struct terms *t)
{
	size_t i;

	if (w->team.models_count == 0 ||
	    !is_among(target, w->grants, w->team.models_count))
		return false;
	for (i = 0; i < w->catalog.count; i++) {
		const struct catalog_entry *e = &w->entries[i];

		if (!slice_eq(e->target, target))
			continue;
		*t = (struct terms){ e->dialects, e->supports,
			e->supports_stated, e->count, e->region, e->context,
			e->max_body_bytes, e->price };
		return true;
	}
	return false;
}

static void
own_terms(const struct world *w, const struct model *m, struct terms *t)
{
	struct slice region =
	    w->own.region.len > 0 ? w->own.region : w->self.region;

	*t = (struct terms){ w->own.dialects, m->supports, m->supports_stated,
		provider_counts(&w->own), region, m->context, 0, m->price };
}

static bool
may_serve(const struct world *w, size_t i, size_t body_bytes, bool link_up)
{
	struct terms t;

	if (i >= OFFERED)
		own_terms(w, &w->models[i - OFFERED], &t);
	else if (!link_up || !entry_terms(w, w->listed[i].model, &t))
		return false;
	return fulfils(w, &t, w->listed[i].quality_ppm, body_bytes);
}

static void
check_orders(struct world *w, struct plan *p, uint64_t seed)
{
	void (*const orders[])(struct plan * p,
	    const struct order_wish *wish) = { order_listed, order_weighted,
		order_score };
	const struct order_wish wish = { .group = &w->group,
		.shape = &w->shape,
		.seed = seed };
	size_t open[TARGETS_MAX], count = plan_open(p, open), i, k;

	for (i = 0; i < count_of(orders); i++) {
		p->order_count = 0;
		for (k = 0; k < p->count; k++)
			p->candidates[k].rank = 0;
		orders[i](p, &wish);
		assert_int_equal(p->order_count, count);
		for (k = 0; k < count; k++)
			assert_int_equal(p->candidates[p->order[k]].excluded,
			    EXCLUSION_NONE);
	}
}

static size_t
check_shapes(struct world *w, uint64_t seed)
{
	const struct routes_wish wish = { .topology = &w->shared.topology,
		.catalogs = { &w->catalog },
		.states = w->states };
	struct arena arena;
	struct plan plan;
	size_t i, n, served = 0;

	memset(w->shared.owners, 1, sizeof(w->shared.owners));
	w->shared.topology = (struct topology){ .mesh = w->mesh,
		.self = &w->self,
		.node = &w->file };
	w->routes = routes_new(&wish);
	assert_true(routes_are_of(w->routes, &wish));
	for (n = 0; n < SHAPES; n++) {
		draw_shape(w);
		const struct eligible_wish ask = {
			.routes = routes_of(w->routes, &w->group),
			.shape = &w->shape,
			.body_bytes = draw(w, 5000),
			.links_up = draw(w, 5) > 0,
		};

		arena_init(&arena, ARENA);
		eligible_make(&plan, &arena, &ask);
		for (i = 0; i < LISTED; i++) {
			bool open =
			    plan.candidates[i].excluded == EXCLUSION_NONE;

			assert_int_equal(open,
			    may_serve(w, i, ask.body_bytes, ask.links_up));
			served += open;
		}
		check_orders(w, &plan, seed + n);
		arena_fini(&arena);
	}
	return served;
}

static void
test_nobody_is_asked_who_may_not_or_cannot(void **state)
{
	struct world *w = test_calloc(1, sizeof(*w));
	size_t served = 0;
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= WORLDS; seed++) {
		world_init(w, seed);
		served += check_shapes(w, seed);
		world_fini(w);
	}
	/* Or the worlds would be too poor to prove anything. */
	assert_true(served > WORLDS * SHAPES * LISTED / 50);
	test_free(w);
}

/* --- what is told when nobody is left --- */

struct refusal_case {
	struct arena arena;
	struct group_target listed[2];
	struct route routes[2];
	struct candidate candidates[2];
	struct plan plan;
};

static void
refusal_init(struct refusal_case *c)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	arena_init(&c->arena, ARENA);
	c->listed[0].model = slice_of("openai/x");
	c->listed[1].model = slice_of("own/y");
	for (i = 0; i < 2; i++) {
		c->candidates[i].listed = &c->listed[i];
		c->candidates[i].route = &c->routes[i];
		c->candidates[i].detail = "";
	}
	c->plan = (struct plan){ .candidates = c->candidates, .count = 2 };
}

static void
test_a_refusal_names_each_target_and_why(void **state)
{
	struct refusal_case c;
	const char *detail;
	int64_t wait;

	(void)state;
	refusal_init(&c);
	c.candidates[0].excluded = EXCLUSION_CAPABILITY;
	c.candidates[0].detail = "images";
	c.candidates[1].excluded = EXCLUSION_CONTEXT;
	assert_int_equal(eligible_refusal(&c.plan, &c.arena, &detail, &wait),
	    FAIL_NO_ELIGIBLE_TARGET);
	assert_string_equal(detail,
	    "openai/x: capability (images); own/y: context.");
	assert_int_equal(wait, 0);
	arena_fini(&c.arena);
}

static void
test_who_has_to_wait_is_told_how_long(void **state)
{
	static const struct {
		enum backoff_kind kind;
		enum fail fail;
	} cases[] = {
		{ BACKOFF_RATE, FAIL_UPSTREAM_RATE_LIMITED },
		{ BACKOFF_QUOTA, FAIL_UPSTREAM_QUOTA_EXHAUSTED },
		{ BACKOFF_SHORT, FAIL_UPSTREAM_OVERLOADED },
		{ BACKOFF_BREAKER, FAIL_UPSTREAM_FAILED },
		{ BACKOFF_LONG, FAIL_UPSTREAM_FAILED },
	};
	struct refusal_case c;
	const char *detail;
	int64_t wait;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		refusal_init(&c);
		c.candidates[0].excluded = EXCLUSION_BACKING_OFF;
		c.candidates[0].backoff = BACKOFF_QUOTA;
		c.candidates[0].wait_us = 9000000;
		c.candidates[1].excluded = EXCLUSION_BACKING_OFF;
		c.candidates[1].backoff = cases[i].kind;
		c.candidates[1].wait_us = 1500001;
		assert_int_equal(eligible_refusal(&c.plan, &c.arena, &detail,
				     &wait),
		    cases[i].fail);
		assert_int_equal(wait, 1501);
		arena_fini(&c.arena);
	}
}

static void
test_a_link_that_is_down_is_no_lack_of_targets(void **state)
{
	struct refusal_case c;
	const char *detail;
	int64_t wait;

	(void)state;
	refusal_init(&c);
	c.candidates[0].excluded = EXCLUSION_UNREACHABLE;
	c.candidates[1].excluded = EXCLUSION_CAPABILITY;
	assert_int_equal(eligible_refusal(&c.plan, &c.arena, &detail, &wait),
	    FAIL_EGRESS_UNREACHABLE);
	arena_fini(&c.arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_is_asked_who_may_not_or_cannot),
		cmocka_unit_test(test_a_refusal_names_each_target_and_why),
		cmocka_unit_test(test_who_has_to_wait_is_told_how_long),
		cmocka_unit_test(
		    test_a_link_that_is_down_is_no_lack_of_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
