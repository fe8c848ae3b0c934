#include "tests/unit/store/fixture.h"

#include "common/format/pack.h"

static struct secret *key;

static const struct id any_id = { { 1, 2, 3 } };

static void
test_a_receipt_reads_back(void **state)
{
	struct public_key pub = sign_public(key);
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;
	struct receipt r;
	struct buf message;

	(void)state;
	chain_sample(chain);
	row = receipt_sample(any_id, 1, 7, chain);
	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, &row, key);
	assert_true(receipt_read(&r, buf_slice(&message)));
	assert_int_equal(r.row.seq, 7);
	assert_int_equal(r.row.cost_microusd, 5000);
	assert_true(slice_is(r.row.chain, chain));
	assert_true(seal_check(&r.seal, &pub, RECEIPT_CONTEXT, r.object));
	buf_fini(&message);
}

/* An egress from before has no class: one column fewer, at the end. */
static void
test_an_older_receipt_is_read(void **state)
{
	char chain[CHAIN_ID_CHARS];
	struct buf object, message;
	struct receipt_row row;
	struct hash leaf;
	struct seal seal;
	struct receipt r;
	size_t count;

	(void)state;
	chain_sample(chain);
	row = receipt_sample(any_id, 1, 7, chain);
	row.class = slice_of("");
	(void)row_columns(ROW_RECEIPT, &count);
	buf_init(&object, RECEIPT_MAX);
	row_write(ROW_RECEIPT, &row, &object);
	/* An array of 16 bits' length: what is empty at its end is not there,
	 * as in one of an egress that does not know the last column. */
	assert_int_equal(object.data[0], 0xdc);
	assert_true(object.data[2] < count + 1);
	leaf = seal_leaf(RECEIPT_CONTEXT, buf_slice(&object));
	seal_make(&seal, key, RECEIPT_CONTEXT, &leaf, 1);
	buf_init(&message, RECEIPT_MAX);
	receipt_write(&message, buf_slice(&object), &seal);
	assert_true(receipt_read(&r, buf_slice(&message)));
	assert_int_equal(r.row.seq, 7);
	assert_true(slice_eq(r.row.provider_usage, row.provider_usage));
	assert_int_equal(r.row.class.len, 0);
	buf_fini(&object);
	buf_fini(&message);
}

static void
test_a_full_batch_of_seals_fits(void **state)
{
	char chain[CHAIN_ID_CHARS], names[64];
	struct public_key pub = sign_public(key);
	struct hash leaves[SEAL_MAX];
	struct seal seals[SEAL_MAX];
	struct buf objects[SEAL_MAX], message;
	struct receipt_row row;
	struct receipt r;
	int i;

	(void)state;
	chain_sample(chain);
	memset(names, 'n', sizeof(names));
	row = receipt_sample(any_id, 255, INT64_MAX, chain);
	row.egress = row.origin = row.target =
	    slice_make(names, sizeof(names) - 1);
	memset(&row.previous, 1, sizeof(row.previous));
	memset(&row.answer_hash, 1, sizeof(row.answer_hash));
	row.input_tokens = row.total_us = row.cost_microusd = INT64_MAX;
	for (i = 0; i < SEAL_MAX; i++) {
		buf_init(&objects[i], RECEIPT_MAX);
		row.worker = i;
		row_write(ROW_RECEIPT, &row, &objects[i]);
		leaves[i] = seal_leaf(RECEIPT_CONTEXT, buf_slice(&objects[i]));
	}
	seal_make(seals, key, RECEIPT_CONTEXT, leaves, SEAL_MAX);
	buf_init(&message, RECEIPT_MAX);
	for (i = 0; i < SEAL_MAX; i++) {
		buf_reset(&message);
		receipt_write(&message, buf_slice(&objects[i]), &seals[i]);
		assert_false(message.failed);
		assert_true(receipt_read(&r, buf_slice(&message)));
		assert_true(
		    seal_check(&r.seal, &pub, RECEIPT_CONTEXT, r.object));
		buf_fini(&objects[i]);
	}
	buf_fini(&message);
}

static void
assert_unreadable(const struct receipt_row *row)
{
	struct buf message;
	struct receipt r;

	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, row, key);
	assert_false(receipt_read(&r, buf_slice(&message)));
	buf_fini(&message);
}

static void
test_what_is_no_receipt_is_refused(void **state)
{
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;
	struct buf message;
	struct receipt r;
	size_t whole, i;

	(void)state;
	chain_sample(chain);
	row = receipt_sample(any_id, 1, 7, chain);
	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, &row, key);
	whole = message.len;
	for (i = 0; i < whole; i++)
		assert_false(receipt_read(&r, slice_make(message.data, i)));
	buf_fini(&message);
	row.seq = 0;
	assert_unreadable(&row);
	row.seq = 1;
	row.attempt = 0;
	assert_unreadable(&row);
	row.attempt = 256;
	assert_unreadable(&row);
	row.attempt = 1;
	row.chain = slice_of("0123456789abcdef");
	assert_unreadable(&row);
	row.chain = slice_of("0123456789abcdef0123456789abcdeX");
	assert_unreadable(&row);
}

static void
test_keys_sort_by_chain_and_number(void **state)
{
	uint8_t a[RECEIPT_KEY_BYTES], b[RECEIPT_KEY_BYTES];
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;

	(void)state;
	chain_sample(chain);
	row = receipt_sample(any_id, 1, 255, chain);
	assert_true(receipt_key(a, &row));
	row.seq = 256;
	assert_true(receipt_key(b, &row));
	assert_true(memcmp(a, b, sizeof(a)) < 0);
	assert_memory_equal(a, b, CHAIN_ID_BYTES);
}

static void
test_chains_have_one_writer_each(void **state)
{
	char a[CHAIN_ID_CHARS], b[CHAIN_ID_CHARS];
	struct slice egress = slice_of("e"), origin = slice_of("n");

	(void)state;
	chain_id_write(a, egress, 1, 2, origin);
	chain_id_write(b, egress, 1, 2, origin);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), CHAIN_ID_CHARS - 1);
	chain_id_write(b, egress, 2, 1, origin);
	assert_string_not_equal(a, b);
	chain_id_write(b, slice_of("e1"), 2, 2, origin);
	assert_string_not_equal(a, b);
	chain_id_write(b, slice_of("n"), 1, 2, slice_of("e"));
	assert_string_not_equal(a, b);
}

static void
test_acks_read_back(void **state)
{
	struct ack_range in[ACK_RANGES_MAX], out[ACK_RANGES_MAX];
	struct buf message;
	int i;

	(void)state;
	for (i = 0; i < ACK_RANGES_MAX; i++) {
		memset(in[i].chain, i, CHAIN_ID_BYTES);
		in[i].from = i + 1;
		in[i].to = INT64_MAX - i;
	}
	buf_init(&message, 1 << 16);
	ack_write(&message, in, ACK_RANGES_MAX);
	assert_int_equal(ack_read(out, buf_slice(&message)), ACK_RANGES_MAX);
	assert_memory_equal(in, out, sizeof(in));
	buf_reset(&message);
	ack_write(&message, in, 0);
	assert_int_equal(ack_read(out, buf_slice(&message)), 0);
	buf_fini(&message);
}

static void
assert_no_ack(int64_t from, int64_t to)
{
	struct ack_range range = { .from = from, .to = to };
	struct ack_range out[ACK_RANGES_MAX];
	struct buf message;

	buf_init(&message, 1024);
	ack_write(&message, &range, 1);
	assert_int_equal(ack_read(out, buf_slice(&message)), -1);
	buf_fini(&message);
}

static void
test_what_is_no_ack_is_refused(void **state)
{
	struct ack_range out[ACK_RANGES_MAX];
	struct buf message;
	int i;

	(void)state;
	assert_no_ack(0, 1);
	assert_no_ack(2, 1);
	assert_no_ack(-1, 1);
	buf_init(&message, 1 << 16);
	pack_array(&message, ACK_RANGES_MAX + 1);
	for (i = 0; i <= ACK_RANGES_MAX; i++)
		pack_int(&message, 1);
	assert_int_equal(ack_read(out, buf_slice(&message)), -1);
	assert_int_equal(ack_read(out, slice_of("")), -1);
	buf_fini(&message);
}

/* The parts of a request's end, in any order and grouping into turns. */
enum part { SETTLE, KEEP, TURN, AGAIN };

static void
play(struct fixture *f, const struct id *id, const enum part *parts, int count)
{
	struct request_row request = request_sample(*id, "settled");
	struct attempt_row attempt = attempt_sample(*id, 1, "settled");
	char chain[CHAIN_ID_CHARS];
	struct receipt_row receipt;
	bool kept = false;
	int i;

	chain_sample(chain);
	receipt = receipt_sample(*id, 1, 1, chain);
	for (i = 0; i < count; i++) {
		if (parts[i] == TURN) {
			fixture_turn(f);
		} else if (parts[i] == KEEP || parts[i] == AGAIN) {
			fixture_keep(f, &receipt, key);
			kept = true;
		} else {
			/* A node whose link died, or that has the receipt. */
			attempt.fail = slice_of(kept ? "" : "lost");
			attempt.usage_source =
			    slice_of(kept ? "provider" : "estimated");
			attempt.input_tokens = kept ? 700 : 1;
			attempt.output_tokens = kept ? 300 : 2;
			attempt.cost_microusd = kept ? 5000 : 3;
			attempt.status = kept ? 200 : 0;
			attempt.chain = slice_of(kept ? chain : "");
			attempt.chain_seq = kept;
			attempt.receipt = slice_of(kept ? "verified" : "none");
			request.input_tokens = attempt.input_tokens;
			request.output_tokens = attempt.output_tokens;
			request.cost_microusd = attempt.cost_microusd;
			ledger_settle(f->turn, &request, &attempt);
		}
	}
	fixture_turn(f);
	fixture_turn(f);
}

static void
test_every_order_leads_to_the_same_figures(void **state)
{
	static const enum part orders[][6] = {
		{ KEEP, SETTLE },
		{ SETTLE, KEEP },
		{ KEEP, TURN, SETTLE },
		{ SETTLE, TURN, KEEP },
		{ KEEP, AGAIN, SETTLE, AGAIN, TURN, AGAIN },
		{ SETTLE, KEEP, AGAIN, TURN, AGAIN, AGAIN },
		{ SETTLE, TURN, KEEP, AGAIN, TURN, AGAIN },
	};
	static const int lengths[] = { 2, 2, 3, 3, 6, 6, 6 };
	struct request_row request;
	struct attempt_row attempt;
	struct buf a, b;
	size_t i;

	(void)state;
	buf_init(&a, ROW_BYTES_MAX);
	buf_init(&b, ROW_BYTES_MAX);
	for (i = 0; i < count_of(orders); i++) {
		struct fixture f;
		struct id id;

		fixture_new(&f);
		id = id_next(&f.ids, 1000);
		request = request_sample(id, "open");
		attempt = attempt_sample(id, 1, "open");
		ledger_intend(f.turn, &request, &attempt);
		fixture_turn(&f);
		play(&f, &id, orders[i], lengths[i]);
		assert_true(ledger_request(f.ledger, &id, &a, &request));
		assert_true(fixture_attempt(&f, &id, 1, &b, &attempt));
		assert_int_equal(attempt.input_tokens, 700);
		assert_int_equal(attempt.output_tokens, 300);
		assert_int_equal(attempt.cost_microusd, 5000);
		assert_int_equal(attempt.chain_seq, 1);
		assert_int_equal(request.input_tokens, 700);
		assert_int_equal(request.output_tokens, 300);
		assert_int_equal(request.cost_microusd, 5000);
		assert_int_equal(fixture_count(&f, FAMILY_RECEIPT), 1);
		assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
		fixture_free(&f);
	}
	buf_fini(&a);
	buf_fini(&b);
}

static void
test_of_two_with_one_number_the_first_is_kept(void **state)
{
	char chain[CHAIN_ID_CHARS];
	uint8_t at[RECEIPT_KEY_BYTES];
	struct receipt_row row;
	struct receipt r;
	struct fixture f;
	struct buf found;

	(void)state;
	fixture_new(&f);
	buf_init(&found, RECEIPT_MAX);
	chain_sample(chain);
	row = receipt_sample(any_id, 1, 1, chain);
	fixture_keep(&f, &row, key);
	fixture_turn(&f);
	row.cost_microusd = 1;
	fixture_keep(&f, &row, key);
	fixture_turn(&f);
	assert_true(receipt_key(at, &row));
	assert_true(db_get(ledger_db(f.ledger), FAMILY_RECEIPT,
	    slice_make(at, sizeof(at)), &found));
	assert_true(receipt_read(&r, buf_slice(&found)));
	assert_int_equal(r.row.cost_microusd, 5000);
	/* Nobody knows the attempt: no row is made for it. */
	assert_int_equal(fixture_count(&f, FAMILY_ATTEMPT), 0);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 0);
	buf_fini(&found);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_receipt_reads_back),
		cmocka_unit_test(test_an_older_receipt_is_read),
		cmocka_unit_test(test_a_full_batch_of_seals_fits),
		cmocka_unit_test(test_what_is_no_receipt_is_refused),
		cmocka_unit_test(test_keys_sort_by_chain_and_number),
		cmocka_unit_test(test_chains_have_one_writer_each),
		cmocka_unit_test(test_acks_read_back),
		cmocka_unit_test(test_what_is_no_ack_is_refused),
		cmocka_unit_test(test_every_order_leads_to_the_same_figures),
		cmocka_unit_test(test_of_two_with_one_number_the_first_is_kept),
	};
	int failed;

	assert_true(crypto_start());
	key = sign_key_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
