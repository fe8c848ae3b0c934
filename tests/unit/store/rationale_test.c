#include "tests/unit/store/fixture.h"

#include "common/store/rationale.h"

#define OUT_MAX 65536

static void
assert_says(const struct decision *d, const char *expected)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	rationale_sentence(&out, d);
	assert_string_equal(buf_text(&out), expected);
	buf_fini(&out);
}

static void
test_one_sentence_says_who_decided(void **state)
{
	struct decision d = { .row = { .by = slice_of("score"),
				  .strategy = slice_of("score"),
				  .decider = slice_of("strategy"),
				  .decided_us = 12 },
		.count = 5 };

	(void)state;
	assert_says(&d, "score decided in 12 us; all could be tried\n");
	d.candidates[1].excluded = slice_of("context");
	d.candidates[4].excluded = slice_of("backing-off");
	assert_says(&d, "score decided in 12 us; 2 of 5 could not be tried\n");
	d.row.decider = slice_of("exploration");
	d.row.decided_us = 0;
	assert_says(&d, "score decided, with a cold target first; 2 of 5 "
			"could not be tried\n");
	d.row.strategy = slice_of("external");
	d.row.decider = slice_of("baseline");
	assert_says(&d, "score decided, while external has no say; 2 of "
			"5 could not be tried\n");
	d.row.strategy = slice_of("script");
	d.row.by = slice_of("failover");
	d.row.decider = slice_of("fallback");
	d.row.failed = slice_of("timeout");
	assert_says(&d, "failover decided, because script failed (timeout); 2 "
			"of 5 could not be tried\n");
	d.row.decider = slice_of("");
	assert_says(&d, "nothing could be put in order: script failed "
			"(timeout); 2 of 5 could not be tried\n");
	d.row.failed = slice_of("");
	assert_says(&d, "nothing could be put in order; 2 of 5 could not be "
			"tried\n");
}

/* What a policy says reaches a terminal as text only. */
static void
test_no_word_moves_the_cursor(void **state)
{
	struct decision d = { .row = { .by = slice_of("failover"),
				  .strategy = slice_of("external"),
				  .decider = slice_of("fallback"),
				  .failed = slice_of("a\x1b[2Jb") } };

	(void)state;
	assert_says(&d, "failover decided, because external failed (a?[2Jb); "
			"all could be tried\n");
}

static void
test_candidates_stand_in_their_order(void **state)
{
	struct decision d = { .count = 4 };
	struct buf out;

	(void)state;
	d.candidates[0] = (struct candidate_row){ .target = slice_of("a/one"),
		.excluded = slice_of("backing-off"),
		.detail = slice_of("12 s"),
		.attempts = 9,
		.failures = 9 };
	d.candidates[1] =
	    (struct candidate_row){ .target = slice_of("a/two"), .rank = 2 };
	d.candidates[2] = (struct candidate_row){ .target = slice_of("a/three"),
		.excluded = slice_of("context") };
	d.candidates[3] = (struct candidate_row){ .target = slice_of("a/four"),
		.rank = 1,
		.cost_microusd = 3098,
		.ttft_p50_us = 412000,
		.total_p50_us = 5120000,
		.attempts = 418,
		.failures = 3 };
	buf_init(&out, OUT_MAX);
	rationale_tables(&out, &d);
	assert_string_equal(buf_text(&out),
	    "\ncandidates\n"
	    "rank  target        cost      ttft   total  failed    "
	    "not tried because\n"
	    "1     a/four   $0.003098  412.0 ms  5.12 s  3 of 418  -\n"
	    "2     a/two    $0.000000         -       -  0 of 0    -\n"
	    "-     a/one    $0.000000         -       -  9 of 9    "
	    "backing-off: 12 s\n"
	    "-     a/three  $0.000000         -       -  0 of 0    context\n");
	buf_fini(&out);
}

static void
test_scores_have_their_terms(void **state)
{
	struct decision d = { .count = 2 };
	struct buf out;

	(void)state;
	d.candidates[0] = (struct candidate_row){ .target = slice_of("a/one"),
		.excluded = slice_of("context") };
	d.candidates[1] = (struct candidate_row){ .target = slice_of("a/two"),
		.rank = 1,
		.score_ppm = 803211,
		.cost_ppm = 1000000,
		.affinity_ppm = 500000 };
	buf_init(&out, OUT_MAX);
	rationale_tables(&out, &d);
	assert_non_null(strstr(buf_text(&out),
	    "\nscores, 1 is best\n"
	    "rank  target  score  cost   ttft   latency  throughput  errors  "
	    "quality  complexity  affinity\n"
	    "1     a/two   0.803  1.000  0.000  0.000    0.000       0.000   "
	    "0.000    0.000       0.500\n"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_sentence_says_who_decided),
		cmocka_unit_test(test_no_word_moves_the_cursor),
		cmocka_unit_test(test_candidates_stand_in_their_order),
		cmocka_unit_test(test_scores_have_their_terms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
