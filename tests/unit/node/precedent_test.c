#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/llm/capability.h"
#include "node/eligible.h"
#include "node/finding.h"
#include "node/strategy/precedent.h"
#include "node/strategy/script.h"
#include "topology/provider.h"

#define TEXT_MAX 65536
#define NOW      INT64_C(1790000000123456)

/* A request, its plan as it was before anything was in order. */
struct scene {
	struct route routes[3];
	struct group_target listed[3];
	struct candidate candidates[3];
	struct plan plan;
	struct group group;
	struct shape shape;
	struct order_wish order;
	struct contract_wish wish;
	struct id id;
	char id_text[4 + ID_TEXT_BYTES];
	struct arena arena;
	struct buf asked, bytes, again;
	struct decision decision;
	struct precedent precedent;
};

static const struct model own_model;

static const char *const names[] = { "own/llama", "openai/gpt", "p/out" };

static void
targets_init(struct scene *s)
{
	size_t i;

	for (i = 0; i < count_of(names); i++) {
		s->routes[i] = (struct route){ .target = slice_of(names[i]),
			.egress = slice_of(i == 0 ? "" : "central"),
			.local = i == 0 ? &own_model : NULL,
			.region = slice_of(i == 1 ? "eu" : ""),
			.context_tokens = 1000 * (int64_t)(i + 1),
			.max_output = 100 * (int64_t)i,
			.supports = i == 2
					? 0
					: CAPABILITY_TOOLS | CAPABILITY_IMAGES |
					      CAPABILITY_REASONING,
			.price = { .input = 250000,
			    .cached_input = i == 1 ? 25000 : PRICE_UNKNOWN,
			    .output = 2000000 } };
		s->routes[i].supports_text =
		    capability_list(&s->arena, s->routes[i].supports);
		s->listed[i] = (struct group_target){
			.model = slice_of(names[i]),
			.weight = (int64_t)i,
			.quality_ppm = i == 1 ? 930000 : -1,
		};
		s->candidates[i] = (struct candidate){
			.route = &s->routes[i],
			.listed = &s->listed[i],
			.detail = "",
			.cost_microusd = 9330 * (int64_t)i,
			.warm = i == 1,
		};
	}
	s->candidates[1].seen = (struct sight){ .attempts = 120,
		.failures = 1,
		.ttft_p50_us = 310400,
		.ttft_p95_us = 899500,
		.total_p50_us = 2100000,
		.total_p95_us = 8000000,
		.tokens_per_s = 71.52 };
	s->candidates[2].excluded = EXCLUSION_BACKING_OFF;
	s->plan = (struct plan){ .candidates = s->candidates,
		.count = count_of(names),
		.failed = "",
		.policy_order = "" };
}

static int
setup(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));
	struct id_source ids = { 0 };

	arena_init(&s->arena, 1 << 20);
	buf_init(&s->asked, TEXT_MAX);
	buf_init(&s->again, TEXT_MAX);
	buf_init(&s->bytes, ROW_BYTES_MAX);
	targets_init(s);
	s->id = id_next(&ids, NOW);
	memcpy(s->id_text, "req_", 4);
	id_write(&s->id, s->id_text + 4);
	s->group = (struct group){ .name = slice_of("assistant"),
		.strategy = STRATEGY_SCRIPT };
	s->shape = (struct shape){ .dialect = DIALECT_RESPONSES,
		.stream = true,
		.tools = true,
		.one_call_at_a_time = true,
		.images = true,
		.choices = 1,
		.messages = 12,
		.input_estimate_tokens = 5321,
		.output_cap = 4000 };
	s->order = (struct order_wish){ .group = &s->group,
		.shape = &s->shape,
		.complexity = 0.42,
		.seed = UINT64_C(0xfedcba9876543210) };
	s->wish = (struct contract_wish){ .plan = &s->plan,
		.wish = &s->order,
		.request_id = s->id_text,
		.caller = slice_of("ci"),
		.user = slice_of("svc-ci"),
		.project = slice_of("fraud"),
		.tags = slice_of("tier=gold,run=7"),
		.now_wall_us = NOW };
	contract_write(&s->asked, &s->wish);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	buf_fini(&s->again);
	buf_fini(&s->asked);
	buf_fini(&s->bytes);
	arena_fini(&s->arena);
	test_free(s);
	return 0;
}

/* Into the rows, through the store's form, and back. */
static void
remember(struct scene *s)
{
	struct decision d;

	finding_rows(&d, &s->arena, &s->wish, &s->id);
	buf_reset(&s->bytes);
	decision_write(&s->bytes, &d.row, d.candidates, d.count);
	assert_true(decision_read(&s->decision, buf_slice(&s->bytes)));
	assert_true(precedent_read(&s->precedent, &s->decision));
	buf_reset(&s->again);
	contract_write(&s->again, &s->precedent.contract);
}

static void
the_same_is_asked_again(void **state)
{
	struct scene *s = *state;

	plan_add(&s->plan, 1);
	plan_add(&s->plan, 0);
	remember(s);
	assert_string_equal(buf_text(&s->again), buf_text(&s->asked));
	assert_int_equal(s->precedent.wish.seed, s->order.seed);
	assert_int_equal(s->precedent.plan.order_count, 0);
	assert_true(
	    slice_is(precedent_first(&s->decision)->target, "openai/gpt"));
}

static void
who_fell_out_later_was_there_when_it_was_asked(void **state)
{
	struct scene *s = *state;

	plan_add(&s->plan, 1);
	plan_add(&s->plan, 0);
	s->candidates[0].excluded = EXCLUSION_NOT_CARRIED;
	s->candidates[0].detail = "logit_bias";
	remember(s);
	assert_string_equal(buf_text(&s->again), buf_text(&s->asked));
}

static void
who_was_left_out_was_there_too(void **state)
{
	struct scene *s = *state;

	assert_true(
	    script_take(&s->plan, slice_of("[\"openai/gpt\"]"), &s->again));
	assert_int_equal(s->candidates[0].excluded, EXCLUSION_NOT_CHOSEN);
	remember(s);
	assert_string_equal(buf_text(&s->again), buf_text(&s->asked));
}

static void
whom_no_policy_left_out_was_not_there(void **state)
{
	struct scene *s = *state;

	s->candidates[0].excluded = EXCLUSION_NOT_CHOSEN;
	s->candidates[0].detail = "another target is pinned";
	plan_add(&s->plan, 1);
	remember(s);
	assert_null(strstr(buf_text(&s->again), "own/llama"));
	assert_non_null(strstr(buf_text(&s->again), "openai/gpt"));
}

static void
another_answer_makes_another_order(void **state)
{
	struct scene *s = *state;
	const struct plan *p = &s->precedent.plan;

	plan_add(&s->plan, 1);
	plan_add(&s->plan, 0);
	remember(s);
	buf_reset(&s->again);
	assert_true(script_take(&s->precedent.plan,
	    slice_of("[\"own/llama\",\"openai/gpt\"]"), &s->again));
	assert_int_equal(p->order_count, 2);
	assert_int_equal(p->order[0], 0);
	assert_false(precedent_read(&s->precedent, &s->decision) &&
		     script_take(&s->precedent.plan, slice_of("[\"p/out\"]"),
			 &s->again));
}

static void
words_of_another_version_are_no_precedent(void **state)
{
	struct scene *s = *state;

	remember(s);
	assert_null(precedent_first(&s->decision));
	s->decision.row.dialect = slice_of("latin");
	assert_false(precedent_read(&s->precedent, &s->decision));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_same_is_asked_again),
		TEST(who_fell_out_later_was_there_when_it_was_asked),
		TEST(who_was_left_out_was_there_too),
		TEST(whom_no_policy_left_out_was_not_there),
		TEST(another_answer_makes_another_order),
		TEST(words_of_another_version_are_no_precedent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
