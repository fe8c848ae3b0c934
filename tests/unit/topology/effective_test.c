#include "tests/unit/topology/routed.h"
#include "tests/unit/topology/tool.h"

#include "common/format/json.h"
#include "topology/effective.h"

#define MESH   ROUTED_MESH
#define EGRESS ROUTED_EGRESS
#define NODE   ROUTED_NODE

/* The folder with limits at every level, and one account of the team. */
static void
limit_all(const struct routed *t)
{
	routed_edit(t, MESH, "    models:",
	    "    limits: {rpm: 3000}\n"
	    "    budget: {month_usd: 5000, warn_at: 90%}\n"
	    "    weight: 3\n"
	    "    models:");
	routed_edit(t, EGRESS, "    type: openai\n    models:\n",
	    "    type: openai\n"
	    "    shaping: {rpm: 5000, queue: 4s}\n"
	    "    team_keys: {payments: secret/own}\n"
	    "    models:\n");
	routed_edit(t, EGRESS, "{context: 8000,",
	    "{shaping: {rpm: 30, queue: 0s}, ");
	routed_edit(t, EGRESS, "  eu:\n",
	    "  other: {type: openai, shaping: {rpm: 7}, models: "
	    "{x: {price: {input: 0, output: 0}}}}\n"
	    "  eu:\n");
	routed_edit(t, NODE, "providers:\n",
	    "limits: {concurrent: 8}\n"
	    "projects:\n"
	    "  fraud: {budget: {month_usd: 6000.50}}\n"
	    "users:\n"
	    "  ci: {limits: {rpm: 3000}}\n"
	    "tiers:\n"
	    "  agent: {limits: {concurrent: 9}, shaping: {rpm: 120, queue: "
	    "8s}}\n"
	    "providers:\n");
	routed_edit(t, NODE, "    strategy:",
	    "    max_output: 32000\n"
	    "    shaping: {tpm: 900}\n"
	    "    strategy:");
	routed_edit(t, NODE, "    type: vllm\n",
	    "    type: vllm\n    shaping: {concurrent: 32}\n");
}

/* The daemons put it where a budget has to hold what may come. */
static void
who_is_held_and_says_no_max_output_has_one(void **state)
{
	static const char *const held[] = { "{month_usd: 5000}",
		"{day_tokens: 9}", "{day_requests: 9}" };
	struct effective e;
	struct buf out, why;
	struct review *r;
	struct routed t;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(held); i++) {
		char budget[64];

		snprintf(budget, sizeof(budget),
		    "    budget: %s\n    models:", held[i]);
		routed_make(&t);
		routed_edit(&t, MESH, "    models:", budget);
		buf_init(&out, FILE_TEXT_MAX);
		buf_init(&why, FILE_TEXT_MAX);
		r = routed_review(&t, &why);
		assert_string_equal(buf_text(&why), "");
		assert_true(effective_find(&e, &r->folder, "payments", &why));
		effective_put(&e, &out);
		assert_int_equal(strstr(buf_text(&out), "32000") != NULL,
		    i < 2);
		review_free(r);
		buf_fini(&why);
		buf_fini(&out);
		routed_free(&t);
	}
}

static void
says_of(const char *caller, bool json, const char *expect)
{
	struct json_writer w = { 0 };
	struct effective e;
	struct buf out, why;
	struct review *r;
	struct routed t;

	routed_make(&t);
	limit_all(&t);
	buf_init(&out, FILE_TEXT_MAX);
	buf_init(&why, FILE_TEXT_MAX);
	w.out = &out;
	r = routed_review(&t, &why);
	if (why.len > 0)
		fail_msg("%s", buf_text(&why));
	if (!effective_find(&e, &r->folder, caller, &why))
		buf_put_slice(&out, buf_slice(&why));
	else if (json)
		effective_put_json(&e, &w);
	else
		effective_put(&e, &out);
	assert_string_equal(buf_text(&out), expect);
	review_free(r);
	buf_fini(&why);
	buf_fini(&out);
	routed_free(&t);
}

static void
a_caller_is_limited_at_every_level(void **state)
{
	(void)state;
	says_of("payments:tier=agent,user=ci,project=fraud", false,
	    "A caller of node payments, tier agent, project fraud, us"
	    "er ci; team payments, weight 3\n"
	    "\n"
	    "LEVEL                        KIND        VALUE          "
	    "                              WARNS AT  OF ITS KIND\n"
	    "node payments                concurrent  8              "
	    "                              -         tightest\n"
	    "project fraud                month_usd   6000.5         "
	    "                              80%       -\n"
	    "user ci                      rpm         3000           "
	    "                              -         tightest\n"
	    "caller (tier agent)          concurrent  9              "
	    "                              -         -\n"
	    "caller (tier agent)          shaping     rpm 120, burst "
	    "2, queue 8s, queue_depth 100  -         -\n"
	    "team payments at the egress  rpm         3000           "
	    "                              -         tightest\n"
	    "team payments at the egress  month_usd   5000           "
	    "                              90%       tightest\n"
	    "\n"
	    "GROUP      MAX_OUTPUT  OUTPUT_ESTIMATE  SHAPING\n"
	    "assistant  32000                  1000  tpm 900, token_b"
	    "urst 150, no queue\n"
	    "\n"
	    "ACCOUNT       AT              KEY         SHAPING\n"
	    "gpu           node payments   -           concurrent 32,"
	    " queue 10s, queue_depth 1000\n"
	    "openai        egress central  the team's  rpm 5000, burs"
	    "t 83, queue 4s, queue_depth 1000\n"
	    "openai/small  egress central  the team's  rpm 30, burst "
	    "1, no queue\n");
}

static void
a_caller_without_words_has_what_all_have(void **state)
{
	(void)state;
	says_of("payments", true,
	    "{\"ok\":true,\"mesh\":\"demo\",\"node\":\"payments\","
	    "\"team\":\"payments\",\"weight\":3,\"limits\":["
	    "{\"level\":\"node payments\",\"kind\":\"concurrent\","
	    "\"value\":8,\"tightest\":true},"
	    "{\"level\":\"team payments at the egress\","
	    "\"kind\":\"rpm\",\"value\":3000,\"tightest\":true},"
	    "{\"level\":\"team payments at the egress\","
	    "\"kind\":\"month_usd\",\"value\":5000,"
	    "\"warn_ppm\":900000,\"tightest\":true}],\"groups\":["
	    "{\"group\":\"assistant\",\"max_output\":32000,"
	    "\"output_estimate\":1000,\"shaping\":{\"tpm\":900,\"token_burst\":"
	    "150}}],"
	    "\"accounts\":[{\"account\":\"gpu\","
	    "\"at\":\"node payments\",\"team_key\":false,"
	    "\"shaping\":{\"concurrent\":32,\"queue_ms\":10000,"
	    "\"queue_depth\":1000}},{\"account\":\"openai\","
	    "\"at\":\"egress central\",\"team_key\":true,"
	    "\"shaping\":{\"rpm\":5000,\"burst\":83,"
	    "\"queue_ms\":4000,\"queue_depth\":1000}},"
	    "{\"account\":\"openai/small\",\"at\":\"egress central\","
	    "\"team_key\":true,\"shaping\":{\"rpm\":30,\"burst\":1}}]}");
}

/* A model's own queue is no longer than its provider's. */
static void
of_a_model_the_stricter_queue_holds(void **state)
{
	struct effective e;
	struct review *r;
	struct routed t;
	struct buf why;

	(void)state;
	routed_make(&t);
	routed_edit(&t, EGRESS, "    type: openai\n    models:\n",
	    "    type: openai\n"
	    "    shaping: {rpm: 60, queue: 0s}\n"
	    "    models:\n");
	routed_edit(&t, EGRESS, "{context: 8000,", "{shaping: {rpm: 30}, ");
	buf_init(&why, FILE_TEXT_MAX);
	r = routed_review(&t, &why);
	if (why.len > 0)
		fail_msg("%s", buf_text(&why));
	assert_true(effective_find(&e, &r->folder, "payments", &why));
	assert_int_equal(e.accounts_count, 2);
	assert_string_equal(e.accounts[1].name, "openai/small");
	assert_int_equal(e.accounts[1].shaping->rpm, 30);
	assert_int_equal(e.accounts[1].shaping->queue_ms, 0);
	review_free(r);
	buf_fini(&why);
	routed_free(&t);
}

static void
what_there_is_not_is_answered_with_what_there_is(void **state)
{
	(void)state;
	says_of("payment", false,
	    "there is no node 'payment'; choose among payments\n");
	says_of("central", false,
	    "there is no node 'central'; choose among payments\n");
	says_of("payments:tier=x", false,
	    "there is no tier 'x'; choose among agent\n");
	says_of("payments:project=", false,
	    "there is no project ''; choose among fraud\n");
	says_of("payments:user=fraud", false,
	    "there is no user 'fraud'; choose among ci\n");
	says_of("payments:team=a", false,
	    "'team=a' says nothing of a caller; write each of tier=NAME, "
	    "project=NAME and user=NAME once at most\n");
	says_of("payments:user=ci,user=ci", false,
	    "'user=ci' says nothing of a caller; write each of tier=NAME, "
	    "project=NAME and user=NAME once at most\n");
	says_of("payments:", false,
	    "'' says nothing of a caller; write each of tier=NAME, "
	    "project=NAME and user=NAME once at most\n");
}

static void
the_command_tells_by_its_status(void **state)
{
	struct routed t;

	(void)state;
	routed_make(&t);
	assert_int_equal(TOPOLOGY("validate", "--effective", "payments", t.dir),
	    0);
	assert_int_equal(TOPOLOGY("validate", "--effective", "payments",
			     "--json", t.dir),
	    0);
	assert_int_equal(TOPOLOGY("validate", "--effective",
			     "payments:tier=agent", t.dir),
	    1);
	routed_edit(&t, NODE, "strategy: failover", "strategy: magic");
	assert_int_equal(TOPOLOGY("validate", "--effective", "payments", t.dir),
	    1);
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caller_is_limited_at_every_level),
		cmocka_unit_test(of_a_model_the_stricter_queue_holds),
		cmocka_unit_test(a_caller_without_words_has_what_all_have),
		cmocka_unit_test(
		    what_there_is_not_is_answered_with_what_there_is),
		cmocka_unit_test(who_is_held_and_says_no_max_output_has_one),
		cmocka_unit_test(the_command_tells_by_its_status),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
