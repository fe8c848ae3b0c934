#include "tests/unit/store/fixture.h"

#include "common/store/checkpoint.h"
#include "common/store/custody.h"

#define RECEIPTS 5

static struct secret *key;
static struct public_key pub;

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	static const struct public_key other = { { 1 } };

	/* The first is one that is being rotated out. */
	(void)arg;
	if ((!slice_is(egress, "egress-1") && !slice_is(egress, "node-a")) ||
	    which > 1)
		return NULL;
	return which == 0 ? &other : &pub;
}

static void
on_finding(void *arg, const char *line)
{
	int *lines = arg;

	assert_non_null(strstr(line, "chain "));
	*lines += 1;
}

struct store {
	struct fixture f;
	struct id ids[RECEIPTS + 1];
	char chain[CHAIN_ID_CHARS];
};

static void
put_receipt(struct store *s, const struct receipt_row *row, struct hash *hash)
{
	uint8_t at[RECEIPT_KEY_BYTES];
	struct buf message;

	buf_init(&message, RECEIPT_MAX);
	*hash = receipt_seal(&message, row, key);
	assert_true(receipt_key(at, row));
	ledger_put(s->f.turn, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
	    slice_make(at, sizeof(at)), buf_slice(&message));
	buf_fini(&message);
}

/* A chain of receipts with their attempts' rows; at an egress or a node. */
static void
store_new(struct store *s, bool egress)
{
	struct hash previous = { { 0 } };
	int64_t seq;

	fixture_new(&s->f);
	chain_sample(s->chain);
	for (seq = 1; seq <= RECEIPTS; seq++) {
		struct id id = id_next(&s->f.ids, 1000);
		struct receipt_row row = receipt_sample(id, 1, seq, s->chain);
		struct request_row request = request_sample(id, "settled");
		struct attempt_row attempt = attempt_sample(id, 1, "settled");

		s->ids[seq] = id;
		row.previous = previous;
		put_receipt(s, &row, &previous);
		attempt.status = 200;
		attempt.input_tokens = row.input_tokens;
		attempt.output_tokens = row.output_tokens;
		attempt.cost_microusd = row.cost_microusd;
		attempt.chain = slice_of(s->chain);
		attempt.chain_seq = seq;
		ledger_settle(s->f.turn, egress ? NULL : &request, &attempt);
	}
	fixture_turn(&s->f);
}

static struct receipt_audit
audit(struct store *s, int *lines)
{
	struct receipt_audit a;

	*lines = 0;
	assert_true(receipt_audit(s->f.ledger, key_of, on_finding, lines, &a));
	return a;
}

static struct slice
receipt_at(struct store *s, int64_t seq, uint8_t at[RECEIPT_KEY_BYTES])
{
	struct receipt_row row = { .chain = slice_of(s->chain), .seq = seq };

	assert_true(receipt_key(at, &row));
	return slice_make(at, RECEIPT_KEY_BYTES);
}

static void
test_a_whole_store_has_no_findings(void **state)
{
	struct receipt_audit a;
	struct store s;
	int egress, lines;

	(void)state;
	for (egress = 0; egress <= 1; egress++) {
		store_new(&s, egress);
		a = audit(&s, &lines);
		assert_int_equal(a.checked, RECEIPTS);
		assert_int_equal(a.good, RECEIPTS);
		assert_int_equal(a.chains, 1);
		assert_int_equal(a.missing + a.unmatched + a.unreadable +
				     a.bad_signature + a.broken_chain,
		    0);
		assert_int_equal(lines, 0);
		fixture_free(&s.f);
	}
}

/* Whatever byte of a stored receipt is changed, it is noticed. */
static void
test_every_flipped_byte_is_found(void **state)
{
	uint8_t at[RECEIPT_KEY_BYTES];
	struct receipt_audit a;
	struct buf message;
	struct slice where;
	struct store s;
	int lines;
	size_t i;

	(void)state;
	store_new(&s, false);
	where = receipt_at(&s, 3, at);
	buf_init(&message, RECEIPT_MAX);
	assert_true(
	    db_get(ledger_db(s.f.ledger), FAMILY_RECEIPT, where, &message));
	for (i = 0; i < message.len; i++) {
		message.data[i] ^= 1;
		assert_int_equal(db_put_now(ledger_db(s.f.ledger),
				     FAMILY_RECEIPT, where,
				     buf_slice(&message)),
		    DB_OK);
		a = audit(&s, &lines);
		assert_true(a.good < RECEIPTS);
		assert_true(a.unreadable + a.bad_signature > 0);
		assert_true(lines > 0);
		message.data[i] ^= 1;
	}
	buf_fini(&message);
	fixture_free(&s.f);
}

static void
test_a_removed_receipt_is_missed(void **state)
{
	uint8_t at[RECEIPT_KEY_BYTES];
	struct receipt_audit a;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	assert_int_equal(db_delete_now(ledger_db(s.f.ledger), FAMILY_RECEIPT,
			     receipt_at(&s, 3, at)),
	    DB_OK);
	a = audit(&s, &lines);
	assert_int_equal(a.missing, 1);
	assert_int_equal(lines, 1);
	assert_int_equal(a.good, RECEIPTS - 1);
	/* And at the beginning of the chain. */
	assert_int_equal(db_delete_now(ledger_db(s.f.ledger), FAMILY_RECEIPT,
			     receipt_at(&s, 1, at)),
	    DB_OK);
	a = audit(&s, &lines);
	assert_int_equal(a.missing, 2);
	fixture_free(&s.f);
}

static void
test_a_replaced_receipt_breaks_the_chain(void **state)
{
	struct receipt_audit a;
	struct receipt_row row;
	struct hash hash;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	/* Rightly signed, with another history before it. */
	row = receipt_sample(s.ids[3], 1, 3, s.chain);
	put_receipt(&s, &row, &hash);
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.broken_chain, 2); /* it, and the one after it */
	assert_int_equal(a.bad_signature, 0);
	/* Of a writer whose chain this is not. */
	row.worker = 9;
	put_receipt(&s, &row, &hash);
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.broken_chain, 2);
	fixture_free(&s.f);
}

static void
test_a_changed_or_absent_attempt_is_found(void **state)
{
	const struct slice none = { NULL, 0 };
	struct attempt_row attempt;
	struct attempt_key where;
	struct receipt_audit a;
	struct buf bytes;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	buf_init(&bytes, ROW_BYTES_MAX);
	assert_true(fixture_attempt(&s.f, &s.ids[2], 1, &bytes, &attempt));
	where = attempt_key_make(&s.ids[2], 1, none);
	attempt.cost_microusd--;
	ledger_put_row(s.f.turn, ROW_ATTEMPT, &attempt,
	    attempt_key_slice(&where));
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.unmatched, 1);
	assert_int_equal(a.good, RECEIPTS - 1);
	attempt.cost_microusd++;
	attempt.chain_seq++;
	ledger_put_row(s.f.turn, ROW_ATTEMPT, &attempt,
	    attempt_key_slice(&where));
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.unmatched, 1);
	assert_int_equal(db_delete_now(ledger_db(s.f.ledger), FAMILY_ATTEMPT,
			     attempt_key_slice(&where)),
	    DB_OK);
	a = audit(&s, &lines);
	assert_int_equal(a.unmatched, 1);
	assert_int_equal(lines, 1);
	buf_fini(&bytes);
	fixture_free(&s.f);
}

static void
test_an_unknown_signer_is_no_good(void **state)
{
	char chain[CHAIN_ID_CHARS];
	struct receipt_audit a;
	struct receipt_row row;
	struct hash hash;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	chain_id_write(chain, slice_of("egress-2"), 1, 0, slice_of("node-a"));
	row = receipt_sample(s.ids[1], 1, 1, chain);
	row.egress = slice_of("egress-2");
	put_receipt(&s, &row, &hash);
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.chains, 2);
	assert_int_equal(a.bad_signature, 1);
	assert_int_equal(a.good, RECEIPTS);
	fixture_free(&s.f);
}

/* The node signs that it has all up to the last one; or somebody else does. */
static void
put_checkpoint(struct store *s, const struct secret *signer)
{
	struct checkpoint_place place = { .seq = RECEIPTS,
		.egress = "egress-1",
		.origin = "node-a" };
	uint8_t at[RECEIPT_KEY_BYTES];
	char room[CHECKPOINT_KEY_MAX];
	struct receipt r;
	struct buf bytes;

	buf_init(&bytes, RECEIPT_MAX);
	assert_true(db_get(ledger_db(s->f.ledger), FAMILY_RECEIPT,
	    receipt_at(s, RECEIPTS, at), &bytes));
	assert_true(receipt_read(&r, buf_slice(&bytes)));
	place.object = hash_of(r.object.ptr, r.object.len);
	memcpy(place.chain, s->chain, sizeof(place.chain));
	buf_fini(&bytes);
	checkpoint_sign(&place, 1, 1000, signer, &bytes);
	ledger_put(s->f.turn, LEDGER_SETTLEMENTS, FAMILY_META,
	    checkpoint_key(room, slice_of(s->chain)), buf_slice(&bytes));
	buf_fini(&bytes);
	fixture_turn(&s->f);
}

static void
remove_receipts(struct store *s, int64_t from, int64_t to)
{
	uint8_t at[RECEIPT_KEY_BYTES];

	for (; from <= to; from++)
		ledger_delete(s->f.turn, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
		    receipt_at(s, from, at));
	fixture_turn(&s->f);
}

static void
test_a_chain_ends_no_sooner_than_its_checkpoint(void **state)
{
	struct receipt_audit a;
	struct store s;
	int egress, lines;

	(void)state;
	for (egress = 0; egress <= 1; egress++) {
		store_new(&s, egress);
		put_checkpoint(&s, key);
		a = audit(&s, &lines);
		assert_int_equal(a.checkpoints, 1);
		assert_int_equal(a.good, RECEIPTS);
		assert_int_equal(a.missing + lines, 0);
		remove_receipts(&s, RECEIPTS - 1, RECEIPTS);
		a = audit(&s, &lines);
		assert_int_equal(a.good, RECEIPTS - 2);
		assert_int_equal(a.missing, 2);
		assert_int_equal(lines, 1);
		remove_receipts(&s, 1, RECEIPTS - 2);
		a = audit(&s, &lines);
		assert_int_equal(a.checked, 0);
		assert_int_equal(a.missing, RECEIPTS);
		assert_int_equal(lines, 1);
		fixture_free(&s.f);
	}
}

static void
test_what_retention_dropped_is_not_missed_by_a_checkpoint(void **state)
{
	const struct custody_chain dropped = { .seq = RECEIPTS };
	uint8_t at[RECEIPT_KEY_BYTES];
	struct receipt_audit a;
	struct db_batch *batch;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, true);
	put_checkpoint(&s, key);
	remove_receipts(&s, 1, RECEIPTS);
	batch = db_batch_new();
	custody_chain_put(ledger_custody(s.f.ledger), batch,
	    receipt_at(&s, 1, at).ptr, &dropped);
	assert_int_equal(db_write(ledger_db(s.f.ledger), batch, true), DB_OK);
	db_batch_free(batch);
	a = audit(&s, &lines);
	assert_int_equal(a.missing + lines, 0);
	fixture_free(&s.f);
}

static void
test_the_last_receipt_is_the_one_that_was_signed_for(void **state)
{
	struct receipt_audit a;
	struct receipt_row row;
	struct hash previous;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	put_checkpoint(&s, key);
	remove_receipts(&s, 1, RECEIPTS);
	row = receipt_sample(s.ids[RECEIPTS], 1, RECEIPTS, s.chain);
	put_receipt(&s, &row, &previous);
	fixture_turn(&s.f);
	a = audit(&s, &lines);
	assert_int_equal(a.missing, RECEIPTS - 1);
	assert_int_equal(a.broken_chain, 1);
	fixture_free(&s.f);
}

/* Anybody could write such a one. */
static void
test_a_checkpoint_of_another_says_nothing(void **state)
{
	struct secret *other = sign_key_new();
	struct receipt_audit a;
	struct store s;
	int lines;

	(void)state;
	store_new(&s, false);
	put_checkpoint(&s, other);
	remove_receipts(&s, RECEIPTS, RECEIPTS);
	a = audit(&s, &lines);
	assert_int_equal(a.checkpoints + a.missing + lines, 0);
	secret_free(other);
	fixture_free(&s.f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_store_has_no_findings),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_a_removed_receipt_is_missed),
		cmocka_unit_test(test_a_replaced_receipt_breaks_the_chain),
		cmocka_unit_test(test_a_changed_or_absent_attempt_is_found),
		cmocka_unit_test(test_an_unknown_signer_is_no_good),
		cmocka_unit_test(
		    test_a_chain_ends_no_sooner_than_its_checkpoint),
		cmocka_unit_test(
		    test_what_retention_dropped_is_not_missed_by_a_checkpoint),
		cmocka_unit_test(
		    test_the_last_receipt_is_the_one_that_was_signed_for),
		cmocka_unit_test(test_a_checkpoint_of_another_says_nothing),
	};
	int failed;

	assert_true(crypto_start());
	key = sign_key_new();
	pub = sign_public(key);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
