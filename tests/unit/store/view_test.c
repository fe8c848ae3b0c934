#include "tests/unit/store/fixture.h"

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/store/decision.h"
#include "common/store/view.h"

#define OUT_MAX  (1 << 20)
#define REQUESTS 6

static struct secret *key;

struct store {
	struct fixture f;
	struct id ids[REQUESTS];
	struct buf out;
};

/* The even ones are alice's and succeed, the odd ones bob's and fail. */
static void
store_new(struct store *s)
{
	int i;

	fixture_new(&s->f);
	buf_init(&s->out, OUT_MAX);
	for (i = 0; i < REQUESTS; i++) {
		struct id id = id_next(&s->f.ids, 1000 * (i + 1) * 1000);
		struct request_row request = request_sample(id, "settled");
		struct attempt_row attempt = attempt_sample(id, 1, "settled");

		s->ids[i] = id;
		request.caller = attempt.caller =
		    slice_of(i % 2 == 0 ? "alice" : "bob");
		request.status = attempt.status = i % 2 == 0 ? 200 : 503;
		request.fail = attempt.fail =
		    slice_of(i % 2 == 0 ? "" : "overloaded");
		request.cost_microusd = 1500000 + i;
		ledger_settle(s->f.turn, &request, &attempt);
	}
	fixture_turn(&s->f);
}

static void
store_free(struct store *s)
{
	buf_fini(&s->out);
	fixture_free(&s->f);
}

static const struct json_value *
parse(struct store *s, struct arena *arena)
{
	struct json_error error;

	assert_false(s->out.failed);
	arena_init(arena, OUT_MAX);
	/* The line break at the end is white space. */
	return json_parse(arena, buf_slice(&s->out), &error);
}

static void
test_the_last_is_the_newest(void **state)
{
	struct attempt_row attempt;
	struct fixture f;
	struct store s;
	struct id id, made;

	(void)state;
	store_new(&s);
	assert_true(view_last(s.f.ledger, &id));
	assert_memory_equal(&id, &s.ids[REQUESTS - 1], sizeof(id));
	store_free(&s);
	fixture_new(&f);
	assert_false(view_last(f.ledger, &id));
	made = id_next(&f.ids, 5);
	attempt = attempt_sample(made, 1, "settled");
	ledger_settle(f.turn, NULL, &attempt);
	fixture_turn(&f);
	assert_true(view_last(f.ledger, &id));
	assert_memory_equal(&id, &made, sizeof(id));
	fixture_free(&f);
}

static bool
shows(struct store *s, const char *text)
{
	return strstr(buf_text(&s->out), text) != NULL;
}

static void
test_explain_tells_all_of_one(void **state)
{
	const struct json_value *all;
	char chain[CHAIN_ID_CHARS];
	struct receipt_row receipt;
	struct arena arena;
	struct store s;

	(void)state;
	store_new(&s);
	chain_sample(chain);
	receipt = receipt_sample(s.ids[1], 1, 1, chain);
	fixture_keep(&s.f, &receipt, key);
	fixture_turn(&s.f);
	assert_true(view_explain(s.f.ledger, &s.ids[1], OUTPUT_TEXT, &s.out));
	assert_true(shows(&s, "request\n"));
	assert_true(shows(&s, "\nattempt\n"));
	assert_true(shows(&s, "\nreceipt\n"));
	assert_true(shows(&s, "  caller                 bob\n"));
	assert_true(shows(&s, "\n  cache_write_1h_tokens  "));
	assert_true(shows(&s, "$0.005000"));
	assert_true(shows(&s, chain));
	buf_reset(&s.out);
	assert_true(view_explain(s.f.ledger, &s.ids[1], OUTPUT_JSON, &s.out));
	all = parse(&s, &arena);
	assert_non_null(all);
	assert_int_equal(json_find(all, "request")->type, JSON_OBJECT);
	assert_int_equal(json_find(all, "attempts")->count, 1);
	assert_int_equal(json_find(all, "receipts")->count, 1);
	arena_fini(&arena);
	store_free(&s);
}

static void
decide(struct store *s, const struct id *id)
{
	struct decision_row row = { .request = *id,
		.by = slice_of("failover"),
		.strategy = slice_of("failover"),
		.decider = slice_of("strategy"),
		.needs = slice_of("tools"),
		.tools = true };
	struct candidate_row candidates[2] = {
		{ .target = slice_of("openai/gpt"), .rank = 1 },
		{ .target = slice_of("own/gpt"),
		    .excluded = slice_of("unreachable") },
	};

	decision_put(s->f.turn, LEDGER_INTENTS, &row, candidates, 2);
	fixture_turn(&s->f);
}

static void
test_explain_shows_the_decision(void **state)
{
	const struct json_value *all, *decision;
	struct arena arena;
	struct store s;

	(void)state;
	store_new(&s);
	decide(&s, &s.ids[1]);
	assert_true(view_explain(s.f.ledger, &s.ids[1], OUTPUT_TEXT, &s.out));
	assert_true(shows(&s, "\ndecision\n  failover decided; 1 of 2 could "
			      "not be tried\n"));
	assert_true(shows(&s, "  tools                  yes\n"));
	assert_false(shows(&s, "  images "));
	assert_true(shows(&s, "\ncandidates\n"));
	assert_true(shows(&s, "unreachable\n\nattempt\n"));
	buf_reset(&s.out);
	assert_true(view_explain(s.f.ledger, &s.ids[1], OUTPUT_JSON, &s.out));
	all = parse(&s, &arena);
	decision = json_find(all, "decision");
	assert_non_null(decision);
	assert_int_equal(json_find(decision, "candidates")->count, 2);
	arena_fini(&arena);
	buf_reset(&s.out);
	assert_true(view_explain(s.f.ledger, &s.ids[0], OUTPUT_JSON, &s.out));
	assert_true(shows(&s, "\"decision\":null"));
	store_free(&s);
}

static void
test_explain_knows_what_is_under_way(void **state)
{
	struct request_row request;
	struct attempt_row attempt;
	struct store s;
	struct id id;

	(void)state;
	store_new(&s);
	id = id_next(&s.f.ids, 9000000);
	assert_false(view_explain(s.f.ledger, &id, OUTPUT_TEXT, &s.out));
	assert_int_equal(s.out.len, 0);
	assert_false(view_explain(s.f.ledger, &id, OUTPUT_JSON, &s.out));
	assert_string_equal(buf_text(&s.out),
	    "{\"request\":null,\"decision\":null,\"attempts\":[],\"receipts\":["
	    "]}\n");
	request = request_sample(id, "open");
	attempt = attempt_sample(id, 1, "open");
	ledger_intend(s.f.turn, &request, &attempt);
	fixture_turn(&s.f);
	buf_reset(&s.out);
	assert_true(view_explain(s.f.ledger, &id, OUTPUT_TEXT, &s.out));
	assert_true(shows(&s, "request, under way\n"));
	assert_true(shows(&s, "attempt, under way\n"));
	store_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_last_is_the_newest),
		cmocka_unit_test(test_explain_tells_all_of_one),
		cmocka_unit_test(test_explain_shows_the_decision),
		cmocka_unit_test(test_explain_knows_what_is_under_way),
	};
	int failed;

	assert_true(crypto_start());
	key = sign_key_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	secret_free(key);
	return failed;
}
