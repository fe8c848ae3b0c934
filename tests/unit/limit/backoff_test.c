#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limit/backoff.h"

#define SECOND ((int64_t)1000000)
#define START  (1000 * SECOND)
#define HALF   0x80000000u /* as jitter: nearly none */

static void
fails(struct backoff *b, int64_t now_us, enum backoff_kind kind, bool probe)
{
	backoff_failure(b, now_us,
	    &(struct backoff_cause){ .kind = kind,
		.random = HALF,
		.probe = probe });
}

/* Let one through, as a probe or not. */
static void
enters(struct backoff *b, int64_t now_us, bool as_probe)
{
	bool probe = !as_probe;

	assert_int_equal(backoff_wait_us(b, now_us), 0);
	assert_true(backoff_enter(b, now_us, &probe));
	assert_int_equal(probe, as_probe);
}

static void
refuses(struct backoff *b, int64_t now_us)
{
	bool probe = true;

	assert_true(backoff_wait_us(b, now_us) > 0);
	assert_false(backoff_enter(b, now_us, &probe));
	assert_false(probe);
}

static void
is_about(int64_t us, int64_t wanted_us)
{
	assert_in_range(us, wanted_us - wanted_us / 1000,
	    wanted_us + wanted_us / 1000);
}

/* Fails, then all its probes: the waits double up to the most. */
static void
grows(enum backoff_kind kind, int64_t least_us, int64_t most_us)
{
	struct backoff b = { 0 };
	int64_t now_us = START, wait_us = least_us;
	int i;

	fails(&b, now_us, kind, false);
	for (i = 0; i < 20; i++) {
		assert_int_equal(backoff_state(&b, now_us), BACKOFF_OPEN);
		is_about(backoff_wait_us(&b, now_us), wait_us);
		refuses(&b, b.until_us - 1);
		now_us = b.until_us;
		assert_int_equal(backoff_state(&b, now_us), BACKOFF_HALF_OPEN);
		enters(&b, now_us, true);
		fails(&b, now_us, kind, true);
		wait_us = min_i64(wait_us * 2, most_us);
	}
	is_about(wait_us, most_us);
	assert_true(b.level <= 16);
	enters(&b, b.until_us, true);
	backoff_success(&b, true);
	assert_int_equal(backoff_state(&b, now_us), BACKOFF_CLOSED);
	enters(&b, now_us, false);
	fails(&b, now_us, kind, false);
	is_about(backoff_wait_us(&b, now_us), least_us);
}

static void
each_kind_grows_from_its_least_to_its_most(void **state)
{
	(void)state;
	grows(BACKOFF_SHORT, 1 * SECOND, 30 * SECOND);
	grows(BACKOFF_RATE, 1 * SECOND, 300 * SECOND);
	grows(BACKOFF_QUOTA, 300 * SECOND, 6 * 3600 * SECOND);
	grows(BACKOFF_LONG, 60 * SECOND, 3600 * SECOND);
}

static void
a_breaker_opens_at_the_fifth_failure_in_a_row(void **state)
{
	struct backoff b = { 0 };
	int64_t now_us = START;
	int i;

	(void)state;
	for (i = 0; i < BACKOFF_STRIKES - 1; i++)
		fails(&b, now_us, BACKOFF_BREAKER, false);
	enters(&b, now_us, false);
	backoff_success(&b, false);
	for (i = 0; i < BACKOFF_STRIKES - 1; i++)
		fails(&b, now_us, BACKOFF_BREAKER, false);
	assert_int_equal(backoff_state(&b, now_us), BACKOFF_CLOSED);
	fails(&b, now_us, BACKOFF_BREAKER, false);
	refuses(&b, now_us);
	is_about(backoff_wait_us(&b, now_us), 2 * SECOND);
	for (i = 0; i < 20; i++) {
		now_us = b.until_us;
		enters(&b, now_us, true);
		fails(&b, now_us, BACKOFF_BREAKER, true);
	}
	is_about(backoff_wait_us(&b, now_us), 120 * SECOND);
}

/* Who judges others' calls waits for their second try. */
static void
an_owner_says_how_many_strikes_open_it(void **state)
{
	const struct backoff_cause cause = { .kind = BACKOFF_SHORT,
		.random = HALF,
		.strikes = 2 };
	struct backoff b = { 0 };

	(void)state;
	backoff_failure(&b, START, &cause);
	enters(&b, START, false);
	backoff_success(&b, false);
	backoff_failure(&b, START, &cause);
	assert_int_equal(backoff_state(&b, START), BACKOFF_CLOSED);
	backoff_failure(&b, START, &cause);
	refuses(&b, START);
	is_about(backoff_wait_us(&b, START), 1 * SECOND);
	/* A rate among them wants no second one. */
	b = (struct backoff){ 0 };
	backoff_failure(&b, START, &cause);
	fails(&b, START, BACKOFF_RATE, false);
	refuses(&b, START);
	assert_int_equal(b.kind, BACKOFF_RATE);
}

static void
one_probe_goes_and_the_others_wait_for_it(void **state)
{
	struct backoff b = { 0 };
	int64_t now_us;

	(void)state;
	fails(&b, START, BACKOFF_RATE, false);
	now_us = b.until_us;
	enters(&b, now_us, true);
	refuses(&b, now_us);
	assert_int_equal(backoff_wait_us(&b, now_us), SECOND);
	refuses(&b, now_us + BACKOFF_PROBE_MAX_US - 1);
	assert_int_equal(backoff_wait_us(&b, now_us + BACKOFF_PROBE_MAX_US - 1),
	    1);
	enters(&b, now_us + BACKOFF_PROBE_MAX_US, true);
	backoff_abandon(&b, false);
	refuses(&b, now_us + BACKOFF_PROBE_MAX_US);
	backoff_abandon(&b, true);
	enters(&b, now_us + BACKOFF_PROBE_MAX_US, true);
	fails(&b, now_us + BACKOFF_PROBE_MAX_US, BACKOFF_NONE, true);
	enters(&b, now_us + BACKOFF_PROBE_MAX_US, true);
	assert_int_equal(b.level, 1);
}

static int64_t
asked(enum backoff_kind kind, int64_t retry_after_us, uint32_t random)
{
	struct backoff b = { 0 };

	backoff_failure(&b, START,
	    &(struct backoff_cause){ .kind = kind,
		.retry_after_us = retry_after_us,
		.random = random });
	return backoff_wait_us(&b, START);
}

static void
retry_after_is_never_undercut(void **state)
{
	const int64_t most_us = BACKOFF_RETRY_AFTER_MAX_US;

	(void)state;
	assert_int_equal(asked(BACKOFF_RATE, 20 * SECOND, 0), 20 * SECOND);
	assert_int_equal(asked(BACKOFF_RATE, 20 * SECOND, UINT32_MAX),
	    22 * SECOND);
	assert_int_equal(asked(BACKOFF_SHORT, 60 * SECOND, 0), 60 * SECOND);
	assert_int_equal(asked(BACKOFF_RATE, INT64_MAX, 0), most_us);
	assert_int_equal(asked(BACKOFF_RATE, INT64_MAX, UINT32_MAX),
	    most_us / 10 * 11);
	is_about(asked(BACKOFF_RATE, 1000, HALF), SECOND);
	is_about(asked(BACKOFF_RATE, -5, HALF), SECOND);
	is_about(asked(BACKOFF_QUOTA, SECOND, HALF), 300 * SECOND);
	is_about(asked(BACKOFF_LONG, 5000 * SECOND, HALF), 60 * SECOND);
}

static void
jitter_is_a_tenth_to_both_sides(void **state)
{
	(void)state;
	assert_int_equal(asked(BACKOFF_LONG, 0, 0), 54 * SECOND);
	assert_int_equal(asked(BACKOFF_LONG, 0, UINT32_MAX), 66 * SECOND);
}

/* Fifty calls were under way when the first was told to slow down. */
static void
a_burst_of_failures_is_one_level(void **state)
{
	struct backoff b = { 0 };
	int64_t until_us;
	int i;

	(void)state;
	fails(&b, START, BACKOFF_RATE, false);
	until_us = b.until_us;
	for (i = 0; i < 50; i++)
		fails(&b, START + i, BACKOFF_RATE, false);
	assert_int_equal(b.level, 1);
	assert_int_equal(b.until_us, until_us);
	backoff_failure(&b, START,
	    &(struct backoff_cause){ .kind = BACKOFF_RATE,
		.retry_after_us = 30 * SECOND });
	assert_int_equal(b.until_us, START + 30 * SECOND);
	assert_int_equal(b.level, 1);
	backoff_success(&b, false);
	refuses(&b, START + 30 * SECOND - 1);
}

static void
kinds_do_not_mix_their_levels(void **state)
{
	struct backoff b = { 0 };
	int64_t now_us = START;
	int i;

	(void)state;
	fails(&b, now_us, BACKOFF_RATE, false);
	for (i = 0; i < 6; i++) {
		now_us = b.until_us;
		enters(&b, now_us, true);
		fails(&b, now_us, BACKOFF_RATE, true);
	}
	is_about(backoff_wait_us(&b, now_us), 64 * SECOND);
	now_us = b.until_us;
	enters(&b, now_us, true);
	fails(&b, now_us, BACKOFF_BREAKER, true);
	assert_int_equal(b.kind, BACKOFF_BREAKER);
	is_about(backoff_wait_us(&b, now_us), 2 * SECOND);
	now_us = b.until_us;
	enters(&b, now_us, true);
	fails(&b, now_us, BACKOFF_BREAKER, true);
	assert_int_equal(b.level, 2);
	fails(&b, now_us, BACKOFF_QUOTA, false);
	assert_int_equal(b.kind, BACKOFF_QUOTA);
	assert_int_equal(b.level, 1);
	is_about(backoff_wait_us(&b, now_us), 300 * SECOND);
	for (i = 0; i < 10; i++)
		fails(&b, now_us, BACKOFF_BREAKER, false);
	fails(&b, now_us, BACKOFF_RATE, false);
	assert_int_equal(b.kind, BACKOFF_QUOTA);
}

/* Its own wait is the longer, but five in a row are its condition. */
static void
late_failures_do_not_make_a_limit_a_breaker(void **state)
{
	struct backoff b = { 0 };
	int i;

	(void)state;
	fails(&b, START, BACKOFF_RATE, false);
	for (i = 0; i < 2 * BACKOFF_STRIKES; i++)
		fails(&b, START, BACKOFF_BREAKER, false);
	assert_int_equal(b.kind, BACKOFF_RATE);
	is_about(backoff_wait_us(&b, START), SECOND);
}

static void
every_kind_has_a_name(void **state)
{
	int k;

	(void)state;
	assert_string_equal(backoff_kind_name(BACKOFF_NONE), "");
	assert_int_equal(backoff_kind_by_name(slice_of("")), BACKOFF_NONE);
	for (k = BACKOFF_NONE + 1; k < BACKOFF_KINDS; k++) {
		const char *name = backoff_kind_name((enum backoff_kind)k);

		assert_true(name[0] != '\0');
		assert_int_equal(backoff_kind_by_name(slice_of(name)), k);
	}
	assert_string_equal(backoff_kind_name(BACKOFF_BREAKER), "breaker");
}

#define CALLS 64
#define STEPS 300000

/* Calls that are under way, some of which never end. */
struct crowd {
	uint64_t random;
	int64_t now_us;
	struct backoff backoff;
	size_t count;
	bool probes[CALLS];
	bool probing;
	int64_t probe_us;
	size_t refused, probed, closed;
};

static uint32_t
chance(struct crowd *c)
{
	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(c->random >> 32);
}

static void
call(struct crowd *c)
{
	int64_t wait_us = backoff_wait_us(&c->backoff, c->now_us);
	enum backoff_state was = backoff_state(&c->backoff, c->now_us);
	bool probe, entered = backoff_enter(&c->backoff, c->now_us, &probe);

	assert_int_equal(entered, wait_us == 0);
	assert_true(wait_us >= 0);
	c->refused += !entered;
	if (!entered)
		return;
	assert_int_not_equal(was, BACKOFF_OPEN);
	assert_int_equal(probe, was == BACKOFF_HALF_OPEN);
	if (probe) {
		assert_true(!c->probing ||
			    c->now_us - c->probe_us >= BACKOFF_PROBE_MAX_US);
		c->probing = true;
		c->probe_us = c->now_us;
		c->probed++;
	}
	if (c->count < CALLS && (!probe || chance(c) % 8 > 0))
		c->probes[c->count++] = probe;
}

static void
end_failed(struct crowd *c, bool probe)
{
	struct backoff before = c->backoff;
	const struct backoff_cause cause = {
		.kind = (enum backoff_kind)(chance(c) % BACKOFF_KINDS),
		.retry_after_us =
		    chance(c) % 4 == 0 ? (int64_t)chance(c) << 4 : 0,
		.random = chance(c),
		.probe = probe,
	};

	backoff_failure(&c->backoff, c->now_us, &cause);
	if (!probe)
		assert_true(c->backoff.until_us >= before.until_us);
	if (cause.kind == BACKOFF_NONE)
		return;
	if (probe || (before.until_us == 0 && cause.kind != BACKOFF_BREAKER))
		assert_int_equal(backoff_state(&c->backoff, c->now_us),
		    BACKOFF_OPEN);
}

static void
end_some(struct crowd *c)
{
	size_t i = chance(c) % c->count;
	bool probe = c->probes[i];

	c->probes[i] = c->probes[--c->count];
	/* One that was given up stays away for good. */
	if (probe && c->now_us - c->probe_us >= BACKOFF_PROBE_MAX_US)
		return;
	switch (chance(c) % 8) {
	case 0:
	case 1:
	case 2:
		backoff_success(&c->backoff, probe);
		if (probe)
			assert_int_equal(c->backoff.until_us, 0);
		c->closed += probe;
		break;
	case 3:
		backoff_abandon(&c->backoff, probe);
		break;
	default:
		end_failed(c, probe);
	}
	if (probe)
		c->probing = false;
}

static int64_t
some_step(struct crowd *c)
{
	switch (chance(c) % 16) {
	case 0:
		return (int64_t)(chance(c) % 900) * SECOND;
	case 1:
		return (int64_t)(chance(c) % 9000) * SECOND;
	default:
		return chance(c) % SECOND;
	}
}

/* A probe that was given up and ends after all counts as the one after it;
 * so here such a one never ends. */
static void
forget_given_up(struct crowd *c)
{
	size_t i = 0;

	while (i < c->count) {
		if (c->probes[i] &&
		    c->now_us - c->probe_us >= BACKOFF_PROBE_MAX_US)
			c->probes[i] = c->probes[--c->count];
		else
			i++;
	}
}

static void
no_sequence_lets_two_probe_or_one_in_while_open(void **state)
{
	struct crowd c = { .random = 5, .now_us = START };
	int step;

	(void)state;
	for (step = 0; step < STEPS; step++) {
		c.now_us += some_step(&c);
		forget_given_up(&c);
		if (c.count == 0 || chance(&c) % 2 == 0)
			call(&c);
		else
			end_some(&c);
		assert_in_range(c.backoff.level, 0, 16);
		assert_in_range(c.backoff.strikes, 0, BACKOFF_STRIKES - 1);
		assert_true(c.backoff.until_us - c.now_us <=
			    6 * 3600 * SECOND / 10 * 11);
	}
	assert_true(c.refused > 1000 && c.probed > 1000 && c.closed > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_grows_from_its_least_to_its_most),
		cmocka_unit_test(a_breaker_opens_at_the_fifth_failure_in_a_row),
		cmocka_unit_test(an_owner_says_how_many_strikes_open_it),
		cmocka_unit_test(one_probe_goes_and_the_others_wait_for_it),
		cmocka_unit_test(retry_after_is_never_undercut),
		cmocka_unit_test(jitter_is_a_tenth_to_both_sides),
		cmocka_unit_test(a_burst_of_failures_is_one_level),
		cmocka_unit_test(kinds_do_not_mix_their_levels),
		cmocka_unit_test(late_failures_do_not_make_a_limit_a_breaker),
		cmocka_unit_test(every_kind_has_a_name),
		cmocka_unit_test(
		    no_sequence_lets_two_probe_or_one_in_while_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
