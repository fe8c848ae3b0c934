/* A node that stays linked and does nothing more keeps nothing for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "egress/call.h"
#include "egress/patience.h"
#include "topology/load.h"

#define START    (1000 * (int64_t)US_PER_SECOND)
#define IDLE_MS  2000
#define TOTAL_MS 60000

static struct egress_file file = { .timeouts = { .idle_ms = IDLE_MS,
				       .total_ms = TOTAL_MS } };
static struct topology topology = { .egress = &file };

static bool
is_over(const struct call *c, int64_t since_ms)
{
	return patience_is_over(c, START + since_ms * US_PER_MS);
}

static void
a_body_may_take_as_long_as_the_call(void **state)
{
	struct call c = { .topology = &topology,
		.step = CALL_BODY,
		.begun_us = START,
		.remaining_ms = 10 * TOTAL_MS };

	(void)state;
	assert_false(is_over(&c, TOTAL_MS));
	assert_true(is_over(&c, TOTAL_MS + 1));
	c.remaining_ms = 500;
	assert_false(is_over(&c, 500));
	assert_true(is_over(&c, 501));
	/* Who waits for its turn has another end. */
	c.step = CALL_RATION;
	assert_false(is_over(&c, 10 * TOTAL_MS));
}

static void
an_answer_that_is_there_has_to_be_read(void **state)
{
	struct call c = { .topology = &topology,
		.step = CALL_RELAY,
		.begun_us = START - TOTAL_MS * US_PER_MS,
		.remaining_ms = 1,
		.ended_us = START,
		.over = true };

	(void)state;
	assert_false(is_over(&c, 10 * TOTAL_MS));
	c.out.len = 1;
	assert_false(is_over(&c, IDLE_MS));
	assert_true(is_over(&c, IDLE_MS + 1));
	/* While the transfer goes on, that has deadlines. */
	c.over = false;
	assert_false(is_over(&c, IDLE_MS + 1));
	c.over = true;
	/* Who reads, if slowly, is waited for, but not for ever. */
	c.read_us = START + (TOTAL_MS - 1) * US_PER_MS;
	assert_false(is_over(&c, TOTAL_MS));
	assert_true(is_over(&c, TOTAL_MS + 1));
	/* What it read before the end came is no reading of the end. */
	c.read_us = START - 1;
	assert_true(is_over(&c, IDLE_MS + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_may_take_as_long_as_the_call),
		cmocka_unit_test(an_answer_that_is_there_has_to_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
