#include "tests/unit/member/gate_lab.h"

static void
without_terms_all_go_in(void **state)
{
	struct lab l;
	char c;

	(void)state;
	lab_open(&l, &(struct shaping_terms){ .rpm = 0 });
	for (c = 'a'; c < 'p'; c++)
		assert_int_equal(enters(&l, c), PASS_IN);
	assert_int_equal(l.gate.whole.running, 15);
	lab_close(&l);
}

static void
where_nobody_may_wait_it_refuses_and_takes_nothing(void **state)
{
	const struct shaping_terms terms = { .rpm = 60, .burst = 1 };
	struct gate_look before, after;
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	gate_look(&l.gate, slice_of(""), &before, l.now_us);
	assert_int_equal(enters(&l, 'b'), PASS_REFUSED);
	assert_int_equal(pass(&l, 'b')->bucket, SHAPER_STARTS);
	assert_int_equal(pass(&l, 'b')->wait_us, SECOND);
	assert_false(pass(&l, 'b')->waited);
	gate_look(&l.gate, slice_of(""), &after, l.now_us);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(after.waiting, 0);
	gate_leave(pass(&l, 'b'), &(struct toll){ 999, 999 }, l.now_us);
	gate_look(&l.gate, slice_of(""), &after, l.now_us);
	assert_memory_equal(&before, &after, sizeof(before));
	lab_close(&l);
}

static void
who_waits_goes_in_in_order(void **state)
{
	const struct shaping_terms terms = { .rpm = 30000,
		.burst = 1,
		.queue_ms = 60000,
		.queue_depth = 10 };
	struct lab l;
	char c;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	for (c = 'b'; c <= 'g'; c++) {
		assert_int_equal(enters(&l, c), PASS_WAITS);
		assert_true(pass(&l, c)->waited);
		assert_int_equal(pass(&l, c)->wait_us, (c - 'a') * 2000);
		assert_int_equal(gate_state(pass(&l, c)), PASS_WAITS);
	}
	hears(&l, "bcdefg");
	assert_true(clock_mono_us() - l.now_us >= 6 * 2000);
	lab_close(&l);
}

static void
the_queue_is_bounded_in_depth_and_in_wait(void **state)
{
	const struct shaping_terms deep = { .rpm = 60,
		.burst = 1,
		.queue_ms = 60000,
		.queue_depth = 2 };
	const struct shaping_terms slow = { .rpm = 60,
		.burst = 1,
		.queue_ms = 1500,
		.queue_depth = 99 };
	struct gate_wish wish;
	struct lab l;

	(void)state;
	lab_open(&l, &deep);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_int_equal(enters(&l, 'c'), PASS_WAITS);
	assert_int_equal(enters(&l, 'd'), PASS_REFUSED);
	assert_int_equal(pass(&l, 'd')->wait_us, 3 * SECOND);
	lab_close(&l);
	lab_open(&l, &slow);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_int_equal(enters(&l, 'c'), PASS_REFUSED);
	assert_int_equal(pass(&l, 'c')->wait_us, 2 * SECOND);
	gate_undo(pass(&l, 'b'), l.now_us);
	/* Whoever has less time than the gate gives. */
	wish = wish_of(&l, "p", "", 1);
	wish.max_wait_us = SECOND - 1;
	assert_int_equal(enters_as(&l, 'd', wish), PASS_REFUSED);
	wish.max_wait_us = SECOND;
	assert_int_equal(enters_as(&l, 'd', wish), PASS_WAITS);
	lab_close(&l);
}

static void
a_slot_that_is_left_is_the_next_ones(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	const struct toll real = { 5, 5 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_int_equal(pass(&l, 'b')->bucket, SHAPER_CONCURRENT);
	assert_int_equal(enters(&l, 'c'), PASS_WAITS);
	assert_int_equal(enters(&l, 'd'), PASS_WAITS);
	/* It hung up. */
	gate_leave(pass(&l, 'c'), &real, l.now_us);
	assert_int_equal(gate_state(pass(&l, 'c')), PASS_NONE);
	assert_int_equal(l.gate.waiting, 2);
	gate_leave(pass(&l, 'a'), &real, l.now_us);
	gate_leave(pass(&l, 'a'), &real, l.now_us);
	assert_int_equal(gate_state(pass(&l, 'b')), PASS_IN);
	assert_int_equal(gate_state(pass(&l, 'd')), PASS_WAITS);
	hears(&l, "b");
	gate_undo(pass(&l, 'b'), l.now_us);
	assert_int_equal(gate_state(pass(&l, 'd')), PASS_IN);
	/* It leaves before it has heard. */
	gate_undo(pass(&l, 'd'), l.now_us);
	assert_int_equal(l.gate.whole.running, 0);
	lab_close(&l);
	assert_string_equal(l.diary, "b");
}

static void
who_waited_too_long_is_told(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 5,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_int_equal(enters(&l, 'c'), PASS_WAITS);
	hears(&l, "BC");
	assert_true(clock_mono_us() - l.now_us >= 5000);
	assert_int_equal(pass(&l, 'b')->bucket, SHAPER_CONCURRENT);
	assert_true(pass(&l, 'b')->waited);
	assert_int_equal(l.gate.waiting, 0);
	assert_int_equal(l.gate.whole.running, 1);
	lab_close(&l);
}

static void
a_part_that_waits_lets_others_by(void **state)
{
	const struct shaping_terms whole = { .rpm = 6000,
		.burst = 100,
		.queue_ms = 60000,
		.queue_depth = 9 };
	const struct shaping_terms part = { .rpm = 60,
		.burst = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct gate_look look;
	struct lab l;

	(void)state;
	lab_open(&l, &whole);
	gate_set_part(&l.gate, slice_of("m"), &part, l.now_us);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "p", "m", 1)), PASS_IN);
	assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "m", 1)),
	    PASS_WAITS);
	assert_true(pass(&l, 'b')->of_part);
	assert_int_equal(pass(&l, 'b')->wait_us, SECOND);
	assert_int_equal(enters_as(&l, 'c', wish_of(&l, "p", "m", 1)),
	    PASS_WAITS);
	assert_int_equal(enters_as(&l, 'd', wish_of(&l, "p", "other", 1)),
	    PASS_IN);
	gate_look(&l.gate, slice_of("m"), &look, l.now_us);
	assert_int_equal(look.running, 1);
	assert_int_equal(look.rate[SHAPER_STARTS], 60);
	assert_int_equal(look.left[SHAPER_STARTS], 0);
	assert_int_equal(look.waiting, 2);
	gate_look(&l.gate, slice_of(""), &look, l.now_us);
	assert_int_equal(look.running, 2);
	assert_int_equal(look.left[SHAPER_STARTS], 98);
	/* New terms let them in. */
	gate_set_part(&l.gate, slice_of("m"),
	    &(struct shaping_terms){ .rpm = 6000, .burst = 100 }, l.now_us);
	hears(&l, "bc");
	lab_close(&l);
}

/* What it waits for is not taken from it, however little it is. */
static void
nobody_overtakes_who_waits_for_the_same_part(void **state)
{
	const struct shaping_terms whole = { .rpm = 6000,
		.burst = 100,
		.queue_ms = 60000,
		.queue_depth = 9 };
	const struct shaping_terms part = { .tpm = 60,
		.token_burst = 100,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &whole);
	gate_set_part(&l.gate, slice_of("m"), &part, l.now_us);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "p", "m", 60)),
	    PASS_IN);
	assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "m", 60)),
	    PASS_WAITS);
	assert_int_equal(enters_as(&l, 'c', wish_of(&l, "p", "m", 1)),
	    PASS_WAITS);
	lab_close(&l);
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static void
a_full_mailbox_loses_nobody(void **state)
{
	const struct shaping_terms terms = { .rpm = 60000,
		.burst = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	while (loop_post(l.loop, on_nothing, NULL))
		;
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_false(atomic_load(&l.bell.rung));
	hears(&l, "b");
	lab_close(&l);
}

/* The same tokens come back to the whole and to the part. */
static void
what_it_took_less_is_the_next_ones(void **state)
{
	const struct shaping_terms terms = { .tpm = 60,
		.token_burst = 1000,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	gate_set_part(&l.gate, slice_of("m"), &terms, l.now_us);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "p", "m", 1000)),
	    PASS_IN);
	assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "m", 50)),
	    PASS_WAITS);
	assert_int_equal(pass(&l, 'b')->wait_us, 50 * SECOND);
	gate_leave(pass(&l, 'a'), &(struct toll){ 900, 40 }, l.now_us);
	hears(&l, "b");
	assert_int_equal(enters_as(&l, 'c', wish_of(&l, "p", "m", 10)),
	    PASS_IN);
	assert_int_equal(enters_as(&l, 'd', wish_of(&l, "p", "m", 1)),
	    PASS_WAITS);
	gate_undo(pass(&l, 'c'), l.now_us);
	assert_int_equal(gate_state(pass(&l, 'd')), PASS_IN);
	lab_close(&l);
}

/* It has the better turn, and would have to wait the longer. */
static void
who_is_refused_keeps_nobody_from_being_looked_at(void **state)
{
	const struct shaping_terms terms = { .tpm = 60000,
		.token_burst = 1000,
		.queue_ms = 60000,
		.queue_depth = 1 };
	struct gate_wish wish;
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "p", "", 1000)),
	    PASS_IN);
	assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "", 2)),
	    PASS_WAITS);
	assert_int_equal(l.gate.next_us, l.now_us + 2000);
	wish = wish_of(&l, "q", "", 1000);
	wish.max_wait_us = 2000;
	assert_int_equal(enters_as(&l, 'c', wish), PASS_REFUSED);
	assert_int_equal(l.gate.next_us, l.now_us + 2000);
	hears(&l, "b");
	assert_true(clock_mono_us() - l.now_us < 30 * SECOND);
	lab_close(&l);
}

/* Of another thread, whose timer is set for later. */
static void
who_may_go_sooner_than_was_thought_is_told(void **state)
{
	const struct shaping_terms terms = { .tpm = 60,
		.token_burst = 1000,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "p", "", 1000)),
	    PASS_IN);
	assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "", 50)),
	    PASS_WAITS);
	/* As if it had been attended to. */
	atomic_store(&l.bell.rung, false);
	gate_leave(pass(&l, 'a'), &(struct toll){ 990, 0 }, l.now_us);
	assert_int_equal(gate_state(pass(&l, 'b')), PASS_WAITS);
	assert_int_equal(l.gate.next_us, l.now_us + 40 * SECOND);
	assert_true(atomic_load(&l.bell.rung));
	lab_close(&l);
}

/* Both are decided; the first takes the second along. */
static void
who_is_called_may_make_others_leave(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters(&l, 'a'), PASS_IN);
	assert_int_equal(enters(&l, 'b'), PASS_WAITS);
	assert_int_equal(enters(&l, 'c'), PASS_WAITS);
	assert_int_equal(enters(&l, 'd'), PASS_WAITS);
	l.guests[1].takes_along = &l.guests[2];
	gate_set(&l.gate, &(struct shaping_terms){ .concurrent = 9 }, l.now_us);
	hears(&l, "bd");
	assert_int_equal(l.gate.whole.running, 3);
	lab_close(&l);
}

static void
parties_take_turns(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 9 };
	const char order[] = "bgchd";
	struct lab l;
	size_t i;

	(void)state;
	lab_open(&l, &terms);
	assert_int_equal(enters_as(&l, 'a', wish_of(&l, "x", "", 10)), PASS_IN);
	for (i = 0; i < 4; i++)
		assert_int_equal(enters_as(&l, (char)('b' + i),
				     wish_of(&l, "p", "", 10)),
		    PASS_WAITS);
	for (i = 0; i < 2; i++)
		assert_int_equal(enters_as(&l, (char)('g' + i),
				     wish_of(&l, "q", "", 10)),
		    PASS_WAITS);
	gate_leave(pass(&l, 'a'), &(struct toll){ 10, 0 }, l.now_us);
	for (i = 0; i + 1 < sizeof(order); i++) {
		assert_int_equal(gate_state(pass(&l, order[i])), PASS_IN);
		gate_leave(pass(&l, order[i]), &(struct toll){ 10, 0 },
		    l.now_us);
	}
	lab_close(&l);
}

static void
a_restart_lets_nobody_in_that_may_be_too_many(void **state)
{
	const struct shaping_terms terms = { .rpm = 60, .burst = 5 };
	struct gate_look look;
	struct lab l;

	(void)state;
	lab_open(&l, &terms);
	gate_set_part(&l.gate, slice_of("m"), &terms, l.now_us);
	gate_empty(&l.gate, l.now_us);
	gate_look(&l.gate, slice_of("m"), &look, l.now_us + SECOND);
	assert_int_equal(look.left[SHAPER_STARTS], 1);
	assert_int_equal(enters(&l, 'a'), PASS_REFUSED);
	lab_close(&l);
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
		cmocka_unit_test(without_terms_all_go_in),
		cmocka_unit_test(
		    where_nobody_may_wait_it_refuses_and_takes_nothing),
		cmocka_unit_test(who_waits_goes_in_in_order),
		cmocka_unit_test(the_queue_is_bounded_in_depth_and_in_wait),
		cmocka_unit_test(a_slot_that_is_left_is_the_next_ones),
		cmocka_unit_test(who_waited_too_long_is_told),
		cmocka_unit_test(a_part_that_waits_lets_others_by),
		cmocka_unit_test(nobody_overtakes_who_waits_for_the_same_part),
		cmocka_unit_test(a_full_mailbox_loses_nobody),
		cmocka_unit_test(what_it_took_less_is_the_next_ones),
		cmocka_unit_test(
		    who_is_refused_keeps_nobody_from_being_looked_at),
		cmocka_unit_test(who_may_go_sooner_than_was_thought_is_told),
		cmocka_unit_test(who_is_called_may_make_others_leave),
		cmocka_unit_test(parties_take_turns),
		cmocka_unit_test(a_restart_lets_nobody_in_that_may_be_too_many),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
