#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/member/timing.h"

#define NAME(text)                                                             \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}
#define MS 1000
#define S  1000000

static const struct slice groups[] = { NAME("coder"), NAME("other") };

static const struct timing_words words = { "group", "gsr_d", "how long",
	"gsr_f", "how soon" };

static const struct slice *
of_two(const void *arg, size_t i)
{
	(void)arg;
	return i < count_of(groups) ? &groups[i] : NULL;
}

static const struct slice *
of_none(const void *arg, size_t i)
{
	(void)arg;
	(void)i;
	return NULL;
}

static void
expect(struct timings *t, timing_name *name, const char *line)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	timings_metrics(t, &words, name, NULL, &out);
	if (strstr(buf_text(&out), line) == NULL)
		fail_msg("no %s in\n%s", line, buf_text(&out));
	buf_fini(&out);
}

static void
expect_not(struct timings *t, timing_name *name, const char *line)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	timings_metrics(t, &words, name, NULL, &out);
	assert_null(strstr(buf_text(&out), line));
	buf_fini(&out);
}

static void
buckets_add_up(void **state)
{
	struct timings *t = timings_new();

	(void)state;
	timings_meet(t, groups[0]);
	timings_meet(t, groups[0]);
	timings_note(t, groups[0], TIMING_OK, 30 * MS, 100 * MS);
	timings_note(t, groups[0], TIMING_OK, 0, 2 * S);
	timings_note(t, groups[0], TIMING_OK, 9000 * (int64_t)S,
	    9000 * (int64_t)S);
	timings_note(t, groups[0], TIMING_LIMITED, 0, 1);
	expect(t, of_two, "# TYPE gsr_d histogram\n");
	expect(t, of_two,
	    "gsr_d_bucket{group=\"coder\",outcome=\"ok\",le=\"0.05\"} 0\n"
	    "gsr_d_bucket{group=\"coder\",outcome=\"ok\",le=\"0.1\"} 1\n");
	expect(t, of_two, "outcome=\"ok\",le=\"2.5\"} 2\n");
	expect(t, of_two,
	    "outcome=\"ok\",le=\"1800\"} 2\n"
	    "gsr_d_bucket{group=\"coder\",outcome=\"ok\",le=\"+Inf\"} 3\n"
	    "gsr_d_sum{group=\"coder\",outcome=\"ok\"} 9002.1\n"
	    "gsr_d_count{group=\"coder\",outcome=\"ok\"} 3\n");
	expect(t, of_two,
	    "gsr_d_count{group=\"coder\",outcome=\"limited\"} 1\n");
	expect(t, of_two, "gsr_f_count{group=\"coder\",outcome=\"ok\"} 2\n");
	expect_not(t, of_two,
	    "gsr_f_count{group=\"coder\",outcome=\"limited\"");
	expect_not(t, of_two, "failed");
	timings_free(t);
}

static void
what_is_not_listed_is_other(void **state)
{
	struct timings *t = timings_new();

	(void)state;
	timings_meet(t, groups[0]);
	timings_meet(t, groups[1]);
	timings_note(t, groups[0], TIMING_FAILED, 0, 1);
	timings_note(t, groups[1], TIMING_FAILED, 0, 1);
	timings_note(t, slice_of("made up"), TIMING_FAILED, 0, 1);
	timings_note(t, slice_of(""), TIMING_FAILED, 0, 1);
	/* A group of that name is among the rest: no series comes twice. */
	expect(t, of_two,
	    "gsr_d_count{group=\"other\",outcome=\"failed\"} 3\n");
	expect(t, of_two,
	    "gsr_d_count{group=\"coder\",outcome=\"failed\"} 1\n");
	/* It left. */
	expect(t, of_none,
	    "gsr_d_count{group=\"other\",outcome=\"failed\"} 4\n");
	expect_not(t, of_none, "coder");
	timings_free(t);
}

static void
callers_cannot_add_series(void **state)
{
	struct timings *t = timings_new();
	struct buf few, many;
	char name[32];
	int i;

	(void)state;
	buf_init(&few, 1 << 20);
	buf_init(&many, 1 << 20);
	timings_note(t, slice_of("a"), TIMING_OK, 0, 1);
	timings_metrics(t, &words, of_two, NULL, &few);
	for (i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "model-%d", i);
		timings_note(t, slice_of(name), TIMING_OK, 0, 1);
	}
	for (i = 0; i < 3 * TIMING_NAMES_MAX; i++) {
		snprintf(name, sizeof(name), "group-%d", i);
		timings_meet(t, slice_of(name));
		timings_note(t, slice_of(name), TIMING_OK, 0, 1);
	}
	timings_metrics(t, &words, of_two, NULL, &many);
	assert_true(many.len < few.len + 256);
	expect(t, of_two,
	    "gsr_d_count{group=\"other\",outcome=\"ok\"} 100769\n");
	buf_fini(&few);
	buf_fini(&many);
	timings_free(t);
}

#define THREADS 4
#define NOTES   20000

static void *
note_much(void *arg)
{
	int i;

	for (i = 0; i < NOTES; i++) {
		timings_meet(arg, groups[0]);
		timings_note(arg, groups[0], TIMING_OK, 1, 1);
	}
	return NULL;
}

static void
threads_lose_nothing(void **state)
{
	struct timings *t = timings_new();
	pthread_t threads[THREADS];
	int i;

	(void)state;
	timings_meet(t, groups[0]);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, note_much,
				     t),
		    0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect(t, of_two,
	    "gsr_d_count{group=\"coder\",outcome=\"ok\"} 80000\n");
	timings_free(t);
}

static void
a_status_is_an_outcome(void **state)
{
	(void)state;
	assert_int_equal(timing_outcome(200), TIMING_OK);
	assert_int_equal(timing_outcome(429), TIMING_LIMITED);
	assert_int_equal(timing_outcome(404), TIMING_REFUSED);
	assert_int_equal(timing_outcome(499), TIMING_GONE);
	assert_int_equal(timing_outcome(502), TIMING_FAILED);
	assert_int_equal(timing_outcome(0), TIMING_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_add_up),
		cmocka_unit_test(what_is_not_listed_is_other),
		cmocka_unit_test(callers_cannot_add_series),
		cmocka_unit_test(threads_lose_nothing),
		cmocka_unit_test(a_status_is_an_outcome),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
