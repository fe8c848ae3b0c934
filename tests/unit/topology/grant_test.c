#include "tests/unit/topology/routed.h"

#define MESH   ROUTED_MESH
#define MODELS "    models: [openai/*, eu/*]\n"

static const struct routed_case cases[] = {
	{ MESH, "eu/*", "eu/*, ue/*",
	    "mesh.yaml:8:30: the grant 'ue/*' matches no model of any "
	    "egress" },
	/* by a provider, by the egress it stands at, by a node's own */
	{ MESH, MODELS, MODELS "    regions: [us-east, eu-west, onprem]\n",
	    "" },
	{ MESH, MODELS, MODELS "    regions: [us-east, eu-wets]\n",
	    "mesh.yaml:9:24: no member and no provider of an egress is in "
	    "region 'eu-wets'; did you mean 'eu-west'?" },
	{ MESH, MODELS, MODELS "    regions: [us-east, asia-east-1]\n",
	    "mesh.yaml:9:24: no member and no provider of an egress is in "
	    "region 'asia-east-1'" },
	{ MESH, MODELS, MODELS "    max_price: {}\n", "" },
	/* dark alone, which the group does not use */
	{ MESH, MODELS, MODELS "    max_price: {input: 40, output: 40}\n", "" },
};

static void
what_a_team_may_use_can_match(void **state)
{
	(void)state;
	routed_all_say(cases, count_of(cases));
}

static void
a_price_that_no_model_has_is_told(void **state)
{
	struct routed t;

	(void)state;
	routed_make(&t);
	routed_edit(&t, ROUTED_NODE,
	    "[openai/big, {model: openai/small, quality: 0.8}]", "[gpu/local]");
	routed_edit(&t, MESH, MODELS, MODELS "    max_price: {input: 0.25}\n");
	routed_says(&t, "");
	routed_edit(&t, MESH, "input: 0.25", "input: 0.249999");
	routed_says(&t,
	    "mesh.yaml:9:5: every model that team 'payments' may use costs "
	    "more");
	routed_edit(&t, MESH, "input: 0.249999", "output: 1");
	routed_says(&t, "");
	/* Without a grant there is nothing to be too dear. */
	routed_edit(&t, MESH, "output: 1", "output: 0.5");
	routed_edit(&t, MESH, MODELS, "");
	routed_says(&t, "");
	routed_free(&t);
}

/* What an egress has is not known when its file cannot be read. */
static void
an_unread_egress_is_no_reason_for_more(void **state)
{
	struct routed t;
	struct review *r;
	struct buf said;

	(void)state;
	routed_make(&t);
	routed_edit(&t, MESH, MODELS,
	    MODELS "    regions: [eu-west, mars]\n    max_price: {input: 0}\n");
	routed_edit(&t, ROUTED_EGRESS, "listen: ", "listen: [");
	buf_init(&said, FILE_TEXT_MAX);
	r = routed_review(&t, &said);
	assert_null(strstr(buf_text(&said), "region"));
	assert_null(strstr(buf_text(&said), "costs"));
	buf_fini(&said);
	review_free(r);
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_team_may_use_can_match),
		cmocka_unit_test(a_price_that_no_model_has_is_told),
		cmocka_unit_test(an_unread_egress_is_no_reason_for_more),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
