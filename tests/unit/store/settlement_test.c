#include "tests/unit/store/fixture.h"

#include "common/store/settlement.h"

static const struct id any_id = { { 1 } };

static void
test_interrupted_rows_are_estimated(void **state)
{
	struct request_row q = request_sample(any_id, "open");
	struct attempt_row a = attempt_sample(any_id, 2, "open");

	(void)state;
	q.input_tokens = 50; /* of an attempt before */
	settlement_interrupt(&q, &a);
	assert_true(slice_is(a.state, "interrupted"));
	assert_true(slice_is(a.fail, "interrupted"));
	assert_int_equal(a.input_tokens, 1000);
	assert_true(slice_is(a.usage_source, "estimated"));
	assert_int_equal(a.cost_microusd, 0);
	assert_int_equal(q.input_tokens, 1050);
	assert_int_equal(q.status, 0);
	assert_true(slice_is(q.state, "interrupted"));
	assert_true(slice_is(q.usage_source, "estimated"));
}

static void
test_known_usage_is_not_estimated_again(void **state)
{
	struct request_row q = request_sample(any_id, "open");
	struct attempt_row a = attempt_sample(any_id, 1, "open");

	(void)state;
	a.usage_source = slice_of("partial");
	a.input_tokens = 7;
	settlement_interrupt(&q, &a);
	assert_int_equal(a.input_tokens, 7);
	assert_true(slice_is(a.usage_source, "partial"));
	assert_int_equal(q.input_tokens, 0);
}

static void
test_a_receipt_replaces_the_estimate_once(void **state)
{
	struct request_row q = request_sample(any_id, "open");
	struct attempt_row a = attempt_sample(any_id, 1, "open");
	struct receipt_row r = receipt_sample(any_id, 1, 9, "c");

	(void)state;
	q.input_tokens = 50;
	q.cost_microusd = 11;
	r.cache_write_1h_tokens = 6;
	r.provider_usage = slice_of("input_tokens=700");
	settlement_interrupt(&q, &a);
	assert_int_equal(settlement_take(&q, &a, &r, true),
	    SETTLEMENT_RESETTLED);
	assert_int_equal(a.input_tokens, 700);
	assert_int_equal(a.output_tokens, 300);
	assert_int_equal(a.cache_write_1h_tokens, 6);
	assert_int_equal(q.cache_write_1h_tokens, 6);
	assert_true(slice_is(a.provider_usage, "input_tokens=700"));
	assert_int_equal(a.cost_microusd, 5000);
	assert_int_equal(a.chain_seq, 9);
	assert_true(slice_is(a.receipt, "late"));
	assert_true(slice_is(a.state, "resettled"));
	assert_int_equal(q.input_tokens, 750);
	assert_int_equal(q.cost_microusd, 5011);
	assert_true(slice_is(q.state, "resettled"));
	assert_int_equal(settlement_take(&q, &a, &r, true), SETTLEMENT_SAME);
	assert_int_equal(q.input_tokens, 750);
}

/* Nobody knows what became of the last one: what was held for it counts. */
static void
test_an_earlier_receipt_leaves_a_request_interrupted(void **state)
{
	struct request_row q = request_sample(any_id, "open");
	struct attempt_row first = attempt_sample(any_id, 1, "settled");
	struct attempt_row last = attempt_sample(any_id, 2, "open");
	struct receipt_row r = receipt_sample(any_id, 1, 9, "c");

	(void)state;
	q.attempts = 2;
	settlement_interrupt(&q, &last);
	assert_int_equal(settlement_take(&q, &first, &r, true),
	    SETTLEMENT_RESETTLED);
	assert_true(slice_is(first.state, "resettled"));
	assert_true(slice_is(q.state, "interrupted"));
	r = receipt_sample(any_id, 2, 10, "c");
	assert_int_equal(settlement_take(&q, &last, &r, true),
	    SETTLEMENT_RESETTLED);
	assert_true(slice_is(q.state, "resettled"));
}

static struct attempt_row
settled(const struct receipt_row *r)
{
	struct attempt_row a = attempt_sample(any_id, 1, "settled");

	a.usage_source = slice_of("provider");
	a.input_tokens = r->input_tokens;
	a.output_tokens = r->output_tokens;
	a.cost_microusd = r->cost_microusd;
	a.status = r->status;
	a.answer_hash = r->answer_hash;
	return a;
}

static void
test_a_row_that_agrees_is_marked(void **state)
{
	struct receipt_row r = receipt_sample(any_id, 1, 9, "c");
	struct attempt_row a = settled(&r);

	(void)state;
	assert_int_equal(settlement_take(NULL, &a, &r, true),
	    SETTLEMENT_MARKED);
	assert_true(slice_is(a.receipt, "late"));
	assert_true(slice_is(a.state, "settled"));
}

static void
test_a_row_that_contradicts_keeps_its_figures(void **state)
{
	struct receipt_row r = receipt_sample(any_id, 1, 9, "c");
	struct attempt_row a = settled(&r);

	(void)state;
	a.output_tokens--;
	assert_int_equal(settlement_take(NULL, &a, &r, true),
	    SETTLEMENT_MARKED);
	assert_true(slice_is(a.receipt, "mismatch"));
	assert_int_equal(a.output_tokens, 299);
	/* By the bytes of the answer. */
	a = settled(&r);
	a.answer_hash.bytes[0] ^= 1;
	assert_int_equal(settlement_take(NULL, &a, &r, true),
	    SETTLEMENT_MARKED);
	assert_true(slice_is(a.receipt, "mismatch"));
	/* Because the caller says so. */
	a = settled(&r);
	assert_int_equal(settlement_take(NULL, &a, &r, false),
	    SETTLEMENT_MARKED);
	assert_true(slice_is(a.receipt, "mismatch"));
}

/* The link died: what the node had was a guess about a part. */
static void
test_a_failed_attempt_takes_the_receipt(void **state)
{
	struct receipt_row r = receipt_sample(any_id, 1, 9, "c");
	struct attempt_row a = attempt_sample(any_id, 1, "settled");
	struct request_row q = request_sample(any_id, "settled");

	(void)state;
	a.fail = slice_of("egress-unreachable");
	a.usage_source = slice_of("estimated");
	a.input_tokens = q.input_tokens = 900;
	assert_int_equal(settlement_take(&q, &a, &r, true),
	    SETTLEMENT_RESETTLED);
	assert_true(slice_is(a.receipt, "late"));
	assert_true(slice_is(a.fail, "egress-unreachable"));
	assert_int_equal(a.input_tokens, 700);
	assert_int_equal(q.input_tokens, 700);
	assert_int_equal(q.cost_microusd, 5000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interrupted_rows_are_estimated),
		cmocka_unit_test(test_known_usage_is_not_estimated_again),
		cmocka_unit_test(test_a_receipt_replaces_the_estimate_once),
		cmocka_unit_test(
		    test_an_earlier_receipt_leaves_a_request_interrupted),
		cmocka_unit_test(test_a_row_that_agrees_is_marked),
		cmocka_unit_test(test_a_row_that_contradicts_keeps_its_figures),
		cmocka_unit_test(test_a_failed_attempt_takes_the_receipt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
