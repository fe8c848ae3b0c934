#include "tests/unit/store/fixture.h"

#include "common/store/decision.h"
#include "node/account.h"
#include "node/caller.h"

#define OUT_MAX  65536
#define ASKED_AT INT64_C(1790000000000000)

struct scene {
	struct fixture store;
	struct id id;
	char name[4 + ID_TEXT_BYTES];
	struct caller caller;
	struct buf out;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	buf_init(&s->out, OUT_MAX);
	s->id = id_next(&s->store.ids, ASKED_AT);
	memcpy(s->name, "req_", 4);
	id_write(&s->id, s->name + 4);
	s->caller = (struct caller){ .name = slice_of("agent"),
		.created_us = ASKED_AT };
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	buf_fini(&s->out);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static bool
asks(struct scene *s, const char *id)
{
	buf_reset(&s->out);
	return account_write(&s->out, s->store.ledger, &s->caller,
	    slice_of(id));
}

static void
assert_told(struct scene *s, const char *expected)
{
	assert_true(asks(s, s->name));
	assert_string_equal(buf_text(&s->out), expected);
}

static void
settle(struct scene *s)
{
	struct request_row request = request_sample(s->id, "settled");
	struct attempt_row attempt = attempt_sample(s->id, 1, "settled");

	request.strategy = slice_of("failover");
	request.status = 200;
	request.input_tokens = 32;
	request.cache_read_tokens = 8;
	request.output_tokens = 9;
	request.usage_source = slice_of("provider");
	request.cost_microusd = 1000042;
	request.attempts = 2;
	attempt.status = 503;
	attempt.fail = slice_of("upstream-overloaded");
	attempt.class = slice_of("overloaded");
	attempt.total_us = 1;
	ledger_settle(s->store.turn, NULL, &attempt);
	attempt = attempt_sample(s->id, 2, "settled");
	attempt.status = 200;
	attempt.again = true;
	attempt.first_byte_us = 400000;
	attempt.total_us = 1200001;
	ledger_settle(s->store.turn, &request, &attempt);
}

static void
decide(struct scene *s)
{
	struct decision_row row = { .request = s->id,
		.by = slice_of("failover"),
		.decider = slice_of("fallback"),
		.failed = slice_of("timeout") };
	struct candidate_row candidates[2] = {
		{ .target = slice_of("own/gpt"),
		    .excluded = slice_of("capability"),
		    .detail = slice_of("images") },
		{ .target = slice_of("openai/gpt"), .rank = 1 },
	};

	decision_put(s->store.turn, LEDGER_SETTLEMENTS, &row, candidates, 2);
}

#define ASKED "2026-09-21T14:13:20.000000Z"

static void
test_all_that_a_caller_may_know(void **state)
{
	struct scene *s = *state;
	char expected[4096];

	settle(s);
	decide(s);
	fixture_turn(&s->store);
	snprintf(expected, sizeof(expected),
	    "{\"id\":\"%s\",\"object\":\"router.request\","
	    "\"state\":\"settled\",\"received_at\":\"" ASKED "\","
	    "\"group\":\"coding\",\"strategy\":\"failover\","
	    "\"target\":\"openai/gpt\",\"status\":200,\"error\":null,"
	    "\"tokens\":{\"input\":32,\"cache_read\":8,\"cache_write\":0,"
	    "\"cache_write_1h\":0,\"output\":9,\"reasoning\":0,"
	    "\"source\":\"provider\"},\"cost_usd\":\"1.000042\","
	    "\"attempts\":["
	    "{\"number\":1,\"state\":\"settled\",\"target\":\"openai/gpt\","
	    "\"status\":503,\"error\":\"upstream-overloaded\","
	    "\"class\":\"overloaded\",\"again\":false,"
	    "\"started_at\":\"" ASKED "\",\"first_byte_ms\":null,"
	    "\"total_ms\":1},"
	    "{\"number\":2,\"state\":\"settled\",\"target\":\"openai/gpt\","
	    "\"status\":200,\"error\":null,\"class\":null,\"again\":true,"
	    "\"started_at\":\"" ASKED "\",\"first_byte_ms\":400,"
	    "\"total_ms\":1201}],"
	    "\"routing\":{\"by\":\"failover\",\"decider\":\"fallback\","
	    "\"failed\":\"timeout\",\"candidates\":["
	    "{\"target\":\"own/gpt\",\"rank\":null,"
	    "\"excluded\":\"capability\",\"detail\":\"images\"},"
	    "{\"target\":\"openai/gpt\",\"rank\":1,\"excluded\":null,"
	    "\"detail\":null}]}}",
	    s->name);
	assert_told(s, expected);
}

static void
test_what_is_under_way(void **state)
{
	struct scene *s = *state;
	struct request_row request = request_sample(s->id, "open");
	struct attempt_row attempt = attempt_sample(s->id, 1, "open");
	char expected[4096];

	request.status = 200; /* would be; nobody was told yet */
	request.received_at = 0;
	s->caller.created_us = 0;
	ledger_intend(s->store.turn, &request, &attempt);
	fixture_turn(&s->store);
	snprintf(expected, sizeof(expected),
	    "{\"id\":\"%s\",\"object\":\"router.request\",\"state\":\"open\","
	    "\"received_at\":null,\"group\":\"coding\",\"strategy\":null,"
	    "\"target\":\"openai/gpt\",\"status\":null,\"error\":null,"
	    "\"tokens\":{\"input\":0,\"cache_read\":0,\"cache_write\":0,"
	    "\"cache_write_1h\":0,\"output\":0,\"reasoning\":0,"
	    "\"source\":null},\"cost_usd\":\"0.000000\","
	    "\"attempts\":["
	    "{\"number\":1,\"state\":\"open\",\"target\":\"openai/gpt\","
	    "\"status\":null,\"error\":null,\"class\":null,\"again\":false,"
	    "\"started_at\":\"" ASKED "\",\"first_byte_ms\":null,"
	    "\"total_ms\":null}],\"routing\":null}",
	    s->name);
	assert_told(s, expected);
}

static void
test_only_the_token_that_asked(void **state)
{
	struct scene *s = *state;

	settle(s);
	fixture_turn(&s->store);
	assert_true(asks(s, s->name));
	s->caller.name = slice_of("agen");
	assert_false(asks(s, s->name));
	s->caller.name = slice_of("agent2");
	assert_false(asks(s, s->name));
	assert_int_equal(s->out.len, 0);
	/* Another token that got the name afterwards. */
	s->caller.name = slice_of("agent");
	s->caller.created_us = ASKED_AT + 1;
	assert_false(asks(s, s->name));
	s->caller.created_us = ASKED_AT;
	assert_true(asks(s, s->name));
}

static void
test_ids_that_are_none(void **state)
{
	struct scene *s = *state;
	struct id other;
	char name[4 + ID_TEXT_BYTES] = "req_";

	settle(s);
	fixture_turn(&s->store);
	other = id_next(&s->store.ids, ASKED_AT);
	id_write(&other, name + 4);
	assert_false(asks(s, name));
	assert_false(asks(s, s->name + 4));
	assert_false(asks(s, "req_"));
	assert_false(asks(s, ""));
	assert_false(asks(s, "req_zzzzzzzzzzzzzzzzzzzzzzzzzz"));
	assert_false(asks(s, "req_../../x"));
	memcpy(name, s->name, sizeof(name));
	name[sizeof(name) - 2] = '\0';
	assert_false(asks(s, name));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_that_a_caller_may_know,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_under_way, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_only_the_token_that_asked,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(test_ids_that_are_none, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
