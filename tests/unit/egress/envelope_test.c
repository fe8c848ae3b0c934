/*
 * A property: whatever team, target and terms come together, nothing is let
 * through outside of grant, region and price, and nothing else is held back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/llm/catalog.h"
#include "common/llm/envelope.h"
#include "egress/envelope.h"
#include "egress/offer.h"
#include "topology/load.h"

#define ROUNDS    2000
#define PROVIDERS 2
#define MODELS    3 /* of each provider */

static const char *const regions[] = { "", "eu", "us", "ch" };
static const char *const grants[] = { "a/one", "a/two", "b/one", "b/*", "a/t*",
	"*" };
static const char *const targets[PROVIDERS][MODELS] = {
	{ "a/one", "a/two", "a/three" },
	{ "b/one", "b/two", "b/three" },
};
static const struct provider_type type = { .name = "t",
	.cap_key = "max_tokens" };

/* An egress, a node of team `mine`, and their terms. */
struct world {
	struct topology topology;
	struct member members[2];
	struct team teams[2];
	struct egress_file file;
	struct provider providers[PROVIDERS];
	struct model models[PROVIDERS][MODELS];
	struct slice grant[2], allowed[2];
};

static uint64_t seed = 20251126;

static size_t
pick(size_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(seed >> 33) % n;
}

static struct slice
any_region(void)
{
	return slice_of(regions[pick(count_of(regions))]);
}

static int64_t
any_price(void)
{
	return (int64_t)pick(4) * 1000000;
}

static int64_t
any_ceiling(void)
{
	return pick(2) == 0 ? -1 : any_price();
}

static void
fill_provider(struct world *w, size_t p)
{
	struct provider *provider = &w->providers[p];
	size_t i;

	*provider = (struct provider){ .type = &type,
		.name = slice_of(p == 0 ? "a" : "b"),
		.dialects = 1u << DIALECT_CHAT,
		.region = any_region(),
		.models = w->models[p],
		.models_count = MODELS };
	for (i = 0; i < MODELS; i++)
		w->models[p][i] = (struct model){
			.name = slice_after(slice_of(targets[p][i]), 2),
			.target = slice_of(targets[p][i]),
			.provider = provider,
			.context = (int64_t)pick(9),
			.supports_stated = pick(2) == 0,
			.price = { .input = any_price(),
			    .output = any_price() },
		};
}

static void
fill_team(struct world *w)
{
	size_t i;

	for (i = 0; i < 2; i++) {
		w->grant[i] = slice_of(grants[pick(count_of(grants))]);
		w->allowed[i] = slice_of(regions[1 + pick(3)]);
	}
	w->teams[0] = (struct team){ .name = slice_of("mine"),
		.models = w->grant,
		.models_count = pick(3),
		.regions = w->allowed,
		.regions_count = pick(3),
		.max_price = { any_ceiling(), any_ceiling() } };
	w->teams[1] =
	    (struct team){ .name = slice_of("other"), .max_price = { -1, -1 } };
}

static void
fill_world(struct world *w)
{
	*w = (struct world){ 0 };
	fill_provider(w, 0);
	fill_provider(w, 1);
	fill_team(w);
	w->members[0] = (struct member){ .name = slice_of("central"),
		.role = ROLE_EGRESS,
		.region = any_region() };
	w->members[1] = (struct member){ .name = slice_of("node"),
		.role = ROLE_NODE,
		.team = slice_of("mine") };
	w->file = (struct egress_file){ .providers = w->providers,
		.providers_count = PROVIDERS };
	w->topology =
	    (struct topology){ .self = &w->members[0], .egress = &w->file };
	w->topology.mesh = (struct mesh){ .members = w->members,
		.members_count = 2,
		.teams = w->teams,
		.teams_count = 2 };
}

/* Said again, in other words than the code's. */
static bool
is_granted(const struct world *w, const char *target)
{
	size_t i, len;

	for (i = 0; i < w->teams[0].models_count; i++) {
		const char *grant = w->grant[i].ptr;

		len = strcspn(grant, "*");
		if (grant[len] == '*' ? strncmp(grant, target, len) == 0
				      : strcmp(grant, target) == 0)
			return true;
	}
	return false;
}

static bool
is_in_region(const struct world *w, const struct provider *p)
{
	struct slice at = p->region.len > 0 ? p->region : w->members[0].region;
	size_t i;

	for (i = 0; i < w->teams[0].regions_count; i++)
		if (at.len > 0 && slice_eq(at, w->allowed[i]))
			return true;
	return w->teams[0].regions_count == 0;
}

static bool
is_cheap(const struct world *w, const struct model *m)
{
	const struct price_ceiling *max = &w->teams[0].max_price;

	if (max->input >= 0 && m->price.input > max->input)
		return false;
	return max->output < 0 || m->price.output <= max->output;
}

static struct envelope
asks_for(const char *target)
{
	return (struct envelope){ .origin = slice_of("node"),
		.team = slice_of("mine"),
		.target = slice_of(target),
		.dialect = DIALECT_CHAT,
		.operation = OPERATION_GENERATE };
}

/* Counts what was let through, so that the property is not empty. */
static size_t
check_target(const struct world *w, size_t p, size_t i,
    const struct catalog *offer)
{
	const struct model *m = &w->models[p][i], *found = NULL;
	const struct envelope e = asks_for(targets[p][i]);
	enum exclusion why = envelope_judge(&found, &w->topology, &e);
	const struct catalog_entry *entry = catalog_find(offer, e.target);

	if (!is_granted(w, targets[p][i]))
		assert_int_equal(why, EXCLUSION_NOT_GRANTED);
	else if (!is_in_region(w, m->provider))
		assert_int_equal(why, EXCLUSION_REGION);
	else if (!is_cheap(w, m))
		assert_int_equal(why, EXCLUSION_PRICE);
	else
		assert_int_equal(why, EXCLUSION_NONE);
	assert_ptr_equal(found, why == EXCLUSION_NONE ? m : NULL);
	assert_int_equal(entry != NULL, why == EXCLUSION_NONE);
	if (entry == NULL)
		return 0;
	assert_true(slice_eq(entry->region, m->provider->region.len > 0
						? m->provider->region
						: w->members[0].region));
	assert_int_equal(entry->context, m->context);
	assert_int_equal(entry->supports_stated, m->supports_stated);
	return 1;
}

static void
nothing_passes_outside_of_grant_region_and_price(void **state)
{
	size_t round, p, i, passed = 0;
	char book[PRICE_BOOK_CHARS];
	struct catalog *offer;
	struct world w;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 65536);
	for (round = 0; round < ROUNDS; round++) {
		fill_world(&w);
		buf_reset(&bytes);
		offer_write(&bytes, &w.topology, &w.teams[0],
		    "0123456789abcdef");
		offer = catalog_read(buf_slice(&bytes), NULL);
		assert_non_null(offer);
		for (p = 0; p < PROVIDERS; p++)
			for (i = 0; i < MODELS; i++)
				passed += check_target(&w, p, i, offer);
		buf_reset(&bytes);
		offer_write_book(&bytes, &w.topology, &w.teams[0]);
		price_book_name(book, buf_slice(&bytes));
		assert_true(slice_is(offer->price_book, book));
		assert_true(slice_is(offer->stated_book, "0123456789abcdef"));
		catalog_release(offer);
	}
	buf_fini(&bytes);
	assert_in_range(passed, ROUNDS / 4, ROUNDS * 5);
}

static void
who_asks_and_how_is_judged_too(void **state)
{
	const struct model *found = NULL;
	struct envelope e = asks_for("a/one");
	struct world w;

	(void)state;
	fill_world(&w);
	w.grant[0] = slice_of("*");
	w.teams[0] = (struct team){ .name = slice_of("mine"),
		.models = w.grant,
		.models_count = 1,
		.max_price = { -1, -1 } };
	w.teams[1].models = w.grant;
	w.teams[1].models_count = 1;
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_NONE);
	e.team = slice_of("other"); /* not the node's */
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_NOT_GRANTED);
	e = asks_for("a/one");
	e.origin = slice_of("stranger");
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_NOT_GRANTED);
	e = asks_for("a/four");
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_NOT_OFFERED);
	e = asks_for("a/one");
	e.dialect = DIALECT_MESSAGES;
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_DIALECT);
	e = asks_for("a/one");
	e.operation = OPERATION_COUNT;
	assert_int_equal(envelope_judge(&found, &w.topology, &e),
	    EXCLUSION_DIALECT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    nothing_passes_outside_of_grant_region_and_price),
		cmocka_unit_test(who_asks_and_how_is_judged_too),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
