/*
 * What a node says a body may come to is not believed: the cap that is sent
 * and what is held for it are the egress's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/format/json.h"
#include "common/llm/estimate.h"
#include "egress/call.h"
#include "egress/parcel.h"
#include "topology/load.h"

#define TEXT_MAX 512

static const struct provider_type type = { .name = "t",
	.cap_key = "max_tokens" };
static struct provider provider = { .type = &type };
static struct model model;
static struct team team;
static struct topology topology;
static struct call call;

static int
start(void **state)
{
	(void)state;
	model = (struct model){ .name = slice_of("m"), .provider = &provider };
	team = (struct team){ .name = slice_of("payments") };
	topology =
	    (struct topology){ .mesh = { .teams = &team, .teams_count = 1 } };
	call = (struct call){ .topology = &topology,
		.model = &model,
		.ration = { .weighed = true, .bounded = true },
		.envelope = { .team = team.name,
		    .dialect = DIALECT_CHAT,
		    .operation = OPERATION_GENERATE } };
	arena_init(&call.arena, 2 * OWN_ARENA_BYTES);
	buf_init(&call.body, TEXT_MAX);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&call.arena);
	buf_fini(&call.body);
	return 0;
}

static enum fail
make(const char *more)
{
	buf_reset(&call.body);
	buf_printf(&call.body,
	    "{\"model\":\"x\",\"messages\":[{\"role\":\"user\",\"content\":"
	    "\"hello\"}]%s}",
	    more);
	return parcel_make(&call);
}

/* What the provider is asked for at most. */
static int64_t
cap_sent(void)
{
	const struct json_value *root;
	struct json_error error;
	int64_t cap = 0;
	struct buf sent;
	size_t i;

	buf_init(&sent, 2 * TEXT_MAX);
	for (i = 0; i < call.splice.count; i++)
		buf_put_slice(&sent, call.splice.parts[i]);
	root = json_parse(&call.arena,
	    arena_copy(&call.arena, buf_slice(&sent)), &error);
	assert_non_null(root);
	buf_fini(&sent);
	assert_true(json_int(json_find(root, "max_tokens"), &cap));
	return cap;
}

static void
assert_cap(const char *more, int64_t cap)
{
	assert_int_equal(make(more), FAIL_NONE);
	assert_int_equal(cap_sent(), cap);
	assert_int_equal(call.ration.most_output, cap);
}

static void
what_a_budget_holds_has_an_end(void **state)
{
	(void)state;
	assert_cap("", ESTIMATE_HELD_TOKENS);
	/* Less than it might have been asked for. */
	assert_int_equal(make(",\"max_tokens\":100"), FAIL_NONE);
	assert_int_equal(cap_sent(), 100);
	assert_int_equal(call.ration.most_output, ESTIMATE_HELD_TOKENS);
	/* It asks for more than the node says. */
	assert_cap(",\"max_tokens\":100000000", ESTIMATE_HELD_TOKENS);
	call.envelope.output_cap = 50;
	assert_cap(",\"max_tokens\":100000000", 50);
	assert_cap("", 50);
	call.envelope.output_cap = 128000;
	assert_cap(",\"max_tokens\":128000", 128000);
	model.max_output = 4096;
	assert_cap(",\"max_tokens\":128000", 4096);
	call.envelope.output_cap = 0;
	assert_cap("", 4096);
}

static void
each_choice_is_held(void **state)
{
	char more[64];
	int64_t n;

	(void)state;
	call.envelope.output_cap = 2000;
	for (n = 1; n <= 128; n *= 2) {
		snprintf(more, sizeof(more), ",\"n\":%lld", (long long)n);
		assert_int_equal(make(more), FAIL_NONE);
		assert_int_equal(call.ration.most_output, n * 2000);
		assert_int_equal(call.ration.toll.output_tokens,
		    n * ESTIMATE_OUTPUT_TOKENS);
	}
	assert_int_equal(make(",\"n\":null"), FAIL_NONE);
	assert_int_equal(call.ration.most_output, 2000);
}

/* Whatever a node signs and a file says: a hold that passes what a number can
 * be would be negative, and open the budget. */
static void
no_cap_is_too_large_to_be_held(void **state)
{
	(void)state;
	call.envelope.output_cap = INT64_MAX;
	assert_int_equal(make(",\"n\":128"), FAIL_NONE);
	assert_int_equal(parcel_cap(&call), OUTPUT_TOKENS_MAX);
	assert_int_equal(call.ration.most_output,
	    INT64_C(128) * OUTPUT_TOKENS_MAX);
	call.envelope.output_cap = 0;
	model.max_output = INT64_MAX;
	assert_int_equal(make(",\"n\":128"), FAIL_NONE);
	assert_int_equal(call.ration.most_output,
	    INT64_C(128) * OUTPUT_TOKENS_MAX);
}

static void
a_number_of_choices_that_no_node_lets_pass_is_refused(void **state)
{
	static const char *const bad[] = { "0", "-1", "129", "1000",
		"9223372036854775807", "9223372036854775808", "2.5", "1e3",
		"\"3\"", "true", "[3]" };
	char more[64];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		snprintf(more, sizeof(more), ",\"n\":%s", bad[i]);
		assert_int_equal(make(more), FAIL_INVALID_REQUEST);
	}
}

static void
nobody_is_asked_to_count_what_nobody_counts(void **state)
{
	(void)state;
	call.ration = (struct ration){ .weighed = false };
	assert_int_equal(make(""), FAIL_NONE);
	assert_int_equal(call.ration.toll.input_tokens, 0);
	assert_int_equal(parcel_cap(&call), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_budget_holds_has_an_end,
		    start, stop),
		cmocka_unit_test_setup_teardown(each_choice_is_held, start,
		    stop),
		cmocka_unit_test_setup_teardown(no_cap_is_too_large_to_be_held,
		    start, stop),
		cmocka_unit_test_setup_teardown(
		    a_number_of_choices_that_no_node_lets_pass_is_refused,
		    start, stop),
		cmocka_unit_test_setup_teardown(
		    nobody_is_asked_to_count_what_nobody_counts, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
