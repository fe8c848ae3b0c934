#include "common/base/clock.h"
#include "common/report/report.h"
#include "common/store/book.h"
#include "common/store/recovery.h"
#include "common/store/settlement.h"
#include "common/store/slip.h"
#include "tests/unit/store/fixture.h"

/*
 * A store is filled with what happens to rows: they settle, end open, are cut
 * off by a crash, are settled anew by a late receipt.  Whatever happened, a
 * report from roll-ups says what the rows say, for any window and any
 * grouping.
 */
#define START_US  INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */
#define SPAN_US   (INT64_C(70) * 86400 * US_PER_SECOND)
#define REQUESTS  600
#define QUESTIONS 60

static uint64_t seed = 99;

static uint64_t
below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static struct slice
one_of(const char *const *words, size_t count)
{
	return slice_of(words[below(count)]);
}

static struct request_row
any_request(struct fixture *f, int64_t at_us)
{
	static const char *const projects[] = { "checkout", "fraud", "" };
	static const char *const targets[] = { "openai/gpt", "openai/mini",
		"hub/meta/llama" };
	static const char *const fails[] = { "", "", "", "upstream-failed" };
	static const char *const tags[] = { "", "run=1", "run=2,stage=x" };
	struct request_row row =
	    request_sample(id_next(&f->ids, at_us), "settled");

	row.received_at = at_us;
	row.project = one_of(projects, count_of(projects));
	row.target = one_of(targets, count_of(targets));
	row.fail = one_of(fails, count_of(fails));
	row.tags = one_of(tags, count_of(tags));
	row.operation = slice_of("generate");
	row.usage_source = slice_of("provider");
	row.price_book = slice_of("0123456789abcdef");
	row.status = row.fail.len > 0 ? 502 : 200;
	row.stream = (int64_t)below(2);
	row.input_tokens = (int64_t)below(5000);
	row.cache_read_tokens = (int64_t)below(2) * 100;
	row.output_tokens = (int64_t)below(900);
	row.cost_microusd = row.input_tokens + 4 * row.output_tokens;
	row.first_byte_us = (int64_t)below(100000) + 1;
	row.total_us = row.first_byte_us + (int64_t)below(9000000);
	return row;
}

static struct attempt_row
attempt_of(const struct request_row *q)
{
	struct attempt_row row = attempt_sample(q->id, 1, "settled");

	row.project = q->project;
	row.target = q->target;
	row.fail = q->fail;
	row.usage_source = q->usage_source;
	row.price_book = q->price_book;
	row.status = q->status;
	row.input_tokens = q->input_tokens;
	row.output_tokens = q->output_tokens;
	row.cost_microusd = q->cost_microusd;
	row.total_us = q->total_us;
	return row;
}

static void
open_one(struct fixture *f, struct request_row *q, struct attempt_row *a)
{
	q->state = slice_of("open");
	a->state = slice_of("open");
	q->input_tokens = q->output_tokens = q->cost_microusd = 0;
	a->input_tokens = a->output_tokens = a->cost_microusd = 0;
	ledger_intend(f->turn, q, a);
	fixture_turn(f);
}

/* Its receipt comes after the crash, and says more than the estimate. */
static void
crash_and_resettle(struct fixture *f, const struct secret *key, int64_t seq)
{
	struct request_row q =
	    any_request(f, START_US + (int64_t)below((uint64_t)SPAN_US));
	struct attempt_row a = attempt_of(&q);
	char chain[CHAIN_ID_CHARS];
	struct receipt_row r;

	open_one(f, &q, &a);
	fixture_crash(f);
	assert_int_equal(ledger_recover(f->ledger, NULL, NULL), 1);
	chain_sample(chain);
	r = receipt_sample(q.id, 1, seq, chain);
	fixture_keep(f, &r, key);
	fixture_turn(f);
}

static void
fill(struct fixture *f)
{
	struct secret *key = sign_key_new();
	struct request_row q;
	struct attempt_row a;
	size_t i;

	for (i = 0; i < REQUESTS; i++) {
		/* Ids of one source only go up: times are drawn in order. */
		q = any_request(f, START_US +
				       (int64_t)i * (SPAN_US / REQUESTS) +
				       (int64_t)below(1000000));
		a = attempt_of(&q);
		if (below(4) == 0)
			ledger_refused(f->turn, &q);
		else
			ledger_settle(f->turn, &q, &a);
		if (below(3) == 0)
			fixture_turn(f);
		if (below(9) == 0)
			assert_true(slips_post(ledger_slips(f->ledger)));
	}
	fixture_turn(f);
	for (i = 0; i < 6; i++)
		crash_and_resettle(f, key, (int64_t)i + 1);
	secret_free(key);
}

static void
assert_same_totals(const struct total *a, const struct total *b)
{
	size_t i;

	for (i = 0; i < MEASURES; i++)
		if (a->of[i] != b->of[i])
			fail_msg("%s: %lld and %lld",
			    measure_name((enum measure)i), (long long)a->of[i],
			    (long long)b->of[i]);
	for (i = 0; i < SKETCHES; i++) {
		const struct sketch *x = &a->sketches[i], *y = &b->sketches[i];
		size_t k;

		assert_int_equal(x->count, y->count);
		for (k = 0; k < x->count; k++) {
			assert_int_equal(x->buckets[k].index,
			    y->buckets[k].index);
			assert_int_equal(x->buckets[k].count,
			    y->buckets[k].count);
		}
	}
}

static void
assert_same(const struct report *a, const struct report *b)
{
	size_t i, k;

	assert_int_equal(a->count, b->count);
	assert_same_totals(&a->total, &b->total);
	for (i = 0; i < a->count; i++) {
		assert_int_equal(a->groups[i]->period, b->groups[i]->period);
		for (k = 0; k < REPORT_BY_MAX; k++)
			assert_true(slice_eq(a->groups[i]->values[k],
			    b->groups[i]->values[k]));
		assert_same_totals(&a->groups[i]->total, &b->groups[i]->total);
	}
}

/* Both ways; gives how many cells the first one read. */
static int64_t
ask_both_ways(struct fixture *f, struct report_query *q)
{
	struct report *cells, *rows;
	int64_t count;

	q->rows = false;
	assert_int_equal(report_run(f->ledger, q, &cells), REPORT_OK);
	q->rows = true;
	assert_int_equal(report_run(f->ledger, q, &rows), REPORT_OK);
	assert_same(cells, rows);
	count = cells->cells;
	report_free(cells);
	report_free(rows);
	return count;
}

static void
rollups_say_what_rows_say(void **state)
{
	static const char *const by[] = { "", "hour,project", "day,target",
		"month,project,tag.run", "provider,status", "fail,model",
		"day,hour,caller" };
	static const char *const where[] = { "", "project:checkout",
		"project:,project:fraud", "provider:openai,tag.run:1" };
	struct fixture f;
	struct buf why;
	int64_t cells = 0;
	int i;

	(void)state;
	fixture_new(&f);
	buf_init(&why, 4096);
	assert_int_equal(ledger_recover(f.ledger, NULL, NULL), 0);
	fill(&f);
	for (i = 0; i < QUESTIONS; i++) {
		struct report_query q = { .kind = below(3) > 0 ? ROW_REQUEST
							       : ROW_ATTEMPT };

		q.from_us = START_US + (int64_t)below((uint64_t)SPAN_US);
		q.to_us = q.from_us + (int64_t)below((uint64_t)SPAN_US);
		assert_true(report_by(&q, one_of(by, count_of(by)), &why));
		assert_true(filter_read(&q.filter,
		    one_of(where, count_of(where)), &why));
		cells += ask_both_ways(&f, &q);
	}
	assert_true(cells > 0);
	buf_fini(&why);
	fixture_free(&f);
}

static struct price
dear_price(void)
{
	return (struct price){ .input = 10000000,
		.cached_input = 1000000,
		.cache_write_5m = PRICE_UNKNOWN,
		.cache_write_1h = PRICE_UNKNOWN,
		.output = 40000000,
		.reasoning = PRICE_UNKNOWN,
		.image = PRICE_UNKNOWN };
}

/* Keeps a book with one price; its name is written to `name`. */
static void
keep_book(struct fixture *f, struct price price, char name[PRICE_BOOK_CHARS])
{
	struct price_entry entry = { slice_of("openai/dear"), price };
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	price_book_write(&bytes, &entry, 1);
	price_book_name(name, buf_slice(&bytes));
	book_keep(f->turn, buf_slice(&bytes));
	buf_fini(&bytes);
	fixture_turn(f);
}

/* What failed, and what nobody counted, is no saving. */
static void
only_what_qualifies_is_compared(void **state)
{
	struct report_query q = { .kind = ROW_REQUEST,
		.from_us = START_US,
		.to_us = START_US + SPAN_US,
		.baseline = slice_of("openai/dear") };
	char book[PRICE_BOOK_CHARS];
	struct request_row good, bad;
	struct report *r;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	keep_book(&f, dear_price(), book);
	good = any_request(&f, START_US + 1000000);
	good.price_book = slice_of(book);
	good.fail = slice_of("");
	good.input_tokens = 1000;
	good.cache_read_tokens = 500;
	good.output_tokens = 100;
	good.cost_microusd = 777;
	ledger_refused(f.turn, &good);
	bad = good;
	bad.id = id_next(&f.ids, START_US + 2000000);
	bad.fail = slice_of("upstream-failed");
	ledger_refused(f.turn, &bad);
	bad.id = id_next(&f.ids, START_US + 3000000);
	bad.fail = slice_of("");
	bad.usage_source = slice_of("estimated");
	ledger_refused(f.turn, &bad);
	fixture_turn(&f);
	/* Of a book without the baseline: priced as the last one that had it.
	 */
	bad.id = id_next(&f.ids, START_US + 4000000);
	bad.usage_source = slice_of("provider");
	bad.price_book = slice_of("00000000000000000000000000000000");
	bad.cost_microusd = 1;
	ledger_refused(f.turn, &bad);
	fixture_turn(&f);
	assert_int_equal(report_run(f.ledger, &q, &r), REPORT_OK);
	assert_int_equal(r->total.of[MEASURE_requests], 4);
	assert_int_equal(r->total.of[MEASURE_savings_requests], 2);
	assert_int_equal(r->total.of[MEASURE_savings_cost_microusd], 778);
	assert_int_equal(r->total.of[MEASURE_baseline_microusd],
	    2 * (10000 + 500 + 4000));
	report_free(r);
	fixture_free(&f);
}

/* Of `count` requests, one a minute, each with so much input. */
static struct request_row
put_alike(struct fixture *f, const char *book, int count, int64_t input)
{
	struct request_row row = any_request(f, START_US);
	int i;

	row.price_book = slice_of(book);
	row.fail = slice_of("");
	row.input_tokens = input;
	row.cache_read_tokens = 0;
	row.output_tokens = 0;
	for (i = 0; i < count; i++) {
		row.id = id_next(&f->ids, START_US + i * INT64_C(60000000));
		ledger_refused(f->turn, &row);
	}
	fixture_turn(f);
	return row;
}

static int64_t
baseline_of(struct fixture *f, int64_t to_us)
{
	struct report_query q = { .kind = ROW_REQUEST,
		.from_us = START_US,
		.to_us = to_us,
		.baseline = slice_of("openai/dear") };
	struct report *r;
	int64_t cost;

	assert_int_equal(report_run(f->ledger, &q, &r), REPORT_OK);
	cost = r->total.of[MEASURE_baseline_microusd];
	report_free(r);
	return cost;
}

/*
 * Sums of tokens do not tell what requests had cost: each is rounded by
 * itself, and a long one has prices of its own.
 */
static void
each_request_is_priced_by_itself(void **state)
{
	struct price cheap = dear_price(), tiered = dear_price();
	char book[PRICE_BOOK_CHARS];
	struct fixture f;

	(void)state;
	cheap.input = 400000; /* 0.4 micro-USD a token */
	fixture_new(&f);
	keep_book(&f, cheap, book);
	put_alike(&f, book, 10, 1);
	assert_int_equal(baseline_of(&f, START_US + SPAN_US), 0);
	fixture_free(&f);

	tiered.tiers_count = 1;
	tiered.tiers[0].above_tokens = 1000;
	tiered.tiers[0].rates = (struct price_rates){ .input = 20000000,
		.cached_input = PRICE_UNKNOWN,
		.cache_write_5m = PRICE_UNKNOWN,
		.cache_write_1h = PRICE_UNKNOWN,
		.output = 40000000,
		.reasoning = PRICE_UNKNOWN,
		.image = PRICE_UNKNOWN };
	fixture_new(&f);
	keep_book(&f, tiered, book);
	put_alike(&f, book, 1, 1001);
	put_alike(&f, book, 1, 999);
	assert_int_equal(baseline_of(&f, START_US + SPAN_US), 20020 + 9990);
	fixture_free(&f);
}

/* Prices change, also for the better: what was saved stays what it was. */
static void
a_new_price_changes_no_savings(void **state)
{
	char old[PRICE_BOOK_CHARS], new[PRICE_BOOK_CHARS];
	int64_t end = START_US + INT64_C(3600) * US_PER_SECOND;
	struct price lower = dear_price();
	struct request_row row;
	struct fixture f;

	(void)state;
	lower.input = 1000000;
	fixture_new(&f);
	keep_book(&f, dear_price(), old);
	put_alike(&f, old, 10, 1000);
	assert_int_equal(baseline_of(&f, end), 10 * 10000);
	keep_book(&f, lower, new);
	row = put_alike(&f, old, 0, 1000);
	row.price_book = slice_of(new);
	row.id = id_next(&f.ids, end + 1000);
	ledger_refused(f.turn, &row);
	fixture_turn(&f);
	assert_int_equal(baseline_of(&f, end), 10 * 10000);
	/* Both books come by turns: each row has its own. */
	row.id = id_next(&f.ids, end + 2000);
	row.price_book = slice_of(old);
	ledger_refused(f.turn, &row);
	fixture_turn(&f);
	assert_int_equal(baseline_of(&f, START_US + SPAN_US),
	    11 * 10000 + 1000);
	fixture_free(&f);
}

static void
a_report_can_be_stopped(void **state)
{
	atomic_bool stop;
	struct report_query q = { .kind = ROW_REQUEST,
		.from_us = START_US,
		.to_us = START_US + SPAN_US,
		.rows = true,
		.stop = &stop };
	struct request_row row;
	struct report *r;
	struct fixture f;
	int i;

	(void)state;
	atomic_init(&stop, true);
	fixture_new(&f);
	for (i = 0; i < 2000; i++) {
		row = any_request(&f, START_US + i * 1000);
		ledger_refused(f.turn, &row);
	}
	fixture_turn(&f);
	assert_int_equal(report_run(f.ledger, &q, &r), REPORT_STOPPED);
	report_free(r);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rollups_say_what_rows_say),
		cmocka_unit_test(only_what_qualifies_is_compared),
		cmocka_unit_test(each_request_is_priced_by_itself),
		cmocka_unit_test(a_new_price_changes_no_savings),
		cmocka_unit_test(a_report_can_be_stopped),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
