#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/llm/shape.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "node/strategy/script.h"
#include "tests/unit/node/planning.h"
#include "topology/load.h"

#define TARGETS 3
#define WHY_MAX 4096
#define MIB     ((int64_t)1 << 20)
/* A busy machine must not end what is not about time. */
#define PLENTY_MS 100
#define BY_PRICE                                                               \
	"export default (i) => ({order: [...i.targets]"                        \
	".sort((a, b) => a.price_output - b.price_output)"                     \
	".map((t) => t.target), note: 'cheapest'});"

static const char *const names[TARGETS] = { "a/dear", "b/cheap", "c/middle" };
static const int64_t prices[TARGETS] = { 9, 1, 5 };

struct desk {
	struct planning planning;
	struct route routes[TARGETS];
	struct shape shape;
	struct node_file file;
	struct topology topology;
	struct contract_wish wish;
	struct scripts *scripts;
};

/* A group whose policy is this code; the hash is made up. */
static void
desk_init(struct desk *d, const char *code)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	planning_init(&d->planning, TARGETS);
	for (i = 0; i < TARGETS; i++) {
		d->routes[i].target = slice_of(names[i]);
		d->routes[i].price.output = prices[i] * 1000000;
		d->planning.listed[i].model = slice_of(names[i]);
		d->planning.candidates[i].route = &d->routes[i];
	}
	d->planning.group.name = slice_of("assistant");
	d->planning.group.strategy = STRATEGY_SCRIPT;
	d->planning.group.script = (struct script_policy){
		.file = slice_of("policies/x.js"),
		.hash = hash_of(code, strlen(code)),
		.code = slice_of(code),
		.fallback = STRATEGY_FAILOVER,
		.cpu_ms = PLENTY_MS,
		.memory_bytes = 2 * MIB,
	};
	d->planning.wish.shape = &d->shape;
	d->file = (struct node_file){ .groups = &d->planning.group,
		.groups_count = 1 };
	d->topology.node = &d->file;
	d->wish = (struct contract_wish){ .plan = &d->planning.plan,
		.wish = &d->planning.wish,
		.request_id = "req_1",
		.caller = slice_of("ci"),
		.user = slice_of(""),
		.project = slice_of(""),
		.tags = slice_of("") };
	d->scripts = scripts_new();
	scripts_adopt(d->scripts, &d->topology);
}

static void
desk_fini(struct desk *d)
{
	scripts_free(d->scripts);
}

static const char *
order(struct desk *d)
{
	planning_again(&d->planning, 7);
	return script_order(d->scripts, &d->planning.plan, &d->wish);
}

static void
test_the_policy_decides(void **state)
{
	struct desk d;
	struct plan *p = &d.planning.plan;

	(void)state;
	desk_init(&d, BY_PRICE);
	assert_null(order(&d));
	assert_int_equal(p->order_count, TARGETS);
	assert_int_equal(p->order[0], 1);
	assert_int_equal(p->order[1], 2);
	assert_int_equal(p->order[2], 0);
	assert_string_equal(p->note, "cheapest");
	desk_fini(&d);
}

static void
test_whom_it_is_not_told_of_it_cannot_choose(void **state)
{
	struct desk d;
	struct plan *p = &d.planning.plan;

	(void)state;
	desk_init(&d, BY_PRICE);
	d.planning.candidates[1].excluded = EXCLUSION_DISABLED;
	assert_null(order(&d));
	assert_int_equal(p->order_count, 2);
	assert_int_equal(p->order[0], 2);
	desk_fini(&d);
	desk_init(&d, "export default () => ['b/cheap'];");
	d.planning.candidates[1].excluded = EXCLUSION_DISABLED;
	assert_string_equal(order(&d), "not-allowed");
	assert_int_equal(d.planning.plan.order_count, 0);
	desk_fini(&d);
}

static void
test_what_goes_wrong_has_a_word_and_no_order(void **state)
{
	static const struct {
		const char *code, *word;
	} cases[] = {
		{ "export default () => { throw new Error('no'); };", "threw" },
		{ "export default () => { for (;;); };", "timeout" },
		{ "export default () => { const a = []; for (;;)"
		  " a.push(new Uint8Array(1 << 20)); };",
		    "memory" },
		{ "export default () => undefined;", "not-json" },
		{ "export default () => 7;", "not-allowed" },
		{ "export default () => [];", "not-allowed" },
		{ "export default () => ['z/foreign'];", "not-allowed" },
		{ "export default () => ['a/dear', 'a/dear'];", "not-allowed" },
		{ "export default = ;", "not-loaded" },
	};
	struct desk d;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		desk_init(&d, cases[i].code);
		assert_string_equal(order(&d), cases[i].word);
		assert_int_equal(d.planning.plan.order_count, 0);
		desk_fini(&d);
	}
}

static void
test_after_three_kills_it_is_put_aside(void **state)
{
	struct desk d;
	int i;

	(void)state;
	desk_init(&d, "export default () => { for (;;); };");
	d.planning.group.script.cpu_ms = 5; /* within its share of time */
	for (i = 0; i < 3; i++)
		assert_string_equal(order(&d), "timeout");
	assert_string_equal(order(&d), SCRIPT_PUT_ASIDE);
	desk_fini(&d);
	/* A throw costs nobody's time. */
	desk_init(&d, "export default () => { throw 1; };");
	for (i = 0; i < 10; i++)
		assert_string_equal(order(&d), "threw");
	desk_fini(&d);
}

static void
test_who_takes_too_much_time_waits_for_its_share(void **state)
{
	struct desk d;
	const char *word = NULL;
	int i;

	(void)state;
	desk_init(&d, "export default (i) => { let x = 0;"
		      " for (let k = 0; k < 300000; k++) x += k;"
		      " return x > 0 ? [i.targets[0].target] : []; };");
	for (i = 0; i < 10000 && word == NULL; i++)
		word = order(&d);
	assert_string_equal(word, SCRIPT_BUSY);
	assert_true(i > 1);
	desk_fini(&d);
}

static void
test_a_new_policy_takes_the_place_of_the_old(void **state)
{
	struct desk d;
	const char *code = "export default () => ['c/middle'];";

	(void)state;
	desk_init(&d, BY_PRICE);
	d.planning.group.script.code = slice_of(code);
	d.planning.group.script.hash = hash_of(code, strlen(code));
	scripts_adopt(d.scripts, &d.topology);
	assert_null(order(&d));
	assert_int_equal(d.planning.plan.order[0], 2);
	assert_int_equal(d.planning.plan.order_count, 1);
	desk_fini(&d);
}

static void
test_new_limits_of_an_old_policy_are_heeded(void **state)
{
	struct desk d;

	(void)state;
	desk_init(&d, "export default (i) => {"
		      " const much = new Array(200000).fill(1);"
		      " return [i.targets[much.length % 2].target]; };");
	d.planning.group.script.memory_bytes = MIB;
	scripts_adopt(d.scripts, &d.topology);
	assert_string_equal(order(&d), "memory");
	d.planning.group.script.memory_bytes = 8 * MIB;
	scripts_adopt(d.scripts, &d.topology);
	assert_null(order(&d));
	desk_fini(&d);
}

static void
test_what_does_not_load_is_refused_by_name(void **state)
{
	struct desk d;
	struct buf why;

	(void)state;
	buf_init(&why, WHY_MAX);
	desk_init(&d, "export default = ;");
	assert_false(scripts_fit(&d.topology, &why));
	assert_non_null(strstr(buf_text(&why), "assistant"));
	assert_non_null(strstr(buf_text(&why), "policies/x.js"));
	desk_fini(&d);
	desk_init(&d, BY_PRICE);
	assert_true(scripts_fit(&d.topology, &why));
	desk_fini(&d);
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_policy_decides),
		cmocka_unit_test(test_whom_it_is_not_told_of_it_cannot_choose),
		cmocka_unit_test(test_what_goes_wrong_has_a_word_and_no_order),
		cmocka_unit_test(test_after_three_kills_it_is_put_aside),
		cmocka_unit_test(
		    test_who_takes_too_much_time_waits_for_its_share),
		cmocka_unit_test(test_a_new_policy_takes_the_place_of_the_old),
		cmocka_unit_test(test_new_limits_of_an_old_policy_are_heeded),
		cmocka_unit_test(test_what_does_not_load_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
