/*
 * What a refusal says to clients that decide by headers whether they ask
 * again, and when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "node/reply.h"
#include "node/request.h"
#include "tests/unit/node/exchange.h"

#define ARENA_MAX ((size_t)1 << 20)
#define ID        "req_01m8x2q4zk7v9t3c5b6n8p0rsd"

struct answer {
	struct http_exchange exchange;
	struct request request;
};

static void
answer(struct answer *a, enum dialect dialect, enum fail fail,
    int64_t retry_after_ms)
{
	*a = (struct answer){ .request = { .exchange = &a->exchange,
				  .answers = dialect,
				  .fail = fail,
				  .detail = slice_of("project checkout "
						     "month_usd: spent."),
				  .retry_after_ms = retry_after_ms } };
	snprintf(a->request.id_text, sizeof(a->request.id_text), ID);
	exchange_init(&a->exchange);
	arena_init(&a->request.arena, ARENA_MAX);
	reply(&a->request);
}

static void
forget(struct answer *a)
{
	exchange_fini(&a->exchange);
	arena_fini(&a->request.arena);
}

static bool
has(struct answer *a, const char *line)
{
	return strstr(buf_text(&a->exchange.head), line) != NULL;
}

static const enum dialect all[] = { DIALECT_CHAT, DIALECT_RESPONSES,
	DIALECT_MESSAGES };

static void
a_spent_budget_is_not_waited_for(void **state)
{
	struct answer a;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(all); i++) {
		answer(&a, all[i], FAIL_BUDGET_EXHAUSTED, 0);
		assert_int_equal(a.exchange.status,
		    all[i] == DIALECT_MESSAGES ? 402 : 429);
		assert_true(has(&a, "x-should-retry: false\n"));
		assert_false(has(&a, "Retry-After"));
		assert_false(has(&a, "retry-after"));
		assert_true(has(&a, "X-Router-Error: budget-exhausted\n"));
		assert_non_null(strstr(buf_text(&a.exchange.got),
		    all[i] == DIALECT_MESSAGES ? "billing_error"
					       : "insufficient_quota"));
		assert_non_null(strstr(buf_text(&a.exchange.got),
		    "project checkout month_usd: spent."));
		forget(&a);
	}
}

static void
what_passes_says_when(void **state)
{
	static const enum fail fails[] = { FAIL_RATE_LIMITED,
		FAIL_CONCURRENCY_EXCEEDED, FAIL_TRAFFIC_SHAPED,
		FAIL_UPSTREAM_CAPACITY_THROTTLED };
	struct answer a;
	size_t i, k;

	(void)state;
	for (i = 0; i < count_of(fails); i++)
		for (k = 0; k < count_of(all); k++) {
			answer(&a, all[k], fails[i], 1001);
			assert_int_equal(a.exchange.status,
			    fail_status(fails[i], all[k]));
			assert_true(has(&a, "Retry-After: 2\n"));
			assert_true(has(&a, "retry-after-ms: 1001\n"));
			assert_true(has(&a, "X-Request-Id: " ID "\n"));
			assert_int_equal(has(&a, "\nrequest-id: " ID "\n"),
			    all[k] == DIALECT_MESSAGES);
			assert_false(has(&a, "x-should-retry"));
			forget(&a);
		}
}

static void
nobody_is_told_to_come_back_at_once(void **state)
{
	struct answer a;

	(void)state;
	answer(&a, DIALECT_CHAT, FAIL_CONCURRENCY_EXCEEDED, 0);
	assert_true(has(&a, "Retry-After: 1\n"));
	assert_false(has(&a, "retry-after-ms"));
	forget(&a);
	answer(&a, DIALECT_CHAT, FAIL_TRAFFIC_SHAPED, 20);
	assert_true(has(&a, "Retry-After: 1\n"));
	assert_true(has(&a, "retry-after-ms: 20\n"));
	forget(&a);
}

static void
who_met_no_limit_is_told_of_none(void **state)
{
	struct answer a;

	(void)state;
	answer(&a, DIALECT_CHAT, FAIL_UNKNOWN_GROUP, 0);
	assert_false(has(&a, "ratelimit"));
	assert_false(has(&a, "X-Router-Budget"));
	forget(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_spent_budget_is_not_waited_for),
		cmocka_unit_test(what_passes_says_when),
		cmocka_unit_test(nobody_is_told_to_come_back_at_once),
		cmocka_unit_test(who_met_no_limit_is_told_of_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
