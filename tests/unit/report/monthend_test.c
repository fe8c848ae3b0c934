#include "tests/unit/export/pair.h"

#include "common/base/clock.h"
#include "common/report/closed.h"
#include "common/report/monthend.h"
#include "common/report/report.h"
#include "common/store/closure.h"
#include "common/store/period.h"
#include "common/store/recount.h"

#define CALLS 5
#define AT    INT64_C(1790000000000000) /* of pair_call's requests */

struct bench {
	struct pair pair;
	struct monthend_wish wish;
	struct buf out;
};

static struct fixture *
side(struct bench *b)
{
	return b->wish.egress ? &b->pair.egress : &b->pair.node;
}

static void
bench_new(struct bench *b, bool egress)
{
	memset(b, 0, sizeof(*b));
	pair_new(&b->pair, CALLS);
	buf_init(&b->out, CLOSURE_MAX);
	b->wish = (struct monthend_wish){
		.program = egress ? "gsr-egress" : "gsr-node",
		.mesh = slice_of("lab"),
		.member = slice_of(egress ? "egress-1" : "node-a"),
		.topology = slice_of("0123456789abcdef"),
		.mesh_version = 3,
		.egress = egress,
		.month = period_of(PERIOD_MONTH, AT),
		.by = slice_of("somebody"),
		.key = egress ? b->pair.egress_key : b->pair.node_key,
		.key_of = pair_key_of,
		.arg = &b->pair,
	};
	b->wish.ledger = side(b)->ledger;
	b->wish.now_us =
	    period_start_us(PERIOD_MONTH, b->wish.month + 1) + MONTHEND_SKEW_US;
	while (!recount_done(ledger_db(b->wish.ledger)))
		(void)recount_step(ledger_recount(b->wish.ledger));
}

static void
bench_free(struct bench *b)
{
	buf_fini(&b->out);
	pair_free(&b->pair);
}

static enum monthend
close_it(struct bench *b)
{
	buf_reset(&b->out);
	return monthend_close(&b->wish, &b->out);
}

/* It is open, and this is said of it. */
static void
open_for(struct bench *b, const char *why)
{
	assert_int_equal(close_it(b), MONTHEND_OPEN);
	if (strstr(buf_text(&b->out), why) == NULL)
		fail_msg("'%s' is not in: %s", why, buf_text(&b->out));
}

static void
says(struct bench *b, const char *part)
{
	if (strstr(buf_text(&b->out), part) == NULL)
		fail_msg("'%s' is not in: %s", part, buf_text(&b->out));
}

static void
print_finding(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static struct closed_audit
audit(struct bench *b)
{
	struct public_key key = sign_public(b->wish.key);
	struct closed_audit a;

	assert_true(
	    closed_verify(b->wish.ledger, &key, print_finding, NULL, &a));
	return a;
}

static void
test_a_month_that_is_whole_is_closed_once(void **state)
{
	struct bench b;
	struct buf before;
	int egress;

	(void)state;
	for (egress = 0; egress < 2; egress++) {
		bench_new(&b, egress == 1);
		assert_int_equal(close_it(&b), MONTHEND_CLOSED);
		says(&b, "\"month\":\"2026-09\"");
		says(&b, "\"receipts\":5");
		says(&b, "\"unvouched\":0");
		says(&b, "\"cost_microusd\":25000");
		says(&b, egress == 1 ? "\"totals\":{\"attempts\":"
				     : "\"totals\":{\"requests\":");
		says(&b, "\"seq\":5");
		says(&b, "\"price_books\":[\"0123456789abcdef\"]");
		buf_init(&before, CLOSURE_MAX);
		buf_put_slice(&before, buf_slice(&b.out));
		b.wish.now_us += 1000000;
		b.wish.by = slice_of("somebody else");
		assert_int_equal(close_it(&b), MONTHEND_BEFORE);
		assert_true(slice_eq(buf_slice(&before), buf_slice(&b.out)));
		assert_int_equal(audit(&b).good, 1);
		buf_fini(&before);
		bench_free(&b);
	}
}

static void
test_it_has_to_be_over(void **state)
{
	struct bench b;

	(void)state;
	bench_new(&b, false);
	b.wish.now_us--;
	open_for(&b, "2026-09 is not over: it can be closed from "
		     "2026-10-01T00:15:00");
	b.wish.now_us++;
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	bench_free(&b);
}

static void
test_nothing_of_it_may_be_open(void **state)
{
	struct attempt_row attempt;
	struct request_row request;
	struct bench b;
	struct id id;

	(void)state;
	bench_new(&b, false);
	id = id_next(&b.pair.node.ids, AT + 60 * US_PER_SECOND);
	request = request_sample(id, "open");
	attempt = attempt_sample(id, 1, "open");
	attempt.egress = slice_of("");
	ledger_intend(b.pair.node.turn, &request, &attempt);
	fixture_turn(&b.pair.node);
	open_for(&b, "1 calls are still open, the first of req_");
	request.state = attempt.state = slice_of("settled");
	ledger_settle(b.pair.node.turn, &request, &attempt);
	fixture_turn(&b.pair.node);
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	bench_free(&b);
}

/* A call that its egress vouches for only later. */
static void
put_call(struct bench *b, const char *receipt, int64_t status)
{
	struct id id = id_next(&b->pair.node.ids, AT + 60 * US_PER_SECOND);
	struct request_row request = request_sample(id, "settled");
	struct attempt_row attempt = attempt_sample(id, 1, "settled");

	attempt.status = status;
	attempt.receipt = slice_of(receipt);
	ledger_settle(b->pair.node.turn, &request, &attempt);
	fixture_turn(&b->pair.node);
}

static void
test_receipts_have_to_be_there(void **state)
{
	struct bench b;

	(void)state;
	bench_new(&b, false);
	put_call(&b, "none", 0); /* never called: there is none */
	put_call(&b, "none", 200);
	open_for(&b, "1 calls have no receipt, the first of egress-1");
	b.wish.unvouched = true;
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	says(&b, "\"unvouched\":1");
	bench_free(&b);
}

static void
test_a_receipt_that_contradicts_is_never_closed(void **state)
{
	struct bench b;

	(void)state;
	bench_new(&b, false);
	put_call(&b, "mismatch", 200);
	b.wish.unvouched = true;
	open_for(&b, "1 receipts contradict their rows");
	bench_free(&b);
}

/* The place of a receipt of the pair's chain. */
static struct slice
receipt_place(struct bench *b, int64_t seq, uint8_t key[RECEIPT_KEY_BYTES])
{
	const struct receipt_row row = { .chain = slice_of(b->pair.chain),
		.seq = seq };

	assert_true(receipt_key(key, &row));
	return slice_make(key, RECEIPT_KEY_BYTES);
}

static void
test_an_egress_waits_for_its_nodes(void **state)
{
	char key[7 + RECEIPT_KEY_BYTES] = "node-a";
	uint8_t place[RECEIPT_KEY_BYTES];
	struct bench b;

	(void)state;
	bench_new(&b, true);
	memcpy(key + 7, receipt_place(&b, 3, place).ptr, RECEIPT_KEY_BYTES);
	assert_int_equal(db_put_now(ledger_db(b.wish.ledger), FAMILY_OUTBOX,
			     slice_make(key, sizeof(key)), slice_of("")),
	    DB_OK);
	open_for(&b, "1 receipts are not acknowledged, the first by 'node-a'");
	assert_int_equal(db_delete_now(ledger_db(b.wish.ledger), FAMILY_OUTBOX,
			     slice_make(key, sizeof(key))),
	    DB_OK);
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	bench_free(&b);
}

static void
test_chains_have_to_be_whole(void **state)
{
	uint8_t place[RECEIPT_KEY_BYTES];
	struct bench b;

	(void)state;
	bench_new(&b, false);
	assert_int_equal(db_delete_now(ledger_db(b.wish.ledger), FAMILY_RECEIPT,
			     receipt_place(&b, 3, place)),
	    DB_OK);
	open_for(&b, "do not verify and 1 are absent inside chains");
	bench_free(&b);
}

static void
test_both_sources_have_to_agree(void **state)
{
	struct slice key, value, none = { NULL, 0 };
	struct db_scan *scan;
	struct bench b;
	struct id id;

	(void)state;
	bench_new(&b, false);
	id = b.pair.ids[2];
	scan = db_scan_new(ledger_db(b.wish.ledger), FAMILY_REQUEST,
	    slice_make(id.bytes, ID_BYTES), none, false);
	assert_true(db_scan_next(scan, &key, &value));
	assert_int_equal(db_delete_now(ledger_db(b.wish.ledger), FAMILY_REQUEST,
			     key),
	    DB_OK);
	db_scan_free(scan);
	open_for(&b, "requests of requests: roll-ups say 5, rows 4");
	bench_free(&b);
}

static void
test_what_changes_later_is_an_adjustment(void **state)
{
	struct report_query q = { .kind = ROW_REQUEST };
	struct closed closed;
	struct total now = { .of = { 0 } };
	struct buf text;
	struct bench b;

	(void)state;
	bench_new(&b, false);
	q.from_us = period_start_us(PERIOD_MONTH, b.wish.month);
	q.to_us = period_start_us(PERIOD_MONTH, b.wish.month + 1);
	assert_false(closed_find(b.wish.ledger, &q, &closed));
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	assert_true(closed_find(b.wish.ledger, &q, &closed));
	assert_int_equal(closed.totals[MEASURE_requests], CALLS);
	memcpy(now.of, closed.totals, sizeof(now.of));
	buf_init(&text, 4096);
	closed_write(&closed, &now, &text);
	assert_non_null(strstr(buf_text(&text), "no later adjustments"));
	now.of[MEASURE_cost_microusd] -= 7;
	buf_reset(&text);
	closed_write(&closed, &now, &text);
	assert_non_null(
	    strstr(buf_text(&text), "later adjustments: cost_microusd -7"));
	buf_fini(&text);
	q.from_us += 1;
	assert_false(closed_find(b.wish.ledger, &q, &closed));
	bench_free(&b);
}

/* One byte of the statement, or the receipt that it ends with. */
static void
test_a_closed_month_cannot_be_changed_unseen(void **state)
{
	uint8_t place[RECEIPT_KEY_BYTES];
	struct closure closure;
	struct secret *other;
	struct buf bytes;
	struct bench b;
	struct db *db;

	(void)state;
	bench_new(&b, false);
	db = ledger_db(b.wish.ledger);
	assert_int_equal(close_it(&b), MONTHEND_CLOSED);
	buf_init(&bytes, CLOSURE_MAX);
	assert_true(closure_find(db, b.wish.month, &bytes, &closure));
	bytes.data[40] ^= 1;
	assert_int_equal(db_put_now(db, FAMILY_META, slice_of("closed/2026-09"),
			     buf_slice(&bytes)),
	    DB_OK);
	assert_int_equal(audit(&b).good, 0);
	bytes.data[40] ^= 1;
	other = sign_key_new();
	assert_true(closure_keep(db, b.wish.month + 1, slice_of("{}"), other));
	assert_int_equal(db_put_now(db, FAMILY_META, slice_of("closed/2026-09"),
			     buf_slice(&bytes)),
	    DB_OK);
	assert_int_equal(audit(&b).months, 2);
	assert_int_equal(audit(&b).good, 1);
	assert_int_equal(db_delete_now(db, FAMILY_RECEIPT,
			     receipt_place(&b, CALLS, place)),
	    DB_OK);
	assert_int_equal(audit(&b).good, 0);
	secret_free(other);
	buf_fini(&bytes);
	bench_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_month_that_is_whole_is_closed_once),
		cmocka_unit_test(test_it_has_to_be_over),
		cmocka_unit_test(test_nothing_of_it_may_be_open),
		cmocka_unit_test(test_receipts_have_to_be_there),
		cmocka_unit_test(
		    test_a_receipt_that_contradicts_is_never_closed),
		cmocka_unit_test(test_an_egress_waits_for_its_nodes),
		cmocka_unit_test(test_chains_have_to_be_whole),
		cmocka_unit_test(test_both_sources_have_to_agree),
		cmocka_unit_test(test_what_changes_later_is_an_adjustment),
		cmocka_unit_test(test_a_closed_month_cannot_be_changed_unseen),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
