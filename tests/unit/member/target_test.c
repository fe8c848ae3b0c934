#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/member/target.h"

#define SECOND ((int64_t)US_PER_SECOND)
#define NOW    (1000 * SECOND)
#define WALL   (1000000 * SECOND)

static void
states_are_found_by_name_and_never_move(void **state)
{
	struct target_states *s = target_states_new();
	struct target_state *a, *b;
	char name[] = "openai/gpt-5";
	size_t at = 0;

	(void)state;
	assert_null(target_state_find(s, slice_of(name)));
	a = target_state_get(s, slice_of(name));
	b = target_state_get(s, slice_of("openai/gpt-5-mini"));
	assert_ptr_not_equal(a, b);
	name[0] = 'X';
	assert_ptr_equal(target_state_get(s, slice_of("openai/gpt-5")), a);
	assert_ptr_equal(target_state_find(s, slice_of("openai/gpt-5")), a);
	assert_true(slice_is(a->name, "openai/gpt-5"));
	assert_ptr_equal(target_state_next(s, &at), a);
	assert_ptr_equal(target_state_next(s, &at), b);
	assert_null(target_state_next(s, &at));
	target_states_free(s);
	target_states_free(NULL);
}

static struct target_state *
numbered(struct target_states *s, int i)
{
	char name[32];

	snprintf(name, sizeof(name), "p/model-%d", i);
	return target_state_get(s, slice_of(name));
}

static void
beyond_the_maximum_all_share_one(void **state)
{
	struct target_states *s = target_states_new();
	struct target_state *first = numbered(s, 0), *other;
	size_t at = 0, count = 0;
	int i;

	(void)state;
	for (i = 1; i < TARGET_STATES_MAX; i++)
		numbered(s, i);
	other = numbered(s, i);
	assert_true(slice_is(other->name, "others"));
	assert_ptr_equal(numbered(s, i + 1), other);
	assert_ptr_equal(numbered(s, 0), first);
	assert_null(target_state_find(s, slice_of("p/model-4096")));
	while (target_state_next(s, &at) != NULL)
		count++;
	assert_int_equal(count, TARGET_STATES_MAX);
	target_states_free(s);
}

static void
leave(struct target_state *t, enum failure failure, bool probe)
{
	(void)target_leave(t,
	    &(struct target_outcome){ .failure = failure,
		.probe = probe,
		.random = 0x80000000u,
		.seen = { .ttft_us = SECOND, .total_us = 2 * SECOND } },
	    NOW);
}

static struct target_look
look(struct target_state *t, int64_t now_us)
{
	struct target_look l;

	target_look(t, &l, now_us, WALL);
	return l;
}

/* What one failure does to a target that nothing is known of. */
static struct target_look
after(enum failure failure)
{
	struct target_states *s = target_states_new();
	struct target_state *t = target_state_get(s, slice_of("p/m"));
	struct target_look l;

	leave(t, failure, false);
	l = look(t, NOW);
	target_states_free(s);
	return l;
}

static void
each_class_has_its_backoff(void **state)
{
	static const enum backoff_kind kinds[FAILURES] = {
		[FAILURE_RATE] = BACKOFF_RATE,
		[FAILURE_QUOTA] = BACKOFF_QUOTA,
		[FAILURE_OVERLOADED] = BACKOFF_SHORT,
		[FAILURE_AUTH] = BACKOFF_LONG,
		[FAILURE_NOT_FOUND] = BACKOFF_LONG,
	};
	struct target_look l;
	int f;

	(void)state;
	for (f = FAILURE_NONE; f < FAILURES; f++) {
		l = after((enum failure)f);
		assert_int_equal(l.kind, kinds[f]);
		assert_int_equal(l.state,
		    kinds[f] == BACKOFF_NONE ? BACKOFF_CLOSED : BACKOFF_OPEN);
		assert_int_equal(l.wait_us > 0, kinds[f] != BACKOFF_NONE);
	}
}

/* A turn of the state is told once, whoever else fails meanwhile. */
static void
a_change_is_told_to_who_made_it(void **state)
{
	const struct target_outcome rate = { .failure = FAILURE_RATE },
				    answered = { .failure = FAILURE_NONE },
				    rate_again = { .failure = FAILURE_RATE,
					    .again = true };
	struct target_outcome probe = rate;
	struct target_states *s = target_states_new();
	struct target_state *t = target_state_get(s, slice_of("p/m"));
	struct target_change c;
	int64_t later_us;

	(void)state;
	assert_int_equal(target_leave(t, &answered, NOW).turn,
	    TARGET_AS_BEFORE);
	assert_int_equal(target_leave(t, &rate_again, NOW).turn,
	    TARGET_AS_BEFORE);
	c = target_leave(t, &rate, NOW);
	assert_int_equal(c.turn, TARGET_BACKS_OFF);
	assert_int_equal(c.kind, BACKOFF_RATE);
	assert_int_equal(c.wait_us, look(t, NOW).wait_us);
	assert_int_equal(target_leave(t, &rate, NOW).turn, TARGET_AS_BEFORE);
	assert_int_equal(target_leave(t, &answered, NOW).turn,
	    TARGET_AS_BEFORE);

	later_us = NOW + look(t, NOW).wait_us;
	assert_true(target_enter(t, later_us, &probe.probe));
	c = target_leave(t, &probe, later_us);
	assert_int_equal(c.turn, TARGET_BACKS_OFF);
	later_us += c.wait_us;
	assert_true(target_enter(t, later_us, &probe.probe));
	probe.given_up = true;
	assert_int_equal(target_leave(t, &probe, later_us).turn,
	    TARGET_AS_BEFORE);
	assert_true(target_enter(t, later_us, &probe.probe));
	probe = (struct target_outcome){ .probe = true };
	c = target_leave(t, &probe, later_us);
	assert_int_equal(c.turn, TARGET_RECOVERED);
	assert_int_equal(c.kind, BACKOFF_RATE);
	target_states_free(s);
}

static void
only_the_targets_own_failures_count_as_such(void **state)
{
	static const enum failure own[] = { FAILURE_RATE, FAILURE_SERVER,
		FAILURE_TIMEOUT, FAILURE_BAD_BODY, FAILURE_AUTH };
	static const enum failure requests[] = { FAILURE_MALFORMED,
		FAILURE_POLICY, FAILURE_TOO_LARGE, FAILURE_CONTEXT };
	struct target_look l;
	size_t i;

	(void)state;
	l = after(FAILURE_NONE);
	assert_int_equal(l.seen.attempts, 1);
	assert_int_equal(l.seen.failures, 0);
	assert_true(l.seen.total_p50_us > 0 && l.seen.ttft_p50_us > 0);
	for (i = 0; i < count_of(own); i++) {
		l = after(own[i]);
		assert_int_equal(l.seen.attempts, 1);
		assert_int_equal(l.seen.failures, 1);
		assert_int_equal(l.seen.total_p50_us, 0);
	}
	for (i = 0; i < count_of(requests); i++) {
		l = after(requests[i]);
		assert_int_equal(l.seen.attempts, 1);
		assert_int_equal(l.seen.failures, 0);
		assert_int_equal(l.seen.total_p50_us, 0);
	}
	assert_int_equal(after(FAILURE_THROTTLED).seen.attempts, 0);
	assert_int_equal(after(FAILURE_MEMBER).seen.attempts, 0);
}

/* Open it by `opened`, and let its probe end in `end`. */
static struct target_look
after_probe(enum failure opened, const struct target_outcome *end)
{
	struct target_states *s = target_states_new();
	struct target_state *t = target_state_get(s, slice_of("p/m"));
	struct target_outcome o = *end;
	struct target_look l;
	int64_t later_us;
	int i;

	for (i = 0; i < BACKOFF_STRIKES; i++)
		leave(t, opened, false);
	l = look(t, NOW);
	assert_int_equal(l.state, BACKOFF_OPEN);
	assert_false(target_enter(t, NOW, &o.probe));
	later_us = NOW + l.wait_us;
	assert_true(target_enter(t, later_us, &o.probe));
	assert_true(o.probe);
	assert_true(look(t, later_us).wait_us > 0);
	target_leave(t, &o, later_us);
	l = look(t, later_us);
	target_states_free(s);
	return l;
}

static void
an_answer_closes_what_a_wrong_request_may_not(void **state)
{
	const struct target_outcome answered = { .failure = FAILURE_NONE },
				    wrong = { .failure = FAILURE_MALFORMED },
				    ours = { .failure = FAILURE_THROTTLED },
				    left = { .given_up = true },
				    again = { .failure = FAILURE_SERVER };

	(void)state;
	assert_int_equal(after_probe(FAILURE_RATE, &answered).state,
	    BACKOFF_CLOSED);
	assert_int_equal(after_probe(FAILURE_SERVER, &wrong).state,
	    BACKOFF_CLOSED);
	assert_int_equal(after_probe(FAILURE_RATE, &wrong).state,
	    BACKOFF_HALF_OPEN);
	assert_int_equal(after_probe(FAILURE_RATE, &wrong).wait_us, 0);
	assert_int_equal(after_probe(FAILURE_SERVER, &ours).state,
	    BACKOFF_HALF_OPEN);
	assert_int_equal(after_probe(FAILURE_SERVER, &left).state,
	    BACKOFF_HALF_OPEN);
	assert_int_equal(after_probe(FAILURE_SERVER, &left).wait_us, 0);
	assert_int_equal(after_probe(FAILURE_SERVER, &left).seen.attempts,
	    BACKOFF_STRIKES);
	assert_int_equal(after_probe(FAILURE_SERVER, &again).state,
	    BACKOFF_OPEN);
}

static void
a_wrong_request_ends_a_row_of_failures(void **state)
{
	struct target_states *s = target_states_new();
	struct target_state *t = target_state_get(s, slice_of("p/m"));
	int i;

	(void)state;
	for (i = 0; i < BACKOFF_STRIKES - 1; i++)
		leave(t, FAILURE_NETWORK, false);
	leave(t, FAILURE_CONTEXT, false);
	leave(t, FAILURE_NETWORK, false);
	assert_int_equal(look(t, NOW).state, BACKOFF_CLOSED);
	target_states_free(s);
}

static void
an_operators_word_ends_by_itself_or_by_another(void **state)
{
	struct target_states *s = target_states_new();
	struct target_state *t = target_state_get(s, slice_of("p/m"));
	struct target_look l;

	(void)state;
	assert_int_equal(look(t, NOW).disabled_until_us, 0);
	target_disable(t, WALL + SECOND);
	assert_int_equal(look(t, NOW).disabled_until_us, WALL + SECOND);
	assert_true(target_is_disabled(t, WALL));
	assert_false(target_is_disabled(t, WALL + SECOND));
	target_look(t, &l, NOW, WALL + SECOND);
	assert_int_equal(l.disabled_until_us, 0);
	target_disable(t, INT64_MAX);
	leave(t, FAILURE_QUOTA, false);
	assert_true(look(t, NOW).disabled_until_us == INT64_MAX);
	assert_true(target_is_disabled(t, INT64_MAX - 1));
	target_enable(t);
	assert_false(target_is_disabled(t, 0));
	l = look(t, NOW);
	assert_int_equal(l.disabled_until_us, 0);
	assert_int_equal(l.state, BACKOFF_CLOSED);
	assert_int_equal(l.seen.failures, 1);
	target_states_free(s);
}

#define THREADS 2
#define ROUNDS  20000
#define NAMES   64

struct worker {
	pthread_t thread;
	struct target_states *states;
	int entered;
};

static void *
enter_look_and_leave(void *arg)
{
	struct worker *w = arg;
	struct target_outcome o;
	struct target_state *t;
	struct target_look l;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		t = numbered(w->states, i * 7 % NAMES);
		target_look(t, &l, NOW + i, WALL);
		if (l.seen.failures > l.seen.attempts)
			return NULL;
		o = (struct target_outcome){
			.failure = i % 11 == 0 ? FAILURE_NETWORK : FAILURE_NONE
		};
		if (!target_enter(t, NOW + i, &o.probe))
			continue;
		w->entered++;
		target_leave(t, &o, NOW + i);
	}
	return w;
}

static void
threads_share_the_states(void **state)
{
	struct worker workers[THREADS];
	struct target_states *s = target_states_new();
	struct target_state *t;
	int64_t attempts = 0;
	size_t i, at = 0;
	int entered = 0;
	void *good;

	(void)state;
	for (i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .states = s };
		assert_int_equal(pthread_create(&workers[i].thread, NULL,
				     enter_look_and_leave, &workers[i]),
		    0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, &good);
		assert_ptr_equal(good, &workers[i]);
		entered += workers[i].entered;
	}
	while ((t = target_state_next(s, &at)) != NULL)
		attempts += look(t, NOW).seen.attempts;
	assert_int_equal(at, NAMES);
	assert_int_equal(attempts, entered);
	target_states_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_found_by_name_and_never_move),
		cmocka_unit_test(beyond_the_maximum_all_share_one),
		cmocka_unit_test(each_class_has_its_backoff),
		cmocka_unit_test(a_change_is_told_to_who_made_it),
		cmocka_unit_test(only_the_targets_own_failures_count_as_such),
		cmocka_unit_test(an_answer_closes_what_a_wrong_request_may_not),
		cmocka_unit_test(a_wrong_request_ends_a_row_of_failures),
		cmocka_unit_test(
		    an_operators_word_ends_by_itself_or_by_another),
		cmocka_unit_test(threads_share_the_states),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
