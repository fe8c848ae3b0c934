#include "tests/unit/store/fixture.h"

#include "common/base/stat.h"
#include "common/store/epoch.h"

struct waiter {
	struct ledger_wait wait;
	struct fixture *fixture;
	int calls;
	bool written;
	int again;                 /* times to wait once more */
	struct ledger_wait *other; /* to cancel inside the call */
};

static void
on_written(void *arg, bool written)
{
	struct waiter *w = arg;

	w->calls++;
	w->written = written;
	if (w->other != NULL)
		ledger_wait_cancel(w->other);
	if (w->again-- > 0) {
		ledger_put(w->fixture->turn, LEDGER_SETTLEMENTS, FAMILY_EVENT,
		    slice_of("again"), slice_of("1"));
		ledger_await(w->fixture->turn, LEDGER_SETTLEMENTS, &w->wait);
	}
}

static struct waiter
waiter(struct fixture *f)
{
	return (struct waiter){ .fixture = f };
}

static void
start(struct waiter *w, enum ledger_batch b)
{
	ledger_wait_init(&w->wait, on_written, w);
	ledger_await(w->fixture->turn, b, &w->wait);
}

static bool
has(struct fixture *f, enum family family, const char *key)
{
	struct buf out;
	bool there;

	buf_init(&out, ROW_BYTES_MAX);
	there = db_get(ledger_db(f->ledger), family, slice_of(key), &out);
	buf_fini(&out);
	return there;
}

static void
test_rows_are_there_before_waiters_are_called(void **state)
{
	struct fixture f;
	struct waiter a, b;

	(void)state;
	fixture_new(&f);
	a = waiter(&f);
	b = waiter(&f);
	ledger_put(f.turn, LEDGER_INTENTS, FAMILY_INTENT, slice_of("i"),
	    slice_of("1"));
	ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_EVENT, slice_of("s"),
	    slice_of("1"));
	start(&a, LEDGER_INTENTS);
	start(&b, LEDGER_SETTLEMENTS);
	assert_false(has(&f, FAMILY_INTENT, "i"));
	assert_int_equal(a.calls + b.calls, 0);
	fixture_turn(&f);
	assert_true(has(&f, FAMILY_INTENT, "i"));
	assert_true(has(&f, FAMILY_EVENT, "s"));
	assert_true(a.calls == 1 && a.written);
	assert_true(b.calls == 1 && b.written);
	fixture_turn(&f);
	assert_int_equal(a.calls + b.calls, 2);
	fixture_free(&f);
}

static void
test_an_empty_batch_calls_too(void **state)
{
	struct fixture f;
	struct waiter a, b;
	uint64_t commits = stat_get(STAT_COMMITS);

	(void)state;
	fixture_new(&f);
	a = waiter(&f);
	b = waiter(&f);
	start(&a, LEDGER_INTENTS);
	start(&b, LEDGER_SETTLEMENTS);
	fixture_turn(&f);
	assert_true(a.calls == 1 && a.written);
	assert_true(b.calls == 1 && b.written);
	assert_int_equal(stat_get(STAT_COMMITS), commits);
	fixture_free(&f);
}

static void
test_waiters_may_wait_again_and_cancel(void **state)
{
	struct fixture f;
	struct waiter a, b, c;

	(void)state;
	fixture_new(&f);
	a = waiter(&f);
	b = waiter(&f);
	c = waiter(&f);
	a.again = 2;
	start(&a, LEDGER_SETTLEMENTS);
	start(&b, LEDGER_SETTLEMENTS);
	start(&c, LEDGER_INTENTS);
	a.other = &b.wait; /* called after a, in the same turn */
	ledger_wait_cancel(&c.wait);
	ledger_wait_cancel(&c.wait);
	fixture_turn(&f);
	assert_int_equal(a.calls, 1);
	assert_false(has(&f, FAMILY_EVENT, "again"));
	fixture_turn(&f);
	assert_int_equal(a.calls, 2);
	assert_true(has(&f, FAMILY_EVENT, "again"));
	fixture_turn(&f);
	fixture_turn(&f);
	assert_int_equal(a.calls, 3);
	assert_int_equal(b.calls, 0);
	assert_int_equal(c.calls, 0);
	fixture_free(&f);
}

static void
on_late(void *arg)
{
	(void)arg;
	fail_msg("the loop slept although rows were put in RELEASE");
}

static void
stop_at_last(void *arg, bool written)
{
	struct waiter *w = arg;

	on_written(arg, written);
	if (w->calls == 3)
		loop_stop(w->fixture->loop);
}

/* With a loop that sleeps: what RELEASE puts is written by the next turn. */
static void
test_rows_of_release_do_not_wait_for_an_event(void **state)
{
	struct loop_timer *late;
	struct fixture f;
	struct waiter a;

	(void)state;
	memset(&f, 0, sizeof(f));
	folder_new(f.dir);
	f.ledger = ledger_open(f.dir, false);
	f.loop = loop_new("test");
	f.turn = ledger_turn_new(f.ledger, f.loop);
	late = loop_timer_new(f.loop, on_late, NULL);
	loop_timer_set(late, 20 * INT64_C(1000000));
	a = waiter(&f);
	a.again = 2;
	ledger_wait_init(&a.wait, stop_at_last, &a);
	ledger_await(f.turn, LEDGER_SETTLEMENTS, &a.wait);
	loop_run(f.loop);
	assert_int_equal(a.calls, 3);
	loop_timer_free(late);
	fixture_free(&f);
}

/* A store opened read-only refuses every write, as a failing one does. */
static void
fixture_failing(struct fixture *f)
{
	fixture_new(f);
	fixture_close(f);
	fixture_open(f, true);
}

static void
test_a_failing_store_refuses_intents_and_keeps_settlements(void **state)
{
	struct fixture f;
	struct waiter intent, settlement, next;
	struct buf out;

	(void)state;
	fixture_failing(&f);
	buf_init(&out, 64);
	intent = waiter(&f);
	settlement = waiter(&f);
	next = waiter(&f);
	assert_false(ledger_stuck(f.turn));
	ledger_put(f.turn, LEDGER_INTENTS, FAMILY_INTENT, slice_of("i"),
	    slice_of("1"));
	ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_REQUEST, slice_of("r"),
	    slice_of("1"));
	start(&intent, LEDGER_INTENTS);
	start(&settlement, LEDGER_SETTLEMENTS);
	fixture_turn(&f);
	assert_true(intent.calls == 1 && !intent.written);
	assert_int_equal(settlement.calls, 0);
	assert_true(ledger_stuck(f.turn));
	/* Who comes later stays behind it, also with nothing of its own. */
	start(&next, LEDGER_SETTLEMENTS);
	fixture_turn(&f);
	fixture_turn(&f);
	assert_int_equal(settlement.calls + next.calls, 0);
	/* The turn still sees what it put, the last of a key. */
	assert_true(ledger_find(f.turn, FAMILY_REQUEST, slice_of("r"), &out));
	assert_true(slice_is(buf_slice(&out), "1"));
	ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_REQUEST, slice_of("r"),
	    slice_of("2"));
	assert_true(ledger_find(f.turn, FAMILY_REQUEST, slice_of("r"), &out));
	assert_true(slice_is(buf_slice(&out), "2"));
	fixture_turn(&f);
	assert_true(ledger_find(f.turn, FAMILY_REQUEST, slice_of("r"), &out));
	assert_true(slice_is(buf_slice(&out), "2"));
	assert_false(ledger_find(f.turn, FAMILY_REQUEST, slice_of("q"), &out));
	assert_false(ledger_find(f.turn, FAMILY_ATTEMPT, slice_of("r"), &out));
	ledger_wait_cancel(&settlement.wait);
	ledger_wait_cancel(&next.wait);
	buf_fini(&out);
	fixture_free(&f);
}

static void
test_what_is_kept_is_bounded(void **state)
{
	char *bytes = calloc(1, 1 << 20);
	struct request_row row;
	struct fixture f;
	struct buf out;
	int i;

	(void)state;
	fixture_failing(&f);
	buf_init(&out, ROW_BYTES_MAX);
	for (i = 0; i < 4; i++) {
		assert_false(ledger_full(f.turn));
		ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_EVENT,
		    slice_make(&i, sizeof(i)), slice_make(bytes, 1 << 20));
		fixture_turn(&f);
	}
	assert_true(ledger_full(f.turn));
	row = request_sample(id_next(&f.ids, 1), "settled");
	row.attempts = 0;
	ledger_refused(f.turn, &row);
	assert_false(ledger_find(f.turn, FAMILY_REQUEST,
	    slice_make(row.id.bytes, ID_BYTES), &out));
	/* What was called for has a cost, which its budgets have to know. */
	row.attempts = 1;
	ledger_refused(f.turn, &row);
	assert_true(ledger_find(f.turn, FAMILY_REQUEST,
	    slice_make(row.id.bytes, ID_BYTES), &out));
	buf_fini(&out);
	free(bytes);
	fixture_free(&f);
}

static void
test_sync_marks_what_was_committed(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f);
	assert_int_equal(ledger_committed(f.ledger), 0);
	assert_int_equal(ledger_sync(f.ledger), DB_OK);
	ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_EVENT, slice_of("a"),
	    slice_of("1"));
	assert_int_equal(ledger_committed(f.ledger), 0);
	fixture_turn(&f);
	assert_int_equal(ledger_committed(f.ledger), 1);
	assert_int_equal(ledger_durable(f.ledger), 0);
	assert_int_equal(ledger_sync(f.ledger), DB_OK);
	assert_int_equal(ledger_durable(f.ledger), 1);
	fixture_turn(&f);
	assert_int_equal(ledger_committed(f.ledger), 1);
	fixture_free(&f);
}

static void
test_the_last_rows_are_written_at_the_end(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f);
	ledger_put(f.turn, LEDGER_SETTLEMENTS, FAMILY_EVENT, slice_of("a"),
	    slice_of("1"));
	fixture_close(&f);
	fixture_open(&f, false);
	assert_true(has(&f, FAMILY_EVENT, "a"));
	fixture_free(&f);
}

static void
test_a_request_from_intent_to_row(void **state)
{
	const struct slice none = { NULL, 0 };
	struct request_row request, stored;
	struct attempt_row attempt;
	struct fixture f;
	struct buf bytes;
	struct id id;

	(void)state;
	fixture_new(&f);
	buf_init(&bytes, ROW_BYTES_MAX);
	id = id_next(&f.ids, 1000);
	request = request_sample(id, "open");
	attempt = attempt_sample(id, 1, "open");
	assert_false(ledger_knows(f.ledger, &id, 1, none));
	ledger_intend(f.turn, &request, &attempt);
	fixture_turn(&f);
	assert_false(ledger_knows(f.ledger, &id, 1, none));
	assert_false(ledger_request(f.ledger, &id, &bytes, &stored));
	request.state = attempt.state = slice_of("settled");
	request.status = 200;
	ledger_settle(f.turn, &request, &attempt);
	fixture_turn(&f);
	assert_true(ledger_knows(f.ledger, &id, 1, none));
	assert_false(ledger_knows(f.ledger, &id, 2, none));
	assert_false(ledger_knows(f.ledger, &id, 1, slice_of("node-b")));
	assert_false(ledger_knows(f.ledger, &id, 1000, none));
	assert_false(ledger_knows(f.ledger, &id, -1, none));
	assert_true(ledger_request(f.ledger, &id, &bytes, &stored));
	assert_int_equal(stored.status, 200);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	assert_int_equal(fixture_count(&f, FAMILY_ATTEMPT), 1);
	buf_fini(&bytes);
	fixture_free(&f);
}

/* At an egress the same request id of two origins is two attempts. */
static void
test_origins_are_apart_at_an_egress(void **state)
{
	struct attempt_row a, b;
	struct fixture f;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = id_next(&f.ids, 1000);
	a = attempt_sample(id, 1, "open");
	b = attempt_sample(id, 1, "open");
	b.origin = slice_of("node-b");
	ledger_intend(f.turn, NULL, &a);
	ledger_intend(f.turn, NULL, &b);
	fixture_turn(&f);
	a.state = slice_of("settled");
	ledger_settle(f.turn, NULL, &a);
	fixture_turn(&f);
	assert_true(ledger_knows(f.ledger, &id, 1, a.origin));
	assert_false(ledger_knows(f.ledger, &id, 1, b.origin));
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 1);
	assert_int_equal(fixture_count(&f, FAMILY_ATTEMPT), 1);
	fixture_free(&f);
}

static void
test_epochs_grow_and_survive(void **state)
{
	struct fixture f;
	int64_t epoch;

	(void)state;
	fixture_new(&f);
	assert_true(epoch_next(f.ledger, "boot", 0, &epoch));
	assert_int_equal(epoch, 1);
	assert_true(epoch_next(f.ledger, "other", 0, &epoch));
	assert_int_equal(epoch, 1);
	fixture_crash(&f);
	assert_true(epoch_next(f.ledger, "boot", 0, &epoch));
	assert_int_equal(epoch, 2);
	/* Ahead by the clock, and from there on, also when that goes back. */
	assert_true(epoch_next(f.ledger, "boot", 70, &epoch));
	assert_int_equal(epoch, 70);
	assert_true(epoch_next(f.ledger, "boot", 60, &epoch));
	assert_int_equal(epoch, 71);
	assert_int_equal(db_put_now(ledger_db(f.ledger), FAMILY_META,
			     slice_of("epoch/bad"), slice_of("-7")),
	    DB_OK);
	assert_false(epoch_next(f.ledger, "bad", 0, &epoch));
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_are_there_before_waiters_are_called),
		cmocka_unit_test(test_an_empty_batch_calls_too),
		cmocka_unit_test(test_waiters_may_wait_again_and_cancel),
		cmocka_unit_test(test_rows_of_release_do_not_wait_for_an_event),
		cmocka_unit_test(
		    test_a_failing_store_refuses_intents_and_keeps_settlements),
		cmocka_unit_test(test_what_is_kept_is_bounded),
		cmocka_unit_test(test_sync_marks_what_was_committed),
		cmocka_unit_test(test_the_last_rows_are_written_at_the_end),
		cmocka_unit_test(test_a_request_from_intent_to_row),
		cmocka_unit_test(test_origins_are_apart_at_an_egress),
		cmocka_unit_test(test_epochs_grow_and_survive),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
