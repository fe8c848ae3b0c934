#include "common/base/clock.h"
#include "common/report/report.h"
#include "common/store/recovery.h"
#include "common/store/slip.h"
#include "tests/unit/store/fixture.h"

#define START_US INT64_C(1790000000000000)
#define MANY     200 /* sets of dimensions: more than one write adds */

/* A turn with a request of that user. */
static void
serve(struct fixture *f, int64_t at_us, int user)
{
	struct request_row row =
	    request_sample(id_next(&f->ids, START_US + at_us), "settled");
	char name[16];

	snprintf(name, sizeof(name), "user-%d", user);
	row.user = slice_of(name);
	row.input_tokens = 10;
	row.total_us = 1000 + user;
	ledger_refused(f->turn, &row);
	fixture_turn(f);
}

/* What cells say of all time; the report's way of reading them. */
static int64_t
told(struct fixture *f, enum measure m, int64_t *groups)
{
	struct report_query q = { .kind = ROW_REQUEST,
		.from_us = 0,
		.to_us = 2 * START_US };
	struct report *r;
	struct buf why;
	int64_t sum;

	buf_init(&why, 1024);
	assert_true(report_by(&q, slice_of("user"), &why));
	assert_int_equal(report_run(f->ledger, &q, &r), REPORT_OK);
	assert_int_equal(r->rows, 0);
	sum = r->total.of[m];
	if (groups != NULL)
		*groups = (int64_t)r->count;
	report_free(r);
	buf_fini(&why);
	return sum;
}

static struct total
month_cell(struct fixture *f)
{
	char from[ROLLUP_KEY_BYTES], to[ROLLUP_KEY_BYTES];
	int64_t month = period_of(PERIOD_MONTH, START_US);
	struct total total = { .of = { 0 } };
	struct slice key, value;
	struct db_scan *scan;

	rollup_key(from, ROW_REQUEST, PERIOD_MONTH, month);
	rollup_key(to, ROW_REQUEST, PERIOD_MONTH, month + 1);
	scan = db_scan_new(ledger_db(f->ledger), FAMILY_ROLLUP,
	    slice_make(from, sizeof(from)), slice_make(to, sizeof(to)), false);
	if (db_scan_next(scan, &key, &value))
		assert_true(total_read(&total, value));
	assert_false(db_scan_failed(scan));
	db_scan_free(scan);
	return total;
}

static int64_t
month_requests(struct fixture *f)
{
	struct total total = month_cell(f);
	int64_t requests = total.of[MEASURE_requests];

	total_fini(&total);
	return requests;
}

static void
begin(struct fixture *f)
{
	fixture_new(f);
	assert_int_equal(ledger_recover(f->ledger, NULL, NULL), 0);
}

static void
a_turn_adds_one_entry_until_it_is_posted(void **state)
{
	struct fixture f;
	int i;

	(void)state;
	begin(&f);
	for (i = 0; i < 5; i++)
		serve(&f, i, 1);
	assert_int_equal(fixture_count(&f, FAMILY_SLIP), 5);
	assert_int_equal(month_requests(&f), 0);
	assert_true(slips_post(ledger_slips(f.ledger)));
	assert_int_equal(month_requests(&f), 5);
	assert_true(slips_post(ledger_slips(f.ledger)));
	assert_int_equal(month_requests(&f), 5);
	serve(&f, 9, 1);
	assert_int_equal(told(&f, MEASURE_requests, NULL), 6);
	fixture_free(&f);
}

static void
a_crash_loses_nothing_and_counts_nothing_twice(void **state)
{
	struct fixture f;
	int64_t served = 0;
	int life, i;

	(void)state;
	begin(&f);
	for (life = 0; life < 8; life++) {
		/* Some are posted, some are not, some lives see no post. */
		for (i = 0; i < 6; i++) {
			serve(&f, ++served, 1);
			if (life % 3 != 0 && i == life % 5)
				assert_true(slips_post(ledger_slips(f.ledger)));
		}
		fixture_crash(&f);
		if (life % 2 == 0)
			fixture_crash(&f);
		assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
		assert_int_equal(month_requests(&f), served);
		assert_int_equal(fixture_count(&f, FAMILY_SLIP), 0);
	}
	assert_int_equal(told(&f, MEASURE_input_tokens, NULL), 10 * served);
	fixture_free(&f);
}

/* Cells have the first, a slip that the mark names still lies beside them. */
static void
whoever_only_reads_sees_them_too(void **state)
{
	struct fixture f, reader;
	int64_t groups = 0;
	char command[256];

	(void)state;
	begin(&f);
	serve(&f, 1, 1);
	assert_true(slips_post(ledger_slips(f.ledger)));
	serve(&f, 2, 1);
	serve(&f, 3, 2);
	folder_new(reader.dir);
	snprintf(command, sizeof(command), "cp -a %s/store %s/", f.dir,
	    reader.dir);
	assert_int_equal(system(command), 0);
	fixture_free(&f);
	reader.ledger = ledger_open(reader.dir, true);
	assert_non_null(reader.ledger);
	assert_int_equal(told(&reader, MEASURE_requests, &groups), 3);
	assert_int_equal(groups, 2);
	ledger_close(reader.ledger);
	folder_free(reader.dir);
}

static void
a_clean_end_leaves_none(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	serve(&f, 1, 1);
	fixture_close(&f);
	fixture_open(&f, false);
	assert_int_equal(fixture_count(&f, FAMILY_SLIP), 0);
	assert_int_equal(month_requests(&f), 1);
	fixture_free(&f);
}

static void
many_sets_of_dimensions_are_added_in_parts(void **state)
{
	int64_t groups = 0;
	struct fixture f;
	int i;

	(void)state;
	begin(&f);
	for (i = 0; i < MANY; i++)
		serve(&f, i, i);
	assert_int_equal(told(&f, MEASURE_requests, &groups), MANY);
	assert_int_equal(groups, MANY);
	fixture_free(&f);
}

/* Two writers of one process, and the turns of one that come late. */
static void
writers_do_not_hide_each_other(void **state)
{
	struct ledger_turn *other;
	struct request_row row;
	struct fixture f;
	int i;

	(void)state;
	begin(&f);
	other = ledger_turn_new(f.ledger, f.loop);
	for (i = 0; i < 10; i++) {
		row = request_sample(id_next(&f.ids, START_US + i), "settled");
		ledger_refused(i % 3 == 0 ? other : f.turn, &row);
		fixture_turn(&f);
		if (i % 4 == 3)
			assert_true(slips_post(ledger_slips(f.ledger)));
	}
	assert_int_equal(told(&f, MEASURE_requests, NULL), 10);
	ledger_turn_free(other);
	fixture_free(&f);
}

/* Those that were added do not pile up, and the next is found behind them. */
static void
posted_ones_are_dropped(void **state)
{
	char key[SLIP_KEY_BYTES];
	struct db_batch *b;
	struct fixture f;
	struct buf slip;
	int i, round;

	(void)state;
	begin(&f);
	serve(&f, 1, 1);
	buf_init(&slip, 4096);
	slip_writer(ledger_slips(f.ledger), key);
	slip_write_cell(&slip, (char[ROLLUP_KEY_BYTES]){ "Rh" },
	    slice_make("\x01\x02\x02\0\0\0", 6));
	b = db_batch_new();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 20000; i++) {
			slip_next(ledger_slips(f.ledger), key);
			db_batch_put(b, ledger_db(f.ledger), FAMILY_SLIP,
			    slice_make(key, sizeof(key)), buf_slice(&slip));
		}
		assert_int_equal(db_write(ledger_db(f.ledger), b, true), DB_OK);
		db_batch_clear(b);
		assert_true(slips_post(ledger_slips(f.ledger)));
		/* Two marks, and the other writer's first one. */
		assert_int_equal(fixture_count(&f, FAMILY_SLIP), 3);
	}
	db_batch_free(b);
	buf_fini(&slip);
	fixture_free(&f);
}

static void
what_is_damaged_is_passed_over(void **state)
{
	char key[SLIP_KEY_BYTES];
	struct db_batch *b;
	struct fixture f;

	(void)state;
	begin(&f);
	serve(&f, 1, 1);
	slip_writer(ledger_slips(f.ledger), key);
	b = db_batch_new();
	slip_next(ledger_slips(f.ledger), key);
	db_batch_put(b, ledger_db(f.ledger), FAMILY_SLIP,
	    slice_make(key, sizeof(key)), slice_of("no cell"));
	assert_int_equal(db_write(ledger_db(f.ledger), b, true), DB_OK);
	db_batch_free(b);
	assert_true(slips_post(ledger_slips(f.ledger)));
	assert_int_equal(told(&f, MEASURE_requests, NULL), 1);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turn_adds_one_entry_until_it_is_posted),
		cmocka_unit_test(
		    a_crash_loses_nothing_and_counts_nothing_twice),
		cmocka_unit_test(whoever_only_reads_sees_them_too),
		cmocka_unit_test(a_clean_end_leaves_none),
		cmocka_unit_test(many_sets_of_dimensions_are_added_in_parts),
		cmocka_unit_test(writers_do_not_hide_each_other),
		cmocka_unit_test(posted_ones_are_dropped),
		cmocka_unit_test(what_is_damaged_is_passed_over),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
