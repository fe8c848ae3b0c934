#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/member/gatehouse.h"
#include "common/member/limits.h"
#include "common/member/tally.h"
#include "topology/load.h"

#define OUT_MAX   (1u << 20)
#define MANY      (TALLY_SERIES_MAX + 5)
#define RATE      6 /* a minute: none comes back while a test runs */
#define TOKENS    1000
#define NAME_SIZE 32

struct scene {
	struct fixture store;
	struct topology topology;
	struct limits *limits;
	struct gatehouse *gates;
	struct buf out;
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

/* Every caller with a tier has the same; a project has a budget. */
static struct limit_terms
find(const struct topology *t, const struct limits_who *who)
{
	struct limit_terms terms = { .rates = { 0 } };

	(void)t;
	if (who->level == SCOPE_CALLER && who->tier.len > 0) {
		terms.rates =
		    (struct rate_terms){ .rpm = RATE, .concurrent = 2 };
		terms.budget.most[BUDGET_LIFETIME][BUDGET_TOKENS] = TOKENS;
		terms.budget.most[BUDGET_LIFETIME][BUDGET_MICROUSD] = 1500000;
	}
	if (who->level == SCOPE_PROJECT)
		terms.budget.most[BUDGET_LIFETIME][BUDGET_REQUESTS] = 8;
	return terms;
}

static int
setup(void **state)
{
	const struct limits_source source = { find };
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	buf_init(&s->out, OUT_MAX);
	s->limits = limits_open(s->store.ledger, &s->topology, &source);
	assert_non_null(s->limits);
	s->gates = gatehouse_new(INT64_MIN / 2);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	gatehouse_free(s->gates);
	limits_close(s->limits);
	buf_fini(&s->out);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static struct limits_who
caller(const char *name, const char *tier)
{
	return (
	    struct limits_who){ SCOPE_CALLER, slice_of(name), slice_of(tier) };
}

static void
meet(struct scene *s, const struct limits_who *who)
{
	struct chain chain;

	limits_chain(s->limits, &chain, who, 1);
}

static void
begin(struct scene *s, struct hold *hold, const struct limits_who *who,
    int64_t tokens)
{
	struct chain_wish wish = { .budget = { .of = { 1, tokens, 0 } } };
	struct chain_bar bar;
	struct chain chain;

	*hold = (struct hold){ .day = 0 };
	limits_chain(s->limits, &chain, who, 1);
	assert_true(limits_reserve(s->limits, hold, &chain, &wish, &bar));
}

static void
spend(struct scene *s, const struct limits_who *who, int64_t tokens)
{
	const struct spend more = { .day = limits_day(s->limits),
		.amounts = { .of = { 1, tokens, tokens * 1000 } } };

	limits_post(s->limits, who, &more);
}

static struct gate *
shape(struct scene *s, const char *name)
{
	const struct shaping_terms terms = { .rpm = RATE,
		.burst = RATE,
		.concurrent = 3 };

	return gatehouse_gate(s->gates, slice_of(name), &terms, 1);
}

static struct tally
all(const struct scene *s)
{
	return (struct tally){ .limits = s->limits, .gates = s->gates };
}

static void
a_line_for_each_budget_and_each_gate(void **state)
{
	struct scene *s = *state;
	const struct limits_who ci = caller("ci", "std");
	const struct limits_who free_one = caller("free", "");
	const struct limits_who idle = caller("idle", "");
	const struct limits_who project = { SCOPE_PROJECT, slice_of("checkout"),
		slice_of("") };
	struct tally t = all(s);
	struct hold hold;

	meet(s, &project);
	meet(s, &idle);
	spend(s, &ci, 500);
	spend(s, &free_one, 20);
	begin(s, &hold, &ci, 250);
	(void)shape(s, "group coding");
	(void)shape(s, "caller ci");
	assert_true(tally_write(&t, OUTPUT_TEXT, 0, &s->out));
	assert_string_equal(buf_text(&s->out),
	    "level    name      tier  rpm left  tpm left  running  budget      "
	    "       spent  held  limit  used\n"
	    "project  checkout  -     -         -         0        "
	    "lifetime_requests  0      0     8      0%\n"
	    "caller   ci        std   5/6       -         1/2      "
	    "lifetime_tokens    500    250   1000   75%\n"
	    "caller   ci        -     -         -         -        "
	    "lifetime_usd       0.5    0     1.5    33%\n"
	    "caller   free      -     -         -         0        month_usd   "
	    "       0.02   0     -      -\n"
	    "\n"
	    "gate          model  running  waiting  rpm left  input_tpm left  "
	    "output_tpm left  tpm left\n"
	    "caller ci     -      0/3      0        6/6       -               -"
	    "                -\n"
	    "group coding  -      0/3      0        6/6       -               -"
	    "                -\n");
	limits_release(s->limits, &hold);
}

static void
one_can_be_asked_for(void **state)
{
	struct scene *s = *state;
	const struct limits_who ci = caller("ci", "std");
	const struct limits_who other = caller("other", "std");
	struct tally t = all(s);

	meet(s, &ci);
	meet(s, &other);
	(void)shape(s, "caller ci");
	(void)shape(s, "caller ci2");
	t.only[SCOPE_CALLER] = slice_of("ci");
	assert_true(tally_write(&t, OUTPUT_JSON, 0, &s->out));
	assert_non_null(strstr(buf_text(&s->out),
	    "{\"holders\":[{\"level\":\"caller\",\"name\":\"ci\",\"tier\":"
	    "\"std\",\"running\":0,"));
	assert_null(strstr(buf_text(&s->out), "other"));
	assert_null(strstr(buf_text(&s->out), "ci2"));
	assert_non_null(strstr(buf_text(&s->out),
	    "\"gates\":[{\"gate\":\"caller ci\",\"model\":\"\",\"running\":0,"
	    "\"waiting\":0,\"concurrent\":3,\"rates\":{\"rpm\":{\"per_minute\":"
	    "6,\"left\":6}}}]}\n"));
	t.only[SCOPE_CALLER] = slice_of("nobody");
	assert_false(tally_write(&t, OUTPUT_TEXT, 0, &s->out));
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

static void
gauges_are_shares_of_what_is_limited(void **state)
{
	struct scene *s = *state;
	const struct limits_who ci = caller("ci", "std");
	struct tally t = all(s);
	struct hold hold;
	const char *text;

	spend(s, &ci, 500);
	begin(s, &hold, &ci, 250);
	(void)shape(s, "caller ci");
	tally_metrics(&t, &s->out);
	text = buf_text(&s->out);
#define OF_CI(family, sum, value)                                              \
	assert_non_null(strstr(text,                                           \
	    "\n" family "{level=\"caller\",name=\"ci\",sum=\"" sum             \
	    "\"} " value "\n"))
	OF_CI("gsr_limit_used_ratio", "concurrent", "0.5");
	OF_CI("gsr_limit_used_ratio", "lifetime_tokens", "0.75");
	OF_CI("gsr_limit_held_ratio", "lifetime_tokens", "0.25");
	OF_CI("gsr_limit_held_ratio", "lifetime_usd", "0");
	assert_null(strstr(text, "others"));
	assert_non_null(
	    strstr(text, "\ngsr_gate_running{gate=\"caller ci\"} 0\n"));
	assert_int_equal(count(text, "# TYPE "), 4);
	limits_release(s->limits, &hold);
}

/* However many there are: so many samples, and all others are summed. */
static void
gauges_are_bounded(void **state)
{
	struct scene *s = *state;
	struct tally t = all(s);
	char name[NAME_SIZE];
	struct limits_who who;
	const char *text;
	size_t i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "caller-%05zu", i);
		who = caller(name, "std");
		spend(s, &who, 500);
		meet(s, &who);
		(void)shape(s, name);
	}
	tally_metrics(&t, &s->out);
	text = buf_text(&s->out);
	assert_false(s->out.failed);
	assert_int_equal(count(text, "\ngsr_limit_used_ratio{level=\"caller\","
				     "name=\"caller-"),
	    TALLY_SERIES_MAX);
	assert_int_equal(count(text, "\ngsr_limit_held_ratio{level=\"caller\","
				     "name=\"caller-"),
	    TALLY_SERIES_MAX);
	assert_int_equal(count(text, "\ngsr_gate_waiting{gate=\"caller-"),
	    TALLY_SERIES_MAX);
	assert_non_null(strstr(text,
	    "\ngsr_limit_used_ratio{level=\"caller\",name=\"others\","
	    "sum=\"lifetime_tokens\"} 0.5\n"));
	assert_non_null(
	    strstr(text, "\ngsr_gate_running{gate=\"others\"} 0\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_line_for_each_budget_and_each_gate, setup, teardown),
		cmocka_unit_test_setup_teardown(one_can_be_asked_for, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    gauges_are_shares_of_what_is_limited, setup, teardown),
		cmocka_unit_test_setup_teardown(gauges_are_bounded, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
