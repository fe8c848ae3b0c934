#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/member/journal.h"
#include "common/member/target.h"
#include "node/bench.h"
#include "tests/unit/member/listed.h"

#define WALL   INT64_C(1790000000000000)
#define HOUR   ((int64_t)3600 * US_PER_SECOND)
#define TARGET "openai/gpt-5"
#define NOW    ((int64_t)1000 * US_PER_SECOND)

struct scene {
	struct fixture store;
	struct target_states *states;
	struct bench bench;
	struct buf out;
};

static void
open_scene(struct scene *s, int64_t wall_us)
{
	s->states = target_states_new();
	bench_open(&s->bench, s->store.ledger, s->states, wall_us);
}

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	fixture_new(&s->store);
	buf_init(&s->out, 1 << 20);
	open_scene(s, WALL);
}

static void
end(struct scene *s)
{
	target_states_free(s->states);
	buf_fini(&s->out);
	fixture_free(&s->store);
}

/* As a restart after kill -9 finds it. */
static void
restart(struct scene *s, int64_t wall_us)
{
	target_states_free(s->states);
	fixture_crash(&s->store);
	open_scene(s, wall_us);
}

static bool
is_out(struct scene *s, int64_t wall_us)
{
	struct target_state *t = target_state_find(s->states, slice_of(TARGET));
	struct target_look look = { .disabled_until_us = 0 };

	if (t != NULL)
		target_look(t, &look, NOW, wall_us);
	return look.disabled_until_us != 0;
}

static struct event_row
word(int64_t at, int64_t until, const char *why)
{
	return (struct event_row){
		.at = at,
		.target = slice_of(TARGET),
		.detail = slice_of(why),
		.by = slice_of("operator (uid 1000)"),
		.until = until,
	};
}

static void
take_out(struct scene *s, int64_t at, int64_t until, const char *why)
{
	struct event_row row = word(at, until, why);

	assert_true(bench_take_out(&s->bench, &row, &s->out));
}

static const char *
events(struct scene *s, const char *name, const char *value)
{
	return events_listed(s->store.ledger, LISTING_TEXT, name, value,
	    &s->out);
}

static void
who_is_out_stays_out_over_a_restart(void **state)
{
	struct event_row row = word(WALL + 5, 0, "it is well");
	struct scene s;
	struct buf bytes;

	(void)state;
	begin(&s);
	buf_init(&bytes, ROW_BYTES_MAX);
	take_out(&s, WALL, 0, "incident 4711");
	assert_true(is_out(&s, WALL + 100 * HOUR));
	restart(&s, WALL + HOUR);
	assert_true(is_out(&s, WALL + 100 * HOUR));
	assert_true(bench_find(&s.bench, slice_of(TARGET), &bytes, &row));
	assert_true(slice_is(row.detail, "incident 4711"));
	assert_true(slice_is(row.by, "operator (uid 1000)"));
	assert_int_equal(row.until, 0);

	row = word(WALL + 5, 0, "it is well");
	assert_true(bench_bring_back(&s.bench, &row, &s.out));
	assert_false(is_out(&s, WALL));
	assert_false(bench_find(&s.bench, slice_of(TARGET), &bytes, &row));
	restart(&s, WALL);
	assert_false(is_out(&s, WALL));
	buf_fini(&bytes);
	end(&s);
}

static void
who_has_a_time_comes_back_by_itself(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	take_out(&s, WALL, WALL + HOUR, "for an hour");
	assert_true(is_out(&s, WALL + HOUR - 1));
	assert_false(is_out(&s, WALL + HOUR));
	restart(&s, WALL + HOUR - 1);
	assert_true(is_out(&s, WALL + HOUR - 1));
	restart(&s, WALL + HOUR);
	assert_false(is_out(&s, WALL));

	bench_sweep(&s.bench, WALL + HOUR - 1);
	assert_null(strstr(events(&s, NULL, NULL), JOURNAL_ENABLED));
	bench_sweep(&s.bench, WALL + HOUR);
	assert_non_null(strstr(events(&s, NULL, NULL), JOURNAL_ENABLED));
	assert_non_null(strstr(events(&s, NULL, NULL), "its time was over"));
	bench_sweep(&s.bench, WALL + 2 * HOUR);
	assert_null(strstr(strstr(events(&s, NULL, NULL), JOURNAL_ENABLED) + 1,
	    JOURNAL_ENABLED));
	end(&s);
}

static void
bringing_back_forgets_the_backoff(void **state)
{
	struct target_outcome o = { .failure = FAILURE_NONE + 1 };
	struct event_row row = word(WALL, 0, "");
	struct target_change change = { .turn = TARGET_AS_BEFORE };
	struct target_state *t;
	struct target_look look;
	struct scene s;
	bool probe;

	(void)state;
	begin(&s);
	t = target_state_get(s.states, slice_of(TARGET));
	assert_true(target_enter(t, NOW, &probe));
	for (; o.failure < FAILURES && change.turn == TARGET_AS_BEFORE;
	     o.failure++)
		change = target_leave(t, &o, NOW);
	assert_int_equal(change.turn, TARGET_BACKS_OFF);
	assert_true(bench_bring_back(&s.bench, &row, &s.out));
	target_look(t, &look, NOW, WALL);
	assert_int_equal(look.state, BACKOFF_CLOSED);
	end(&s);
}

static void
events_are_listed_newest_first_and_by_target(void **state)
{
	struct target_change change = { .turn = TARGET_BACKS_OFF,
		.kind = BACKOFF_RATE,
		.wait_us = 3 * US_PER_SECOND };
	struct scene s;
	const char *text;

	(void)state;
	begin(&s);
	take_out(&s, WALL, 0, "first");
	journal_target(s.store.turn, &s.store.ids, slice_of("p/b"), &change);
	change.turn = TARGET_AS_BEFORE;
	journal_target(s.store.turn, &s.store.ids, slice_of("p/b"), &change);
	change.turn = TARGET_RECOVERED;
	journal_target(s.store.turn, &s.store.ids, slice_of("p/c"), &change);
	fixture_turn(&s.store);

	text = events(&s, "target", "p/b");
	assert_non_null(strstr(text, "rate"));
	assert_non_null(strstr(text, JOURNAL_BACKING_OFF));
	assert_null(strstr(text, "p/c"));
	assert_null(strstr(text, TARGET));
	text = events(&s, "limit", "2");
	assert_non_null(strstr(text, JOURNAL_RECOVERED));
	assert_true(strstr(text, JOURNAL_RECOVERED) <
		    strstr(text, JOURNAL_BACKING_OFF));
	assert_null(strstr(text, "first"));

	text = events_listed(s.store.ledger, LISTING_JSON, "target", "p/b",
	    &s.out);
	assert_non_null(strstr(text, "\"kind\":\"target-backing-off\""));
	assert_non_null(strstr(text, "\"by\":\"router\""));
	end(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_out_stays_out_over_a_restart),
		cmocka_unit_test(who_has_a_time_comes_back_by_itself),
		cmocka_unit_test(bringing_back_forgets_the_backoff),
		cmocka_unit_test(events_are_listed_newest_first_and_by_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
