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

#define WITH(more) "{price: {input: 5, output: 30, " more "}}\n      #"

static void
a_price_has_tiers_and_pieces(void **state)
{
	struct model m = read_model(
	    WITH("cached_input: 0.5, image: 7, request: 0.005, "
		 "web_search: 0.01, above: {512000: {input: 20, "
		 "cached_input: 2, output: 60, image: 9}, 256000: {input: 10, "
		 "cached_input: 1, output: 45, image: 8}}"));
	struct price want = { 5000000, 500000, -1, -1, 30000000, -1, 7000000,
		5000, 10000, 2,
		{ { 256000,
		      { 10000000, 1000000, -1, -1, 45000000, -1, 8000000 } },
		    { 512000, { 20000000, 2000000, -1, -1, 60000000, -1,
				  9000000 } } } };

	(void)state;
	assert_memory_equal(&m.price, &want, sizeof(want));
	m = read_model(WITH(""));
	want = (struct price){ 5000000, -1, -1, -1, 30000000, -1, -1, 0, 0, 0,
		{ { 0 } } };
	assert_memory_equal(&m.price, &want, sizeof(want));
}

static void
a_discount_is_off_what_is_paid(void **state)
{
	const struct egress_file *e;
	struct review *r;
	struct routed t;
	struct buf said;

	(void)state;
	routed_make(&t);
	buf_init(&said, FILE_TEXT_MAX);
	routed_edit(&t, EGRESS,
	    "    models:", "    discount: 12%\n    models:");
	r = routed_review(&t, &said);
	assert_string_equal(buf_text(&said), "");
	e = r->folder.egresses[0].record;
	assert_int_equal(e->providers[0].models[0].price.input, 4400000);
	assert_int_equal(e->providers[0].models[0].written.list.input, 5000000);
	assert_int_equal(e->providers[0].discount_ppm, 120000);
	review_free(r);
	buf_fini(&said);
	routed_free(&t);
}

/* A ceiling holds for the longest request, too. */
static void
the_dearest_tier_has_to_fit(void **state)
{
	struct price p = { .input = 3,
		.output = 15,
		.tiers_count = 1,
		.tiers = { { 1000, { .input = 6, .output = 22 } } } };

	(void)state;
	assert_true(price_fits(&p, &(struct price_ceiling){ -1, -1 }));
	assert_true(price_fits(&p, &(struct price_ceiling){ 6, 22 }));
	assert_false(price_fits(&p, &(struct price_ceiling){ 5, 22 }));
	assert_false(price_fits(&p, &(struct price_ceiling){ 6, 21 }));
	p.tiers[0].rates.input = 1;
	assert_true(price_fits(&p, &(struct price_ceiling){ 3, 22 }));
	assert_false(price_fits(&p, &(struct price_ceiling){ 2, 22 }));
}

#define BIG "{context: 400000, supports: [tools, images], price: {input: 5"

static const struct routed_case cases[] = {
	/* prices */
	{ EGRESS, BIG, BIG ", above: {200k: {input: 6, output: 9}}",
	    "egress/central.yaml:6:83: '200k' is no whole number; write digits "
	    "only" },
	{ EGRESS, BIG, BIG ", above: {0: {input: 6, output: 9}}",
	    "egress/central.yaml:6:82: 'above' takes tokens from 1 to "
	    "100000000, and this is 0" },
	{ EGRESS, BIG, BIG ", above: {200000: {input: 6}}",
	    "egress/central.yaml:6:91: a tier of prices needs 'output': USD "
	    "per million output tokens; 0 is free" },
	{ EGRESS, BIG, BIG ", above: {400000: {input: 6, output: 9}}",
	    "egress/central.yaml:6:12: the price above 400000 tokens can never "
	    "be reached: the model's 'context' is 400000" },
	{ EGRESS, BIG,
	    BIG ", reasoning: 1, above: {200000: {input: 6, output: 9}}",
	    "egress/central.yaml:6:96: the price says 'reasoning', so its tier "
	    "above 200000 needs it, too" },
	{ EGRESS, BIG,
	    BIG ", above: {1: {input: 6, output: 9}, 01: {input: 6, output: "
		"9}}",
	    "egress/central.yaml:6:109: '01' is no whole number; write digits "
	    "only" },
	{ EGRESS, BIG,
	    BIG ", above: {1: {input: 6, output: 9}, 2: {input: 6, output: "
		"9}, 3: {input: 6, output: 9}, 4: {input: 6, output: 9}, 5: "
		"{input: 6, output: 9}}",
	    "egress/central.yaml:6:82: 'above' has at most 4 tiers" },
	{ EGRESS, BIG, BIG ", request: 1001",
	    "egress/central.yaml:6:64: 'request' and 'web_search' are USD for "
	    "one, at most 1000" },
	{ EGRESS, BIG, BIG ", web_searches: 1",
	    "egress/central.yaml:6:75: a price has no key 'web_searches'; did "
	    "you mean 'web_search'?" },
	{ EGRESS, BIG, BIG ", above: 200000",
	    "egress/central.yaml:6:82: 'above' takes a mapping of numbers, and "
	    "this is a single value" },
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
		cmocka_unit_test(a_price_has_tiers_and_pieces),
		cmocka_unit_test(a_discount_is_off_what_is_paid),
		cmocka_unit_test(the_dearest_tier_has_to_fit),
		cmocka_unit_test(each_mistake_is_told_at_its_place),
		cmocka_unit_test(a_node_says_how_long_one_attempt_may_take),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
