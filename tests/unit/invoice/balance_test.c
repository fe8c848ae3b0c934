#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/invoice/balance.h"
#include "common/limit/calendar.h"

#define DAY    INT64_C(20722) /* 2026-09-26 */
#define SECOND INT64_C(1000000)
#define NOON   (INT64_C(43200) * SECOND)
#define DAY_US (INT64_C(86400) * SECOND)

/* USD 1 and 10 per million: a token costs 1 or 10 micro-USD. */
static const struct price prices = {
	.input = 1000000,
	.cached_input = 100000,
	.cache_write_5m = 1250000,
	.cache_write_1h = 2000000,
	.output = 10000000,
	.reasoning = 10000000,
	.image = 1000000,
};

struct bench {
	struct aliases aliases;
	struct invoice invoice;
	struct bookings bookings;
	struct balance balance;
};

static void
bench_new(struct bench *b, const char *const *files, size_t count)
{
	struct taken taken;
	struct buf why;
	size_t i;

	memset(b, 0, sizeof(*b));
	buf_init(&why, 65536);
	b->invoice.cells = cells_new(&b->aliases);
	for (i = 0; i < count; i++) {
		char *bytes = xstrdup(files[i]);

		if (!invoice_take(&b->invoice, bytes, strlen(bytes), &taken,
			&why))
			fail_msg("%s", buf_text(&why));
		free(bytes);
	}
	buf_fini(&why);
	assert_true(invoice_settle(&b->invoice));
	bookings_init(&b->bookings, &b->invoice, slice_of("openai"),
	    slice_of("central"));
}

static void
bench_free(struct bench *b)
{
	bookings_fini(&b->bookings);
	cells_free(b->invoice.cells);
}

/* A call that began so long after the first day's beginning. */
static struct attempt_row
call_at(int64_t us, int64_t input, int64_t output)
{
	return (struct attempt_row){
		.state = slice_of("settled"),
		.target = slice_of("openai/m"),
		.egress = slice_of("central"),
		.started_at = calendar_day_us(DAY) + us,
		.total_us = SECOND,
		.status = 200,
		.usage_source = slice_of("provider"),
		.input_tokens = input,
		.output_tokens = output,
		.cost_microusd = input + 10 * output,
		.body_bytes = 4000,
		.answer_bytes = 9000,
	};
}

static void
book(struct bench *b, const struct attempt_row *row)
{
	assert_true(booking_is_wanted(&b->bookings, row));
	booking_take(&b->bookings, row, &prices);
}

static void
book_call(struct bench *b, int64_t us, int64_t input, int64_t output)
{
	struct attempt_row row = call_at(us, input, output);

	book(b, &row);
}

/* In every cell, and so in all, parts come to the whole difference. */
static void
check_sums(const struct bench *b)
{
	const struct cell *cell;
	enum residual r;
	enum quantity q;
	int64_t rest;
	size_t i;

	for (i = 0; (cell = cells_at(b->bookings.cells, i)) != NULL; i++)
		for (q = 0; q < QUANTITIES && !cell->outside; q++) {
			rest = cell->invoice.of[q] - cell->ledger.of[q];
			for (r = 0; r < RESIDUALS; r++)
				rest -= cell->parts[r].of[q];
			assert_int_equal(rest, 0);
		}
	for (q = 0; q < QUANTITIES; q++) {
		rest = b->balance.invoice.of[q] - b->balance.ledger.of[q];
		for (r = 0; r < RESIDUALS; r++)
			rest -= b->balance.parts[r].of[q];
		assert_int_equal(rest, 0);
	}
}

static void
balance(struct bench *b)
{
	assert_false(b->bookings.full);
	assert_true(balance_run(&b->bookings, &b->balance));
	check_sums(b);
}

struct part {
	int64_t requests, input, output, cost;
};

static void
check_part(const struct bench *b, enum residual r, struct part part)
{
	const struct quantities *p = &b->balance.parts[r];

	assert_int_equal(p->of[QUANTITY_REQUESTS], part.requests);
	assert_int_equal(p->of[QUANTITY_INPUT], part.input);
	assert_int_equal(p->of[QUANTITY_OUTPUT], part.output);
	assert_int_equal(p->of[QUANTITY_COST], part.cost);
}

#define part_is(b, r, ...) check_part(b, r, (struct part){ __VA_ARGS__ })

/* Only these were found. */
static void
found_are(const struct bench *b, unsigned set)
{
	enum residual r;

	for (r = 0; r < RESIDUALS; r++)
		assert_int_equal(b->balance.found[r] > 0, (set >> r) & 1);
	assert_int_equal(b->balance.explained,
	    (set & ~((1u << RESIDUAL_PRICE_BOOK) - 1)) == 0);
}

#define HEAD "day,model,requests,input,output,cost\n"
#define ONE  "2026-09-26,m,2,300,30,0.0006\n"

static void
test_what_agrees_has_no_residual(void **state)
{
	const char *file = HEAD ONE;
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book_call(&b, NOON, 200, 20);
	balance(&b);
	found_are(&b, 0);
	bench_free(&b);
}

static void
test_what_is_beside_the_router_is_not_routed(void **state)
{
	const char *file = HEAD ONE;
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_NOT_ROUTED);
	part_is(&b, RESIDUAL_NOT_ROUTED, 1, 200, 20, 400);
	bench_free(&b);
}

static void
test_what_is_not_on_the_invoice_is_told(void **state)
{
	const char *file = HEAD ONE "2026-09-26,other model,1,5,5,0.1\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book_call(&b, NOON, 200, 20);
	book_call(&b, NOON, 7, 1);
	balance(&b);
	found_are(&b,
	    1u << RESIDUAL_NOT_INVOICED | 1u << RESIDUAL_UNKNOWN_MODEL);
	part_is(&b, RESIDUAL_NOT_INVOICED, -1, -7, -1, -17);
	part_is(&b, RESIDUAL_UNKNOWN_MODEL, 1, 5, 5, 100000);
	bench_free(&b);
}

static void
test_other_prices_are_the_price_books(void **state)
{
	static const struct {
		const char *text;
		enum residual r;
		int64_t cost;
	} files[] = {
		{ HEAD "2026-09-26,m,2,300,30,0.000750\n", RESIDUAL_PRICE_BOOK,
		    150 },
		{ HEAD "2026-09-26,m,2,300,30,0.000601\n", RESIDUAL_ROUNDING,
		    1 },
		{ HEAD "2026-09-26,m,2,300,30,0.00\n", RESIDUAL_ROUNDING,
		    -600 },
		{ HEAD "2026-09-26,m,2,300,30,0.01\n", RESIDUAL_PRICE_BOOK,
		    9400 },
	};
	struct bench b;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(files); i++) {
		bench_new(&b, &files[i].text, 1);
		book_call(&b, NOON, 100, 10);
		book_call(&b, NOON, 200, 20);
		balance(&b);
		found_are(&b, 1u << files[i].r);
		part_is(&b, files[i].r, 0, 0, 0, files[i].cost);
		bench_free(&b);
	}
}

/* Also when somebody used the key besides: each has its own amount. */
static void
test_prices_and_calls_are_told_apart(void **state)
{
	const char *file = HEAD "2026-09-26,m,2,300,30,0.0012\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_NOT_ROUTED | 1u << RESIDUAL_PRICE_BOOK);
	part_is(&b, RESIDUAL_NOT_ROUTED, 1, 200, 20, 400);
	part_is(&b, RESIDUAL_PRICE_BOOK, 0, 0, 0, 600);
	bench_free(&b);
}

static void
test_calls_at_midnight_are_the_other_days(void **state)
{
	const char *file = HEAD "2026-09-26,m,1,100,10,0.0002\n"
				"2026-09-27,m,2,50,5,0.0001\n"
				"2026-09-28,m,2,205,25,0.000455\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book_call(&b, DAY_US - SECOND, 20, 2); /* counted the day after */
	book_call(&b, DAY_US + NOON, 30, 3);
	book_call(&b, 2 * DAY_US - SECOND, 200, 20); /* likewise */
	book_call(&b, 2 * DAY_US + NOON, 5, 5);
	book_call(&b, 3 * DAY_US - SECOND, 77, 7); /* beyond the invoice */
	balance(&b);
	found_are(&b, 1u << RESIDUAL_DAY_EDGE);
	part_is(&b, RESIDUAL_DAY_EDGE, -1, -77, -7, -147);
	bench_free(&b);
}

static void
test_a_clock_may_be_early_too(void **state)
{
	const char *file = HEAD "2026-09-26,m,2,300,30,0.0006\n"
				"2026-09-27,m,1,50,5,0.0001\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book_call(&b, DAY_US + SECOND, 200, 20);
	book_call(&b, DAY_US + NOON, 50, 5);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_DAY_EDGE);
	part_is(&b, RESIDUAL_DAY_EDGE, 0, 0, 0, 0);
	bench_free(&b);
}

static void
test_noon_is_no_edge(void **state)
{
	const char *file = HEAD "2026-09-26,m,1,100,10,0.0002\n"
				"2026-09-27,m,1,50,5,0.0001\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book_call(&b, NOON, 50, 5);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_NOT_ROUTED | 1u << RESIDUAL_NOT_INVOICED);
	part_is(&b, RESIDUAL_NOT_ROUTED, 1, 50, 5, 100);
	part_is(&b, RESIDUAL_NOT_INVOICED, -1, -50, -5, -100);
	bench_free(&b);
}

static void
test_estimates_explain_what_they_may(void **state)
{
	static const struct {
		const char *text;
		unsigned found;
		int64_t input, output, cost;
	} files[] = {
		/* The second call: 200 and 20 as we estimate, USD 0.0004. */
		{ HEAD "2026-09-26,m,2,290,40,0.00069\n",
		    1u << RESIDUAL_ESTIMATE, -10, 10, 90 },
		{ HEAD "2026-09-26,m,1,100,10,0.0002\n",
		    1u << RESIDUAL_ESTIMATE, -200, -20, -400 },
		/* More than there were bytes. */
		{ HEAD "2026-09-26,m,2,5100,30,0.0054\n",
		    1u << RESIDUAL_ESTIMATE | 1u << RESIDUAL_NOT_ROUTED, 3800,
		    0, 3800 },
		/* A third request is nobody's estimate. */
		{ HEAD "2026-09-26,m,3,310,40,0.00071\n",
		    1u << RESIDUAL_NOT_ROUTED, 0, 0, 0 },
	};
	struct attempt_row row = call_at(NOON, 200, 20);
	struct bench b;
	size_t i;

	(void)state;
	row.usage_source = slice_of("estimated");
	for (i = 0; i < count_of(files); i++) {
		bench_new(&b, &files[i].text, 1);
		book_call(&b, NOON, 100, 10);
		book(&b, &row);
		balance(&b);
		found_are(&b, files[i].found);
		part_is(&b, RESIDUAL_ESTIMATE, i == 1 ? -1 : 0, files[i].input,
		    files[i].output, files[i].cost);
		bench_free(&b);
	}
}

/* Its cost is 0 until a receipt comes; the provider's is not. */
static void
test_a_killed_call_may_have_cost(void **state)
{
	static const struct {
		const char *text;
		int64_t requests, input, output, cost;
	} files[] = {
		{ HEAD "2026-09-26,m,1,200,500,0.0052\n", 0, 0, 500, 5200 },
		{ HEAD "2026-09-26,m,0,0,0,0\n", -1, -200, 0, 0 },
		{ HEAD "2026-09-26,m,1,200,0,0.0002\n", 0, 0, 0, 200 },
	};
	struct attempt_row row = call_at(NOON, 200, 0);
	struct bench b;
	size_t i;

	(void)state;
	row.state = slice_of("interrupted");
	row.usage_source = slice_of("estimated");
	row.cost_microusd = row.answer_bytes = 0;
	for (i = 0; i < count_of(files); i++) {
		bench_new(&b, &files[i].text, 1);
		book(&b, &row);
		balance(&b);
		found_are(&b, 1u << RESIDUAL_INTERRUPTED);
		part_is(&b, RESIDUAL_INTERRUPTED, files[i].requests,
		    files[i].input, files[i].output, files[i].cost);
		bench_free(&b);
	}
}

static void
test_failed_calls_may_be_counted(void **state)
{
	const char *file = HEAD "2026-09-26,m,2,100,10,0.0002\n";
	struct attempt_row row = call_at(NOON, 0, 0);
	struct bench b;

	(void)state;
	row.usage_source = slice_of("none");
	row.status = 429;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	book(&b, &row);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_FAILED);
	part_is(&b, RESIDUAL_FAILED, 1, 0, 0, 0);
	bench_free(&b);
}

static void
test_figures_that_contradict_are_unexplained(void **state)
{
	const char *file = HEAD "2026-09-26,m,1,110,5,0.0002\n";
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	book_call(&b, NOON, 100, 10);
	balance(&b);
	found_are(&b, 1u << RESIDUAL_UNEXPLAINED);
	part_is(&b, RESIDUAL_UNEXPLAINED, 0, 10, -5, 0);
	bench_free(&b);
}

/* Usage by model, and money of a whole day beside it. */
static void
test_money_by_day_is_compared_by_day(void **state)
{
	const char *files[] = { "day,model,requests,input,output\n"
				"2026-09-26,m,2,300,30\n",
		"start_time,amount_value\n1790380800,0.000900000\n" };
	struct attempt_row row = call_at(NOON, 300, 0);
	const struct cell *money;
	struct bench b;

	(void)state;
	bench_new(&b, files, 2);
	book_call(&b, NOON, 100, 10);
	row.target = slice_of("openai/n");
	book(&b, &row); /* not invoiced: USD -0.0003 */
	balance(&b);
	money = cells_find(b.bookings.cells, DAY, "");
	assert_int_equal(money->ledger.of[QUANTITY_COST], 500);
	part_is(&b, RESIDUAL_NOT_ROUTED, 1, 200, 20, 400);
	part_is(&b, RESIDUAL_NOT_INVOICED, -1, -300, 0, -300);
	part_is(&b, RESIDUAL_PRICE_BOOK, 0, 0, 0, 300);
	bench_free(&b);
}

static void
test_others_calls_are_not_wanted(void **state)
{
	const char *file = HEAD ONE;
	struct attempt_row row = call_at(NOON, 1, 1);
	struct bench b;

	(void)state;
	bench_new(&b, &file, 1);
	assert_true(booking_is_wanted(&b.bookings, &row));
	row.egress = slice_of("other");
	assert_false(booking_is_wanted(&b.bookings, &row));
	row.egress = slice_of("");
	assert_true(booking_is_wanted(&b.bookings, &row));
	row.target = slice_of("openai-eu/m");
	assert_false(booking_is_wanted(&b.bookings, &row));
	row = call_at(3 * DAY_US, 1, 1);
	assert_false(booking_is_wanted(&b.bookings, &row));
	bench_free(&b);
}

static int64_t
draw(int64_t below)
{
	return random() % below;
}

/* A file of what somebody thinks was used, more or less. */
static void
draw_file(struct buf *out)
{
	int i, lines = (int)draw(12);

	buf_reset(out);
	buf_puts(out, "day,model,requests,input,cache_read,output,cost\n"
		      "2026-09-26,m,0,0,0,0,0\n");
	for (i = 0; i < lines; i++)
		buf_printf(out, "2026-09-2%d,%s,%d,%d,%d,%d,%d.%04d\n",
		    6 + (int)draw(3), draw(3) > 0 ? "m" : "n", (int)draw(4),
		    (int)draw(500), (int)draw(100), (int)draw(50),
		    draw(9) > 0 ? 0 : (int)draw(2), (int)draw(9999));
}

static void
draw_calls(struct bench *b)
{
	static const char *const sources[] = { "provider", "provider",
		"partial", "estimated", "none" };
	static const char *const states[] = { "settled", "settled", "resettled",
		"interrupted" };
	int i, count = (int)draw(20);

	for (i = 0; i < count; i++) {
		int64_t at =
		    draw(2) > 0
			? draw(3) * DAY_US + draw(600) * SECOND - 300 * SECOND
			: draw(3) * DAY_US + draw(86400) * SECOND;
		struct attempt_row row = call_at(at, draw(300), draw(30));

		row.usage_source = slice_of(sources[draw(5)]);
		row.state = slice_of(states[draw(4)]);
		row.cache_read_tokens = draw(50);
		row.cost_microusd += draw(3);
		row.target =
		    slice_of(draw(4) > 0 ? "openai/m" : "openai/other");
		if (booking_is_wanted(&b->bookings, &row))
			booking_take(&b->bookings, &row,
			    draw(3) > 0 ? &prices : NULL);
	}
}

static void
test_parts_come_to_the_whole_whatever_there_is(void **state)
{
	struct bench b;
	struct buf files[2];
	const char *texts[2];
	int i;

	(void)state;
	srandom(7);
	buf_init(&files[0], 65536);
	buf_init(&files[1], 65536);
	for (i = 0; i < 3000; i++) {
		draw_file(&files[0]);
		buf_reset(&files[1]);
		buf_printf(&files[1],
		    "start_time,amount_value\n"
		    "1790380800,0.0%d\n",
		    (int)draw(99));
		texts[0] = buf_text(&files[0]);
		texts[1] = buf_text(&files[1]);
		bench_new(&b, texts, 1 + (size_t)draw(2));
		draw_calls(&b);
		balance(&b);
		bench_free(&b);
	}
	buf_fini(&files[0]);
	buf_fini(&files[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_agrees_has_no_residual),
		cmocka_unit_test(test_what_is_beside_the_router_is_not_routed),
		cmocka_unit_test(test_what_is_not_on_the_invoice_is_told),
		cmocka_unit_test(test_other_prices_are_the_price_books),
		cmocka_unit_test(test_prices_and_calls_are_told_apart),
		cmocka_unit_test(test_calls_at_midnight_are_the_other_days),
		cmocka_unit_test(test_a_clock_may_be_early_too),
		cmocka_unit_test(test_noon_is_no_edge),
		cmocka_unit_test(test_estimates_explain_what_they_may),
		cmocka_unit_test(test_a_killed_call_may_have_cost),
		cmocka_unit_test(test_failed_calls_may_be_counted),
		cmocka_unit_test(test_figures_that_contradict_are_unexplained),
		cmocka_unit_test(test_money_by_day_is_compared_by_day),
		cmocka_unit_test(test_others_calls_are_not_wanted),
		cmocka_unit_test(
		    test_parts_come_to_the_whole_whatever_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
