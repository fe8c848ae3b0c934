#include "tests/unit/export/outcome.h"

#define CALLS    12
#define FILE_MAX (1u << 20)
#define FLIPS    400

static void
test_what_both_have_is_matched(void **state)
{
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, CALLS);
	pair_export(&p);
	o = compare(&p);
	assert_string_equal(o.last, "");
	assert_true(o.clean);
	assert_int_equal(o.faults, 0);
	assert_int_equal(o.r.matched, CALLS);
	assert_int_equal(o.r.months_count, 1);
	pair_free(&p);
}

static const struct {
	const char *name;
	bool egress;
} files[] = {
	{ "attempt.jsonl", false },
	{ "attempt.jsonl", true },
	{ "receipt.jsonl", false },
	{ "receipt.jsonl", true },
};

static const char *
folder_of(const struct pair *p, size_t file)
{
	return files[file].egress ? p->egress_out : p->node_out;
}

/* By the manifest always; by the ledgers themselves wherever both say it. */
static void
test_every_flipped_byte_is_found(void **state)
{
	struct outcome o;
	struct buf file;
	struct pair p;
	size_t f, i, at;
	uint32_t random;

	(void)state;
	pair_new(&p, CALLS);
	pair_export(&p);
	buf_init(&file, FILE_MAX);
	for (f = 0; f < count_of(files); f++)
		for (i = 0; i < FLIPS; i++) {
			const char *dir = folder_of(&p, f);

			file_read(&file, dir, files[f].name);
			crypto_random(&random, sizeof(random));
			at = random % file.len;
			file.data[at] ^= (uint8_t)(1u << (random >> 29));
			file_write(&file, dir, files[f].name);
			o = compare(&p);
			assert_true(o.faults > 0);
			if (f >= 2)
				assert_false(o.clean);
			file.data[at] ^= (uint8_t)(1u << (random >> 29));
			file_write(&file, dir, files[f].name);
		}
	assert_true(compare(&p).clean);
	buf_fini(&file);
	pair_free(&p);
}

static void
without_line(const struct buf *file, size_t n, struct buf *less)
{
	size_t i, line = 0;

	buf_reset(less);
	for (i = 0; i < file->len; i++) {
		if (line != n)
			buf_putc(less, (char)file->data[i]);
		line += file->data[i] == '\n';
	}
}

/* Also the last one, and by the ledgers themselves. */
static void
test_every_removed_row_is_found(void **state)
{
	struct buf file, less;
	struct outcome o;
	struct pair p;
	size_t i;

	(void)state;
	pair_new(&p, CALLS);
	pair_export(&p);
	buf_init(&file, FILE_MAX);
	buf_init(&less, FILE_MAX);
	for (i = 0; i < count_of(files) * CALLS; i++) {
		const char *dir = folder_of(&p, i / CALLS);
		const char *name = files[i / CALLS].name;

		file_read(&file, dir, name);
		without_line(&file, i % CALLS, &less);
		file_write(&less, dir, name);
		o = compare(&p);
		assert_false(o.clean);
		assert_true(o.faults > 0);
		assert_true(o.r.causes[CAUSE_REMOVED] > 0);
		file_write(&file, dir, name);
	}
	buf_fini(&less);
	buf_fini(&file);
	pair_free(&p);
}

/* The row of an attempt, to be changed and put back. */
static void
change(struct pair *p, bool egress, size_t call,
    void (*how)(struct attempt_row *row))
{
	struct fixture *f = egress ? &p->egress : &p->node;
	struct attempt_key key = attempt_key_make(&p->ids[call], 1,
	    slice_of(egress ? "node-a" : ""));
	struct attempt_row row;
	struct buf bytes, out;

	buf_init(&bytes, ROW_BYTES_MAX);
	buf_init(&out, ROW_BYTES_MAX);
	assert_true(db_get(ledger_db(f->ledger), FAMILY_ATTEMPT,
	    attempt_key_slice(&key), &bytes));
	assert_true(row_read(ROW_ATTEMPT, buf_slice(&bytes), &row));
	how(&row);
	row_write(ROW_ATTEMPT, &row, &out);
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_ATTEMPT,
			     attempt_key_slice(&key), buf_slice(&out)),
	    DB_OK);
	buf_fini(&bytes);
	buf_fini(&out);
}

static void
dearer(struct attempt_row *row)
{
	row->cost_microusd++;
}

static void
of_another(struct attempt_row *row)
{
	row->target = slice_of("openai/gpt-x");
}

static void
other_answer(struct attempt_row *row)
{
	row->answer_hash.bytes[0] ^= 1;
}

/* In the stores themselves, whose manifests are in order then. */
static void
test_a_changed_figure_is_found_on_either_side(void **state)
{
	static void (*const how[])(
	    struct attempt_row * row) = { dearer, of_another, other_answer };
	struct outcome o;
	struct pair p;
	size_t side, i;

	(void)state;
	for (side = 0; side < 2; side++)
		for (i = 0; i < count_of(how); i++) {
			pair_new(&p, 3);
			change(&p, side == 1, 1, how[i]);
			pair_export(&p);
			o = compare(&p);
			assert_int_equal(o.faults, 0);
			assert_false(o.clean);
			assert_true(o.r.causes[CAUSE_TAMPERED] > 0);
			assert_int_equal(o.r.unexplained, 1);
			pair_free(&p);
		}
}

/* As it is before the receipt comes: the node has what it saw. */
static void
client_gone(struct attempt_row *row)
{
	row->fail = slice_of("client-gone");
	row->usage_source = slice_of("estimated");
	row->output_tokens = 17;
	row->cost_microusd = 400;
	row->chain = slice_of("");
	row->chain_seq = 0;
	row->receipt = slice_of("none");
}

static void
cut_off(struct attempt_row *row)
{
	client_gone(row);
	row->fail = slice_of("interrupted");
	row->state = slice_of("interrupted");
}

static void
link_lost(struct attempt_row *row)
{
	client_gone(row);
	row->fail = slice_of("egress-unreachable");
}

/* All of the answer was there, but for its end. */
static void
nearly_whole(struct attempt_row *row)
{
	row->fail = slice_of("egress-unreachable");
	row->chain = slice_of("");
	row->chain_seq = 0;
}

static struct slice
key_at(const struct pair *p, int64_t seq, uint8_t key[RECEIPT_KEY_BYTES])
{
	const struct receipt_row row = { .chain = slice_of(p->chain),
		.seq = seq };

	assert_true(receipt_key(key, &row));
	return slice_make(key, RECEIPT_KEY_BYTES);
}

/* The egress has not heard of it, or that is what it thinks. */
static void
hold(struct pair *p, int64_t seq)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	char text[96] = "node-a";

	memcpy(text + 7, key_at(p, seq, key).ptr, RECEIPT_KEY_BYTES);
	assert_int_equal(db_put_now(ledger_db(p->egress.ledger), FAMILY_OUTBOX,
			     slice_make(text, 7 + RECEIPT_KEY_BYTES),
			     slice_make(NULL, 0)),
	    DB_OK);
}

static void
forget(struct fixture *f, const struct pair *p, int64_t seq)
{
	uint8_t key[RECEIPT_KEY_BYTES];

	assert_int_equal(db_delete_now(ledger_db(f->ledger), FAMILY_RECEIPT,
			     key_at(p, seq, key)),
	    DB_OK);
}

/* A call's receipt has not come to the node: that of the last one, or of one
 * before it, since they come in any order; it makes no difference. */
static struct outcome
undelivered(void (*how)(struct attempt_row *row), bool held)
{
	struct outcome o = { .clean = false };
	bool before = false;
	int64_t seq;
	struct pair p;

	for (seq = 2; seq <= 3; seq++) {
		pair_new(&p, 3);
		forget(&p.node, &p, seq);
		if (held)
			hold(&p, seq);
		change(&p, false, (size_t)seq - 1, how);
		pair_export(&p);
		before = o.clean;
		o = compare(&p);
		pair_free(&p);
	}
	assert_int_equal(before, o.clean);
	return o;
}

static void
test_what_waits_for_its_receipt_is_explained(void **state)
{
	struct outcome o;

	(void)state;
	o = undelivered(client_gone, true);
	assert_true(o.clean);
	assert_int_equal(o.r.explained, 1);
	assert_int_equal(o.r.causes[CAUSE_UNDELIVERED], 1);
	assert_true(o.r.causes[CAUSE_CLIENT_GONE] > 0);
	o = undelivered(cut_off, true);
	assert_true(o.clean);
	assert_true(o.r.causes[CAUSE_INTERRUPTED] > 0);
	o = undelivered(link_lost, true);
	assert_true(o.clean);
	assert_true(o.r.causes[CAUSE_ESTIMATE] > 0);
	/* Who said that he has it, and has it not, is not believed. */
	assert_true(undelivered(nearly_whole, true).clean);
	o = undelivered(client_gone, false);
	assert_false(o.clean);
	assert_int_equal(o.r.causes[CAUSE_REMOVED], 1);
}

static void
test_a_lost_ack_is_explained(void **state)
{
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	hold(&p, 2);
	pair_export(&p);
	o = compare(&p);
	assert_true(o.clean);
	assert_int_equal(o.r.causes[CAUSE_LOST_ACK], 1);
	assert_int_equal(o.r.explained, 1);
	assert_int_equal(o.r.matched, 2);
	pair_free(&p);
}

static void
drop_attempt(struct fixture *f, const struct id *id, const char *origin)
{
	struct attempt_key key = attempt_key_make(id, 1, slice_of(origin));

	assert_int_equal(db_delete_now(ledger_db(f->ledger), FAMILY_ATTEMPT,
			     attempt_key_slice(&key)),
	    DB_OK);
}

static void
put_off(struct attempt_row *row)
{
	client_gone(row);
	row->fail = slice_of("rate-limited");
	row->usage_source = slice_of("none");
	row->status = 0;
	row->input_tokens = row->output_tokens = row->cost_microusd = 0;
}

/* Refused there: only the node has a row, and nothing was used. */
static void
test_a_call_that_was_refused_is_explained(void **state)
{
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	forget(&p.node, &p, 3);
	forget(&p.egress, &p, 3);
	drop_attempt(&p.egress, &p.ids[2], "node-a");
	change(&p, false, 2, put_off);
	pair_export(&p);
	o = compare(&p);
	assert_true(o.clean);
	assert_int_equal(o.r.causes[CAUSE_NEVER_CALLED], 1);
	/* With cost it is none. */
	change(&p, false, 2, dearer);
	pair_export(&p);
	o = compare(&p);
	assert_false(o.clean);
	pair_free(&p);
}

/* Settled here, and open there when that export was made. */
static void
test_what_is_under_way_is_explained(void **state)
{
	struct attempt_row open;
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	forget(&p.node, &p, 3);
	drop_attempt(&p.node, &p.ids[2], "");
	hold(&p, 3);
	{
		struct request_row request = request_sample(p.ids[2], "open");

		open = attempt_sample(p.ids[2], 1, "open");
		ledger_intend(p.node.turn, &request, &open);
		pair_turn(&p);
	}
	pair_export(&p);
	o = compare(&p);
	assert_true(o.clean);
	assert_int_equal(o.r.causes[CAUSE_UNDER_WAY], 1);
	pair_free(&p);
}

/* Power was lost at the egress: the node has the first receipt and another. */
static void
test_two_receipts_of_one_attempt_are_explained(void **state)
{
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;
	struct attempt_row attempt;
	struct outcome o;
	struct buf message;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	chain_id_write(chain, slice_of("egress-1"), 2, 99, slice_of("node-a"));
	row = receipt_sample(p.ids[2], 1, 1, chain);
	row.epoch = 2;
	row.worker = 99;
	row.state = slice_of("interrupted");
	row.output_tokens = 0;
	row.cost_microusd = 900;
	row.started_at = INT64_C(1790000000003000);
	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, &row, p.egress_key);
	pair_put_receipt(&p.node, &row, buf_slice(&message));
	pair_put_receipt(&p.egress, &row, buf_slice(&message));
	attempt = pair_attempt(&row, true);
	attempt.state = slice_of("interrupted");
	ledger_settle(p.egress.turn, NULL, &attempt);
	pair_turn(&p);
	forget(&p.egress, &p, 3);
	pair_export(&p);
	o = compare(&p);
	assert_true(o.clean);
	assert_true(o.r.causes[CAUSE_DUPLICATE] > 0);
	assert_int_equal(o.r.explained, 1);
	buf_fini(&message);
	pair_free(&p);
}

/* The last call is gone from both sides' stores, and who signed for it? */
static void
forget_last(struct pair *p, bool row)
{
	forget(&p->node, p, 3);
	forget(&p->egress, p, 3);
	if (!row)
		return;
	drop_attempt(&p->node, &p->ids[2], "");
	drop_attempt(&p->egress, &p->ids[2], "node-a");
}

static void
test_an_end_that_both_removed_is_missed_by_a_checkpoint(void **state)
{
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	pair_checkpoint(&p);
	pair_export(&p);
	o = compare(&p);
	assert_true(o.clean);
	assert_int_equal(o.r.matched, 3);
	forget_last(&p, true);
	pair_export(&p);
	o = compare(&p);
	assert_int_equal(o.faults, 0);
	assert_false(o.clean);
	assert_int_equal(o.r.node.missing, 1);
	assert_int_equal(o.r.egress.missing, 1);
	pair_free(&p);
}

/* Whose copy of the checkpoint is gone too is told of by the other's. */
static void
test_one_checkpoint_is_enough(void **state)
{
	char room[CHECKPOINT_KEY_MAX];
	struct outcome o;
	struct pair p;
	int side;

	(void)state;
	for (side = 0; side < 2; side++) {
		struct fixture *f;

		pair_new(&p, 3);
		f = side == 0 ? &p.node : &p.egress;
		pair_checkpoint(&p);
		forget_last(&p, true);
		assert_int_equal(db_delete_now(ledger_db(f->ledger),
				     FAMILY_META,
				     checkpoint_key(room, slice_of(p.chain))),
		    DB_OK);
		pair_export(&p);
		o = compare(&p);
		assert_false(o.clean);
		assert_int_equal(o.r.node.missing, 1);
		assert_int_equal(o.r.egress.missing, 1);
		pair_free(&p);
	}
}

static void
test_a_checkpoint_of_nobody_is_a_fault(void **state)
{
	struct secret *stranger = sign_key_new(), *own;
	struct outcome o;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	own = p.node_key;
	p.node_key = stranger;
	pair_checkpoint(&p);
	p.node_key = own;
	pair_export(&p);
	o = compare(&p);
	assert_false(o.clean);
	assert_true(o.r.faults > 0);
	secret_free(stranger);
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_both_have_is_matched),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_every_removed_row_is_found),
		cmocka_unit_test(test_a_changed_figure_is_found_on_either_side),
		cmocka_unit_test(test_what_waits_for_its_receipt_is_explained),
		cmocka_unit_test(test_a_lost_ack_is_explained),
		cmocka_unit_test(test_a_call_that_was_refused_is_explained),
		cmocka_unit_test(test_what_is_under_way_is_explained),
		cmocka_unit_test(
		    test_two_receipts_of_one_attempt_are_explained),
		cmocka_unit_test(
		    test_an_end_that_both_removed_is_missed_by_a_checkpoint),
		cmocka_unit_test(test_one_checkpoint_is_enough),
		cmocka_unit_test(test_a_checkpoint_of_nobody_is_a_fault),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
