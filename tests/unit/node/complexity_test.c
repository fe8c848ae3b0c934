#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/shape.h"
#include "tests/unit/node/planning.h"

static void
is(const struct shape *shape, double wanted)
{
	assert_float_equal(complexity_of(shape), wanted, 1e-6);
}

/*
 * Length is log2((512 + tokens) / 512) / 8, turns log2((4 + messages) / 4) / 4.
 */
static void
is_what_the_formula_says(void **state)
{
	(void)state;
	is(&(struct shape){ .messages = 0 }, 0);
	/* 512 + 512 is one doubling of 8; 4 + 4 one of 4. */
	is(&(struct shape){ .input_estimate_tokens = 512, .messages = 4 },
	    0.40 / 8 + 0.20 / 4);
	/* 3 doublings: 512 + 3584 = 4096; 4 + 12 = 16 is two. */
	is(&(struct shape){ .input_estimate_tokens = 3584,
	       .messages = 12,
	       .tools = true },
	    0.40 * 3 / 8 + 0.20 * 2 / 4 + 0.15);
	/* Half way from 512 to 1024: half of a doubling. */
	is(&(struct shape){ .input_estimate_tokens = 256 }, 0.40 / 16);
	is(&(struct shape){ .reasoning = true, .structured = true }, 0.25);
	/* Above 130,560 tokens and 60 messages nothing is added. */
	is(&(struct shape){ .input_estimate_tokens = 130560, .messages = 60 },
	    0.60);
	is(&(struct shape){ .input_estimate_tokens = INT64_MAX,
	       .messages = INT64_MAX,
	       .tools = true,
	       .reasoning = true,
	       .structured = true },
	    1);
}

static void
more_is_never_simpler(void **state)
{
	struct shape shape = { .messages = 1 };
	double last = 0, now;
	int64_t n;

	(void)state;
	for (n = 0; n < 300000; n += 1 + n / 100) {
		shape.input_estimate_tokens = n;
		now = complexity_of(&shape);
		assert_true(now >= last && now <= 1);
		last = now;
	}
	for (n = 1; n < 200; n++) {
		shape.messages = n;
		now = complexity_of(&shape);
		assert_true(now >= last && now <= 1);
		last = now;
	}
	shape.tools = true;
	assert_true(complexity_of(&shape) > last);
	last = complexity_of(&shape);
	shape.structured = true;
	assert_true(complexity_of(&shape) > last);
	last = complexity_of(&shape);
	shape.reasoning = true;
	assert_true(complexity_of(&shape) > last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_the_formula_says),
		cmocka_unit_test(more_is_never_simpler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
