#include "common/report/comparison.h"
#include "common/report/question.h"
#include "common/report/statement.h"
#include "common/store/recovery.h"
#include "tests/unit/store/fixture.h"

/*
 * Two groups with what happened to their requests, worked out by hand: ten of
 * a fixed one, five of a routed one, two of neither.
 */
#define START_US INT64_C(1790000000000000)
#define HOUR_US  (INT64_C(3600) * 1000000)
#define WHY_MAX  4096
#define OUT_MAX  (1 << 20)

struct sample {
	const char *group, *target, *fail;
	int64_t input, cached, output, cost, fallbacks, total_us;
};

static void
put(struct fixture *f, const struct sample *s, int count)
{
	int i;

	for (i = 0; i < count; i++) {
		struct request_row row =
		    request_sample(id_next(&f->ids, START_US + i * HOUR_US),
			"settled");

		row.group = slice_of(s->group);
		row.target = slice_of(s->target);
		row.fail = slice_of(s->fail);
		row.operation = slice_of("generate");
		row.input_tokens = s->input;
		row.cache_read_tokens = s->cached;
		row.output_tokens = s->output;
		row.cost_microusd = s->cost;
		row.fallbacks = s->fallbacks;
		row.attempts = 1 + s->fallbacks;
		row.total_us = s->total_us;
		row.first_byte_us = s->total_us / 4;
		ledger_refused(f->turn, &row);
		fixture_turn(f);
	}
}

static void
fill(struct fixture *f)
{
	static const struct sample dear = { "baseline", "openai/dear", "", 1000,
		0, 100, 300, 0, 40 };
	static const struct sample failed = { "baseline", "openai/dear",
		"upstream-failed", 0, 0, 0, 0, 0, 20 };
	static const struct sample cheap = { "smart", "gpu/cheap", "", 800, 200,
		50, 100, 0, 20 };
	static const struct sample fell = { "smart", "openai/dear", "", 1000, 0,
		100, 300, 1, 60 };
	static const struct sample gone = { "smart", "", "client-gone", 0, 0, 0,
		0, 0, 20 };
	static const struct sample other = { "other", "openai/dear", "", 1, 1,
		1, 1, 0, 1 };

	assert_int_equal(ledger_recover(f->ledger, NULL, NULL), 0);
	put(f, &dear, 8);
	put(f, &failed, 2);
	put(f, &cheap, 3);
	put(f, &fell, 1);
	put(f, &gone, 1);
	put(f, &other, 2);
}

static bool
ask(struct report_query *q, const char *where, const char *fixed,
    const char *routed, struct buf *why)
{
	const struct question question = {
		.window = { .from = slice_of("2026-09-21T14:13:20Z"),
		    .to = slice_of("2026-09-23") },
		.where = slice_of(where),
		.fixed = slice_of(fixed),
		.routed = slice_of(routed),
	};

	buf_reset(why);
	return question_read(q, &question, ROW_REQUEST, START_US, why);
}

/* From roll-ups unless `rows`. */
static struct report *
run(struct fixture *f, const char *fixed, const char *routed, bool rows)
{
	struct report_query q;
	struct report *r;
	struct buf why;

	buf_init(&why, WHY_MAX);
	if (!ask(&q, "operation:generate", fixed, routed, &why))
		fail_msg("%s", buf_text(&why));
	q.rows = rows;
	assert_int_equal(report_run(f->ledger, &q, &r), REPORT_OK);
	assert_true(rows ? r->cells == 0 : r->cells > 0);
	buf_fini(&why);
	return r;
}

static struct line
figure(const struct comparison *c, const char *name)
{
	struct line l;
	size_t i;

	for (i = 0; comparison_line(c, i, &l); i++)
		if (strcmp(l.name, name) == 0)
			return l;
	fail_msg("there is no figure %s", name);
	return l;
}

static void
assert_near(struct value v, double expected)
{
	assert_true(v.there);
	if (v.number < expected - 1e-9 || v.number > expected + 1e-9)
		fail_msg("%f is not %f", v.number, expected);
}

static void
assert_figure(const struct comparison *c, const char *name, double fixed,
    double routed)
{
	struct line l = figure(c, name);

	assert_near(l.of[SIDE_FIXED], fixed);
	assert_near(l.of[SIDE_ROUTED], routed);
	assert_near(l.difference, routed - fixed);
	if (l.percent.there)
		assert_near(l.percent, 100 * (routed - fixed) / fixed);
}

static void
both_sides_have_their_figures(void **state)
{
	struct comparison c;
	struct fixture f;
	struct report *r;
	int rows;

	(void)state;
	fixture_new(&f);
	fill(&f);
	for (rows = 0; rows < 2; rows++) {
		r = run(&f, "group:baseline", "group:smart", rows == 1);
		comparison_init(&c, r);
		assert_figure(&c, "requests", 10, 5);
		assert_figure(&c, "success_share", 0.8, 0.8);
		assert_figure(&c, "cost_microusd", 2400, 600);
		assert_figure(&c, "cost_per_request_microusd", 240, 120);
		assert_figure(&c, "cost_per_success_microusd", 300, 150);
		assert_figure(&c, "input_tokens_per_request", 800, 680);
		assert_figure(&c, "cache_read_tokens_per_request", 0, 120);
		assert_figure(&c, "output_tokens_per_request", 80, 50);
		assert_figure(&c, "total_p50_us", 40, 20);
		assert_figure(&c, "total_p99_us", 40, 60);
		assert_figure(&c, "first_byte_p90_us", 10, 15);
		assert_figure(&c, "fallback_share", 0, 0.2);
		/* A share has no share of a share; nothing no percent. */
		assert_false(figure(&c, "success_share").percent.there);
		assert_false(
		    figure(&c, "cache_read_tokens_per_request").percent.there);
		assert_int_equal(c.both, 0);
		comparison_fini(&c);
		report_free(r);
	}
	fixture_free(&f);
}

static void
errors_and_targets_are_told_by_name(void **state)
{
	struct comparison c;
	struct fixture f;
	struct report *r;

	(void)state;
	fixture_new(&f);
	fill(&f);
	r = run(&f, "group:baseline", "group:smart", false);
	comparison_init(&c, r);
	assert_int_equal(c.errors.count, 2);
	assert_true(slice_is(c.errors.at[0].name, "upstream-failed"));
	assert_int_equal(c.errors.at[0].of[SIDE_FIXED], 2);
	assert_int_equal(c.errors.at[0].of[SIDE_ROUTED], 0);
	assert_true(slice_is(c.errors.at[1].name, "client-gone"));
	/* One that succeeded and one that failed there are of one target. */
	assert_int_equal(c.targets.count, 3);
	assert_true(slice_is(c.targets.at[0].name, "openai/dear"));
	assert_int_equal(c.targets.at[0].of[SIDE_FIXED], 10);
	assert_int_equal(c.targets.at[0].of[SIDE_ROUTED], 1);
	assert_near(comparison_share(&c, &c.targets.at[0], SIDE_ROUTED), 0.2);
	assert_true(slice_is(c.targets.at[1].name, "gpu/cheap"));
	comparison_fini(&c);
	report_free(r);
	fixture_free(&f);
}

/* Filters that overlap: such a request counts on both sides, and is told. */
static void
what_is_on_both_sides_is_told(void **state)
{
	struct comparison c;
	struct fixture f;
	struct report *r;
	struct buf out;

	(void)state;
	fixture_new(&f);
	buf_init(&out, OUT_MAX);
	fill(&f);
	r = run(&f, "target:openai/dear", "group:smart", false);
	comparison_init(&c, r);
	assert_figure(&c, "requests", 13, 5);
	assert_int_equal(c.both, 1);
	comparison_fini(&c);
	statement_write(r, STATEMENT_TEXT, &out);
	assert_non_null(strstr(buf_text(&out), "1 of them are on both sides"));
	report_free(r);
	buf_fini(&out);
	fixture_free(&f);
}

static void
an_empty_side_has_no_shares(void **state)
{
	struct comparison c;
	struct fixture f;
	struct report *r;
	struct buf out;

	(void)state;
	fixture_new(&f);
	buf_init(&out, OUT_MAX);
	fill(&f);
	r = run(&f, "group:baseline", "group:nobody", false);
	comparison_init(&c, r);
	assert_figure(&c, "requests", 10, 0);
	assert_false(figure(&c, "success_share").of[SIDE_ROUTED].there);
	assert_false(figure(&c, "success_share").difference.there);
	assert_false(figure(&c, "total_p50_us").of[SIDE_ROUTED].there);
	comparison_fini(&c);
	statement_write(r, STATEMENT_JSON, &out);
	assert_non_null(strstr(buf_text(&out),
	    "\"figure\":\"success_share\",\"label\":\"succeeded\",\"unit\":"
	    "\"share\",\"fixed\":0.8,"
	    "\"routed\":null,\"difference\":null,"));
	report_free(r);
	buf_fini(&out);
	fixture_free(&f);
}

static void
all_formats_say_the_same(void **state)
{
	static const char *const told[STATEMENT_FORMATS] = {
		"\ncost a request     $0.000240  $0.000120  "
		"-$0.000120    -50.0%\n",
		"| cost a request | $0.000240 | $0.000120 | "
		"-$0.000120 | -50.0% |",
		"{\"figure\":\"cost_per_request_microusd\",\"label\":\"cost a "
		"request\",\"unit\":"
		"\"micro-USD\",\"fixed\":240,\"routed\":120,"
		"\"difference\":-120,\"difference_percent\":-50}",
		"figure,cost_per_request_microusd,micro-USD,"
		"240,120,-120,-50\n",
	};
	struct fixture f;
	struct report *r;
	struct buf out;
	int i;

	(void)state;
	fixture_new(&f);
	buf_init(&out, OUT_MAX);
	fill(&f);
	r = run(&f, "group:baseline", "group:smart", false);
	for (i = 0; i < STATEMENT_FORMATS; i++) {
		buf_reset(&out);
		statement_write(r, (enum statement_format)i, &out);
		if (strstr(buf_text(&out), told[i]) == NULL)
			fail_msg("no %s in:\n%s", told[i], buf_text(&out));
		/* Whatever the format, nobody takes them for pairs. */
		if (i != STATEMENT_CSV)
			assert_non_null(strstr(buf_text(&out), "paired"));
	}
	report_free(r);
	buf_fini(&out);
	fixture_free(&f);
}

static void
assert_refused(struct question question, enum row_kind kind, const char *say)
{
	struct report_query q;
	struct buf why;

	buf_init(&why, WHY_MAX);
	assert_false(question_read(&q, &question, kind, START_US, &why));
	if (strstr(buf_text(&why), say) == NULL)
		fail_msg("no '%s' in %s", say, buf_text(&why));
	buf_fini(&why);
}

static void
what_is_no_comparison_is_refused(void **state)
{
	const struct slice one = slice_of("group:a"), two = slice_of("group:b");

	(void)state;
	assert_refused((struct question){ .fixed = one }, ROW_REQUEST,
	    "two sides");
	assert_refused((struct question){ .routed = two }, ROW_REQUEST,
	    "two sides");
	assert_refused((struct question){ .fixed = one, .routed = two },
	    ROW_ATTEMPT, "ask a node");
	assert_refused((struct question){ .fixed = one,
			   .routed = two,
			   .by = slice_of("day") },
	    ROW_REQUEST, "leave by out");
	assert_refused((struct question){ .fixed = one,
			   .routed = two,
			   .baseline = slice_of("a/b") },
	    ROW_REQUEST, "leave baseline out");
	assert_refused((struct question){ .fixed = slice_of("grupp:a"),
			   .routed = two },
	    ROW_REQUEST, "no dimension 'grupp'");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_have_their_figures),
		cmocka_unit_test(errors_and_targets_are_told_by_name),
		cmocka_unit_test(what_is_on_both_sides_is_told),
		cmocka_unit_test(an_empty_side_has_no_shares),
		cmocka_unit_test(all_formats_say_the_same),
		cmocka_unit_test(what_is_no_comparison_is_refused),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
