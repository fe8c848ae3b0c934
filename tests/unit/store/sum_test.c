#include "common/store/sum.h"
#include "tests/unit/store/fixture.h"

/* Two workers of one store, each with turns of its own. */
struct pair {
	struct fixture f;
	struct loop *loop;
	struct ledger_turn *other;
	struct id id;
};

static void
pair_new(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	fixture_new(&p->f);
	p->loop = loop_new("other");
	p->other = ledger_turn_new(p->f.ledger, p->loop);
	loop_stop(p->loop);
	p->id = id_next(&p->f.ids, INT64_C(1790000000000000));
}

static void
pair_free(struct pair *p)
{
	ledger_turn_free(p->other);
	loop_free(p->loop);
	fixture_free(&p->f);
}

static void
settle(struct ledger_turn *t, struct id id, int64_t number, const char *state)
{
	struct attempt_row attempt = attempt_sample(id, number, "settled");
	struct request_row request = request_sample(id, state);

	request.attempts = number;
	attempt.input_tokens = request.input_tokens = 10 * number;
	attempt.cost_microusd = request.cost_microusd = 7 * number;
	attempt.usage_source = request.usage_source = slice_of("provider");
	ledger_settle(t, &request, &attempt);
}

/* As a receipt that came late does. */
static void
raise_figures(struct ledger_turn *t, struct id id, int64_t number)
{
	struct attempt_row attempt = attempt_sample(id, number, "resettled");
	struct attempt_key key =
	    attempt_key_make(&id, number, slice_make(NULL, 0));

	attempt.input_tokens = 1000;
	attempt.cost_microusd = 500;
	attempt.usage_source = slice_of("estimated");
	ledger_put_row(t, ROW_ATTEMPT, &attempt, attempt_key_slice(&key));
}

static void
expect(struct pair *p, int64_t tokens, int64_t cost, const char *source)
{
	struct request_row row;
	struct buf bytes;

	buf_init(&bytes, ROW_BYTES_MAX);
	assert_true(ledger_request(p->f.ledger, &p->id, &bytes, &row));
	assert_int_equal(row.input_tokens, tokens);
	assert_int_equal(row.cost_microusd, cost);
	assert_true(slice_is(row.usage_source, source));
	buf_fini(&bytes);
}

static void
test_attempts_are_summed_as_the_turn_sees_them(void **state)
{
	struct usage usage;
	struct pair p;
	int64_t cost;

	(void)state;
	pair_new(&p);
	settle(p.f.turn, p.id, 1, "open");
	settle(p.f.turn, p.id, 2, "open");
	sum_attempts(p.f.turn, &p.id, 2, &usage, &cost);
	assert_int_equal(usage.input_tokens, 30);
	assert_int_equal(cost, 21);
	assert_int_equal(usage.source, USAGE_PROVIDER);
	/* Another worker sees what is committed. */
	sum_attempts(p.other, &p.id, 2, &usage, &cost);
	assert_int_equal(cost, 0);
	fixture_turn(&p.f);
	sum_attempts(p.other, &p.id, 2, &usage, &cost);
	assert_int_equal(cost, 21);
	pair_free(&p);
}

/*
 * A receipt for the first attempt comes on one worker while the request ends
 * on the other: in whichever order they commit, the last one corrects.
 */
static void
ends_while_a_receipt_comes(bool receipt_first)
{
	struct pair p;

	pair_new(&p);
	settle(p.f.turn, p.id, 1, "open");
	fixture_turn(&p.f);
	raise_figures(p.other, p.id, 1);
	settle(p.f.turn, p.id, 2, "settled"); /* knows of the second only */
	if (receipt_first) {
		loop_run(p.loop);
		sum_correct(p.other, &p.id); /* still open: nothing */
		fixture_turn(&p.f);
		sum_correct(p.f.turn, &p.id);
		fixture_turn(&p.f);
	} else {
		fixture_turn(&p.f);
		sum_correct(p.f.turn, &p.id);
		fixture_turn(&p.f);
		expect(&p, 30, 21, "provider");
		loop_run(p.loop);
		sum_correct(p.other, &p.id);
		loop_run(p.loop);
	}
	expect(&p, 1020, 514, "estimated");
	pair_free(&p);
}

static void
test_who_commits_last_corrects(void **state)
{
	(void)state;
	ends_while_a_receipt_comes(true);
	ends_while_a_receipt_comes(false);
}

static void
test_what_is_right_or_open_stays(void **state)
{
	struct pair p;
	size_t empty;

	(void)state;
	pair_new(&p);
	settle(p.f.turn, p.id, 1, "open");
	settle(p.f.turn, p.id, 2, "open");
	fixture_turn(&p.f);
	empty = ledger_pending_bytes(p.f.turn);
	sum_correct(p.f.turn, &p.id);
	assert_int_equal(ledger_pending_bytes(p.f.turn), empty);
	expect(&p, 20, 14, "provider"); /* open: as it was put */
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_attempts_are_summed_as_the_turn_sees_them),
		cmocka_unit_test(test_who_commits_last_corrects),
		cmocka_unit_test(test_what_is_right_or_open_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
