#include "common/store/spend.h"

#include "common/limit/calendar.h"
#include "common/store/recovery.h"
#include "tests/unit/store/fixture.h"

#define DAY     20782
#define STEPS   1200
#define OPEN    40
#define SAMPLES INT64_C(1790000000000000)

struct sums {
	int64_t of[SCOPE_LEVELS][BUDGET_UNITS];
};

static void
add_up(void *arg, const struct spend_sum *sum)
{
	struct sums *s = arg;
	int u;

	for (u = 0; u < BUDGET_UNITS; u++)
		s->of[sum->level][u] += sum->spend.amounts.of[u];
}

static struct sums
stored(struct fixture *f)
{
	struct sums s = { .of = { { 0 } } };

	assert_true(spend_each(f->ledger, add_up, &s));
	return s;
}

/* What the rows say that the sums have of them. */
static struct sums
counted(struct fixture *f)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_new(ledger_db(f->ledger), FAMILY_REQUEST,
	    none, none, false);
	struct sums s = { .of = { { 0 } } };
	struct request_row row;
	int level;

	while (db_scan_next(scan, &key, &value)) {
		assert_true(row_read(ROW_REQUEST, value, &row));
		for (level = SCOPE_PROJECT; level <= SCOPE_CALLER; level++) {
			if (level == SCOPE_PROJECT && row.project.len == 0)
				continue;
			s.of[level][BUDGET_REQUESTS] += row.counted;
			s.of[level][BUDGET_TOKENS] += row.counted_tokens;
			s.of[level][BUDGET_MICROUSD] += row.counted_microusd;
		}
	}
	db_scan_free(scan);
	return s;
}

static void
expect_same(struct fixture *f)
{
	struct sums a = stored(f), b = counted(f);

	assert_memory_equal(&a, &b, sizeof(a));
}

/* A request of some project and caller that holds more than it will cost. */
static void
rows_of(struct id id, unsigned n, struct request_row *request,
    struct attempt_row *attempt)
{
	*request = request_sample(id, "open");
	*attempt = attempt_sample(id, 1, "open");
	request->project = slice_of(n % 3 == 0 ? "" : "checkout");
	request->user = slice_of("ci");
	request->operation = slice_of(n % 11 == 0 ? "count" : "generate");
	request->budget_day = DAY + n % 2;
	request->held_tokens = 5000;
	request->held_microusd = 900;
	request->cost_microusd = 0;
	request->input_tokens = 0;
}

struct open_one {
	struct id id;
	unsigned n;
	bool there;
};

static void
settle(struct fixture *f, struct open_one *o)
{
	struct request_row request;
	struct attempt_row attempt;

	rows_of(o->id, o->n, &request, &attempt);
	request.state = attempt.state = slice_of("settled");
	request.input_tokens = o->n % 97;
	request.output_tokens = o->n % 13;
	request.cost_microusd = o->n % 71;
	ledger_settle(f->turn, &request, &attempt);
	o->there = false;
}

static void
open_new(struct fixture *f, struct open_one *o, unsigned n)
{
	struct request_row request;
	struct attempt_row attempt;

	o->id = id_next(&f->ids, SAMPLES + (int64_t)n * 1000);
	o->n = n;
	o->there = true;
	rows_of(o->id, n, &request, &attempt);
	ledger_intend(f->turn, &request, &attempt);
}

/* As a late receipt leaves it: other figures, and perhaps from held to real. */
static void
settle_again(struct fixture *f, struct id id, int64_t cost)
{
	struct slice key = slice_make(id.bytes, ID_BYTES);
	struct request_row row;
	struct buf bytes;

	buf_init(&bytes, ROW_BYTES_MAX);
	if (ledger_find(f->turn, FAMILY_REQUEST, key, &bytes) &&
	    row_read(ROW_REQUEST, buf_slice(&bytes), &row)) {
		row.state = slice_of("resettled");
		row.cost_microusd = cost;
		ledger_put_row(f->turn, ROW_REQUEST, &row, key);
	}
	buf_fini(&bytes);
}

/*
 * Whatever happens, and wherever the process dies, the sums are those of the
 * rows, and what was open counts as it was held.
 */
static void
sums_are_those_of_the_rows(void **state)
{
	struct open_one open[OPEN] = { { .there = false } };
	struct id last = { .bytes = { 0 } };
	struct fixture f;
	unsigned n, i;

	(void)state;
	fixture_new(&f);
	srand(5);
	for (n = 0; n < STEPS; n++) {
		struct open_one *o = &open[(unsigned)rand() % OPEN];

		if (!o->there) {
			open_new(&f, o, n);
		} else {
			last = o->id;
			settle(&f, o);
		}
		if (n % 7 == 0)
			settle_again(&f, last, n % 50);
		if (n % 5 == 0)
			fixture_turn(&f);
		if (n % 400 != 399)
			continue;
		fixture_crash(&f);
		assert_true(ledger_recover(f.ledger, NULL, NULL) >= 0);
		for (i = 0; i < OPEN; i++)
			open[i].there = false;
		expect_same(&f);
	}
	fixture_turn(&f);
	expect_same(&f);
	assert_true(stored(&f).of[SCOPE_CALLER][BUDGET_TOKENS] > 0);
	fixture_free(&f);
}

static void
what_was_open_counts_as_held_until_its_receipt(void **state)
{
	struct open_one o;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	open_new(&f, &o, 1);
	fixture_turn(&f);
	fixture_crash(&f);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 1);
	assert_int_equal(stored(&f).of[SCOPE_CALLER][BUDGET_MICROUSD], 900);
	assert_int_equal(stored(&f).of[SCOPE_PROJECT][BUDGET_TOKENS], 5000);
	/* Twice is once. */
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
	assert_int_equal(stored(&f).of[SCOPE_USER][BUDGET_REQUESTS], 1);
	settle_again(&f, o.id, 17);
	settle_again(&f, o.id, 17);
	fixture_turn(&f);
	assert_int_equal(stored(&f).of[SCOPE_CALLER][BUDGET_MICROUSD], 17);
	assert_int_equal(stored(&f).of[SCOPE_CALLER][BUDGET_REQUESTS], 1);
	fixture_free(&f);
}

static void
days_that_are_over_are_one_sum(void **state)
{
	const struct spend_sum from = { SCOPE_TEAM, slice_of("t"),
		{ .day = 0 } };
	struct sums days = { .of = { { 0 } } };
	struct fixture f;
	int64_t day;

	(void)state;
	fixture_new(&f);
	for (day = DAY - 9; day <= DAY; day++) {
		spend_add(f.turn,
		    &(struct spend_sum){ SCOPE_TEAM, slice_of("t"),
			{ day, { { 1, 10, 100 } } } });
		spend_add(f.turn,
		    &(struct spend_sum){ SCOPE_MEMBER, slice_of("t"),
			{ day, { { 1, 1, 1 } } } });
	}
	fixture_turn(&f);
	assert_true(spend_fold(f.ledger, DAY - 2));
	assert_true(spend_fold(f.ledger, DAY - 2));
	assert_int_equal(stored(&f).of[SCOPE_TEAM][BUDGET_MICROUSD], 1000);
	assert_int_equal(stored(&f).of[SCOPE_MEMBER][BUDGET_MICROUSD], 10);
	assert_int_equal(fixture_count(&f, FAMILY_SPEND), 4 + 10);
	/* Of that team alone, and of one sum for what is over. */
	assert_true(spend_days(f.ledger, &from, add_up, &days));
	assert_int_equal(days.of[SCOPE_TEAM][BUDGET_TOKENS], 100);
	assert_int_equal(days.of[SCOPE_MEMBER][BUDGET_TOKENS], 0);
	/* What members told is over much later. */
	assert_true(spend_fold(f.ledger, DAY + 1 + SPEND_TOLD_DAYS));
	assert_int_equal(fixture_count(&f, FAMILY_SPEND), 2);
	assert_int_equal(stored(&f).of[SCOPE_MEMBER][BUDGET_MICROUSD], 10);
	fixture_free(&f);
}

static void
the_newest_rows_tell_the_last_use(void **state)
{
	struct open_one o;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	assert_int_equal(spend_last_us(f.ledger), 0);
	open_new(&f, &o, 1);
	settle(&f, &o);
	fixture_turn(&f);
	assert_true(spend_last_us(f.ledger) >= SAMPLES);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_those_of_the_rows),
		cmocka_unit_test(
		    what_was_open_counts_as_held_until_its_receipt),
		cmocka_unit_test(days_that_are_over_are_one_sum),
		cmocka_unit_test(the_newest_rows_tell_the_last_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
