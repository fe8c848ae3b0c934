#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/limit/shaper.h"

#define SECOND ((int64_t)1000000)
#define START  (12345 * SECOND)

static struct shaper
shaper_of(const struct shaping_terms *terms)
{
	struct shaper s = { .running = 0 };

	shaper_set(&s, terms, START);
	return s;
}

static void
waits(const struct shaper *s, int64_t input, int64_t output, int64_t us,
    const char *word)
{
	const struct toll toll = { input, output };
	enum shaper_bucket which = SHAPER_STARTS;

	assert_int_equal(shaper_wait_us(s, &toll, &which, START), us);
	if (us > 0)
		assert_string_equal(shaper_bucket_name(which), word);
}

static void
what_is_not_said_lets_everything_in(void **state)
{
	struct shaper s = shaper_of(&(struct shaping_terms){ .rpm = 0 });
	const struct toll toll = { INT32_MAX, INT32_MAX };
	int i;

	(void)state;
	for (i = 0; i < 1000; i++)
		shaper_take(&s, &toll, START);
	waits(&s, INT32_MAX, INT32_MAX, 0, NULL);
	assert_int_equal(s.running, 1000);
}

static void
each_bucket_is_asked_and_the_longest_wait_is_told(void **state)
{
	const struct toll toll = { 100, 50 };
	struct shaper s;

	(void)state;
	s = shaper_of(&(struct shaping_terms){ .rpm = 60, .burst = 1 });
	shaper_take(&s, &toll, START);
	waits(&s, 1, 1, SECOND, "rpm");
	s = shaper_of(
	    &(struct shaping_terms){ .input_tpm = 60, .token_burst = 100 });
	shaper_take(&s, &toll, START);
	waits(&s, 1, 99, SECOND, "input_tpm");
	waits(&s, 0, 99, 0, NULL);
	s = shaper_of(
	    &(struct shaping_terms){ .output_tpm = 60, .token_burst = 50 });
	shaper_take(&s, &toll, START);
	waits(&s, 99, 2, 2 * SECOND, "output_tpm");
	s = shaper_of(&(struct shaping_terms){ .tpm = 60, .token_burst = 150 });
	shaper_take(&s, &toll, START);
	waits(&s, 2, 1, 3 * SECOND, "tpm");
	s = shaper_of(&(struct shaping_terms){ .rpm = 60,
	    .burst = 1,
	    .tpm = 60,
	    .token_burst = 150 });
	shaper_take(&s, &toll, START);
	waits(&s, 2, 1, 3 * SECOND, "tpm");
	waits(&s, 0, 0, SECOND, "rpm");
}

static void
bursts_that_are_not_said_are_a_seconds_starts_and_ten_seconds_tokens(
    void **state)
{
	struct shaper s =
	    shaper_of(&(struct shaping_terms){ .rpm = 300, .input_tpm = 6000 });

	(void)state;
	assert_int_equal(bucket_left(&s.rates[SHAPER_STARTS], START), 5);
	assert_int_equal(bucket_left(&s.rates[SHAPER_INPUT], START), 1000);
	shaper_set(&s, &(struct shaping_terms){ .rpm = 1, .tpm = 5 }, START);
	assert_int_equal(bucket_left(&s.rates[SHAPER_STARTS], START), 1);
	assert_int_equal(bucket_left(&s.rates[SHAPER_TOKENS], START), 1);
}

static void
slots_are_free_again_when_who_had_them_leaves(void **state)
{
	struct shaper s = shaper_of(&(struct shaping_terms){ .concurrent = 2 });
	const struct toll toll = { 1, 1 };

	(void)state;
	shaper_take(&s, &toll, START);
	waits(&s, 1, 1, 0, NULL);
	shaper_take(&s, &toll, START);
	waits(&s, 1, 1, SHAPER_SLOT_US, "concurrent");
	shaper_settle(&s, &toll, START, &toll, START);
	waits(&s, 1, 1, 0, NULL);
	shaper_take(&s, &toll, START);
	shaper_undo(&s, &toll, START);
	waits(&s, 1, 1, 0, NULL);
	assert_int_equal(s.running, 1);
}

static void
undone_it_had_not_come_and_settled_it_took_what_it_took(void **state)
{
	const struct shaping_terms terms = { .rpm = 600,
		.burst = 10,
		.tpm = 6000,
		.input_tpm = 6000,
		.output_tpm = 6000,
		.token_burst = 1000 };
	const struct toll toll = { 100, 200 }, real = { 110, 20 };
	struct shaper s = shaper_of(&terms), before;

	(void)state;
	shaper_take(&s, &toll, START);
	before = s;
	shaper_take(&s, &toll, START);
	shaper_undo(&s, &toll, START);
	assert_memory_equal(&s, &before, sizeof(s));
	shaper_settle(&s, &toll, START, &real, START);
	assert_int_equal(bucket_left(&s.rates[SHAPER_STARTS], START), 9);
	assert_int_equal(bucket_left(&s.rates[SHAPER_INPUT], START), 890);
	assert_int_equal(bucket_left(&s.rates[SHAPER_OUTPUT], START), 980);
	assert_int_equal(bucket_left(&s.rates[SHAPER_TOKENS], START), 870);
	shaper_take(&s, &toll, START);
	before = s;
	before.running--;
	shaper_settle(&s, &toll, START, &toll, START + 60 * SECOND);
	assert_memory_equal(&s, &before, sizeof(s));
}

static void
a_restart_gives_nothing_that_may_be_used(void **state)
{
	struct shaper s = shaper_of(&(struct shaping_terms){ .rpm = 60,
	    .burst = 60,
	    .tpm = 60,
	    .token_burst = 60 });

	(void)state;
	shaper_empty(&s, START - 20 * SECOND);
	assert_int_equal(bucket_left(&s.rates[SHAPER_STARTS], START), 20);
	assert_int_equal(bucket_left(&s.rates[SHAPER_TOKENS], START), 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_lets_everything_in),
		cmocka_unit_test(
		    each_bucket_is_asked_and_the_longest_wait_is_told),
		cmocka_unit_test(
		    bursts_that_are_not_said_are_a_seconds_starts_and_ten_seconds_tokens),
		cmocka_unit_test(slots_are_free_again_when_who_had_them_leaves),
		cmocka_unit_test(
		    undone_it_had_not_come_and_settled_it_took_what_it_took),
		cmocka_unit_test(a_restart_gives_nothing_that_may_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
