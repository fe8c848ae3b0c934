#include "tests/unit/export/pair.h"

#include "common/export/intake.h"
#include "common/export/reconcile.h"
#include "common/export/spool.h"

static const atomic_bool goes_on = false;

/* The egress's pages and the node's export, held against each other. */
static struct reconciliation
compare(struct pair *p, bool *clean)
{
	char dir[128];
	const struct intake_wish wish = { .dir = dir,
		.member = "egress-1",
		.mesh = "lab" };
	struct export_wish own;
	struct reconciliation r;
	struct bundle node, egress;
	struct extract_ask ask;
	struct manifest m;
	struct intake *in;
	struct buf page, why;

	snprintf(dir, sizeof(dir), "%s", p->egress_out);
	if (access(dir, F_OK) == 0)
		folder_free(dir);
	if (access(p->node_out, F_OK) == 0)
		folder_free(p->node_out);
	buf_init(&page, EXTRACT_PAGE_MAX);
	buf_init(&why, 4096);
	in = intake_new(&wish, &why);
	assert_non_null(in);
	while (intake_ask(in, &ask)) {
		buf_reset(&page);
		extract_fill(&page, ledger_db(p->egress.ledger), &ask,
		    slice_of("node-a"), &goes_on);
		assert_true(intake_take(in, buf_slice(&page), &why));
	}
	assert_true(intake_finish(in, &why));
	own = pair_wish(p, false);
	export_must(&own, &m);
	assert_true(bundle_open(&node, p->node_out, &why));
	assert_true(bundle_open(&egress, dir, &why));
	const struct reconcile_wish w = {
		.node = &node,
		.egress = &egress,
		.keys = { pair_key_of, p },
	};
	assert_true(reconcile(&w, &r));
	*clean = reconciliation_is_clean(&r) && intake_damaged(in) == 0;
	reconciliation_fini(&r);
	intake_free(in);
	bundle_close(&node);
	bundle_close(&egress);
	buf_fini(&page);
	buf_fini(&why);
	return r;
}

static struct slice
key_at(struct pair *p, size_t call, struct attempt_key *key)
{
	*key = attempt_key_make(&p->ids[call], 1, slice_of("node-a"));
	return attempt_key_slice(key);
}

/* A figure of the egress's row in its store; -1: as it was. */
static void
change_row(struct pair *p, size_t call, int which)
{
	static struct buf was;
	struct attempt_key key;
	struct slice at = key_at(p, call, &key);
	struct attempt_row row;
	struct buf bytes;

	if (was.len == 0) {
		buf_init(&was, ROW_BYTES_MAX);
		assert_true(db_get(ledger_db(p->egress.ledger), FAMILY_ATTEMPT,
		    at, &was));
	}
	assert_true(row_read(ROW_ATTEMPT, buf_slice(&was), &row));
	row.cost_microusd += which == 0;
	row.input_tokens += which == 1;
	row.status += which == 2;
	row.answer_hash.bytes[3] ^= which == 3;
	row.chain_seq += which == 4;
	if (which == 5)
		row.price_book = slice_of("another");
	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_ATTEMPT, &row, &bytes);
	assert_int_equal(db_put_now(ledger_db(p->egress.ledger), FAMILY_ATTEMPT,
			     at, buf_slice(&bytes)),
	    DB_OK);
	buf_fini(&bytes);
	if (which < 0)
		buf_fini(&was);
}

static void
test_what_is_asked_for_is_judged_as_an_export(void **state)
{
	struct reconciliation r;
	struct attempt_key key;
	struct pair p;
	bool clean;
	size_t at;

	(void)state;
	pair_new(&p, 40);
	pair_checkpoint(&p);
	r = compare(&p, &clean);
	assert_true(clean);
	assert_int_equal(r.matched, 40);
	assert_int_equal(r.egress.good, 40);
	for (at = 0; at < 6; at++) {
		change_row(&p, 7, (int)at);
		r = compare(&p, &clean);
		assert_false(clean);
		assert_int_equal(r.unexplained, 1);
		change_row(&p, 7, -1);
	}
	(void)compare(&p, &clean);
	assert_true(clean);
	assert_int_equal(db_delete_now(ledger_db(p.egress.ledger),
			     FAMILY_ATTEMPT, key_at(&p, 39, &key)),
	    DB_OK);
	r = compare(&p, &clean);
	assert_false(clean);
	assert_int_equal(r.unexplained, 1);
	assert_int_equal(r.causes[CAUSE_REMOVED], 1);
	pair_free(&p);
}

static void
test_a_flipped_byte_of_a_receipt_is_found(void **state)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan;
	uint8_t place[64];
	struct pair p;
	struct buf message;
	bool clean;
	size_t at;

	(void)state;
	pair_new(&p, 6);
	scan = db_scan_new(ledger_db(p.egress.ledger), FAMILY_RECEIPT, none,
	    none, false);
	assert_true(db_scan_next(scan, &key, &value));
	memcpy(place, key.ptr, key.len);
	key.ptr = (const char *)place;
	buf_init(&message, RECEIPT_MAX);
	buf_put_slice(&message, value);
	db_scan_free(scan);
	for (at = 0; at < message.len; at += 11) {
		message.data[at] ^= 4;
		assert_int_equal(db_put_now(ledger_db(p.egress.ledger),
				     FAMILY_RECEIPT, key, buf_slice(&message)),
		    DB_OK);
		(void)compare(&p, &clean);
		assert_false(clean);
		message.data[at] ^= 4;
	}
	buf_fini(&message);
	pair_free(&p);
}

static void
test_a_spool_is_empty_and_used_once(void **state)
{
	char dir[64], path[EXPORT_PATH_MAX], left[EXPORT_PATH_MAX + 32];
	struct spool one, two;
	struct buf why;

	(void)state;
	folder_new(dir);
	buf_init(&why, 4096);
	assert_true(spool_open(&one, dir, &why));
	spool_folder(&one, "egress", path);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(left, sizeof(left), "%s/attempt.jsonl", path);
	assert_int_equal(symlink("/etc/passwd", left), 0);
	assert_false(spool_open(&two, dir, &why));
	assert_non_null(strstr(buf_text(&why), "another reconcile"));
	spool_close(&two);
	/* In use: it is left alone. */
	spool_sweep(dir);
	assert_int_equal(access(path, F_OK), 0);
	/* As a process that died leaves it. */
	close(one.fd);
	assert_true(spool_open(&two, dir, &why));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	assert_true(spool_has_room(&two, &why));
	close(two.fd);
	spool_sweep(dir);
	assert_int_equal(access(two.dir, F_OK), -1);
	buf_fini(&why);
	folder_free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_asked_for_is_judged_as_an_export),
		cmocka_unit_test(test_a_flipped_byte_of_a_receipt_is_found),
		cmocka_unit_test(test_a_spool_is_empty_and_used_once),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
