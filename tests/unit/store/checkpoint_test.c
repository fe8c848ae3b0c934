#include "tests/unit/store/fixture.h"

#include "common/store/checkpoint.h"

static struct secret *key;
static struct public_key pub;

static void
put(struct fixture *f, const struct receipt_row *row)
{
	uint8_t at[RECEIPT_KEY_BYTES];
	struct buf message;

	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, row, key);
	assert_true(receipt_key(at, row));
	ledger_put(f->turn, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
	    slice_make(at, sizeof(at)), buf_slice(&message));
	buf_fini(&message);
}

/* Receipts from..to of the chain of that worker. */
static void
put_chain(struct fixture *f, int64_t worker, int64_t from, int64_t to)
{
	char chain[CHAIN_ID_CHARS];
	int64_t seq;

	chain_id_write(chain, slice_of("egress-1"), 1, worker,
	    slice_of("node-a"));
	for (seq = from; seq <= to; seq++) {
		struct receipt_row row =
		    receipt_sample(id_next(&f->ids, 1000), 1, seq, chain);

		row.worker = worker;
		put(f, &row);
	}
	fixture_turn(f);
}

static struct hash
object_at(struct fixture *f, const char *chain, int64_t seq)
{
	const struct receipt_row row = { .chain = slice_of(chain), .seq = seq };
	uint8_t at[RECEIPT_KEY_BYTES];
	struct buf message;
	struct receipt r;
	struct hash hash;

	buf_init(&message, RECEIPT_MAX);
	assert_true(receipt_key(at, &row));
	assert_true(db_get(ledger_db(f->ledger), FAMILY_RECEIPT,
	    slice_make(at, sizeof(at)), &message));
	assert_true(receipt_read(&r, buf_slice(&message)));
	hash = hash_of(r.object.ptr, r.object.len);
	buf_fini(&message);
	return hash;
}

/* Sign and keep, as a node does. */
static void
keep(struct fixture *f, const struct checkpoint_place *places, size_t count)
{
	struct buf messages[CHECKPOINTS_MAX];
	char room[CHECKPOINT_KEY_MAX];
	size_t i;

	checkpoint_sign(places, count, 1000, key, messages);
	for (i = 0; i < count; i++) {
		ledger_put(f->turn, LEDGER_SETTLEMENTS, FAMILY_META,
		    checkpoint_key(room, slice_of(places[i].chain)),
		    buf_slice(&messages[i]));
		buf_fini(&messages[i]);
	}
	fixture_turn(f);
}

static void
test_a_walk_tells_how_far_chains_are_whole(void **state)
{
	struct checkpoint_place places[CHECKPOINTS_MAX];
	struct checkpoint_walk w = { .chain = { 0 } };
	struct hash hash;
	struct fixture f;
	size_t i, count;

	(void)state;
	fixture_new(&f);
	put_chain(&f, 0, 1, 5);
	put_chain(&f, 1, 1, 3);
	put_chain(&f, 1, 5, 7); /* 4 is not there yet */
	put_chain(&f, 2, 2, 4); /* it has no beginning */
	count = checkpoint_walk(&w, f.ledger, places, CHECKPOINTS_MAX);
	assert_int_equal(count, 2);
	assert_true(checkpoint_walk_begins(&w)); /* it came round */
	for (i = 0; i < count; i++) {
		assert_true(places[i].seq == 5 || places[i].seq == 3);
		assert_string_equal(places[i].egress, "egress-1");
		assert_string_equal(places[i].origin, "node-a");
		hash = object_at(&f, places[i].chain, places[i].seq);
		assert_memory_equal(&places[i].object, &hash, HASH_BYTES);
	}
	keep(&f, places, count);
	assert_int_equal(checkpoint_walk(&w, f.ledger, places, CHECKPOINTS_MAX),
	    0);
	put_chain(&f, 1, 4, 4); /* now up to 7 */
	count = checkpoint_walk(&w, f.ledger, places, CHECKPOINTS_MAX);
	assert_int_equal(count, 1);
	assert_int_equal(places[0].seq, 7);
	fixture_free(&f);
}

/* Little by little, whatever there is, and never more than asked for. */
static void
test_a_walk_is_made_in_parts(void **state)
{
	struct checkpoint_walk w = { .chain = { 0 } };
	struct checkpoint_place places[2];
	struct fixture f;
	int64_t worker;
	size_t count, told = 0;
	int walks;

	(void)state;
	fixture_new(&f);
	for (worker = 0; worker < 9; worker++)
		put_chain(&f, worker, 1, worker == 4 ? 3000 : 2);
	for (walks = 0; walks < 40; walks++) {
		count = checkpoint_walk(&w, f.ledger, places, 2);
		if (count > 0)
			keep(&f, places, count);
		told += count;
	}
	/* The long one takes two. */
	assert_int_equal(told, 10);
	fixture_free(&f);
}

static void
test_what_was_signed_is_read(void **state)
{
	struct checkpoint_place places[CHECKPOINTS_MAX];
	struct slice read[CHECKPOINTS_MAX];
	struct buf messages[CHECKPOINTS_MAX], all;
	struct checkpoint c;
	size_t i;

	(void)state;
	memset(places, 0, sizeof(places));
	for (i = 0; i < CHECKPOINTS_MAX; i++) {
		chain_id_write(places[i].chain, slice_of("egress-1"), 1,
		    (int64_t)i, slice_of("node-a"));
		places[i].seq = INT64_MAX - (int64_t)i;
		memset(&places[i].object, 0x5a, HASH_BYTES);
		memset(places[i].egress, 'e', CHECKPOINT_NAME_MAX - 1);
		memset(places[i].origin, 'o', CHECKPOINT_NAME_MAX - 1);
	}
	checkpoint_sign(places, CHECKPOINTS_MAX, INT64_MAX, key, messages);
	buf_init(&all, 16384); /* of one frame */
	checkpoints_write(&all, messages, CHECKPOINTS_MAX);
	assert_false(all.failed);
	assert_int_equal(checkpoints_read(read, buf_slice(&all)),
	    CHECKPOINTS_MAX);
	for (i = 0; i < CHECKPOINTS_MAX; i++) {
		assert_true(checkpoint_read(&c, read[i]));
		assert_int_equal(c.row.seq, places[i].seq);
		assert_true(
		    seal_check(&c.seal, &pub, CHECKPOINT_CONTEXT, c.object));
		assert_false(
		    seal_check(&c.seal, &pub, RECEIPT_CONTEXT, c.object));
		buf_fini(&messages[i]);
	}
	all.data[0]++; /* one more than there are */
	assert_int_equal(checkpoints_read(read, buf_slice(&all)), -1);
	assert_int_equal(checkpoints_read(read, slice_of("")), -1);
	assert_false(checkpoint_read(&c, slice_of("none")));
	buf_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_walk_tells_how_far_chains_are_whole),
		cmocka_unit_test(test_a_walk_is_made_in_parts),
		cmocka_unit_test(test_what_was_signed_is_read),
	};
	int failed;

	assert_true(crypto_start());
	key = sign_key_new();
	pub = sign_public(key);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
