#include "tests/unit/store/fixture.h"

#include "common/base/stat.h"
#include "common/store/recovery.h"

static struct secret *key; /* of egress-1, for receipts */

struct rows {
	struct buf request_bytes, attempt_bytes;
	struct request_row request;
	struct attempt_row attempt;
};

static void
rows_get(struct rows *r, struct fixture *f, const struct id *id, int64_t number)
{
	buf_init(&r->request_bytes, ROW_BYTES_MAX);
	buf_init(&r->attempt_bytes, ROW_BYTES_MAX);
	assert_true(
	    ledger_request(f->ledger, id, &r->request_bytes, &r->request));
	assert_true(
	    fixture_attempt(f, id, number, &r->attempt_bytes, &r->attempt));
}

static void
rows_fini(struct rows *r)
{
	buf_fini(&r->request_bytes);
	buf_fini(&r->attempt_bytes);
}

static struct id
intend(struct fixture *f, int64_t number)
{
	struct id id = id_next(&f->ids, 1000);
	struct request_row request = request_sample(id, "open");
	struct attempt_row attempt = attempt_sample(id, number, "open");

	ledger_intend(f->turn, &request, &attempt);
	fixture_turn(f);
	return id;
}

static void
test_an_open_intent_is_closed_once(void **state)
{
	uint64_t before = stat_get(STAT_INTERRUPTED);
	struct fixture f;
	struct rows rows;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = intend(&f, 1);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	assert_int_equal(stat_get(STAT_INTERRUPTED), before + 1);
	rows_get(&rows, &f, &id, 1);
	assert_true(slice_is(rows.request.state, "interrupted"));
	assert_true(slice_is(rows.attempt.state, "interrupted"));
	assert_int_equal(rows.attempt.input_tokens, 1000);
	assert_int_equal(rows.request.input_tokens, 1000);
	assert_int_equal(rows.request.status, 0);
	rows_fini(&rows);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
	fixture_free(&f);
}

/* Settled and not written when the process died: as if never settled. */
static void
test_an_unwritten_settlement_is_an_interruption(void **state)
{
	struct request_row request;
	struct attempt_row attempt;
	struct fixture f;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = intend(&f, 1);
	request = request_sample(id, "settled");
	attempt = attempt_sample(id, 1, "settled");
	ledger_settle(f.turn, &request, &attempt);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	assert_int_equal(fixture_count(&f, FAMILY_ATTEMPT), 1);
	assert_int_equal(fixture_count(&f, FAMILY_REQUEST), 1);
	fixture_free(&f);
}

/* The first attempt failed and is settled; the process died before more. */
static void
test_a_request_between_attempts_is_closed(void **state)
{
	struct request_row request;
	struct attempt_row attempt;
	struct fixture f;
	struct rows rows;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = intend(&f, 1);
	request = request_sample(id, "open");
	request.input_tokens = 5;
	request.budget_day = 20000;
	request.held_tokens = 900;
	attempt = attempt_sample(id, 1, "settled");
	attempt.input_tokens = 5;
	ledger_settle(f.turn, &request, &attempt);
	fixture_turn(&f);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
	rows_get(&rows, &f, &id, 1);
	/* What was held was for a call that was not made. */
	assert_int_equal(rows.request.counted_tokens, 5);
	assert_true(slice_is(rows.request.state, "interrupted"));
	assert_int_equal(rows.request.input_tokens, 5);
	assert_true(slice_is(rows.attempt.state, "settled"));
	rows_fini(&rows);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	fixture_free(&f);
}

static void
test_the_last_attempt_counts_on_top(void **state)
{
	struct request_row request;
	struct attempt_row attempt;
	struct fixture f;
	struct rows rows;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = intend(&f, 1);
	request = request_sample(id, "open");
	request.input_tokens = 5;
	attempt = attempt_sample(id, 1, "settled");
	ledger_settle(f.turn, &request, &attempt);
	request.attempts = 2;
	attempt = attempt_sample(id, 2, "open");
	fixture_turn(&f);
	ledger_intend(f.turn, &request, &attempt);
	fixture_turn(&f);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	rows_get(&rows, &f, &id, 2);
	assert_int_equal(rows.request.attempts, 2);
	assert_int_equal(rows.request.input_tokens, 1005);
	assert_true(slice_is(rows.attempt.state, "interrupted"));
	rows_fini(&rows);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	fixture_free(&f);
}

/* The receipt was written before the process died, the settlement not. */
static void
test_a_receipt_that_came_before_is_used(void **state)
{
	struct receipt_row receipt;
	char chain[CHAIN_ID_CHARS];
	struct fixture f;
	struct rows rows;
	struct id id;

	(void)state;
	fixture_new(&f);
	chain_sample(chain);
	id = intend(&f, 1);
	receipt = receipt_sample(id, 1, 1, chain);
	fixture_keep(&f, &receipt, key);
	fixture_turn(&f);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	rows_get(&rows, &f, &id, 1);
	assert_true(slice_is(rows.attempt.state, "resettled"));
	assert_true(slice_is(rows.attempt.chain, chain));
	assert_int_equal(rows.attempt.input_tokens, 700);
	assert_int_equal(rows.request.input_tokens, 700);
	assert_int_equal(rows.request.cost_microusd, 5000);
	assert_true(slice_is(rows.request.state, "resettled"));
	rows_fini(&rows);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	fixture_free(&f);
}

struct made {
	int receipts;
	struct ledger *ledger;
};

static void
make_receipt(void *arg, struct db_batch *b, const struct attempt_row *attempt)
{
	struct made *m = arg;

	m->receipts++;
	assert_true(slice_is(attempt->state, "interrupted"));
	db_batch_put(b, ledger_db(m->ledger), FAMILY_OUTBOX,
	    slice_make(attempt->request.bytes, ID_BYTES), slice_of("r"));
}

static void
test_an_egress_makes_receipts_in_the_same_write(void **state)
{
	struct attempt_row attempt;
	struct fixture f;
	struct made made;
	int i;

	(void)state;
	fixture_new(&f);
	for (i = 0; i < 700; i++) { /* several writes */
		attempt = attempt_sample(id_next(&f.ids, 1000), 1, "open");
		ledger_intend(f.turn, NULL, &attempt);
	}
	fixture_turn(&f);
	fixture_crash(&f);
	made = (struct made){ .ledger = f.ledger };
	assert_int_equal(ledger_recover(f.ledger, make_receipt, &made), 700);
	assert_int_equal(made.receipts, 700);
	assert_int_equal(fixture_count(&f, FAMILY_OUTBOX), 700);
	assert_int_equal(fixture_count(&f, FAMILY_ATTEMPT), 700);
	assert_int_equal(fixture_count(&f, FAMILY_REQUEST), 0);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	fixture_free(&f);
}

static void
test_a_damaged_intent_stays_and_stops_nothing(void **state)
{
	struct fixture f;

	(void)state;
	fixture_new(&f);
	intend(&f, 1);
	assert_int_equal(db_put_now(ledger_db(f.ledger), FAMILY_INTENT,
			     slice_of("0123456789abcdef\x01"),
			     slice_of("no intent")),
	    DB_OK);
	assert_int_equal(db_put_now(ledger_db(f.ledger), FAMILY_INTENT,
			     slice_of("short"), slice_of("no intent")),
	    DB_OK);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 2);
	fixture_free(&f);
}

/* An entry that came back although its attempt is settled changes nothing. */
static void
test_a_settled_attempt_is_never_closed_again(void **state)
{
	struct request_row request;
	struct attempt_row attempt;
	struct fixture f;
	struct rows rows;
	struct id id;

	(void)state;
	fixture_new(&f);
	id = intend(&f, 1);
	request = request_sample(id, "settled");
	attempt = attempt_sample(id, 1, "settled");
	ledger_settle(f.turn, &request, &attempt);
	fixture_turn(&f);
	request.state = attempt.state = slice_of("open");
	ledger_intend(f.turn, &request, &attempt);
	fixture_turn(&f);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
	rows_get(&rows, &f, &id, 1);
	assert_true(slice_is(rows.request.state, "settled"));
	assert_true(slice_is(rows.attempt.state, "settled"));
	rows_fini(&rows);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_open_intent_is_closed_once),
		cmocka_unit_test(
		    test_an_unwritten_settlement_is_an_interruption),
		cmocka_unit_test(test_a_request_between_attempts_is_closed),
		cmocka_unit_test(test_the_last_attempt_counts_on_top),
		cmocka_unit_test(test_a_receipt_that_came_before_is_used),
		cmocka_unit_test(
		    test_an_egress_makes_receipts_in_the_same_write),
		cmocka_unit_test(test_a_damaged_intent_stays_and_stops_nothing),
		cmocka_unit_test(test_a_settled_attempt_is_never_closed_again),
	};
	int failed;

	assert_true(crypto_start());
	key = sign_key_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
