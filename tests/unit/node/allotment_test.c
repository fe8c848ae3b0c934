#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/member/limits.h"
#include "node/allotment.h"
#include "node/caller.h"
#include "topology/load.h"

#define OUT_MAX 65536
#define WALL_US INT64_C(1790000000000000)

/* A node file with one tier and one project, and a caller of both. */
struct scene {
	struct fixture store;
	struct limits *limits;
	struct node_file file;
	struct topology *topology;
	struct caller caller;
	struct buf out;
};

static const struct tier tiers[] = {
	{
	    .name = { "std", 3 },
	    .limits = { .rates = { .rpm = 60, .concurrent = 4 },
		.budget = { .most = { [BUDGET_LIFETIME] = { [BUDGET_MICROUSD] =
								5000000 } },
		    .warn_ppm = 800000 } },
	    .shaping = { .rpm = 30, .queue_ms = 2000, .queue_depth = 10 },
	},
};

static const struct party projects[] = {
	{ .name = { "checkout", 8 },
	    .limits = { .budget = { .most = { [BUDGET_LIFETIME] = { [BUDGET_TOKENS] =
									100 } } } } },
	{ .name = { "other", 5 },
	    .limits = { .budget = { .most = { [BUDGET_LIFETIME] = { [BUDGET_TOKENS] =
									7 } } } } },
};

/* It stays for as long as the scene. */
struct topology *
topology_hold(struct topology *t)
{
	return t;
}

void
topology_release(struct topology *t)
{
	(void)t;
}

static struct limit_terms
find(const struct topology *t, const struct limits_who *who)
{
	const struct limit_terms none = { .rates = { 0 } };
	const struct party *p = node_project(t->node, who->name);
	const struct tier *tier = node_tier(t->node, who->tier);

	if (who->level == SCOPE_CALLER && tier != NULL)
		return tier->limits;
	if (who->level == SCOPE_PROJECT && p != NULL)
		return p->limits;
	return none;
}

static int
setup(void **state)
{
	const struct limits_source source = { find };
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	buf_init(&s->out, OUT_MAX);
	s->file = (struct node_file){ .tiers = tiers,
		.tiers_count = 1,
		.projects = projects,
		.projects_count = 2 };
	s->topology = calloc(1, sizeof(*s->topology));
	s->topology->node = &s->file;
	s->limits = limits_open(s->store.ledger, s->topology, &source);
	assert_non_null(s->limits);
	s->caller = (struct caller){ .name = slice_of("ci"),
		.project = slice_of("checkout"),
		.user = slice_of("ann"),
		.tier = slice_of("std") };
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	limits_close(s->limits);
	free(s->topology);
	buf_fini(&s->out);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static const char *
told(struct scene *s)
{
	buf_reset(&s->out);
	allotment_write(&s->out, s->limits, s->topology, &s->caller, WALL_US);
	return buf_text(&s->out);
}

static void
spend(struct scene *s, enum scope_level level, const char *name, int64_t n)
{
	const struct limits_who who = { level, slice_of(name), slice_of("") };
	const struct spend more = { .day = limits_day(s->limits),
		.amounts = { .of = { 1, n, n * 1000 } } };

	limits_post(s->limits, &who, &more);
}

#define HEAD                                                                   \
	"{\"object\":\"router.usage\",\"at\":\"2026-09-21T14:13:20.000000Z\"," \
	"\"caller\":\"ci\","
#define NO_RATES "\"limits\":{\"rpm\":null,\"tpm\":null,\"concurrent\":null}"

static void
own_and_shared_sums_are_told(void **state)
{
	struct scene *s = *state;

	spend(s, SCOPE_CALLER, "ci", 42);
	spend(s, SCOPE_PROJECT, "checkout", 90);
	spend(s, SCOPE_PROJECT, "other", 6);
	spend(s, SCOPE_CALLER, "somebody", 13);
	assert_string_equal(told(s), HEAD
	    "\"tier\":\"std\",\"limits\":{"
	    "\"rpm\":{\"limit\":60,\"remaining\":60,"
	    "\"resets_at\":\"2026-09-21T14:13:20.000000Z\"},"
	    "\"tpm\":null,"
	    "\"concurrent\":{\"limit\":4,\"remaining\":4,"
	    "\"resets_at\":null}},"
	    "\"budgets\":[{\"name\":\"lifetime_usd\",\"limit\":\"5.000000\","
	    "\"spent\":\"0.042000\",\"held\":\"0.000000\","
	    "\"remaining\":\"4.958000\",\"resets_at\":null}],"
	    "\"spent\":{"
	    "\"day\":{\"requests\":1,\"tokens\":42,\"usd\":\"0.042000\"},"
	    "\"month\":{\"requests\":1,\"tokens\":42,\"usd\":\"0.042000\"},"
	    "\"lifetime\":{\"requests\":1,\"tokens\":42,"
	    "\"usd\":\"0.042000\"}},"
	    "\"shaping\":{\"rpm\":30,\"burst\":null,\"tpm\":null,"
	    "\"input_tpm\":null,\"output_tpm\":null,\"token_burst\":null,"
	    "\"concurrent\":null,\"queue_ms\":2000,\"queue_depth\":10},"
	    "\"shared\":[{\"level\":\"project\",\"name\":\"checkout\"," NO_RATES
	    ",\"budgets\":[{\"name\":\"lifetime_tokens\",\"limit\":100,"
	    "\"spent\":90,\"held\":0,\"remaining\":10,"
	    "\"resets_at\":null}]}]}");
}

static void
who_has_no_limit_sees_what_was_spent(void **state)
{
	struct scene *s = *state;

	s->caller = (struct caller){ .name = slice_of("ci"),
		.project = slice_of(""),
		.user = slice_of(""),
		.tier = slice_of("") };
	assert_string_equal(told(s),
	    HEAD "\"tier\":null," NO_RATES ",\"budgets\":[],\"spent\":{"
		 "\"day\":{\"requests\":0,\"tokens\":0,\"usd\":\"0.000000\"},"
		 "\"month\":{\"requests\":0,\"tokens\":0,"
		 "\"usd\":\"0.000000\"},"
		 "\"lifetime\":{\"requests\":0,\"tokens\":0,"
		 "\"usd\":\"0.000000\"}},\"shaping\":null,\"shared\":[]}");
}

/* An overdraft is told as spent, and what remains is never below nothing. */
static void
a_sum_that_was_exceeded_leaves_nothing(void **state)
{
	struct scene *s = *state;

	spend(s, SCOPE_CALLER, "ci", 6000);
	assert_non_null(
	    strstr(told(s), "\"spent\":\"6.000000\",\"held\":\"0.000000\","
			    "\"remaining\":\"0.000000\""));
}

/* Its rate is used and its slot taken while it is under way. */
static void
what_is_held_is_told_beside_what_is_spent(void **state)
{
	struct scene *s = *state;
	const struct limits_who who = { SCOPE_CALLER, slice_of("ci"),
		slice_of("std") };
	struct chain_wish wish = { .budget = { .of = { 1, 10, 250000 } } };
	struct chain_bar bar;
	struct chain chain;
	struct hold hold = { .day = 0 };

	limits_chain(s->limits, &chain, &who, 1);
	assert_true(chain.is_limited && chain.is_bounded);
	assert_true(limits_reserve(s->limits, &hold, &chain, &wish, &bar));
	assert_non_null(strstr(told(s), "\"limit\":60,\"remaining\":59,"));
	assert_non_null(strstr(told(s), "\"limit\":4,\"remaining\":3,"));
	assert_non_null(
	    strstr(told(s), "\"spent\":\"0.000000\",\"held\":\"0.250000\","
			    "\"remaining\":\"4.750000\""));
	limits_release(s->limits, &hold);
	assert_non_null(strstr(told(s), "\"held\":\"0.000000\","));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_and_shared_sums_are_told,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    who_has_no_limit_sees_what_was_spent, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_sum_that_was_exceeded_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_held_is_told_beside_what_is_spent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
