#include "tests/unit/topology/routed.h"

#include "common/llm/capability.h"

#define NODE     ROUTED_NODE
#define STRATEGY "    strategy: failover\n"

/* A folder whose group has these lines in the place of its strategy. */
struct read {
	struct routed t;
	struct review *r;
	struct buf said;
	const struct group *g;
};

static void
read_group(struct read *x, const char *lines)
{
	const struct node_file *node;

	routed_make(&x->t);
	routed_edit(&x->t, NODE, STRATEGY, lines);
	buf_init(&x->said, FILE_TEXT_MAX);
	x->r = routed_review(&x->t, &x->said);
	if (x->r->mistakes.count > 0)
		fail_msg("%s", buf_text(&x->said));
	node = x->r->folder.nodes[0].record;
	assert_int_equal(node->groups_count, 1);
	x->g = &node->groups[0];
}

static void
read_done(struct read *x)
{
	review_free(x->r);
	buf_fini(&x->said);
	routed_free(&x->t);
}

static void
what_is_left_out_has_its_usual_value(void **state)
{
	static const int64_t usual[SCORE_TERMS] = { [TERM_COST] = 1000000,
		[TERM_TTFT] = 500000,
		[TERM_LATENCY] = 500000,
		[TERM_THROUGHPUT] = 250000,
		[TERM_ERRORS] = 2000000,
		[TERM_QUALITY] = 1000000,
		[TERM_COMPLEXITY] = 1000000,
		[TERM_AFFINITY] = 1000000 };
	static const struct timeouts none;
	struct read x;

	(void)state;
	read_group(&x, STRATEGY);
	assert_int_equal(x.g->strategy, STRATEGY_FAILOVER);
	assert_int_equal(x.g->targets_count, 2);
	assert_int_equal(x.g->targets[0].weight, 1);
	assert_int_equal(x.g->targets[0].quality_ppm, -1);
	assert_int_equal(x.g->targets[1].weight, 1);
	assert_int_equal(x.g->targets[1].quality_ppm, 800000);
	assert_memory_equal(&x.g->timeouts, &none, sizeof(none));
	assert_int_equal(x.g->contract.requires, 0);
	assert_int_equal(x.g->contract.dialects, 0);
	assert_int_equal(x.g->contract.min_quality_ppm, -1);
	assert_int_equal(x.g->contract.max_error_ppm, -1);
	assert_int_equal(x.g->contract.evidence_ms, 0);
	assert_int_equal(x.g->contract.max_price.input, -1);
	assert_int_equal(x.g->contract.max_price.output, -1);
	assert_int_equal(x.g->contract.regions_count, 0);
	assert_memory_equal(x.g->score.weights_ppm, usual, sizeof(usual));
	assert_int_equal(x.g->score.explore_ppm, 20000);
	assert_int_equal(x.g->score.min_attempts, 10);
	assert_int_equal(x.g->score.affinity_ms, 300000);
	assert_int_equal(x.g->script.file.len, 0);
	assert_int_equal(x.g->external.url.len, 0);
	read_done(&x);
}

static void
a_contract_is_read(void **state)
{
	const struct contract *c;
	struct read x;

	(void)state;
	read_group(&x, STRATEGY
	    "    contract:\n"
	    "      workload: reviews\n"
	    "      dialects: [responses, messages]\n"
	    "      requires: [tools, images]\n"
	    "      min_context: 200000\n"
	    "      evidence: 30d\n"
	    "      max_error_rate: 2.5%\n"
	    "      max_ttft: 900ms\n"
	    "      max_latency: 20s\n"
	    "      regions: [us-east]\n"
	    "      max_price: {output: 31}\n"
	    "    timeouts: {first_byte: 10s, idle: 20s, attempt: 300ms, "
	    "total: 40s}\n");
	c = &x.g->contract;
	assert_true(slice_is(c->workload, "reviews"));
	assert_int_equal(c->dialects,
	    1u << DIALECT_RESPONSES | 1u << DIALECT_MESSAGES);
	assert_int_equal(c->requires, CAPABILITY_TOOLS | CAPABILITY_IMAGES);
	assert_int_equal(c->min_context_tokens, 200000);
	assert_int_equal(c->evidence_ms, (int64_t)30 * 24 * 3600 * 1000);
	assert_int_equal(c->max_error_ppm, 25000);
	assert_int_equal(c->max_ttft_ms, 900);
	assert_int_equal(c->max_latency_ms, 20000);
	assert_int_equal(c->regions_count, 1);
	assert_true(slice_is(c->regions[0], "us-east"));
	assert_int_equal(c->max_price.input, -1);
	assert_int_equal(c->max_price.output, 31000000);
	assert_int_equal(x.g->timeouts.connect_ms, 0);
	assert_int_equal(x.g->timeouts.first_byte_ms, 10000);
	assert_int_equal(x.g->timeouts.idle_ms, 20000);
	assert_int_equal(x.g->timeouts.attempt_ms, 300);
	assert_int_equal(x.g->timeouts.total_ms, 40000);
	read_done(&x);
}

static void
a_score_is_read(void **state)
{
	static const int64_t weights[SCORE_TERMS] = { 1500000, 1, 2000000,
		3000000, 4000000, 5000000, 0, 7000000 };
	struct read x;

	(void)state;
	read_group(&x, "    strategy: score\n"
		       "    score:\n"
		       "      weights: {cost: 1.5, ttft: 0.000001, latency: 2, "
		       "throughput: 3, errors: 4, quality: 5, complexity: 0, "
		       "affinity: 7}\n"
		       "      explore: 0\n"
		       "      min_attempts: 3\n"
		       "      affinity: 10m\n");
	assert_int_equal(x.g->strategy, STRATEGY_SCORE);
	assert_memory_equal(x.g->score.weights_ppm, weights, sizeof(weights));
	assert_int_equal(x.g->score.explore_ppm, 0);
	assert_int_equal(x.g->score.min_attempts, 3);
	assert_int_equal(x.g->score.affinity_ms, 600000);
	read_done(&x);
}

static void
an_external_policy_is_read(void **state)
{
	struct read x;

	(void)state;
	read_group(&x, "    strategy: external\n"
		       "    external: {url: \"https://policy.internal/order\", "
		       "fallback: weighted}\n");
	assert_int_equal(x.g->strategy, STRATEGY_EXTERNAL);
	assert_true(
	    slice_is(x.g->external.url, "https://policy.internal/order"));
	assert_int_equal(x.g->external.secret.len, 0);
	assert_int_equal(x.g->external.ca_file.len, 0);
	assert_int_equal(x.g->external.mode, EXTERNAL_BASELINE);
	assert_int_equal(x.g->external.fallback, STRATEGY_WEIGHTED);
	assert_false(x.g->external.fail_closed);
	assert_false(x.g->external.include_content);
	assert_int_equal(x.g->external.timeout_ms, 200);
	read_done(&x);
	read_group(&x, "    strategy: external\n"
		       "    external:\n"
		       "      url: http://127.0.0.1:9000/\n"
		       "      api_key: secret/policy\n"
		       "      ca_file: /etc/ca.pem\n"
		       "      mode: enforce\n"
		       "      fallback: score\n"
		       "      on_error: fail-closed\n"
		       "      include_content: true\n"
		       "      timeout: 2s\n"
		       "    score: {explore: 50%}\n");
	assert_true(slice_is(x.g->external.secret, "policy"));
	assert_true(slice_is(x.g->external.ca_file, "/etc/ca.pem"));
	assert_int_equal(x.g->external.mode, EXTERNAL_ENFORCE);
	assert_int_equal(x.g->external.fallback, STRATEGY_SCORE);
	assert_true(x.g->external.fail_closed);
	assert_true(x.g->external.include_content);
	assert_int_equal(x.g->external.timeout_ms, 2000);
	assert_int_equal(x.g->score.explore_ppm, 500000);
	read_done(&x);
}

#define TARGETS "[openai/big, {model: openai/small, quality: 0.8}]"

static const struct routed_case cases[] = {
	/* targets, in both forms */
	{ NODE, TARGETS,
	    "[{weight: 80, model: openai/big}, {model: openai/small, weight: "
	    "0, quality: 100%}]",
	    "" },
	{ NODE, TARGETS, "[openai/big, openai/big]",
	    "node/payments.yaml:11:27: 'openai/big' is listed twice" },
	{ NODE, TARGETS, "[openai/big, {model: openai/big, weight: 2}]",
	    "node/payments.yaml:11:35: 'openai/big' is listed twice" },
	{ NODE, TARGETS, "[{weight: 2, model: openai/big}, openai/big]",
	    "node/payments.yaml:11:47: 'openai/big' is listed twice" },
	{ NODE, TARGETS, "[&a {model: openai/big}, *a]",
	    "node/payments.yaml:11:26: 'openai/big' is listed twice" },
	{ NODE, TARGETS, "[{weight: 2}]",
	    "node/payments.yaml:11:15: a target needs 'model': "
	    "provider/model" },
	{ NODE, TARGETS, "[[openai/big]]",
	    "node/payments.yaml:11:15: a target is a mapping, and this is a "
	    "list" },
	{ NODE, TARGETS, "[big]",
	    "node/payments.yaml:11:15: 'big' is no target; write "
	    "provider/model, as openai/gpt-5-mini" },
	{ NODE, "quality: 0.8", "quality: 80",
	    "node/payments.yaml:11:58: '80' is no share; write 0.93 or 93%" },
	{ NODE, "quality: 0.8", "weight: 1.5",
	    "node/payments.yaml:11:57: '1.5' is no whole number; write digits "
	    "only" },
	/* a strategy has its own part, and no other */
	{ NODE, STRATEGY, "    strategy: static\n", "" },
	{ NODE, STRATEGY, "    strategy: weighted\n", "" },
	{ NODE, STRATEGY, "    strategy: script\n",
	    "node/payments.yaml:10:15: strategy script needs 'script': a "
	    "mapping" },
	{ NODE, STRATEGY, "    strategy: external\n",
	    "node/payments.yaml:10:15: strategy external needs 'external': a "
	    "mapping" },
	{ NODE, STRATEGY,
	    STRATEGY "    external: {url: \"http://a\", fallback: static}\n",
	    "node/payments.yaml:11:5: 'external' is not acted on by strategy "
	    "failover; remove it" },
	{ NODE, STRATEGY, STRATEGY "    score: {explore: 2%}\n",
	    "node/payments.yaml:11:5: 'score' is not acted on by strategy "
	    "failover; remove it" },
	{ NODE, STRATEGY,
	    "    strategy: external\n"
	    "    external: {url: \"http://a\", fallback: static}\n"
	    "    score: {}\n",
	    "node/payments.yaml:12:5: 'score' is not acted on by strategy "
	    "external; remove it" },
	/* One that cannot be read is told once. */
	{ NODE, STRATEGY, "    strategy: scores\n    score: {}\n",
	    "node/payments.yaml:10:15: 'scores' is no strategy; did you mean "
	    "'score'?" },
	{ NODE, STRATEGY,
	    "    strategy: external\n"
	    "    external: {url: \"http://a\", fallback: external}\n",
	    "node/payments.yaml:11:43: 'external' is no strategy to fall back "
	    "to; write static, failover, weighted or score" },
	{ NODE, STRATEGY,
	    "    strategy: external\n    external: {url: \"http://a\"}\n",
	    "node/payments.yaml:11:15: external needs 'fallback': the "
	    "strategy that decides when the service does not" },
	{ NODE, STRATEGY,
	    "    strategy: external\n"
	    "    external: {url: \"http://a\", fallback: static, "
	    "timeout: 11s}\n",
	    "node/payments.yaml:11:60: 'timeout' has to be from 10ms to "
	    "10s" },
	{ NODE, STRATEGY,
	    "    strategy: external\n"
	    "    external: {url: \"http://a\", fallback: static, "
	    "include_content: yes}\n",
	    "node/payments.yaml:11:68: 'yes' is no switch; write false or "
	    "true" },
	/* ranges */
	{ NODE, STRATEGY, "    strategy: score\n    score: {explore: 51%}\n",
	    "node/payments.yaml:11:22: 'explore' has to be from 0% to 50%" },
	{ NODE, STRATEGY,
	    "    strategy: score\n    score: {weights: {cost: -1}}\n",
	    "node/payments.yaml:11:29: '-1' is no weight; write a number, as "
	    "0.5, with at most 6 decimals; 0 weighs nothing" },
	{ NODE, STRATEGY,
	    "    strategy: score\n    score: {weights: {costs: 1}}\n",
	    "node/payments.yaml:11:23: weights has no key 'costs'; did you "
	    "mean 'cost'?" },
	{ NODE, STRATEGY, STRATEGY "    timeouts: {connect: 3s}\n",
	    "node/payments.yaml:11:16: timeouts has no key 'connect'" },
	{ NODE, STRATEGY, STRATEGY "    timeouts: {attempt: 99ms}\n",
	    "node/payments.yaml:11:25: 'attempt' has to be from 100ms to "
	    "1d" },
	/* what comes later */
	{ NODE, STRATEGY, STRATEGY "    contract: {promote_if: a}\n",
	    "node/payments.yaml:11:16: 'promote_if' is known, but this "
	    "version does not act on it yet; remove it" },
};

static void
each_mistake_is_told_at_its_place(void **state)
{
	(void)state;
	routed_all_say(cases, count_of(cases));
}

static void
a_group_has_at_most_32_targets(void **state)
{
	char models[4096] = "      dark:", targets[4096] = "[openai/big";
	struct routed t;
	size_t i;

	(void)state;
	routed_make(&t);
	for (i = 1; i < TARGETS_MAX; i++) {
		sprintf(models + strlen(models),
		    " {price: {input: 1, output: 1}}\n      m%zu:", i);
		sprintf(targets + strlen(targets), ", openai/m%zu", i);
	}
	routed_edit(&t, ROUTED_EGRESS, "      dark:", models);
	routed_edit(&t, NODE, "[openai/big, {model: openai/small", targets);
	routed_edit(&t, NODE, ", quality: 0.8}]", "]");
	routed_says(&t, "");
	routed_edit(&t, NODE, "    targets: [", "    targets: [openai/small, ");
	routed_says(&t,
	    "node/payments.yaml:11:392: a group has at most 32 targets; "
	    "remove it");
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_has_its_usual_value),
		cmocka_unit_test(a_contract_is_read),
		cmocka_unit_test(a_score_is_read),
		cmocka_unit_test(an_external_policy_is_read),
		cmocka_unit_test(a_group_has_at_most_32_targets),
		cmocka_unit_test(each_mistake_is_told_at_its_place),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
