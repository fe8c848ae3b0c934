#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/member/gatehouse.h"
#include "common/net/loop.h"
#include "topology/provider.h"

enum { OLD = 1, NEW };

static int64_t
lets_in(struct gate *g, const char *part)
{
	struct gate_look look;

	gate_look(g, slice_of(part), &look, clock_mono_us());
	return look.concurrent;
}

static void
who_goes_by_old_files_does_not_bring_their_terms_back(void **state)
{
	const struct shaping_terms many = { .concurrent = 100 };
	const struct shaping_terms few = { .concurrent = 5 };
	struct gatehouse *h = gatehouse_new(INT64_MIN / 2);
	struct gate *g;

	(void)state;
	g = gatehouse_gate(h, slice_of("group a"), &many, OLD);
	assert_int_equal(lets_in(g, ""), 100);
	assert_ptr_equal(gatehouse_gate(h, slice_of("group a"), &few, NEW), g);
	assert_int_equal(lets_in(g, ""), 5);
	assert_ptr_equal(gatehouse_gate(h, slice_of("group a"), &many, OLD), g);
	assert_int_equal(lets_in(g, ""), 5);
	gatehouse_adopt(h, slice_of("group a"), &many, OLD);
	assert_int_equal(lets_in(g, ""), 5);
	gatehouse_free(h);
}

static void
an_account_and_its_models_go_forward_only(void **state)
{
	struct model models[2][1] = {
		{ { .name = slice_of("m"), .shaping = { .concurrent = 50 } } },
		{ { .name = slice_of("m"), .shaping = { .concurrent = 2 } } },
	};
	const struct provider was = { .shaping = { .concurrent = 100 },
		.models = models[0],
		.models_count = 1 };
	const struct provider is = { .shaping = { .concurrent = 5 },
		.models = models[1],
		.models_count = 1 };
	struct gatehouse *h = gatehouse_new(INT64_MIN / 2);
	struct gate *g;

	(void)state;
	/* Nobody came yet. */
	gatehouse_adopt_account(h, slice_of("openai"), &was, OLD);
	g = gatehouse_account(h, slice_of("openai"), &was, OLD);
	assert_int_equal(lets_in(g, "m"), 50);
	gatehouse_adopt_account(h, slice_of("openai"), &is, NEW);
	assert_int_equal(lets_in(g, ""), 5);
	assert_int_equal(lets_in(g, "m"), 2);
	gatehouse_adopt_account(h, slice_of("openai"), &was, OLD);
	(void)gatehouse_account(h, slice_of("openai"), &was, OLD);
	assert_int_equal(lets_in(g, ""), 5);
	assert_int_equal(lets_in(g, "m"), 2);
	gatehouse_free(h);
}

static void
on_turn(void *arg)
{
	(void)arg;
}

/* Nobody else has to come for it. */
static void
who_waits_waits_by_the_new_terms(void **state)
{
	const struct shaping_terms one = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	const struct shaping_terms nothing = { .rpm = 0 };
	struct gatehouse *h = gatehouse_new(INT64_MIN / 2);
	struct gate *g = gatehouse_gate(h, slice_of("caller a"), &one, OLD);
	struct loop *loop = loop_new("test");
	struct gate_pass first, second;
	struct bell bell;
	struct gate_wish wish = { .party = slice_of("all"),
		.flow = slice_of("all"),
		.weight = 1,
		.max_wait_us = US_PER_SECOND,
		.bell = &bell,
		.call = on_turn };

	(void)state;
	bell_init(&bell, loop);
	assert_int_equal(gate_enter(g, &first, &wish, clock_mono_us()),
	    PASS_IN);
	assert_int_equal(gate_enter(g, &second, &wish, clock_mono_us()),
	    PASS_WAITS);
	gatehouse_adopt(h, slice_of("caller a"), &nothing, NEW);
	assert_int_equal(gate_state(&second), PASS_IN);
	gate_undo(&first, clock_mono_us());
	gate_undo(&second, clock_mono_us());
	loop_stop(loop);
	loop_run(loop);
	bell_fini(&bell);
	loop_free(loop);
	gatehouse_free(h);
}

static int
start(void **state)
{
	(void)state;
	return crypto_start() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    who_goes_by_old_files_does_not_bring_their_terms_back),
		cmocka_unit_test(an_account_and_its_models_go_forward_only),
		cmocka_unit_test(who_waits_waits_by_the_new_terms),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
