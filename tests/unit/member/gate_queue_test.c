/*
 * Who has room in a gate's queue.
 */
#include "tests/unit/member/gate_lab.h"

/* Of a party that has always more to ask, and of one that asks twice. */
static void
a_full_queue_keeps_no_other_party_out(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 4 };
	const struct toll real = { 10, 0 };
	struct lab l;
	size_t turn;
	char c, in = 'a';

	(void)state;
	lab_open(&l, &terms);
	for (c = 'a'; c <= 'e'; c++)
		assert_int_equal(enters_as(&l, c, wish_of(&l, "noisy", "", 10)),
		    c == 'a' ? PASS_IN : PASS_WAITS);
	/* Who is alone has the depth. */
	assert_int_equal(enters_as(&l, 'f', wish_of(&l, "noisy", "", 10)),
	    PASS_REFUSED);
	/* Of two alike each has half of it. */
	for (c = 'm'; c <= 'n'; c++)
		assert_int_equal(enters_as(&l, c, wish_of(&l, "light", "", 10)),
		    PASS_WAITS);
	assert_int_equal(enters_as(&l, 'o', wish_of(&l, "light", "", 10)),
	    PASS_REFUSED);
	for (turn = 0; turn < 4; turn++) {
		gate_leave(pass(&l, in), &real, l.now_us);
		(void)enters_as(&l, in, wish_of(&l, "noisy", "", 10));
		for (c = 'a'; c <= 'n'; c++)
			if (gate_state(pass(&l, c)) == PASS_IN)
				in = c;
		if (in >= 'm')
			break;
	}
	assert_true(in >= 'm');
	lab_close(&l);
}

static void
a_share_of_the_queue_is_by_weight(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 4 };
	struct gate_wish wish;
	struct lab l;
	char c;

	(void)state;
	lab_open(&l, &terms);
	for (c = 'a'; c <= 'e'; c++)
		(void)enters_as(&l, c, wish_of(&l, "noisy", "", 10));
	wish = wish_of(&l, "heavy", "", 10);
	wish.weight = 3;
	for (c = 'f'; c <= 'h'; c++)
		assert_int_equal(enters_as(&l, c, wish), PASS_WAITS);
	assert_int_equal(enters_as(&l, 'i', wish), PASS_REFUSED);
	assert_int_equal(l.gate.waiting, 7);
	lab_close(&l);
}

/* Beyond twice the depth one of each party waits, and no more. */
static void
however_many_come_the_queue_is_bounded(void **state)
{
	const struct shaping_terms terms = { .concurrent = 1,
		.queue_ms = 60000,
		.queue_depth = 4 };
	static const char *const parties[] = { "q", "r", "s", "t", "u" };
	struct gate_wish wish;
	struct lab l;
	size_t i;
	char c;

	(void)state;
	lab_open(&l, &terms);
	for (c = 'a'; c <= 'e'; c++)
		(void)enters_as(&l, c, wish_of(&l, "noisy", "", 10));
	for (i = 0; i < count_of(parties); i++, c++)
		assert_int_equal(enters_as(&l, c,
				     wish_of(&l, parties[i], "", 10)),
		    PASS_WAITS);
	assert_int_equal(l.gate.waiting, 9);
	/* Its weight gives it nearly all, but there is no more. */
	wish = wish_of(&l, "great", "", 10);
	wish.weight = FAIR_WEIGHT_MAX;
	assert_int_equal(enters_as(&l, c++, wish), PASS_WAITS);
	assert_int_equal(enters_as(&l, c, wish), PASS_REFUSED);
	assert_true(
	    (int64_t)l.gate.waiting <= GATE_WAITING_MAX(terms.queue_depth));
	lab_close(&l);
}

/* Whoever has to pass both waits as both let it. */
static void
the_stricter_queue_of_account_and_model_holds(void **state)
{
	const struct shaping_terms none = { .rpm = 60, .burst = 1 };
	const struct shaping_terms deep = { .rpm = 60,
		.burst = 1,
		.queue_ms = 10000,
		.queue_depth = 9 };
	const struct shaping_terms flat = { .rpm = 60,
		.burst = 1,
		.queue_ms = 10000,
		.queue_depth = 1 };
	const struct shaping_terms silent = { .rpm = 0 };
	const struct {
		const struct shaping_terms *whole, *part;
		enum pass_state second, third;
	} cases[] = {
		{ &none, &deep, PASS_REFUSED, PASS_REFUSED },
		{ &deep, &none, PASS_REFUSED, PASS_REFUSED },
		{ &deep, &flat, PASS_WAITS, PASS_REFUSED },
		{ &flat, &deep, PASS_WAITS, PASS_REFUSED },
		{ &deep, &deep, PASS_WAITS, PASS_WAITS },
		{ &silent, &deep, PASS_WAITS, PASS_WAITS },
		{ &deep, &silent, PASS_WAITS, PASS_WAITS },
		{ &silent, &flat, PASS_WAITS, PASS_REFUSED },
	};
	struct lab l;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		lab_open(&l, cases[i].whole);
		gate_set_part(&l.gate, slice_of("m"), cases[i].part, l.now_us);
		(void)enters_as(&l, 'a', wish_of(&l, "p", "m", 1));
		assert_int_equal(enters_as(&l, 'b', wish_of(&l, "p", "m", 1)),
		    cases[i].second);
		assert_int_equal(enters_as(&l, 'c', wish_of(&l, "p", "m", 1)),
		    cases[i].third);
		lab_close(&l);
	}
}

/* Who waits for another model takes no place of this one's queue. */
static void
the_depth_of_a_model_is_its_own(void **state)
{
	const struct shaping_terms flat = { .concurrent = 1,
		.queue_ms = 10000,
		.queue_depth = 1 };
	const struct shaping_terms silent = { .rpm = 0 };
	static const char *const models[] = { "m", "n" };
	struct lab l;
	size_t i;
	char c = 'a';

	(void)state;
	lab_open(&l, &silent);
	for (i = 0; i < count_of(models); i++) {
		gate_set_part(&l.gate, slice_of(models[i]), &flat, l.now_us);
		assert_int_equal(enters_as(&l, c++,
				     wish_of(&l, "p", models[i], 1)),
		    PASS_IN);
		assert_int_equal(enters_as(&l, c++,
				     wish_of(&l, i == 0 ? "p" : "q", models[i],
					 1)),
		    PASS_WAITS);
		assert_int_equal(enters_as(&l, c++,
				     wish_of(&l, i == 0 ? "p" : "q", models[i],
					 1)),
		    PASS_REFUSED);
	}
	lab_close(&l);
}

static const struct shaping_terms one_a_second = { .rpm = 60,
	.burst = 1,
	.queue_ms = 10000,
	.queue_depth = 100 };

/* Its caller is next in turn, however many of another caller's wait. */
static void
a_flow_is_not_refused_for_the_queue_of_another(void **state)
{
	struct gate_wish wish;
	struct lab l;
	char c;

	(void)state;
	lab_open(&l, &one_a_second);
	for (c = 'a'; c <= 'k'; c++)
		assert_int_equal(enters_as(&l, c, wish_of(&l, "team", "", 10)),
		    c == 'a' ? PASS_IN : PASS_WAITS);
	assert_int_equal(enters_as(&l, 'l', wish_of(&l, "team", "", 10)),
	    PASS_REFUSED);
	wish = wish_of(&l, "team", "", 10);
	wish.flow = slice_of("light");
	assert_int_equal(enters_as(&l, 'm', wish), PASS_WAITS);
	assert_in_range(pass(&l, 'm')->wait_us, 1, 2 * SECOND);
	lab_close(&l);
}

/* Nobody waits in vain for a model, or hears of a place that is not there. */
static void
the_queue_of_a_model_is_in_its_estimate(void **state)
{
	const struct shaping_terms account = { .rpm = 60000,
		.burst = 1000,
		.queue_ms = 10000,
		.queue_depth = 100 };
	struct lab l;
	char c;

	(void)state;
	lab_open(&l, &account);
	gate_set_part(&l.gate, slice_of("m"), &one_a_second, l.now_us);
	for (c = 'a'; c <= 'k'; c++)
		assert_int_equal(enters_as(&l, c, wish_of(&l, "team", "m", 10)),
		    c == 'a' ? PASS_IN : PASS_WAITS);
	assert_in_range(pass(&l, 'k')->wait_us, 9 * SECOND, 10 * SECOND);
	assert_int_equal(enters_as(&l, 'l', wish_of(&l, "team", "m", 10)),
	    PASS_REFUSED);
	assert_in_range(pass(&l, 'l')->wait_us, 10 * SECOND, 11 * SECOND);
	assert_true(pass(&l, 'l')->of_part);
	/* They are in no other's way. */
	assert_int_equal(enters_as(&l, 'm', wish_of(&l, "team", "", 10)),
	    PASS_IN);
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
		cmocka_unit_test(a_full_queue_keeps_no_other_party_out),
		cmocka_unit_test(a_share_of_the_queue_is_by_weight),
		cmocka_unit_test(however_many_come_the_queue_is_bounded),
		cmocka_unit_test(the_stricter_queue_of_account_and_model_holds),
		cmocka_unit_test(the_depth_of_a_model_is_its_own),
		cmocka_unit_test(
		    a_flow_is_not_refused_for_the_queue_of_another),
		cmocka_unit_test(the_queue_of_a_model_is_in_its_estimate),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
