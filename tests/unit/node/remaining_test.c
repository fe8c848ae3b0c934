#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/member/limits.h"
#include "node/remaining.h"

#define ARENA_MAX ((size_t)1 << 20)
#define TEXT_MAX  4096
#define WALL_US   INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */

/* The headers, a line each. */
static void
assert_says(enum dialect answers, const struct limits_look *look,
    const char *expected)
{
	struct remaining m = { .count = 0 };
	struct arena arena;
	struct buf out;
	size_t i;

	arena_init(&arena, ARENA_MAX);
	buf_init(&out, TEXT_MAX);
	remaining_write(&m, &arena, answers, look, WALL_US);
	for (i = 0; i < m.count; i++)
		buf_printf(&out, "%s: %.*s\n", m.fields[i].name,
		    SLICE_FMT(m.fields[i].value));
	assert_string_equal(buf_text(&out), expected);
	buf_fini(&out);
	arena_fini(&arena);
}

static struct limits_look
look_at(int64_t left, int64_t full_us)
{
	return (struct limits_look){
		.rates = { .requests = { 60, left, full_us } },
	};
}

static void
openai_clients_read_both_rates(void **state)
{
	const struct limits_look look = {
		.rates = { { 60, 59, 1000000 }, { 100000, 64000, 21600000 } },
	};
	const char *expected = "x-ratelimit-limit-requests: 60\n"
			       "x-ratelimit-remaining-requests: 59\n"
			       "x-ratelimit-reset-requests: 1s\n"
			       "x-ratelimit-limit-tokens: 100000\n"
			       "x-ratelimit-remaining-tokens: 64000\n"
			       "x-ratelimit-reset-tokens: 21.6s\n";

	(void)state;
	assert_says(DIALECT_CHAT, &look, expected);
	assert_says(DIALECT_RESPONSES, &look, expected);
}

static void
anthropic_clients_read_times(void **state)
{
	const struct limits_look look = {
		.rates = { { 60, 59, 1 }, { 100000, 64000, 21600000 } },
	};

	(void)state;
	assert_says(DIALECT_MESSAGES, &look,
	    "anthropic-ratelimit-requests-limit: 60\n"
	    "anthropic-ratelimit-requests-remaining: 59\n"
	    "anthropic-ratelimit-requests-reset: 2026-09-21T14:13:21Z\n"
	    "anthropic-ratelimit-tokens-limit: 100000\n"
	    "anthropic-ratelimit-tokens-remaining: 64000\n"
	    "anthropic-ratelimit-tokens-reset: 2026-09-21T14:13:42Z\n");
}

static void
there_is_none_of_what_is_not_limited(void **state)
{
	const struct limits_look none = { .fullest_ppm = 0 };
	const struct limits_look tokens = {
		.rates = { .tokens = { 10, 3, 0 } },
	};

	(void)state;
	assert_says(DIALECT_CHAT, &none, "");
	assert_says(DIALECT_MESSAGES, &none, "");
	assert_says(DIALECT_CHAT, &tokens,
	    "x-ratelimit-limit-tokens: 10\n"
	    "x-ratelimit-remaining-tokens: 3\n"
	    "x-ratelimit-reset-tokens: 0s\n");
}

static void
a_debt_is_nothing_left(void **state)
{
	const struct limits_look look = look_at(-7, 67000000);

	(void)state;
	assert_says(DIALECT_CHAT, &look,
	    "x-ratelimit-limit-requests: 60\n"
	    "x-ratelimit-remaining-requests: 0\n"
	    "x-ratelimit-reset-requests: 1m7s\n");
}

static void
durations_are_as_go_writes_them(void **state)
{
	static const struct {
		int64_t us;
		const char *text;
	} cases[] = {
		{ -5, "0s" },
		{ 0, "0s" },
		{ 1, "1ms" },
		{ 20000, "20ms" },
		{ 999001, "1s" },
		{ 1000000, "1s" },
		{ 1500000, "1.5s" },
		{ 2050000, "2.05s" },
		{ 59000000, "59s" },
		{ 59000001, "1m0s" },
		{ 60000001, "1m1s" },
		{ 360000000, "6m0s" },
		{ INT64_C(3599000001), "1h0m0s" },
		{ INT64_C(7384000000), "2h3m4s" },
	};
	char expected[TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		const struct limits_look look = look_at(0, cases[i].us);

		snprintf(expected, sizeof(expected),
		    "x-ratelimit-limit-requests: 60\n"
		    "x-ratelimit-remaining-requests: 0\n"
		    "x-ratelimit-reset-requests: %s\n",
		    cases[i].text);
		assert_says(DIALECT_CHAT, &look, expected);
	}
}

static struct limits_look
look_at_budget(struct scope *scope, int64_t share_ppm)
{
	return (struct limits_look){
		.fullest = { .scope = scope,
		    .kind = LIMIT_BUDGET,
		    .budget = { BUDGET_MONTH, BUDGET_MICROUSD, 100, 83, 0 } },
		.fullest_ppm = share_ppm,
		.warn_ppm = 800000,
	};
}

static void
a_budget_past_its_threshold_is_told(void **state)
{
	struct scope scope = { .level = SCOPE_PROJECT,
		.name = slice_of("check\r\nout") };
	struct limits_look look = look_at_budget(&scope, 839999);

	(void)state;
	assert_says(DIALECT_CHAT, &look,
	    "X-Router-Budget: project check??out month_usd 83% used\n");
	look = look_at_budget(&scope, 800000);
	assert_says(DIALECT_MESSAGES, &look,
	    "X-Router-Budget: project check??out month_usd 80% used\n");
	look = look_at_budget(&scope, 799999);
	assert_says(DIALECT_CHAT, &look, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_clients_read_both_rates),
		cmocka_unit_test(anthropic_clients_read_times),
		cmocka_unit_test(there_is_none_of_what_is_not_limited),
		cmocka_unit_test(a_debt_is_nothing_left),
		cmocka_unit_test(durations_are_as_go_writes_them),
		cmocka_unit_test(a_budget_past_its_threshold_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
