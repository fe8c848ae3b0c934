/* A node follows what its egresses say, each word once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "node/outlook.h"

#define SECOND ((int64_t)US_PER_SECOND)
#define NOW    (1000 * SECOND)
#define BOOT   ((int64_t)5 << CAPACITY_BOOT_BITS)

struct scene {
	struct outlook outlook;
	struct target_states *states;
	int closed, recovered; /* events */
};

static void
on_change(void *arg, struct slice target, const struct target_change *change)
{
	struct scene *s = arg;

	assert_true(target.len > 0);
	if (change->turn == TARGET_BACKS_OFF)
		s->closed++;
	else
		s->recovered++;
}

static void
begin(struct scene *s)
{
	*s = (struct scene){ .states = target_states_new() };
	outlook_init(&s->outlook);
}

static void
finish(struct scene *s)
{
	outlook_fini(&s->outlook);
	target_states_free(s->states);
}

static struct capacity_entry
entry(const char *target, int64_t wait_us, int64_t turn)
{
	return (struct capacity_entry){ slice_of(target), BACKOFF_RATE, wait_us,
		wait_us == 0, turn };
}

/* One word: a list of at most one. */
static void
hears(struct scene *s, const char *egress, struct capacity_epoch epoch,
    const struct capacity_entry *e)
{
	const struct capacity c = {
		.egress = slice_of(egress),
		.epoch = epoch,
		.entries = e,
		.count = e != NULL ? 1 : 0,
	};

	outlook_hear(&s->outlook, s->states, &c, NOW,
	    &(struct outlook_events){ on_change, s });
}

static struct capacity_epoch
epoch(int64_t boot, int64_t number)
{
	return (struct capacity_epoch){ BOOT + boot, number };
}

static struct target_look
look(struct scene *s, const char *target, int64_t now_us)
{
	struct target_look l;

	target_look(target_state_get(s->states, slice_of(target)), &l, now_us,
	    0);
	return l;
}

static bool
enters(struct scene *s, const char *target, int64_t now_us, bool *probe)
{
	return target_enter(target_state_get(s->states, slice_of(target)),
	    now_us, probe);
}

static void
a_word_is_followed_once(void **state)
{
	const struct capacity_entry e = entry("p/m", 3 * SECOND, 1);
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	hears(&s, "central", epoch(1, 2), &e);
	hears(&s, "central", epoch(1, 2), &e);
	assert_int_equal(s.closed, 1);
	assert_int_equal(look(&s, "p/m", NOW).kind, BACKOFF_RATE);
	assert_int_equal(look(&s, "p/m", NOW).wait_us, 3 * SECOND);
	assert_false(enters(&s, "p/m", NOW, &probe));
	/* The older word comes later, by another link. */
	hears(&s, "central", epoch(1, 1), NULL);
	assert_int_equal(s.recovered, 0);
	assert_false(enters(&s, "p/m", NOW, &probe));
	/* Another target's change tells of this one again. */
	hears(&s, "central", epoch(1, 3), &e);
	assert_int_equal(s.closed, 1);
	hears(&s, "central", epoch(1, 4), NULL);
	hears(&s, "central", epoch(1, 4), NULL);
	assert_int_equal(s.recovered, 1);
	assert_true(enters(&s, "p/m", NOW, &probe));
	assert_false(probe);
	finish(&s);
}

static void
when_its_time_is_over_one_of_ours_goes_first(void **state)
{
	const struct capacity_entry first = entry("p/m", SECOND, 1);
	const struct capacity_entry over = entry("p/m", 0, 1);
	const struct capacity_entry anew = entry("p/m", 2 * SECOND, 2);
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	hears(&s, "central", epoch(1, 1), &first);
	assert_true(enters(&s, "p/m", NOW + SECOND, &probe));
	assert_true(probe);
	assert_false(enters(&s, "p/m", NOW + SECOND, &probe));
	hears(&s, "central", epoch(1, 2), &over);
	assert_false(enters(&s, "p/m", NOW + SECOND, &probe));
	hears(&s, "central", epoch(1, 3), &anew);
	assert_int_equal(s.closed, 2);
	assert_true(enters(&s, "p/m", NOW + 2 * SECOND, &probe));
	assert_true(probe);
	finish(&s);
}

static void
one_egress_takes_no_other_ones_word_back(void **state)
{
	const struct capacity_entry e = entry("p/m", 3 * SECOND, 1);
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	hears(&s, "west", epoch(1, 1), &e);
	hears(&s, "east", epoch(1, 9), NULL);
	assert_int_equal(s.recovered, 0);
	assert_false(enters(&s, "p/m", NOW, &probe));
	hears(&s, "west", epoch(1, 2), NULL);
	assert_int_equal(s.recovered, 1);
	finish(&s);
}

/* Who closed it may be gone for good: our probe by another has found out. */
static void
a_probe_that_is_answered_ends_a_word(void **state)
{
	const struct target_outcome well = { .probe = true };
	const struct capacity_entry e = entry("p/m", SECOND, 1);
	const struct capacity_entry over = entry("p/m", 0, 1);
	const struct capacity_entry anew = entry("p/m", SECOND, 2);
	struct target_change change;
	struct target_state *t;
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	hears(&s, "west", epoch(1, 1), &e);
	t = target_state_get(s.states, slice_of("p/m"));
	assert_true(enters(&s, "p/m", NOW + SECOND, &probe));
	change = target_leave(t, &well, NOW + SECOND);
	assert_int_equal(change.turn, TARGET_RECOVERED);
	assert_int_equal(change.kind, BACKOFF_RATE);
	assert_int_equal(look(&s, "p/m", NOW + SECOND).state, BACKOFF_CLOSED);
	/* That nobody has probed there since is no news, but an opening is. */
	hears(&s, "west", epoch(1, 2), &over);
	assert_int_equal(s.closed, 1);
	assert_int_equal(look(&s, "p/m", NOW + SECOND).state, BACKOFF_CLOSED);
	hears(&s, "west", epoch(1, 3), &anew);
	assert_int_equal(s.closed, 2);
	assert_int_equal(look(&s, "p/m", NOW).state, BACKOFF_OPEN);
	finish(&s);
}

/* And one that was none of it, or began before the word, ends nothing. */
static void
an_answer_that_is_no_probe_of_it_ends_no_word(void **state)
{
	struct target_outcome o = { .probe = false };
	const struct capacity_entry e = entry("p/m", SECOND, 1);
	const struct capacity_entry anew = entry("p/m", SECOND, 2);
	struct target_state *t;
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	hears(&s, "west", epoch(1, 1), &e);
	t = target_state_get(s.states, slice_of("p/m"));
	(void)target_leave(t, &o, NOW + SECOND);
	assert_true(enters(&s, "p/m", NOW + SECOND, &probe));
	o = (struct target_outcome){ .probe = true, .given_up = true };
	(void)target_leave(t, &o, NOW + SECOND);
	assert_true(enters(&s, "p/m", NOW + SECOND, &probe));
	assert_true(probe);
	hears(&s, "west", epoch(1, 2), &anew);
	o.given_up = false;
	(void)target_leave(t, &o, NOW + SECOND);
	assert_int_equal(look(&s, "p/m", NOW + SECOND).state,
	    BACKOFF_HALF_OPEN);
	assert_int_equal(s.recovered, 0);
	finish(&s);
}

static void
who_is_no_parent_any_more_has_said_nothing(void **state)
{
	const struct capacity_entry e = entry("p/m", 3 * SECOND, 1);
	char name[] = "west-a";
	struct scene s;
	bool probe;
	int i;

	(void)state;
	begin(&s);
	for (i = 0; i < 3 * OUTLOOK_EGRESSES_MAX; i++) {
		name[5] = (char)('a' + i % 26);
		hears(&s, name, epoch(i + 1, 1), &e);
		assert_int_equal(s.outlook.count, 2 - (i == 0));
		/* What another says stays. */
		hears(&s, "east", epoch(1, 1), NULL);
		outlook_forget(&s.outlook, s.states, slice_of("east"), NOW,
		    &(struct outlook_events){ on_change, &s });
		assert_false(enters(&s, "p/m", NOW, &probe));
		outlook_forget(&s.outlook, s.states, slice_of(name), NOW,
		    &(struct outlook_events){ on_change, &s });
		assert_int_equal(s.outlook.count, 0);
		assert_int_equal(s.recovered, i + 1);
		assert_true(enters(&s, "p/m", NOW, &probe));
		assert_false(probe);
		hears(&s, "east", epoch(1, 1), NULL);
	}
	finish(&s);
}

static void
an_egress_that_starts_anew_begins_anew(void **state)
{
	const struct capacity_entry e = entry("p/m", 3 * SECOND, 1);
	struct scene s;

	(void)state;
	begin(&s);
	hears(&s, "central", epoch(1, 50), &e);
	hears(&s, "central", epoch(2, 1), &e);
	assert_int_equal(s.closed, 2);
	hears(&s, "central", epoch(2, 2), NULL);
	assert_int_equal(s.recovered, 1);
	/* What the old process still had on its way. */
	hears(&s, "central", epoch(1, 51), &e);
	assert_int_equal(s.closed, 2);
	finish(&s);
}

static void
a_refusal_keeps_a_target_from_being_asked(void **state)
{
	const struct target_word no = { .judge =
					    outlook_judge(slice_of("central")),
		.kind = BACKOFF_SHORT,
		.wait_us = SECOND };
	struct target_state *t;
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	t = target_state_get(s.states, slice_of("p/m"));
	assert_false(target_is_put_off(t, NOW));
	target_put_off(t, &no, NOW);
	assert_true(target_is_put_off(t, NOW));
	assert_false(enters(&s, "p/m", NOW, &probe));
	assert_int_equal(look(&s, "p/m", NOW).kind, BACKOFF_SHORT);
	/* It was no change that anybody wrote down. */
	hears(&s, "central", epoch(1, 1), NULL);
	assert_int_equal(s.recovered, 0);
	assert_true(enters(&s, "p/m", NOW, &probe));
	/* One that crossed the word of recovery ends with its time. */
	target_put_off(t, &no, NOW);
	assert_false(enters(&s, "p/m", NOW + SECOND - 1, &probe));
	assert_true(target_is_put_off(t, NOW + SECOND - 1));
	assert_false(target_is_put_off(t, NOW + SECOND));
	assert_true(enters(&s, "p/m", NOW + SECOND, &probe));
	assert_false(probe);
	assert_int_equal(look(&s, "p/m", NOW + SECOND).state, BACKOFF_CLOSED);
	finish(&s);
}

/* What the egress saw it judges; what only the node saw, the node. */
static void
what_an_egress_judges_only_counts_here(void **state)
{
	struct target_outcome o = { .failure = FAILURE_RATE, .told = true };
	struct target_look l;
	struct scene s;
	int i;

	(void)state;
	begin(&s);
	(void)target_leave(target_state_get(s.states, slice_of("p/m")), &o,
	    NOW);
	l = look(&s, "p/m", NOW);
	assert_int_equal(l.state, BACKOFF_CLOSED);
	assert_int_equal(l.seen.failures, 1);
	o = (struct target_outcome){ .failure = FAILURE_TIMEOUT };
	for (i = 0; i < BACKOFF_STRIKES; i++)
		(void)target_leave(target_state_get(s.states, slice_of("p/m")),
		    &o, NOW);
	l = look(&s, "p/m", NOW);
	assert_int_equal(l.state, BACKOFF_OPEN);
	/* And an egress that finds it well does not know of that. */
	hears(&s, "central", epoch(1, 1), NULL);
	assert_int_equal(look(&s, "p/m", NOW).state, BACKOFF_OPEN);
	finish(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_followed_once),
		cmocka_unit_test(when_its_time_is_over_one_of_ours_goes_first),
		cmocka_unit_test(one_egress_takes_no_other_ones_word_back),
		cmocka_unit_test(a_probe_that_is_answered_ends_a_word),
		cmocka_unit_test(an_answer_that_is_no_probe_of_it_ends_no_word),
		cmocka_unit_test(who_is_no_parent_any_more_has_said_nothing),
		cmocka_unit_test(an_egress_that_starts_anew_begins_anew),
		cmocka_unit_test(a_refusal_keeps_a_target_from_being_asked),
		cmocka_unit_test(what_an_egress_judges_only_counts_here),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
