#include "tests/unit/topology/routed.h"

#include "common/llm/capability.h"

#define MESH   ROUTED_MESH
#define EGRESS ROUTED_EGRESS

/* `big` of openai, as the text in the place of its own says it. */
static struct model
read_model(const char *says)
{
	const struct egress_file *e;
	struct model model;
	struct review *r;
	struct routed t;
	struct buf said;

	routed_make(&t);
	buf_init(&said, FILE_TEXT_MAX);
	routed_edit(&t, EGRESS, "{context: 400000, supports: [tools, images], ",
	    says);
	r = routed_review(&t, &said);
	if (r->mistakes.count > 0)
		fail_msg("%s", buf_text(&said));
	e = r->folder.egresses[0].record;
	model = e->providers[0].models[0];
	review_free(r);
	buf_fini(&said);
	routed_free(&t);
	return model;
}

static void
a_model_says_its_limits(void **state)
{
	struct model m = read_model("{");

	(void)state;
	assert_int_equal(m.context, 0);
	assert_int_equal(m.max_body_bytes, 0);
	assert_int_equal(m.max_tools_bytes, 0);
	m = read_model("{context: 8192, max_body: 1MiB, max_tools: 64KiB, ");
	assert_int_equal(m.context, 8192);
	assert_int_equal(m.max_body_bytes, 1 << 20);
	assert_int_equal(m.max_tools_bytes, 1 << 16);
}

static void
what_is_implied_is_supported_too(void **state)
{
	struct model m = read_model("{");

	(void)state;
	assert_false(m.supports_stated);
	assert_int_equal(m.supports, CAPABILITY_OUTPUT_CAP);
	m = read_model("{supports: [], ");
	assert_true(m.supports_stated);
	assert_int_equal(m.supports, CAPABILITY_OUTPUT_CAP);
	m = read_model("{supports: [tools, audio], ");
	assert_int_equal(m.supports,
	    CAPABILITY_TOOLS | CAPABILITY_AUDIO | CAPABILITY_FORCED_TOOLS |
		CAPABILITY_PARALLEL_TOOLS | CAPABILITY_OUTPUT_CAP);
	m = read_model("{supports: [tools], lacks: [forced_tools, "
		       "output_cap], ");
	assert_int_equal(m.supports,
	    CAPABILITY_TOOLS | CAPABILITY_PARALLEL_TOOLS);
	assert_int_equal(m.lacks,
	    CAPABILITY_FORCED_TOOLS | CAPABILITY_OUTPUT_CAP);
	m = read_model("{lacks: [output_cap], ");
	assert_false(m.supports_stated);
	assert_int_equal(m.supports, 0);
}

static void
a_provider_serves_where_it_says_or_stands(void **state)
{
	struct provider p = { .region = slice_of("eu") };
	struct member m = { .region = slice_of("us") };

	(void)state;
	assert_true(slice_is(provider_region(&p, &m), "eu"));
	p.region = slice_of("");
	assert_true(slice_is(provider_region(&p, &m), "us"));
	m.region = slice_of("");
	assert_int_equal(provider_region(&p, &m).len, 0);
}

static const struct routed_case cases[] = {
	{ EGRESS, "supports: [tools, images], price: {input: 5",
	    "supports: [tools], lacks: [tools], price: {input: 5",
	    "egress/central.yaml:6:57: 'tools' is no implied capability; "
	    "write forced_tools, parallel_tools or output_cap" },
	{ EGRESS, "supports: [tools, images], price: {input: 5",
	    "supports: [tools], lacks: [forced_tool], price: {input: 5",
	    "egress/central.yaml:6:57: 'forced_tool' is no implied "
	    "capability; did you mean 'forced_tools'?" },
	{ EGRESS, "supports: [tools, images], price: {input: 5",
	    "supports: [tools, output_cap], lacks: [output_cap], price: "
	    "{input: 5",
	    "egress/central.yaml:6:61: 'lacks' names what 'supports' names "
	    "too" },
	{ EGRESS, "context: 8000", "context: 0",
	    "egress/central.yaml:7:24: 'context' has to be from 1 to "
	    "100000000" },
	{ EGRESS, "context: 8000", "max_tools: 2GiB",
	    "egress/central.yaml:7:26: 'max_tools' has to be from 1B to "
	    "1GiB" },
	{ EGRESS, "region: eu-west", "region: EU",
	    "egress/central.yaml:11:13: 'EU' is no name; write small letters, "
	    "digits, '.', '_' and '-'" },
	{ MESH, "    models:", "    max_price: {inputs: 3}\n    models:",
	    "mesh.yaml:8:17: max_price has no key 'inputs'; did you mean "
	    "'input'?" },
	{ MESH, "    models:", "    max_price: 3\n    models:",
	    "mesh.yaml:8:16: max_price is a mapping, and this is a single "
	    "value" },
	{ MESH, "    models:", "    max_price: {input: x}\n    models:",
	    "mesh.yaml:8:24: 'x' is no price; write USD per million tokens, "
	    "as 0.25, with at most 6 decimals" },
	{ MESH, "    models:", "    regions: []\n    models:",
	    "mesh.yaml:8:14: 'regions' takes a list, and this is an empty "
	    "one" },
	/* A node gives up a call; an egress does as it is told. */
	{ ROUTED_NODE, "groups:", "timeouts: {attempt: 30s}\ngroups:", "" },
	{ EGRESS, "providers:", "timeouts: {attempt: 30s}\nproviders:",
	    "egress/central.yaml:2:12: timeouts has no key 'attempt'" },
};

static void
each_mistake_is_told_at_its_place(void **state)
{
	(void)state;
	routed_all_say(cases, count_of(cases));
}

static void
a_node_says_how_long_one_attempt_may_take(void **state)
{
	const struct node_file *node;
	struct review *r;
	struct routed t;
	struct buf said;

	(void)state;
	routed_make(&t);
	buf_init(&said, FILE_TEXT_MAX);
	r = routed_review(&t, &said);
	node = r->folder.nodes[0].record;
	assert_int_equal(node->timeouts.attempt_ms, 0);
	assert_int_equal(node->timeouts.total_ms, 600000);
	review_free(r);
	routed_edit(&t, ROUTED_NODE,
	    "groups:", "timeouts: {attempt: 30s}\ngroups:");
	r = routed_review(&t, &said);
	node = r->folder.nodes[0].record;
	assert_int_equal(node->timeouts.attempt_ms, 30000);
	assert_int_equal(said.len, 0);
	review_free(r);
	buf_fini(&said);
	routed_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_says_its_limits),
		cmocka_unit_test(what_is_implied_is_supported_too),
		cmocka_unit_test(a_provider_serves_where_it_says_or_stands),
		cmocka_unit_test(each_mistake_is_told_at_its_place),
		cmocka_unit_test(a_node_says_how_long_one_attempt_may_take),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
