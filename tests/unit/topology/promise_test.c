#include "tests/unit/topology/routed.h"

#define MESH   ROUTED_MESH
#define EGRESS ROUTED_EGRESS
#define NODE   ROUTED_NODE

#define MODELS  "    models: [openai/*, eu/*]\n"
#define TARGETS "    targets: [openai/big"

/* The contract's key is at 11:5. */
#define CONTRACT(says) "    contract: {" says "}\n" TARGETS

static const struct routed_case bounds[] = {
	/* where it is served, by the team and by the contract */
	{ MESH, MODELS, MODELS "    regions: [us-east, eu-west]\n", "" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east]"), "" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east, eu-west]") ", eu/big",
	    "" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east]") ", eu/big",
	    "node/payments.yaml:12:27: 'eu/big' is served in region 'eu-west', "
	    "which contract.regions does not list" },
	{ NODE, TARGETS ", {model: openai/small",
	    CONTRACT("regions: [us-east]") ", {weight: 2, model: eu/big",
	    "node/payments.yaml:12:46: 'eu/big' is served in region 'eu-west', "
	    "which contract.regions does not list" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east, onprem]") ", gpu/local",
	    "" },
	/* a price */
	{ MESH, MODELS, MODELS "    max_price: {input: 5, output: 30}\n", "" },
	{ MESH, MODELS, MODELS "    max_price: {output: 29.999999}\n",
	    "node/payments.yaml:11:15: 'openai/big' costs more than "
	    "teams.payments.max_price in mesh.yaml" },
	{ MESH, MODELS, MODELS "    max_price: {input: 4}\n",
	    "node/payments.yaml:11:15: 'openai/big' costs more than "
	    "teams.payments.max_price in mesh.yaml" },
	{ NODE, TARGETS, CONTRACT("max_price: {output: 30}"), "" },
	{ NODE, TARGETS, CONTRACT("max_price: {input: 1}"),
	    "node/payments.yaml:12:15: 'openai/big' costs more than "
	    "contract.max_price" },
	/* a grant, in both forms */
	{ MESH, "[openai/*, eu/*]", "[openai/small, eu/*]",
	    "node/payments.yaml:11:15: team 'payments' may not use "
	    "'openai/big': the operator has to list it in mesh.yaml under "
	    "teams.payments.models" },
	{ MESH, "[openai/*, eu/*]", "[openai/big, eu/*]",
	    "node/payments.yaml:11:35: team 'payments' may not use "
	    "'openai/small': the operator has to list it in mesh.yaml under "
	    "teams.payments.models" },
	{ NODE, "model: openai/small", "model: openai/smal",
	    "node/payments.yaml:11:35: neither this file nor "
	    "egress/central.yaml has a model 'openai/smal'; did you mean "
	    "'openai/small'?" },
	/* the node's own needs no grant */
	{ NODE, TARGETS, TARGETS ", gpu/local", "" },
};

static void
a_target_is_inside_the_bounds(void **state)
{
	(void)state;
	routed_all_say(bounds, count_of(bounds));
}

/* Nobody can say then that it is where it has to be. */
static void
an_unknown_region_is_in_no_list(void **state)
{
	struct routed t;

	(void)state;
	routed_make(&t);
	routed_edit(&t, NODE, "[openai/big, {model: openai/small, ",
	    "[eu/big, {model: openai/small, ");
	routed_edit(&t, MESH, MODELS, MODELS "    regions: [eu-west]\n");
	routed_says(&t,
	    "node/payments.yaml:11:31: 'openai/small' is served in region "
	    "'us-east', which teams.payments.regions in mesh.yaml does not "
	    "list");
	routed_edit(&t, MESH, "region: us-east, ", "");
	routed_says(&t,
	    "node/payments.yaml:11:31: nobody says in which region "
	    "'openai/small' is served, and teams.payments.regions in "
	    "mesh.yaml limits it: give its provider or member a 'region'");
	routed_free(&t);
}

#define TWO_PARENTS "parents: [central, spare]"
#define SPARE       "egress/spare.yaml"

/* A second parent: cheaper, elsewhere, and with a model of its own. */
static void
add_parent(const struct routed *t)
{
	routed_edit(t, MESH, "parents: [central]", TWO_PARENTS);
	routed_edit(t, MESH, "  payments: {role: node,",
	    "  spare: {role: egress, region: ap-south, address: "
	    "\"127.0.0.1:7444\", keys: "
	    "[\"ed25519:ADAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]}\n"
	    "  payments: {role: node,");
	write_text(routed_path(t, SPARE),
	    "listen: 127.0.0.1:7444\n"
	    "providers:\n"
	    "  openai:\n"
	    "    type: openai\n"
	    "    models:\n"
	    "      big: {context: 9000, supports: [audio], "
	    "price: {input: 1, output: 2}}\n"
	    "      extra: {price: {input: 1, output: 1}}\n");
}

/* What any parent has, within the bounds, and can do is enough. */
static const struct routed_case forked[] = {
	{ NODE, TARGETS, TARGETS ", openai/extra", "" },
	{ NODE, TARGETS, TARGETS ", openai/extr",
	    "node/payments.yaml:11:27: neither this file nor "
	    "egress/central.yaml nor egress/spare.yaml has a model "
	    "'openai/extr'; did you mean 'openai/extra'?" },
	{ MESH, MODELS, MODELS "    max_price: {input: 4}\n", "" },
	{ MESH, MODELS, MODELS "    max_price: {input: 0.5}\n",
	    "node/payments.yaml:11:15: 'openai/big' costs more than "
	    "teams.payments.max_price in mesh.yaml" },
	{ NODE, TARGETS ", {model: openai/small",
	    CONTRACT("regions: [ap-south]") ", {model: openai/extra", "" },
	{ NODE, TARGETS, CONTRACT("regions: [ap-south]"),
	    "node/payments.yaml:12:35: 'openai/small' is served in region "
	    "'us-east', which contract.regions does not list" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east, mars]"),
	    "node/payments.yaml:11:35: no provider of this file or of "
	    "egress/central.yaml or of egress/spare.yaml serves in region "
	    "'mars'" },
	{ NODE, TARGETS, CONTRACT("requires: [audio]"), "" },
	{ NODE, TARGETS, CONTRACT("requires: [documents]"),
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/big (lacks documents); openai/small (lacks "
	    "documents)" },
};

static void
one_of_several_parents_is_enough(void **state)
{
	struct routed t;
	size_t i;

	(void)state;
	routed_make(&t);
	for (i = 0; i < count_of(forked); i++) {
		add_parent(&t);
		routed_says(&t, "");
		routed_edit(&t, forked[i].file, forked[i].find, forked[i].put);
		routed_says(&t, forked[i].expect);
		routed_reset(&t);
	}
	routed_free(&t);
}

static const struct routed_case promises[] = {
	{ NODE, TARGETS, CONTRACT("requires: [tools, images]"), "" },
	{ NODE, TARGETS,
	    CONTRACT("requires: [forced_tools, parallel_tools, output_cap]"),
	    "" },
	{ NODE, TARGETS, CONTRACT("requires: [audio, documents]"),
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/big (lacks documents, lacks audio); "
	    "openai/small (lacks documents, lacks audio)" },
	/* What is implied is what somebody stated. */
	{ NODE, TARGETS ", {model: openai/small",
	    CONTRACT("requires: [output_cap]") ", {model: openai/dark", "" },
	{ NODE, TARGETS ", {model: openai/small",
	    "    contract: {requires: [output_cap]}\n"
	    "    targets: [{model: openai/dark",
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/dark (nobody states what it supports)" },
	{ NODE, TARGETS, CONTRACT("min_context: 400000"), "" },
	{ NODE, TARGETS ", {model: openai/small",
	    "    contract: {min_context: 8001}\n"
	    "    targets: [openai/dark, {model: openai/small",
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/dark (its context is not stated); "
	    "openai/small (its context is 8000)" },
	{ NODE, TARGETS, CONTRACT("min_quality: 80%"), "" },
	{ NODE, TARGETS, CONTRACT("min_quality: 0.81"),
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/big (its quality is not stated); openai/small "
	    "(its quality is 80%)" },
	/* Each can do one half, and none both. */
	{ NODE, TARGETS,
	    CONTRACT("min_quality: 80%, requires: [images], min_context: 9"),
	    "node/payments.yaml:11:5: no target can do what the contract "
	    "promises: openai/big (its quality is not stated); openai/small "
	    "(lacks images)" },
	/* What is not limited needs not to be stated. */
	{ NODE, TARGETS ", {model: openai/small, quality: 0.8}",
	    "    contract: {dialects: [chat], max_ttft: 8s}\n"
	    "    targets: [openai/dark",
	    "" },
	{ EGRESS, "supports: [tools, images], price: {input: 5",
	    "supports: [tools], lacks: [output_cap], price: {input: 5", "" },
};

static void
a_contract_can_be_kept_by_one_target(void **state)
{
	(void)state;
	routed_all_say(promises, count_of(promises));
}

/* The list of what each lacks ends somewhere. */
static void
a_long_list_of_reasons_is_cut(void **state)
{
	struct routed t;
	struct review *r;
	struct buf said;
	char targets[2048] = TARGETS;
	char models[8192] = "    models:\n";
	size_t i;

	(void)state;
	routed_make(&t);
	for (i = 0; i < TARGETS_MAX - 2; i++) {
		sprintf(targets + strlen(targets), ", openai/m%zu", i);
		sprintf(models + strlen(models),
		    "      m%zu: {price: {input: 1, output: 1}}\n", i);
	}
	routed_edit(&t, EGRESS, "    models:\n", models);
	routed_edit(&t, NODE, TARGETS, targets);
	routed_says(&t, "");
	routed_edit(&t, NODE, "    strategy",
	    "    contract: {requires: [audio]}\n    strategy");
	buf_init(&said, FILE_TEXT_MAX);
	r = routed_review(&t, &said);
	assert_int_equal(r->mistakes.count, 1);
	assert_non_null(strstr(buf_text(&said), "openai/m0 (nobody"));
	assert_non_null(strstr(buf_text(&said), "); …\n"));
	assert_null(strstr(buf_text(&said), "openai/m20"));
	buf_fini(&said);
	review_free(r);
	routed_free(&t);
}

static const struct routed_case regions[] = {
	{ NODE, TARGETS, CONTRACT("regions: [us-east, eu-wets]"),
	    "node/payments.yaml:11:35: no provider of this file or of "
	    "egress/central.yaml serves in region 'eu-wets'; did you mean "
	    "'eu-west'?" },
	{ NODE, TARGETS, CONTRACT("regions: [us-east, onprem]"), "" },
};

static void
a_region_of_a_contract_can_match(void **state)
{
	struct routed t;

	(void)state;
	routed_all_say(regions, count_of(regions));
	routed_make(&t);
	routed_edit(&t, MESH, MODELS,
	    MODELS "    regions: [us-east, onprem]\n");
	routed_edit(&t, NODE, TARGETS, CONTRACT("regions: [us-east, onprm]"));
	routed_says(&t,
	    "node/payments.yaml:11:35: region 'onprm' is not among "
	    "teams.payments.regions in mesh.yaml; did you mean 'onprem'?");
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_inside_the_bounds),
		cmocka_unit_test(an_unknown_region_is_in_no_list),
		cmocka_unit_test(one_of_several_parents_is_enough),
		cmocka_unit_test(a_contract_can_be_kept_by_one_target),
		cmocka_unit_test(a_long_list_of_reasons_is_cut),
		cmocka_unit_test(a_region_of_a_contract_can_match),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
