#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/llm/catalog.h"
#include "common/llm/shape.h"
#include "common/member/target.h"
#include "node/eligible.h"
#include "node/route.h"
#include "node/strategy/plan.h"
#include "topology/load.h"

#define ARENA   (1 << 20)
#define TARGETS 3

enum { NORTH, SOUTH, PARENTS };

static const char *const targets[TARGETS] = { "e/0", "e/1", "e/2" };

/* e/0 is both parents', e/1 the second's alone, e/2 nobody's. */
struct fork {
	struct member self;
	struct team team;
	struct slice grant;
	struct mesh mesh;
	struct group_target listed[TARGETS];
	struct group group;
	struct node_file file;
	/* One that is shared has its count behind it; this one is ours. */
	struct {
		struct topology topology;
		int owners[4];
	} shared;
	struct target_states *states;
	struct routes *routes;
	struct shape shape;
	struct catalog catalogs[PARENTS];
	struct catalog_entry entries[PARENTS][2];
	struct arena arena;
	struct plan plan;
};

static struct catalog_entry
entry_of(const char *target, int64_t price)
{
	return (struct catalog_entry){ .target = slice_of(target),
		.model = slice_of(target + 2),
		.cap_key = slice_of("max_tokens"),
		.dialects = IN_ANY,
		.supports_stated = true,
		.max_output = 100 * price,
		.region = slice_of(price == 1 ? "eu" : "us"),
		.price = { .input = price, .output = price } };
}

static void
fork_init(struct fork *f)
{
	size_t i;

	memset(f, 0, sizeof(*f));
	arena_init(&f->arena, ARENA);
	f->entries[NORTH][0] = entry_of("e/0", 1);
	f->entries[SOUTH][0] = entry_of("e/0", 2);
	f->entries[SOUTH][1] = entry_of("e/1", 2);
	f->catalogs[NORTH] = (struct catalog){ .egress = slice_of("north"),
		.price_book = slice_of("book-n"),
		.entries = f->entries[NORTH],
		.count = 1,
		.holders = 1000000 };
	f->catalogs[SOUTH] = (struct catalog){ .egress = slice_of("south"),
		.price_book = slice_of("book-s"),
		.entries = f->entries[SOUTH],
		.count = 2,
		.holders = 1000000 };
	f->self = (struct member){ .name = slice_of("payments"),
		.team = slice_of("payments"),
		.parents = { slice_of("north"), slice_of("south") },
		.parents_count = PARENTS };
	f->grant = slice_of("e/*");
	f->team = (struct team){ .name = slice_of("payments"),
		.models = &f->grant,
		.models_count = 1,
		.max_price = { -1, -1 } };
	f->mesh = (struct mesh){ .teams = &f->team, .teams_count = 1 };
	for (i = 0; i < TARGETS; i++)
		f->listed[i].model = slice_of(targets[i]);
	f->group = (struct group){
		.name = slice_of("g"),
		.targets = f->listed,
		.targets_count = TARGETS,
		.contract = { .min_quality_ppm = -1, .max_price = { -1, -1 } },
	};
	f->file.groups = &f->group;
	f->file.groups_count = 1;
	memset(f->shared.owners, 1, sizeof(f->shared.owners));
	f->shared.topology = (struct topology){ .mesh = f->mesh,
		.self = &f->self,
		.node = &f->file };
	f->states = target_states_new();
}

static struct routes_wish
fork_wish(struct fork *f)
{
	return (struct routes_wish){ .topology = &f->shared.topology,
		.catalogs = { &f->catalogs[NORTH], &f->catalogs[SOUTH] },
		.states = f->states };
}

static struct eligible_wish
fork_ask(struct fork *f, unsigned links_up)
{
	return (struct eligible_wish){
		.routes = routes_of(f->routes, &f->group),
		.shape = &f->shape,
		.links_up = links_up,
	};
}

/* The egress that each target is asked through now; "" and why it is not. */
static void
fork_goes(struct fork *f, unsigned links_up, const char *const egress[TARGETS],
    const enum exclusion why[TARGETS])
{
	const struct eligible_wish ask = fork_ask(f, links_up);
	const struct candidate *c;
	size_t i;

	eligible_make(&f->plan, &f->arena, &ask);
	for (i = 0; i < TARGETS; i++) {
		c = &f->plan.candidates[i];
		assert_int_equal(c->excluded, why[i]);
		if (why[i] == EXCLUSION_NONE)
			assert_true(slice_is(c->route->egress, egress[i]));
	}
}

static void
fork_fini(struct fork *f)
{
	routes_release(f->routes);
	target_states_free(f->states);
	arena_fini(&f->arena);
}

static void
test_the_first_parent_that_is_up_and_offers_it_is_asked(void **state)
{
	static const struct {
		unsigned up;
		const char *egress[TARGETS];
		enum exclusion why[TARGETS];
	} cases[] = {
		{ 3, { "north", "south", "" },
		    { EXCLUSION_NONE, EXCLUSION_NONE, EXCLUSION_NOT_OFFERED } },
		{ 1, { "north", "", "" },
		    { EXCLUSION_NONE, EXCLUSION_UNREACHABLE,
			EXCLUSION_NOT_OFFERED } },
		{ 2, { "south", "south", "" },
		    { EXCLUSION_NONE, EXCLUSION_NONE, EXCLUSION_NOT_OFFERED } },
		{ 0, { "", "", "" },
		    { EXCLUSION_UNREACHABLE, EXCLUSION_UNREACHABLE,
			EXCLUSION_NOT_OFFERED } },
	};
	struct fork *f = test_calloc(1, sizeof(*f));
	struct routes_wish wish;
	size_t i;

	(void)state;
	fork_init(f);
	wish = fork_wish(f);
	f->routes = routes_new(&wish);
	for (i = 0; i < count_of(cases); i++)
		fork_goes(f, cases[i].up, cases[i].egress, cases[i].why);
	fork_fini(f);
	test_free(f);
}

static void
test_each_way_has_the_terms_of_its_egress(void **state)
{
	struct fork *f = test_calloc(1, sizeof(*f));
	struct routes_wish wish;
	const struct route *way;

	(void)state;
	fork_init(f);
	wish = fork_wish(f);
	f->routes = routes_new(&wish);
	way = &routes_of(f->routes, &f->group)->routes[0];
	assert_true(slice_is(way->region, "eu"));
	assert_string_equal(way->price_book, "book-n");
	assert_int_equal(way->price.input, 1);
	assert_int_equal(way->max_output, 100);
	way = way->next;
	assert_true(slice_is(way->region, "us"));
	assert_string_equal(way->price_book, "book-s");
	assert_int_equal(way->price.input, 2);
	assert_int_equal(way->max_output, 200);
	assert_null(way->next);
	fork_fini(f);
	test_free(f);
}

/* What the contract rules out of one egress may be fine through another. */
static void
test_a_contract_is_looked_at_for_each_way(void **state)
{
	static const char *const south[TARGETS] = { "south", "south", "" };
	static const enum exclusion good[TARGETS] = { EXCLUSION_NONE,
		EXCLUSION_NONE, EXCLUSION_NOT_OFFERED };
	static const enum exclusion down[TARGETS] = { EXCLUSION_UNREACHABLE,
		EXCLUSION_UNREACHABLE, EXCLUSION_NOT_OFFERED };
	static const struct slice us = { "us", 2 };
	struct fork *f = test_calloc(1, sizeof(*f));
	struct routes_wish wish;

	(void)state;
	fork_init(f);
	f->group.contract.regions = &us;
	f->group.contract.regions_count = 1;
	wish = fork_wish(f);
	f->routes = routes_new(&wish);
	fork_goes(f, 3, south, good);
	/* Not "region": it will be served when the link is back. */
	fork_goes(f, 1, south, down);
	fork_fini(f);
	test_free(f);
}

static void
test_a_way_that_is_lost_or_failed_gives_way(void **state)
{
	struct fork *f = test_calloc(1, sizeof(*f));
	struct eligible_wish ask;
	struct routes_wish wish;
	struct candidate *c;

	(void)state;
	fork_init(f);
	wish = fork_wish(f);
	f->routes = routes_new(&wish);
	ask = fork_ask(f, 3);
	eligible_make(&f->plan, &f->arena, &ask);
	c = &f->plan.candidates[0];
	assert_true(slice_is(c->route->egress, "north"));
	ask.links_up = 2;
	assert_true(eligible_find_way(c, &f->arena, &ask));
	assert_true(slice_is(c->route->egress, "south"));
	/* The first is up again, and is the first again. */
	ask.links_up = 3;
	assert_true(eligible_find_way(c, &f->arena, &ask));
	assert_true(slice_is(c->route->egress, "north"));
	c->gone = 1 << NORTH;
	assert_true(eligible_find_way(c, &f->arena, &ask));
	assert_true(slice_is(c->route->egress, "south"));
	c->gone |= 1 << SOUTH;
	assert_false(eligible_find_way(c, &f->arena, &ask));
	/* What only the second has does not come to the first. */
	c = &f->plan.candidates[1];
	ask.links_up = 1;
	assert_false(eligible_find_way(c, &f->arena, &ask));
	fork_fini(f);
	test_free(f);
}

static void
test_routes_are_made_anew_for_any_catalog(void **state)
{
	static const char *const egress[TARGETS] = { "north", "", "" };
	static const enum exclusion why[TARGETS] = { EXCLUSION_NONE,
		EXCLUSION_UNREACHABLE, EXCLUSION_UNREACHABLE };
	struct fork *f = test_calloc(1, sizeof(*f));
	struct routes_wish wish, less;

	(void)state;
	fork_init(f);
	wish = less = fork_wish(f);
	less.catalogs[SOUTH] = NULL;
	f->routes = routes_new(&less);
	assert_true(routes_are_of(f->routes, &less));
	assert_false(routes_are_of(f->routes, &wish));
	/* Without the second's nobody knows what it will offer. */
	fork_goes(f, 3, egress, why);
	fork_fini(f);
	test_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_the_first_parent_that_is_up_and_offers_it_is_asked),
		cmocka_unit_test(test_each_way_has_the_terms_of_its_egress),
		cmocka_unit_test(test_a_contract_is_looked_at_for_each_way),
		cmocka_unit_test(test_a_way_that_is_lost_or_failed_gives_way),
		cmocka_unit_test(test_routes_are_made_anew_for_any_catalog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
