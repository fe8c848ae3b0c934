#include "common/store/recount.h"

#include <pthread.h>

#include "common/base/clock.h"
#include "common/report/report.h"
#include "common/store/recovery.h"
#include "tests/unit/store/fixture.h"

/*
 * A store that an older version wrote is added up while rows come, with ids
 * of now and of long ago, change by late receipts, wait for their write, and
 * the process is killed.  Whenever it is done, and however it came to that,
 * roll-ups say what rows say.
 */
#define START_US INT64_C(1790000000000000)
#define SPAN_US  (INT64_C(40) * 86400 * US_PER_SECOND)
#define OLD      1200
#define EVENTS   400
#define SEEDS    6

static uint64_t seed;

struct world {
	struct fixture f;
	struct secret *key;
	char chain[CHAIN_ID_CHARS];
	int64_t receipts;
	struct id *ids; /* of all requests that were put */
	size_t count;
	int kills, waits, late;
};

static uint64_t
below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* Of any time: egresses have the ids of nodes, whose clocks are theirs. */
static struct id
any_id(int64_t from_us, int64_t span_us)
{
	struct id_source source = { 0 };

	return id_next(&source, from_us + (int64_t)below((uint64_t)span_us));
}

static struct attempt_row
attempt_of(const struct request_row *q)
{
	struct attempt_row row = attempt_sample(q->id, 1, "settled");

	row.project = q->project;
	row.target = q->target;
	row.input_tokens = q->input_tokens;
	row.cost_microusd = q->cost_microusd;
	row.usage_source = q->usage_source;
	row.total_us = q->total_us;
	return row;
}

static struct request_row
request_of(struct id id)
{
	static const char *const projects[] = { "checkout", "fraud", "" };
	struct request_row row = request_sample(id, "settled");

	row.project = slice_of(projects[below(count_of(projects))]);
	row.input_tokens = (int64_t)below(5000);
	row.cost_microusd = (int64_t)below(90000);
	row.usage_source = slice_of("estimated");
	row.total_us = (int64_t)below(9000000) + 1;
	return row;
}

static void
put(struct world *w, struct id id)
{
	struct request_row q = request_of(id);
	struct attempt_row a = attempt_of(&q);

	if (below(8) == 0) {
		q.attempts = 0;
		ledger_refused(w->f.turn, &q);
	} else {
		ledger_settle(w->f.turn, &q, &a);
	}
	w->ids[w->count++] = id;
}

/* Under way when the process is killed: recovery settles it. */
static void
put_open(struct world *w, struct id id)
{
	struct request_row q = request_of(id);
	struct attempt_row a = attempt_of(&q);

	q.state = slice_of("open");
	a.state = slice_of("open");
	ledger_intend(w->f.turn, &q, &a);
}

/* It says other figures than the row has: the row is settled anew. */
static void
put_receipt(struct world *w)
{
	struct id id = w->ids[below(w->count)];
	struct receipt_row r = receipt_sample(id, 1, ++w->receipts, w->chain);

	r.input_tokens = (int64_t)below(5000);
	fixture_keep(&w->f, &r, w->key);
	w->late++;
}

/* Or an older version was cut off, and left what it had so far. */
static void
forget_rollups(struct fixture *f)
{
	struct db *db = ledger_db(f->ledger);
	struct db_batch *b = db_batch_new();

	db_batch_delete(b, db, FAMILY_META, slice_of("rollups"));
	if (below(2) == 0)
		db_batch_delete_range(b, db, FAMILY_ROLLUP, slice_of("A"),
		    slice_of("S"));
	assert_int_equal(db_write(db, b, true), DB_OK);
	db_batch_free(b);
}

static void
open_again(struct fixture *f)
{
	fixture_close(f);
	fixture_open(f, false);
	assert_true(ledger_recover(f->ledger, NULL, NULL) >= 0);
}

static void
world_new(struct world *w, size_t old)
{
	size_t i;

	memset(w, 0, sizeof(*w));
	fixture_new(&w->f);
	w->key = sign_key_new();
	w->ids = calloc(old + 4 * EVENTS, sizeof(*w->ids));
	chain_sample(w->chain);
	for (i = 0; i < old; i++) {
		put(w, any_id(START_US, SPAN_US));
		if (below(20) == 0)
			put_open(w, any_id(START_US, SPAN_US));
		if (below(100) == 0)
			fixture_turn(&w->f);
	}
	fixture_turn(&w->f);
	forget_rollups(&w->f);
	open_again(&w->f);
	assert_int_equal(recount_done(ledger_db(w->f.ledger)), old == 0);
}

static void
world_free(struct world *w)
{
	fixture_free(&w->f);
	secret_free(w->key);
	free(w->ids);
}

static void
kill_9(struct world *w)
{
	w->kills++;
	fixture_crash(&w->f);
	assert_true(ledger_recover(w->f.ledger, NULL, NULL) >= 0);
}

static void
assert_same(const struct total *a, const struct total *b)
{
	struct buf x, y;
	size_t i;

	for (i = 0; i < MEASURES; i++)
		if (a->of[i] != b->of[i])
			fail_msg("%s: %lld and %lld",
			    measure_name((enum measure)i), (long long)a->of[i],
			    (long long)b->of[i]);
	buf_init(&x, 1 << 20);
	buf_init(&y, 1 << 20);
	total_write(a, &x);
	total_write(b, &y);
	assert_true(slice_eq(buf_slice(&x), buf_slice(&y)));
	buf_fini(&x);
	buf_fini(&y);
}

static void
assert_rollups_are_rows(struct fixture *f, enum row_kind kind)
{
	struct report_query q = { .kind = kind,
		.from_us = 0,
		.to_us = START_US + 4 * SPAN_US };
	struct report *cells, *rows;
	struct buf why;
	size_t i;

	buf_init(&why, 4096);
	assert_true(report_by(&q, slice_of("day,project,target"), &why));
	assert_int_equal(report_run(f->ledger, &q, &cells), REPORT_OK);
	q.rows = true;
	assert_int_equal(report_run(f->ledger, &q, &rows), REPORT_OK);
	assert_true(cells->cells > 0 && cells->rows == 0);
	assert_int_equal(cells->count, rows->count);
	assert_same(&cells->total, &rows->total);
	for (i = 0; i < rows->count; i++)
		assert_same(&cells->groups[i]->total, &rows->groups[i]->total);
	report_free(cells);
	report_free(rows);
	buf_fini(&why);
}

static void
assert_done(struct world *w)
{
	assert_true(recount_done(ledger_db(w->f.ledger)));
	assert_rollups_are_rows(&w->f, ROW_REQUEST);
	assert_rollups_are_rows(&w->f, ROW_ATTEMPT);
}

static enum recount_result
step(struct world *w)
{
	enum recount_result result = recount_step(ledger_recount(w->f.ledger));

	assert_true(result != RECOUNT_FAILED);
	w->waits += result == RECOUNT_WAITS;
	return result;
}

static void
happen(struct world *w)
{
	switch (below(12)) {
	case 0:
	case 1:
		put(w, any_id(START_US + 2 * SPAN_US, SPAN_US));
		break;
	case 2:
	case 3:
		put(w, any_id(START_US, SPAN_US));
		break;
	case 4:
	case 5:
	case 6:
		put_receipt(w);
		break;
	case 7:
		put_open(w, any_id(START_US, 3 * SPAN_US));
		break;
	case 8:
		(void)step(w);
		break;
	case 9:
		if (below(12) == 0)
			kill_9(w);
		break;
	default:
		fixture_turn(&w->f);
	}
}

static void
each_row_is_counted_once(void **state)
{
	int kills = 0, waits = 0, late = 0, i, round;
	struct world w;

	(void)state;
	for (round = 1; round <= SEEDS; round++) {
		seed = (uint64_t)round * 7919;
		world_new(&w, OLD);
		for (i = 0; i < EVENTS; i++)
			happen(&w);
		fixture_turn(&w.f);
		while (step(&w) != RECOUNT_DONE)
			;
		assert_done(&w);
		/* And goes on being right. */
		for (i = 0; i < 40; i++)
			put_receipt(&w);
		fixture_turn(&w.f);
		kill_9(&w);
		assert_done(&w);
		kills += w.kills;
		waits += w.waits;
		late += w.late;
		world_free(&w);
	}
	assert_true(kills > SEEDS && waits > 0 && late > 100);
}

/* It may be killed between any two slices. */
static void
it_goes_on_where_it_was_killed(void **state)
{
	int slices = 0, after_kill = 0;
	struct world w;

	(void)state;
	seed = 5;
	world_new(&w, OLD);
	while (step(&w) == RECOUNT_MORE) {
		assert_true(++slices < 20);
		kill_9(&w);
		assert_false(recount_done(ledger_db(w.f.ledger)));
	}
	assert_true(slices >= 3);
	assert_done(&w);
	/* As many slices as without a kill: it did not begin anew. */
	forget_rollups(&w.f);
	open_again(&w.f);
	while (step(&w) == RECOUNT_MORE)
		after_kill++;
	assert_int_equal(slices, after_kill);
	assert_done(&w);
	world_free(&w);
}

/* A row that waits for its write is not counted as it was before. */
static void
it_waits_for_a_row_that_is_being_written(void **state)
{
	struct world w;
	int i;

	(void)state;
	seed = 9;
	world_new(&w, OLD);
	for (i = 0; i < 200; i++)
		put_receipt(&w);
	assert_int_equal(step(&w), RECOUNT_WAITS);
	assert_int_equal(step(&w), RECOUNT_WAITS);
	fixture_turn(&w.f);
	assert_int_equal(step(&w), RECOUNT_MORE);
	/* One of a new request holds up nobody. */
	put(&w, any_id(START_US + 2 * SPAN_US, SPAN_US));
	assert_int_equal(step(&w), RECOUNT_MORE);
	fixture_turn(&w.f);
	while (step(&w) != RECOUNT_DONE)
		;
	assert_done(&w);
	world_free(&w);
}

static void
reports_read_rows_until_it_is_done(void **state)
{
	struct report_query q = { .kind = ROW_REQUEST,
		.from_us = 0,
		.to_us = START_US + 4 * SPAN_US };
	struct report *r;
	struct world w;

	(void)state;
	seed = 11;
	world_new(&w, OLD);
	assert_int_equal(step(&w), RECOUNT_MORE);
	assert_int_equal(report_run(w.f.ledger, &q, &r), REPORT_OK);
	assert_true(r->cells == 0 && r->rows >= OLD);
	report_free(r);
	world_free(&w);
}

static void
an_empty_store_has_its_rollups(void **state)
{
	struct world w;

	(void)state;
	seed = 13;
	world_new(&w, 0);
	assert_int_equal(step(&w), RECOUNT_DONE);
	put(&w, any_id(START_US, SPAN_US));
	fixture_turn(&w.f);
	assert_rollups_are_rows(&w.f, ROW_REQUEST);
	world_free(&w);
}

static void *
recount_all(void *arg)
{
	enum recount_result result;

	do
		result = recount_step(arg);
	while (result == RECOUNT_MORE || result == RECOUNT_WAITS);
	return result == RECOUNT_DONE ? arg : NULL;
}

static void
it_runs_beside_whoever_writes(void **state)
{
	pthread_t thread;
	struct world w;
	void *good;
	int i;

	(void)state;
	seed = 17;
	world_new(&w, 2 * OLD);
	assert_int_equal(pthread_create(&thread, NULL, recount_all,
			     ledger_recount(w.f.ledger)),
	    0);
	for (i = 0; i < 2 * EVENTS; i++) {
		put_receipt(&w);
		put(&w, any_id(START_US, SPAN_US));
		if (below(3) == 0)
			fixture_turn(&w.f);
	}
	fixture_turn(&w.f);
	assert_int_equal(pthread_join(thread, &good), 0);
	assert_non_null(good);
	assert_done(&w);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_counted_once),
		cmocka_unit_test(it_goes_on_where_it_was_killed),
		cmocka_unit_test(it_waits_for_a_row_that_is_being_written),
		cmocka_unit_test(reports_read_rows_until_it_is_done),
		cmocka_unit_test(an_empty_store_has_its_rollups),
		cmocka_unit_test(it_runs_beside_whoever_writes),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
