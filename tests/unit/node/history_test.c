#include "tests/unit/store/fixture.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "node/history.h"
#include "node/shelf.h"

#define START    (INT64_C(1790000000) * US_PER_SECOND)
#define HOUR_MS  (INT64_C(3600) * 1000)
#define PLENTY   (1 << 30)
#define BODY_MAX (1 << 20)
#define CANARY   "the canary sings at midnight"

struct scene {
	struct fixture store;
	struct secret *identity;
	struct history *history;
	struct arena arena;
	const char *caller, *group; /* who asks */
	int64_t now_us;
	size_t max_body_bytes;
	struct history_ask ask; /* as the last one left it */
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	s->identity = sign_key_new();
	s->history = history_open(s->store.ledger, s->identity);
	arena_init(&s->arena, 64 << 20);
	s->caller = "ann";
	s->group = "coding";
	s->now_us = START;
	s->max_body_bytes = BODY_MAX;
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	arena_fini(&s->arena);
	history_close(s->history);
	secret_free(s->identity);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static void
restart(struct scene *s)
{
	history_close(s->history);
	fixture_close(&s->store);
	fixture_open(&s->store, false);
	s->history = history_open(s->store.ledger, s->identity);
}

static void
keep(struct scene *s, const char *id, const char *previous, const char *input,
    const char *output)
{
	const struct history_entry e = {
		.caller = slice_of(s->caller),
		.group = slice_of(s->group),
		.response = slice_of(id),
		.previous = slice_of(previous),
		.input = slice_of(input),
		.output = slice_of(output),
		.ttl_ms = HOUR_MS,
		.max_bytes = PLENTY,
		.now_us = s->now_us,
	};

	history_keep(s->history, s->store.turn, &e);
	fixture_turn(&s->store);
}

static enum history_result
ask(struct scene *s, const char *body, struct slice *out, const char **why)
{
	struct json_error error;
	enum history_result result;

	s->ask = (struct history_ask){
		.root = json_parse(&s->arena, slice_of(body), &error),
		.caller = slice_of(s->caller),
		.group = slice_of(s->group),
		.arena = &s->arena,
		.max_body_bytes = s->max_body_bytes,
		.now_us = s->now_us,
	};
	assert_non_null(s->ask.root);
	result = history_expand(s->history, &s->ask, out, why);
	assert_int_equal(history_wants(s->ask.root) ||
			     result == HISTORY_INVALID,
	    result != HISTORY_SAME);
	return result;
}

static void
assert_slice(struct slice got, const char *expected)
{
	char text[4096];

	assert_in_range(got.len, 0, sizeof(text) - 1);
	memcpy(text, got.ptr, got.len);
	text[got.len] = '\0';
	assert_string_equal(text, expected);
}

static void
expect(struct scene *s, const char *body, const char *expected,
    const char *items)
{
	const char *why = NULL;
	struct json_error error;
	struct slice out;

	assert_int_equal(ask(s, body, &out, &why), HISTORY_EXPANDED);
	assert_slice(out, expected);
	assert_non_null(json_parse(&s->arena, out, &error));
	assert_slice(s->ask.items, items);
}

static void
expect_refusal(struct scene *s, const char *body, enum history_result result,
    const char *expected)
{
	const char *why = NULL;
	struct slice out;

	assert_int_equal(ask(s, body, &out, &why), result);
	assert_string_equal(why, expected);
}

#define UNKNOWN_FIRST                                                          \
	"previous_response_id resp_1 is not known here or has expired; send "  \
	"the whole conversation with store:false"
#define AFTER_FIRST "{\"previous_response_id\":\"resp_1\",\"input\":[3]}"
#define AFTER_1_2_3 "{\"input\":[1,2,3]}"

static void
what_asks_for_nothing_stays(void **state)
{
	static const char *const bodies[][2] = {
		{ "{\"model\":\"m\",\"input\":[ {\"role\":\"user\"} ]}",
		    "[ {\"role\":\"user\"} ]" },
		{ "{\"input\":\"say \\\"hi\\\"\"}",
		    "[{\"type\":\"message\",\"role\":\"user\",\"content\":"
		    "\"say \\\"hi\\\"\"}]" },
		{ "{\"previous_response_id\":null}", "[]" },
		{ "{\"input\":null}", "[]" },
		{ "{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\"}, 1]}",
		    "[{\"type\":\"reasoning\",\"id\":\"rs_1\"}, 1]" },
	};
	struct scene *s = *state;
	const char *why;
	struct slice out;
	size_t i;

	for (i = 0; i < count_of(bodies); i++) {
		assert_int_equal(ask(s, bodies[i][0], &out, &why),
		    HISTORY_SAME);
		assert_slice(out, bodies[i][0]);
		assert_slice(s->ask.items, bodies[i][1]);
		assert_int_equal(s->ask.previous.len, 0);
	}
}

static void
a_chain_comes_oldest_first(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "",
	    "[{\"type\":\"message\",\"role\":\"user\",\"content\":\"a\"}]",
	    "[ {\"id\":\"msg_1\",\"type\":\"message\"} ]");
	keep(s, "resp_2", "resp_1", "[ ]", "[{\"id\":\"msg_2\",\"n\":1},2]");
	restart(s);
	expect(s,
	    "{ \"model\" : \"m\" , \"previous_response_id\": \"resp_2\" ,\n"
	    "\"input\": \"b\", \"store\":true }",
	    "{\"model\" : \"m\",\"input\": "
	    "[{\"type\":\"message\",\"role\":\"user\",\"content\":\"a\"},"
	    "{\"id\":\"msg_1\",\"type\":\"message\"} ,"
	    "{\"id\":\"msg_2\",\"n\":1},2,"
	    "{\"type\":\"message\",\"role\":\"user\",\"content\":\"b\"}],"
	    "\"store\":true}",
	    "[{\"type\":\"message\",\"role\":\"user\",\"content\":\"b\"}]");
	assert_slice(s->ask.previous, "resp_2");
}

static void
in_every_position(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[1]", "[2]");
	expect(s, AFTER_FIRST, AFTER_1_2_3, "[3]");
	expect(s, "{\"input\":[3],\"previous_response_id\":\"resp_1\"}",
	    AFTER_1_2_3, "[3]");
	expect(s, "{\"input\":[ 3 ] , \"previous_response_id\" :\"resp_1\" }",
	    AFTER_1_2_3, "[3]");
	expect(s, "{\"previous_response_id\":\"resp_1\"}", "{\"input\":[1,2]}",
	    "[]");
	expect(s,
	    "{\"a\":{},\"previous_response_id\":\"resp_\\u0031\","
	    "\"input\":null,\"b\":[]}",
	    "{\"a\":{},\"input\":[1,2],\"b\":[]}", "[]");
	expect(s, "{\"previous_response_id\":\"resp_1\",\"a\":1}",
	    "{\"a\":1,\"input\":[1,2]}", "[]");
	expect(s,
	    "{\"previous_response_i\\u0064\":\"resp_1\",\"inpu\\u0074\":[]}",
	    "{\"inpu\\u0074\":[1,2]}", "[]");
}

static void
items_stand_in_for_their_references(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[{\"id\":\"in_1\",\"role\":\"user\"}]",
	    "[{\"type\":\"reasoning\",\"id\":\"rs_1\"},"
	    "{\"type\":\"message\",\"id\":\"msg_\\/1\"}]");
	keep(s, "resp_2", "", "[]", "[{\"id\":\"fc_1\",\"n\":1}]");
	restart(s);
	expect(s,
	    "{\"input\":[ {\"type\":\"item_reference\",\"id\":\"rs_1\"}, "
	    "{\"role\":\"user\"}, {\"id\":\"msg_/1\"},\n"
	    "{\"id\":\"in_1\",\"type\":null}, "
	    "{\"id\":\"fc_1\",\"type\":\"item\\u005freference\"} ], \"n\":1}",
	    "{\"input\":[{\"type\":\"reasoning\",\"id\":\"rs_1\"},"
	    "{\"role\":\"user\"},{\"type\":\"message\",\"id\":\"msg_\\/1\"},"
	    "{\"id\":\"in_1\",\"role\":\"user\"},{\"id\":\"fc_1\",\"n\":1}],"
	    "\"n\":1}",
	    "[{\"type\":\"reasoning\",\"id\":\"rs_1\"},"
	    "{\"role\":\"user\"},{\"type\":\"message\",\"id\":\"msg_\\/1\"},"
	    "{\"id\":\"in_1\",\"role\":\"user\"},{\"id\":\"fc_1\",\"n\":1}]");
	expect(s,
	    "{\"input\":[{\"id\":\"rs_1\"}],"
	    "\"previous_response_id\":\"resp_2\"}",
	    "{\"input\":[{\"id\":\"fc_1\",\"n\":1},"
	    "{\"type\":\"reasoning\",\"id\":\"rs_1\"}]}",
	    "[{\"type\":\"reasoning\",\"id\":\"rs_1\"}]");
	expect_refusal(s, "{\"input\":[{\"id\":\"rs_2\"}]}", HISTORY_UNKNOWN,
	    "item_reference rs_2 is not known here or has expired; send the "
	    "item itself, with store:false");
	expect_refusal(s, "{\"input\":[{\"id\":\"resp_1\"}]}", HISTORY_UNKNOWN,
	    "item_reference resp_1 is not known here or has expired; send the "
	    "item itself, with store:false");
}

/* A conversation that goes on keeps what it refers to. */
static void
an_item_that_is_kept_again_lives_on(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[]", "[{\"id\":\"msg_1\",\"n\":1}]");
	s->now_us += (HOUR_MS - 1) * US_PER_MS;
	expect(s, "{\"input\":[{\"id\":\"msg_1\"}]}",
	    "{\"input\":[{\"id\":\"msg_1\",\"n\":1}]}",
	    "[{\"id\":\"msg_1\",\"n\":1}]");
	keep(s, "resp_2", "", "[{\"id\":\"msg_1\",\"n\":1}]", "[]");
	s->now_us += (HOUR_MS - 1) * US_PER_MS;
	history_sweep(s->history, s->now_us);
	expect(s, "{\"input\":[{\"id\":\"msg_1\"}]}",
	    "{\"input\":[{\"id\":\"msg_1\",\"n\":1}]}",
	    "[{\"id\":\"msg_1\",\"n\":1}]");
	expect_refusal(s, AFTER_FIRST, HISTORY_UNKNOWN, UNKNOWN_FIRST);
}

static void
nobody_else_s_is_found(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[1]", "[2,{\"id\":\"msg_1\",\"n\":1}]");
	s->caller = "bob";
	expect_refusal(s, AFTER_FIRST, HISTORY_UNKNOWN, UNKNOWN_FIRST);
	expect_refusal(s, "{\"input\":[{\"id\":\"msg_1\"}]}", HISTORY_UNKNOWN,
	    "item_reference msg_1 is not known here or has expired; send the "
	    "item itself, with store:false");
	/* The same ids are somebody else's too, and apart. */
	keep(s, "resp_1", "", "[7]", "[8]");
	expect(s, AFTER_FIRST, "{\"input\":[7,8,3]}", "[3]");
	s->caller = "ann";
	expect(s, AFTER_FIRST, "{\"input\":[1,2,{\"id\":\"msg_1\",\"n\":1},3]}",
	    "[3]");
	s->group = "chat";
	expect_refusal(s, AFTER_FIRST, HISTORY_UNKNOWN, UNKNOWN_FIRST);
}

static void
what_expired_is_not_known(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[1]", "[2]");
	s->now_us += HOUR_MS * US_PER_MS - 1;
	expect(s, AFTER_FIRST, AFTER_1_2_3, "[3]");
	keep(s, "resp_2", "resp_1", "[]", "[]");
	s->now_us++;
	expect_refusal(s, AFTER_FIRST, HISTORY_UNKNOWN, UNKNOWN_FIRST);
	/* Half of a conversation is none: the id that was asked for is named.
	 */
	expect_refusal(s, "{\"previous_response_id\":\"resp_2\"}",
	    HISTORY_UNKNOWN,
	    "previous_response_id resp_2 is not known here or has expired; "
	    "send the whole conversation with store:false");
	history_sweep(s->history, s->now_us + HOUR_MS * US_PER_MS);
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
}

static void
odd_ids_are_not_repeated(void **state)
{
	struct scene *s = *state;

	expect_refusal(s,
	    "{\"previous_response_id\":\"<script>\\n\",\"input\":[]}",
	    HISTORY_UNKNOWN,
	    "previous_response_id (its id) is not known here or has expired; "
	    "send the whole conversation with store:false");
}

static void
a_body_can_be_wrong_itself(void **state)
{
	struct scene *s = *state;

	keep(s, "resp_1", "", "[1]", "[2]");
	expect_refusal(s, "{\"previous_response_id\":1,\"input\":[]}",
	    HISTORY_INVALID,
	    "previous_response_id must be the id of a response");
	expect_refusal(s, "{\"previous_response_id\":\"\",\"input\":[]}",
	    HISTORY_INVALID,
	    "previous_response_id must be the id of a response");
	expect_refusal(s, "{\"previous_response_id\":\"resp_1\",\"input\":{}}",
	    HISTORY_INVALID, "input must be a string or an array of items");
	expect_refusal(s, "{\"input\":7}", HISTORY_INVALID,
	    "input must be a string or an array of items");
	expect_refusal(s, "{\"input\":[{\"type\":\"item_reference\"}]}",
	    HISTORY_INVALID, "item_reference must have the id of an item");
	expect_refusal(s, "{\"input\":[{\"id\":[]}]}", HISTORY_INVALID,
	    "item_reference must have the id of an item");
}

#define TOO_LARGE                                                              \
	"the kept conversation and the new input are too large together"

static void
what_comes_out_is_bounded(void **state)
{
	struct scene *s = *state;
	char input[256], id[32], before[32] = "";
	int i;

	snprintf(input, sizeof(input), "[\"%0200d\"]", 0);
	for (i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "resp_%d", i);
		keep(s, id, before, input, "[]");
		strcpy(before, id);
	}
	s->max_body_bytes = 10 * 203 + 50;
	expect_refusal(s, "{\"previous_response_id\":\"resp_9\"}",
	    HISTORY_EXPANDED, "");
	s->max_body_bytes = 10 * 203;
	expect_refusal(s, "{\"previous_response_id\":\"resp_9\"}",
	    HISTORY_TOO_LARGE, TOO_LARGE);
	expect_refusal(s, "{\"previous_response_id\":\"resp_5\"}",
	    HISTORY_EXPANDED, "");
	s->max_body_bytes = 40;
	expect_refusal(s, "{\"input\":[{\"id\":\"resp_9\"},\"0123456789\"]}",
	    HISTORY_UNKNOWN,
	    "item_reference resp_9 is not known here or has expired; send the "
	    "item itself, with store:false");
}

static void
a_chain_without_end_is_refused(void **state)
{
	struct scene *s = *state;
	char id[32], before[32] = "";
	int i;

	keep(s, "resp_x", "resp_x", "[]", "[]");
	expect_refusal(s, "{\"previous_response_id\":\"resp_x\"}",
	    HISTORY_TOO_LARGE, TOO_LARGE);
	for (i = 0; i <= HISTORY_CHAIN_MAX; i++) {
		snprintf(id, sizeof(id), "resp_%d", i);
		keep(s, id, before, "[]", "[]");
		strcpy(before, id);
	}
	expect(s, "{\"previous_response_id\":\"resp_1023\"}", "{\"input\":[]}",
	    "[]");
	expect_refusal(s, "{\"previous_response_id\":\"resp_1024\"}",
	    HISTORY_TOO_LARGE, TOO_LARGE);
}

static void
a_small_arena_is_not_overrun(void **state)
{
	struct scene *s = *state;
	struct arena big = s->arena, parsed;
	const char *why;
	struct slice out;
	char input[1024];

	snprintf(input, sizeof(input), "[\"%0900d\"]", 0);
	keep(s, "resp_1", "", input, "[]");
	arena_init(&s->arena, 800);
	assert_int_equal(ask(s, AFTER_FIRST, &out, &why), HISTORY_TOO_LARGE);
	parsed = s->arena;
	arena_fini(&parsed);
	s->arena = big;
}

static void
what_is_not_an_entry_is_not_kept(void **state)
{
	struct scene *s = *state;

	keep(s, "", "", "[1]", "[2]");
	keep(s, "resp_1", "", "", "[2]");
	keep(s, "resp_1", "", "[1]", "{}");
	keep(s, "resp_1", "", "[1]", "[2");
	keep(s, "resp_1", "", "[{\"id\":\"msg_1\"}]", "[]");
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
	keep(s, "resp_1", "", "[1]", "[2]");
	expect(s, AFTER_FIRST, AFTER_1_2_3, "[3]");
}

static void
a_changed_byte_makes_it_unknown(void **state)
{
	static const char from[] = { SHELF_RECORD },
			  to[] = { SHELF_RECORD + 1 };
	struct scene *s = *state;
	struct db *db = ledger_db(s->store.ledger);
	struct slice key, value;
	struct db_scan *scan;
	uint8_t k[64], v[512];
	size_t k_len, v_len;

	keep(s, "resp_1", "", "[1]", "[2]");
	scan = db_scan_new(db, FAMILY_CONTENT, slice_make(from, 1),
	    slice_make(to, 1), false);
	assert_true(db_scan_next(scan, &key, &value));
	assert_true(key.len <= sizeof(k) && value.len <= sizeof(v));
	memcpy(k, key.ptr, k_len = key.len);
	memcpy(v, value.ptr, v_len = value.len);
	db_scan_free(scan);
	v[v_len - 1] ^= 1;
	assert_int_equal(db_put_now(db, FAMILY_CONTENT, slice_make(k, k_len),
			     slice_make(v, v_len)),
	    DB_OK);
	expect_refusal(s, AFTER_FIRST, HISTORY_UNKNOWN, UNKNOWN_FIRST);
	v[v_len - 1] ^= 1;
	assert_int_equal(db_put_now(db, FAMILY_CONTENT, slice_make(k, k_len),
			     slice_make(v, v_len)),
	    DB_OK);
	expect(s, AFTER_FIRST, AFTER_1_2_3, "[3]");
}

static void
nothing_that_was_said_is_readable(void **state)
{
	static const char *const words[] = { "canary", "resp_1", "msg_1" };
	struct scene *s = *state;
	char command[128];
	size_t i;

	keep(s, "resp_1", "resp_0", "[{\"content\":\"" CANARY "\"}]",
	    "[{\"id\":\"msg_1\",\"text\":\"" CANARY "\"}]");
	for (i = 0; i < 2 * count_of(words); i++) {
		snprintf(command, sizeof(command), "grep -rqa %s %s",
		    words[i / 2], s->store.dir);
		assert_int_equal(WEXITSTATUS(system(command)), 1);
		restart(s);
	}
	expect(s, "{\"input\":[{\"id\":\"msg_1\"}]}",
	    "{\"input\":[{\"id\":\"msg_1\",\"text\":\"" CANARY "\"}]}",
	    "[{\"id\":\"msg_1\",\"text\":\"" CANARY "\"}]");
}

int
main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SCENE(what_asks_for_nothing_stays),
		WITH_SCENE(a_chain_comes_oldest_first),
		WITH_SCENE(in_every_position),
		WITH_SCENE(items_stand_in_for_their_references),
		WITH_SCENE(an_item_that_is_kept_again_lives_on),
		WITH_SCENE(nobody_else_s_is_found),
		WITH_SCENE(what_expired_is_not_known),
		WITH_SCENE(odd_ids_are_not_repeated),
		WITH_SCENE(a_body_can_be_wrong_itself),
		WITH_SCENE(what_comes_out_is_bounded),
		WITH_SCENE(a_chain_without_end_is_refused),
		WITH_SCENE(a_small_arena_is_not_overrun),
		WITH_SCENE(what_is_not_an_entry_is_not_kept),
		WITH_SCENE(a_changed_byte_makes_it_unknown),
		WITH_SCENE(nothing_that_was_said_is_readable),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
