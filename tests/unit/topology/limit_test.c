#include "tests/unit/topology/routed.h"

#define MESH   ROUTED_MESH
#define EGRESS ROUTED_EGRESS
#define NODE   ROUTED_NODE

/* A folder that says all there is to say of limits. */
struct limited {
	struct routed files;
	struct review *review;
	const struct team *team;
	const struct node_file *node;
	const struct egress_file *egress;
};

static void
limited_make(struct limited *l)
{
	struct buf said;

	buf_init(&said, FILE_TEXT_MAX);
	l->review = routed_review(&l->files, &said);
	if (said.len > 0)
		fail_msg("%s", buf_text(&said));
	buf_fini(&said);
	l->team = folder_mesh(&l->review->folder)->teams;
	l->node = l->review->folder.nodes[0].record;
	l->egress = l->review->folder.egresses[0].record;
}

static void
limited_free(struct limited *l)
{
	review_free(l->review);
	routed_free(&l->files);
}

static void
what_is_not_said_limits_nothing(void **state)
{
	static const struct limit_terms none;
	static const struct shaping_terms smooth;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	limited_make(&l);
	assert_memory_equal(&l.team->limits, &none, sizeof(none));
	assert_int_equal(l.team->weight, 1);
	assert_memory_equal(&l.node->limits, &none, sizeof(none));
	assert_int_equal(l.node->projects_count, 0);
	assert_int_equal(l.node->users_count, 0);
	assert_int_equal(l.node->tiers_count, 0);
	assert_null(node_project(l.node, slice_of("fraud")));
	assert_null(node_user(l.node, slice_of("ci")));
	assert_null(node_tier(l.node, slice_of("agent")));
	assert_memory_equal(&l.node->groups[0].shaping, &smooth,
	    sizeof(smooth));
	assert_int_equal(l.node->groups[0].max_output, 0);
	assert_int_equal(l.node->groups[0].output_estimate, 1000);
	assert_memory_equal(&l.egress->providers[0].shaping, &smooth,
	    sizeof(smooth));
	assert_memory_equal(&l.egress->providers[0].models[0].shaping, &smooth,
	    sizeof(smooth));
	assert_int_equal(l.egress->providers[0].team_keys_count, 0);
	limited_free(&l);
}

static void
a_team_says_limits_budget_and_weight(void **state)
{
	const struct budget_terms *b;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	routed_edit(&l.files, MESH, "    models:",
	    "    limits: {rpm: 3000, tpm: 4000000, concurrent: 50}\n"
	    "    budget: {day_usd: 0.000001, month_usd: 20000.5, "
	    "lifetime_usd: 1000000000, day_tokens: 4, month_tokens: 5, "
	    "lifetime_tokens: 6, day_requests: 7, month_requests: 8, "
	    "lifetime_requests: 9, warn_at: 0.9}\n"
	    "    weight: 3\n"
	    "    models:");
	limited_make(&l);
	assert_int_equal(l.team->limits.rates.rpm, 3000);
	assert_int_equal(l.team->limits.rates.tpm, 4000000);
	assert_int_equal(l.team->limits.rates.concurrent, 50);
	b = &l.team->limits.budget;
	assert_int_equal(b->most[BUDGET_DAY][BUDGET_MICROUSD], 1);
	assert_int_equal(b->most[BUDGET_MONTH][BUDGET_MICROUSD], 20000500000);
	assert_int_equal(b->most[BUDGET_LIFETIME][BUDGET_MICROUSD],
	    1000000000000000);
	assert_int_equal(b->most[BUDGET_DAY][BUDGET_TOKENS], 4);
	assert_int_equal(b->most[BUDGET_MONTH][BUDGET_TOKENS], 5);
	assert_int_equal(b->most[BUDGET_LIFETIME][BUDGET_TOKENS], 6);
	assert_int_equal(b->most[BUDGET_DAY][BUDGET_REQUESTS], 7);
	assert_int_equal(b->most[BUDGET_MONTH][BUDGET_REQUESTS], 8);
	assert_int_equal(b->most[BUDGET_LIFETIME][BUDGET_REQUESTS], 9);
	assert_int_equal(b->warn_ppm, 900000);
	assert_int_equal(l.team->weight, 3);
	limited_free(&l);
}

static void
a_node_says_who_is_limited(void **state)
{
	const struct tier *agent;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	routed_edit(&l.files, NODE, "providers:",
	    "limits: {rpm: 900}\n"
	    "budget: {day_usd: 100}\n"
	    "projects:\n"
	    "  checkout: {budget: {month_usd: 12000}}\n"
	    "  fraud: {limits: {rpm: 5}}\n"
	    "users:\n"
	    "  svc-ci: {limits: {concurrent: 2}}\n"
	    "tiers:\n"
	    "  service: {limits: {rpm: 600}}\n"
	    "  agent:\n"
	    "    limits: {tpm: 2000000}\n"
	    "    budget: {day_usd: 25}\n"
	    "    shaping: {rpm: 120, burst: 12, queue: 8s}\n"
	    "providers:");
	limited_make(&l);
	assert_int_equal(l.node->limits.rates.rpm, 900);
	assert_int_equal(l.node->limits.budget.warn_ppm, 800000);
	assert_int_equal(l.node->projects_count, 2);
	assert_int_equal(node_project(l.node, slice_of("fraud"))
			     ->limits.rates.rpm,
	    5);
	assert_int_equal(node_project(l.node, slice_of("checkout"))
			     ->limits.budget
			     .most[BUDGET_MONTH][BUDGET_MICROUSD],
	    12000000000);
	assert_int_equal(node_user(l.node, slice_of("svc-ci"))
			     ->limits.rates.concurrent,
	    2);
	assert_null(node_user(l.node, slice_of("fraud")));
	agent = node_tier(l.node, slice_of("agent"));
	assert_int_equal(agent->limits.rates.tpm, 2000000);
	assert_int_equal(agent->shaping.rpm, 120);
	assert_int_equal(agent->shaping.burst, 12);
	assert_int_equal(agent->shaping.queue_ms, 8000);
	assert_int_equal(agent->shaping.queue_depth, 100);
	assert_int_equal(node_tier(l.node, slice_of("service"))
			     ->shaping.queue_depth,
	    0);
	limited_free(&l);
}

static void
a_group_says_its_outputs_and_shaping(void **state)
{
	const struct group *g;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	routed_edit(&l.files, NODE, "    strategy: failover\n",
	    "    strategy: failover\n"
	    "    max_output: 32000\n"
	    "    output_estimate: 4000\n"
	    "    shaping: {rpm: 59, output_tpm: 1000, token_burst: 700}\n");
	limited_make(&l);
	g = &l.node->groups[0];
	assert_int_equal(g->max_output, 32000);
	assert_int_equal(g->output_estimate, 4000);
	assert_int_equal(g->shaping.burst, 1);
	assert_int_equal(g->shaping.output_tpm, 1000);
	assert_int_equal(g->shaping.token_burst, 700);
	assert_int_equal(g->shaping.queue_ms, 0);
	assert_int_equal(g->shaping.queue_depth, 100);
	limited_free(&l);
}

static void
an_account_queues_unless_said(void **state)
{
	const struct provider *p;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	routed_edit(&l.files, EGRESS, "    type: openai\n    models:\n",
	    "    type: openai\n"
	    "    shaping: {rpm: 5000, tpm: 2000000}\n"
	    "    team_keys: {payments: secret/own-account}\n"
	    "    models:\n");
	routed_edit(&l.files, EGRESS, "{context: 8000,",
	    "{shaping: {input_tpm: 7, concurrent: 5, queue: 0s}, ");
	limited_make(&l);
	p = &l.egress->providers[0];
	assert_int_equal(p->shaping.rpm, 5000);
	assert_int_equal(p->shaping.burst, 83);
	assert_int_equal(p->shaping.tpm, 2000000);
	assert_int_equal(p->shaping.token_burst, 0);
	assert_int_equal(p->shaping.queue_ms, 10000);
	assert_int_equal(p->shaping.queue_depth, 1000);
	assert_int_equal(p->models[1].shaping.input_tpm, 7);
	assert_int_equal(p->models[1].shaping.concurrent, 5);
	assert_int_equal(p->models[1].shaping.burst, 0);
	assert_int_equal(p->models[1].shaping.queue_ms, 0);
	assert_int_equal(p->team_keys_count, 1);
	assert_true(slice_is(p->team_keys[0].team, "payments"));
	assert_true(slice_is(p->team_keys[0].secret, "own-account"));
	limited_free(&l);
}

#define TEAM(says)   MESH, "    models:", "    " says "\n    models:"
#define FILED(says)  NODE, "providers:", says "\nproviders:"
#define GROUPED(say) NODE, "    strategy:", "    " say "\n    strategy:"
#define HELD(says)   EGRESS, "    models:", "    " says "\n    models:"

static const struct routed_case cases[] = {
	/* shaping */
	{ GROUPED("shaping: {concurrent: 3, burst: 2}"),
	    "node/payments.yaml:10:30: 'burst' is how many of 'rpm' may start "
	    "at once; write 'rpm', or remove it" },
	{ GROUPED("shaping: {rpm: 3, token_burst: 2}"),
	    "node/payments.yaml:10:23: 'token_burst' is how many tokens of a "
	    "minute may go at once; write 'tpm', 'input_tpm' or "
	    "'output_tpm', or remove it" },
	{ GROUPED("shaping: {queue: 2s, queue_depth: 5}"),
	    "node/payments.yaml:10:15: 'queue' waits for nothing: no rate and "
	    "no 'concurrent' is said; write one, as 'rpm', or remove it" },
	{ HELD("shaping: {queue_depth: 5}"),
	    "egress/central.yaml:5:15: 'queue_depth' waits for nothing: no "
	    "rate and no 'concurrent' is said; write one, as 'rpm', or "
	    "remove it" },
	{ GROUPED("shaping: {rpm: 2, queue_depth: 5}"),
	    "node/payments.yaml:10:23: 'queue_depth' is of no queue: nothing "
	    "waits; write 'queue', as 8s, or remove it" },
	{ HELD("shaping: {rpm: 2, queue: 0s, queue_depth: 5}"),
	    "egress/central.yaml:5:34: 'queue_depth' is of no queue: nothing "
	    "waits; write 'queue', as 8s, or remove it" },
	{ HELD("shaping: {rpm: 2, queue_depth: 5}"), "" },
	{ HELD("shaping: {rpm: 2, queue: 11m}"),
	    "egress/central.yaml:5:30: 'queue' has to be from 0ms to 10m" },
	{ HELD("shaping: {rpm: 2, queue_depth: 10001}"),
	    "egress/central.yaml:5:36: 'queue_depth' has to be from 1 to "
	    "10000" },
	{ HELD("shaping: {rpm: 0}"),
	    "egress/central.yaml:5:20: 'rpm' has to be from 1 to 10000000" },
	/* what says nothing */
	{ TEAM("limits: {}"),
	    "mesh.yaml:8:13: limits says nothing here; write rpm, tpm or "
	    "concurrent, or remove it" },
	{ TEAM("limits:"),
	    "mesh.yaml:8:5: limits says nothing here; write rpm, tpm or "
	    "concurrent, or remove it" },
	{ FILED("budget: {}"),
	    "node/payments.yaml:2:9: budget says nothing here; write "
	    "day_requests, day_tokens, day_usd, month_requests, "
	    "month_tokens, month_usd, lifetime_requests, lifetime_tokens, "
	    "lifetime_usd or warn_at, or remove it" },
	{ HELD("shaping: {}"),
	    "egress/central.yaml:5:14: shaping says nothing here; write rpm, "
	    "burst, tpm, input_tpm, output_tpm, token_burst, concurrent, "
	    "queue or queue_depth, or remove it" },
	{ FILED("projects: {fraud: {}}"),
	    "node/payments.yaml:2:19: a project says nothing here; write "
	    "limits or budget, or remove it" },
	{ FILED("users: {ci: {}}"),
	    "node/payments.yaml:2:13: a user says nothing here; write limits "
	    "or budget, or remove it" },
	{ FILED("tiers:\n  agent:"),
	    "node/payments.yaml:3:3: a tier says nothing here; write limits, "
	    "budget or shaping, or remove it" },
	{ FILED("tiers: {}"),
	    "node/payments.yaml:2:8: 'tiers' takes a mapping of names, and "
	    "this is an empty one" },
	{ FILED("users: {CI: {limits: {rpm: 1}}}"),
	    "node/payments.yaml:2:9: 'CI' is no name; write small letters, "
	    "digits, '.', '_' and '-'" },
	{ FILED("users: {ci: {shaping: {rpm: 1}}}"),
	    "node/payments.yaml:2:14: a user has no key 'shaping'" },
	/* budgets */
	{ TEAM("budget: {warn_at: 50%}"),
	    "mesh.yaml:8:14: 'warn_at' is a share of a sum, and there is "
	    "none; write one, as 'month_usd', or remove it" },
	{ TEAM("budget: {day_usd: 1, warn_at: 0}"),
	    "mesh.yaml:8:35: 'warn_at' has to be from 1% to 100%" },
	{ TEAM("budget: {day_usd: 0}"),
	    "mesh.yaml:8:23: 'day_usd' has to be from 0.000001 to "
	    "1000000000" },
	{ TEAM("budget: {day_usd: 1000000000.01}"),
	    "mesh.yaml:8:23: 'day_usd' has to be from 0.000001 to "
	    "1000000000" },
	{ TEAM("budget: {day_usd: 12 USD}"),
	    "mesh.yaml:8:23: '12 USD' is no sum of money; write USD, as 25 "
	    "or 0.50, with at most 6 decimals" },
	{ TEAM("budget: {day_usd: 30, month_usd: 20}"),
	    "mesh.yaml:8:23: 'day_usd' is more than 'month_usd', so it can "
	    "never be reached; make it smaller or remove it" },
	{ TEAM("budget: {day_tokens: 30, "
	       "lifetime_tokens: 20, lifetime_usd: 1}"),
	    "mesh.yaml:8:26: 'day_tokens' is more than 'lifetime_tokens', so "
	    "it can never be reached; make it smaller or remove it" },
	{ TEAM("budget: {month_requests: 30, lifetime_requests: 20}"),
	    "mesh.yaml:8:30: 'month_requests' is more than "
	    "'lifetime_requests', so it can never be reached; make it "
	    "smaller or remove it" },
	{ TEAM("budget: {day_usd: 20, month_usd: 20}"), "" },
	{ TEAM("budget: {day_usd: 30, month_tokens: 20}"), "" },
	{ TEAM("weight: 1001"),
	    "mesh.yaml:8:13: 'weight' has to be from 1 to 1000" },
	/* a limit that matches nothing */
	{ MESH, "teams:\n",
	    "teams:\n  idle: {signing_key: "
	    "\"ed25519:ADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", "
	    "limits: {rpm: 1}}\n",
	    "mesh.yaml:6:78: no node is of team 'idle', so its 'limits' "
	    "limits nothing; give a member 'team: idle', or remove it" },
	{ MESH, "teams:\n",
	    "teams:\n  idle: {signing_key: "
	    "\"ed25519:ADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", "
	    "weight: 1}\n",
	    "mesh.yaml:6:78: no node is of team 'idle', so its 'weight' "
	    "limits nothing; give a member 'team: idle', or remove it" },
	{ MESH, "teams:\n",
	    "teams:\n  idle: {signing_key: "
	    "\"ed25519:ADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}\n",
	    "" },
	/* keys of teams */
	{ HELD("team_keys: {payment: secret/x}"),
	    "egress/central.yaml:5:17: there is no team 'payment'; did you "
	    "mean 'payments'?" },
	{ HELD("team_keys: {payments: sk-1}"),
	    "egress/central.yaml:5:27: 'sk-1' is no secret's name; write "
	    "secret/NAME; the secret itself is set by `secret set NAME`" },
	{ HELD("team_keys: {payments: {a: b}}"),
	    "egress/central.yaml:5:27: 'team_keys' takes a secret's name, "
	    "and this is a mapping" },
	{ HELD("team_keys: [payments]"),
	    "egress/central.yaml:5:16: 'team_keys' takes a mapping of names, "
	    "and this is a list" },
	{ HELD("team_keys: {Pay: secret/x}"),
	    "egress/central.yaml:5:17: 'Pay' is no name; write small "
	    "letters, digits, '.', '_' and '-'" },
	{ EGRESS, "  eu:\n    type: openai\n",
	    "  more: {type: openai, team_keys: {payments: secret/x}, models: "
	    "{a: {price: {input: 0, output: 0}}}}\n"
	    "  eu:\n    type: openai\n",
	    "egress/central.yaml:9:36: team 'payments' may use no model of "
	    "'more', so its key is never sent; list one in mesh.yaml under "
	    "teams.payments.models, or remove it" },
	{ NODE, "    type: vllm\n",
	    "    type: vllm\n    team_keys: {payments: secret/x}\n",
	    "node/payments.yaml:5:5: 'team_keys' are kept by an egress; a "
	    "node has one team, whose key is 'api_key': write that, and "
	    "remove this" },
	/* what can never be reached */
	{ EGRESS, "    models:\n      big: {",
	    "    shaping: {rpm: 10}\n    models:\n      big: {shaping: {rpm: "
	    "11}, ",
	    "egress/central.yaml:7:28: 'rpm' is more than the provider's 10, "
	    "so it can never be reached; make it smaller or remove it" },
	{ EGRESS, "    models:\n      big: {",
	    "    shaping: {tpm: 10}\n    models:\n      big: {shaping: "
	    "{rpm: 99, output_tpm: 99, tpm: 10}, ",
	    "" },
	{ NODE, "    models:\n      local: {",
	    "    shaping: {concurrent: 4}\n    models:\n      local: "
	    "{shaping: {concurrent: 5}, ",
	    "node/payments.yaml:8:37: 'concurrent' is more than the "
	    "provider's 4, so it can never be reached; make it smaller or "
	    "remove it" },
	{ GROUPED("max_output: 500\n    output_estimate: 501"),
	    "node/payments.yaml:11:22: 'output_estimate' is more than "
	    "'max_output', so it can never be reached; make it smaller or "
	    "remove it" },
	{ GROUPED("max_output: 0"),
	    "node/payments.yaml:10:17: 'max_output' has to be from 1 to "
	    "100000000" },
};

static void
each_mistake_is_told_at_its_place(void **state)
{
	(void)state;
	routed_all_say(cases, count_of(cases));
}

/* Only where every target is the node's own and says how much it can. */
static void
an_output_that_no_target_gives_is_a_mistake(void **state)
{
	struct routed t;

	(void)state;
	routed_make(&t);
	routed_edit(&t, NODE, "local: {", "local: {max_output: 4000, ");
	routed_edit(&t, NODE,
	    "    strategy:", "    max_output: 4001\n    strategy:");
	routed_edit(&t, NODE,
	    "[openai/big, {model: openai/small, quality: 0.8}]", "[gpu/local]");
	routed_says(&t,
	    "node/payments.yaml:10:17: 'max_output' can never be reached: no "
	    "target answers with more than 4000; make it smaller or remove "
	    "it");
	routed_edit(&t, NODE, "max_output: 4001", "max_output: 4000");
	routed_says(&t, "");
	routed_edit(&t, NODE, "max_output: 4000\n", "max_output: 4001\n");
	routed_edit(&t, NODE, "[gpu/local]", "[gpu/local, openai/big]");
	routed_says(&t, "");
	routed_free(&t);
}

static void
retention_is_said_by_class(void **state)
{
	const struct retention_terms *mesh;
	struct limited l;

	(void)state;
	routed_make(&l.files);
	routed_edit(&l.files, MESH,
	    "teams:", "retention: {usage: 400d, receipts: 3650d}\nteams:");
	routed_edit(&l.files, NODE,
	    "providers:", "retention: {decisions: 48h}\nproviders:");
	routed_edit(&l.files, EGRESS,
	    "providers:", "retention: {events: 30d}\nproviders:");
	limited_make(&l);
	mesh = &folder_mesh(&l.review->folder)->retention;
	assert_int_equal(mesh->keep_ms[RETENTION_USAGE], 34560000000);
	assert_int_equal(mesh->keep_ms[RETENTION_RECEIPTS], 315360000000);
	assert_int_equal(mesh->keep_ms[RETENTION_EVENTS], 0);
	assert_int_equal(l.node->retention.keep_ms[RETENTION_DECISIONS],
	    172800000);
	assert_int_equal(l.egress->retention.keep_ms[RETENTION_EVENTS],
	    2592000000);
	limited_free(&l);
}

static void
a_class_that_is_none_is_told_with_the_nearest(void **state)
{
	static const struct {
		const char *retention, *says;
	} wrong[] = {
		{ "{usages: 400d}",
		    "mesh.yaml:5:13: retention has no key 'usages'; did you "
		    "mean 'usage'?" },
		{ "{usage: 1d}",
		    "mesh.yaml:5:20: 'usage' has to be from 2d to 36500d" },
		{ "{usage: for ever}",
		    "mesh.yaml:5:20: 'for ever' is no duration; write 500ms, "
		    "8s, 10m, 2h or 1d" },
		{ "{}",
		    "mesh.yaml:5:12: retention says nothing here; write usage, "
		    "decisions, events or receipts, or remove it" },
	};
	struct routed t;
	char text[128];
	size_t i;

	(void)state;
	routed_make(&t);
	for (i = 0; i < count_of(wrong); i++) {
		routed_reset(&t);
		snprintf(text, sizeof(text),
		    "retention: %s\nteams:", wrong[i].retention);
		routed_edit(&t, MESH, "teams:", text);
		routed_says(&t, wrong[i].says);
	}
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_limits_nothing),
		cmocka_unit_test(a_team_says_limits_budget_and_weight),
		cmocka_unit_test(a_node_says_who_is_limited),
		cmocka_unit_test(a_group_says_its_outputs_and_shaping),
		cmocka_unit_test(an_account_queues_unless_said),
		cmocka_unit_test(each_mistake_is_told_at_its_place),
		cmocka_unit_test(an_output_that_no_target_gives_is_a_mistake),
		cmocka_unit_test(retention_is_said_by_class),
		cmocka_unit_test(a_class_that_is_none_is_told_with_the_nearest),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
