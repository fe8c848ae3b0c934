#include "tests/unit/store/fixture.h"

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/pack.h"
#include "common/store/decision.h"

#define ROOM       ROW_BYTES_MAX
#define JSON_ROOM  (1 << 20)
#define DECIDED_AT INT64_C(1790000000000000)

static struct decision_row
row_sample(struct id id)
{
	return (struct decision_row){
		.request = id,
		.decided_at = DECIDED_AT,
		.group = slice_of("coding"),
		.strategy = slice_of("score"),
		.by = slice_of("score"),
		.decider = slice_of("strategy"),
		.decided_us = 12,
		.seed = INT64_C(0x1234567890abcdef),
		.complexity_ppm = 430000,
		.dialect = slice_of("chat"),
		.operation = slice_of("generate"),
		.caller = slice_of("agent"),
		.user = slice_of("ada"),
		.project = slice_of("checkout"),
		.needs = slice_of("tools"),
		.stream = true,
		.tools = true,
		.choices = 1,
		.messages = 12,
		.input_tokens = 4200,
		.output_cap = 1024,
	};
}

/* As a target that was called often and scored. */
static struct candidate_row
candidate_sample(int64_t rank)
{
	return (struct candidate_row){
		.target = slice_of("openai/gpt-5-mini"),
		.rank = rank,
		.excluded = slice_of(rank == 0 ? "backing-off" : ""),
		.region = slice_of("eu"),
		.egress = slice_of("central"),
		.weight = 1,
		.context = 400000,
		.max_output = 128000,
		.supports = slice_of("tools,images,json_schema,reasoning"),
		.price_input = 250000,
		.price_cached_input = 25000,
		.price_output = 2000000,
		.cost_microusd = 3098,
		.quality_ppm = 712000,
		.attempts = 418,
		.failures = 3,
		.ttft_p50_us = 412000,
		.ttft_p95_us = 905000,
		.total_p50_us = 5120000,
		.total_p95_us = 14800000,
		.tokens_per_ks = 74200,
		.score_ppm = 803211,
		.cost_ppm = 910000,
		.ttft_ppm = 770000,
		.latency_ppm = 640000,
		.throughput_ppm = 550000,
		.errors_ppm = 992000,
		.quality_term_ppm = 712000,
		.complexity_term_ppm = 510000,
		.affinity_ppm = 1000000,
	};
}

static void
fill_candidates(struct candidate_row rows[DECISION_CANDIDATES_MAX])
{
	size_t i;

	for (i = 0; i < DECISION_CANDIDATES_MAX; i++)
		rows[i] = candidate_sample((int64_t)i);
}

static void
test_all_of_it_comes_back(void **state)
{
	struct candidate_row rows[DECISION_CANDIDATES_MAX];
	struct decision_row row = row_sample((struct id){ { 7 } });
	struct buf bytes, again;
	struct decision d;
	size_t count;

	(void)state;
	buf_init(&bytes, ROOM);
	buf_init(&again, ROOM);
	fill_candidates(rows);
	for (count = 0; count <= DECISION_CANDIDATES_MAX; count++) {
		buf_reset(&bytes);
		buf_reset(&again);
		decision_write(&bytes, &row, rows, count);
		assert_true(decision_read(&d, buf_slice(&bytes)));
		assert_int_equal(d.count, count);
		assert_int_equal(d.row.seed, row.seed);
		assert_true(slice_is(d.row.needs, "tools"));
		if (count > 0)
			assert_int_equal(d.candidates[count - 1].rank,
			    count - 1);
		decision_write(&again, &d.row, d.candidates, d.count);
		assert_true(slice_eq(buf_slice(&bytes), buf_slice(&again)));
	}
	buf_fini(&bytes);
	buf_fini(&again);
}

/* What every request writes: a column without a value is a byte. */
static void
test_it_is_small(void **state)
{
	struct candidate_row rows[DECISION_CANDIDATES_MAX], bare = { 0 };
	struct decision_row row = row_sample((struct id){ { 7 } });
	size_t one, eight;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, ROOM);
	row_write(ROW_CANDIDATE, &bare, &bytes);
	assert_int_equal(bytes.len, 2); /* head, schema */
	fill_candidates(rows);
	buf_reset(&bytes);
	decision_write(&bytes, &row, rows + 1, 1);
	one = bytes.len;
	buf_reset(&bytes);
	decision_write(&bytes, &row, rows + 1, 8);
	eight = bytes.len;
	print_message("bytes of a decision: %zu with 1 candidate, %zu with 8\n",
	    one, eight);
	assert_true(one < 400);
	assert_true(eight < 2000);
	buf_fini(&bytes);
}

/* Every text as long as names may be: it still fits what a row may take. */
static void
test_the_longest_fits(void **state)
{
	struct candidate_row rows[DECISION_CANDIDATES_MAX];
	struct decision_row row = row_sample((struct id){ { 7 } });
	char name[512], order[16384];
	struct buf bytes;
	size_t i;

	(void)state;
	memset(name, 'n', sizeof(name));
	memset(order, 'o', sizeof(order));
	buf_init(&bytes, ROOM);
	fill_candidates(rows);
	for (i = 0; i < DECISION_CANDIDATES_MAX; i++) {
		rows[i].target = slice_make(name, 256);
		rows[i].egress = rows[i].region = slice_make(name, 64);
		rows[i].detail = slice_make(name, 256);
		rows[i].supports = slice_make(name, 256);
	}
	row.policy_order = slice_make(order, sizeof(order));
	row.tags = row.note = slice_make(order, 4096);
	row.policy = slice_make(name, sizeof(name));
	decision_write(&bytes, &row, rows, DECISION_CANDIDATES_MAX);
	assert_false(bytes.failed);
	buf_fini(&bytes);
}

static bool
reads(struct slice bytes)
{
	struct decision d;

	return decision_read(&d, bytes);
}

static void
test_cut_or_longer_it_is_refused(void **state)
{
	struct candidate_row rows[DECISION_CANDIDATES_MAX];
	struct decision_row row = row_sample((struct id){ { 7 } });
	struct buf bytes;
	size_t i;

	(void)state;
	buf_init(&bytes, ROOM);
	fill_candidates(rows);
	decision_write(&bytes, &row, rows, 3);
	for (i = 0; i < bytes.len; i++)
		assert_false(reads(slice_make(bytes.data, i)));
	buf_putc(&bytes, 0);
	assert_false(reads(buf_slice(&bytes)));
	buf_fini(&bytes);
}

/* Other rows, other things, and more candidates than a group has. */
static void
test_garbage_is_refused(void **state)
{
	struct candidate_row rows[DECISION_CANDIDATES_MAX];
	struct decision_row row = row_sample((struct id){ { 7 } });
	struct attempt_row other = { .number = 1, .status = 200 };
	struct buf bytes;
	size_t i;

	(void)state;
	buf_init(&bytes, ROOM);
	fill_candidates(rows);
	pack_array(&bytes, 0);
	assert_false(reads(buf_slice(&bytes)));
	buf_reset(&bytes);
	pack_int(&bytes, 1);
	assert_false(reads(buf_slice(&bytes)));
	buf_reset(&bytes);
	pack_array(&bytes, 1);
	row_write(ROW_ATTEMPT, &other, &bytes);
	assert_false(reads(buf_slice(&bytes)));
	buf_reset(&bytes);
	pack_array(&bytes, 2);
	row_write(ROW_DECISION, &row, &bytes);
	row_write(ROW_DECISION, &row, &bytes);
	assert_false(reads(buf_slice(&bytes)));
	buf_reset(&bytes);
	pack_array(&bytes, 2 + DECISION_CANDIDATES_MAX);
	row_write(ROW_DECISION, &row, &bytes);
	for (i = 0; i <= DECISION_CANDIDATES_MAX; i++)
		row_write(ROW_CANDIDATE, &rows[0], &bytes);
	assert_false(reads(buf_slice(&bytes)));
	buf_fini(&bytes);
}

static struct id
put_decision(struct fixture *f, int64_t wall_us, enum ledger_batch b)
{
	struct id id = id_next(&f->ids, wall_us);
	struct decision_row row = row_sample(id);
	struct candidate_row candidate = candidate_sample(1);

	decision_put(f->turn, b, &row, &candidate, 1);
	return id;
}

static void
test_it_is_kept_with_either_batch(void **state)
{
	struct decision d;
	struct fixture f;
	struct id ids[2], other;
	struct buf bytes;
	size_t i;

	(void)state;
	fixture_new(&f);
	buf_init(&bytes, ROOM);
	ids[0] = put_decision(&f, 1000000, LEDGER_INTENTS);
	ids[1] = put_decision(&f, 2000000, LEDGER_SETTLEMENTS);
	assert_false(decision_get(f.ledger, &ids[0], &bytes, &d));
	fixture_turn(&f);
	fixture_crash(&f);
	for (i = 0; i < 2; i++) {
		assert_true(decision_get(f.ledger, &ids[i], &bytes, &d));
		assert_memory_equal(&d.row.request, &ids[i], sizeof(ids[i]));
		assert_int_equal(d.count, 1);
		assert_int_equal(d.candidates[0].attempts, 418);
	}
	other = id_next(&f.ids, 3000000);
	assert_false(decision_get(f.ledger, &other, &bytes, &d));
	buf_fini(&bytes);
	fixture_free(&f);
}

struct shown {
	char digits[16]; /* the second in which each came */
	size_t count, stop_at;
};

static bool
note(void *arg, const struct decision *d)
{
	struct shown *s = arg;

	s->digits[s->count++] =
	    (char)('0' + id_time_ms(&d->row.request) / 1000);
	return s->count != s->stop_at;
}

static void
assert_shows(struct fixture *f, const struct decision_window *window,
    size_t stop_at, const char *expected)
{
	struct shown s = { .stop_at = stop_at };
	struct decision_reader reader = { .each = note, .arg = &s };

	assert_int_equal(decision_each(f->ledger, window, &reader),
	    strlen(expected));
	assert_string_equal(s.digits, expected);
	assert_int_equal(reader.damaged, 1);
}

static void
test_the_newest_of_a_window(void **state)
{
	struct decision_window all = { .limit = 10 };
	struct fixture f;
	struct id broken;
	int64_t second;

	(void)state;
	fixture_new(&f);
	for (second = 1; second <= 5; second++)
		(void)put_decision(&f, second * 1000000, LEDGER_INTENTS);
	broken = id_next(&f.ids, 5500000);
	ledger_put(f.turn, LEDGER_INTENTS, FAMILY_DECISION,
	    slice_make(broken.bytes, ID_BYTES), slice_of("broken"));
	fixture_turn(&f);
	assert_shows(&f, &all, 0, "54321");
	all.limit = 2;
	assert_shows(&f, &all, 0, "54");
	all = (struct decision_window){ .from_us = 3000000, .limit = 10 };
	assert_shows(&f, &all, 0, "543");
	assert_shows(&f, &all, 1, "5");
	fixture_free(&f);
}

static void
test_a_window_has_an_end(void **state)
{
	struct decision_window w = { 2000000, 4000000, 10 };
	struct shown s = { .stop_at = 0 };
	struct decision_reader reader = { .each = note, .arg = &s };
	struct fixture f;
	int64_t second;

	(void)state;
	fixture_new(&f);
	assert_int_equal(decision_each(f.ledger, &w, &reader), 0);
	for (second = 1; second <= 5; second++)
		(void)put_decision(&f, second * 1000000, LEDGER_INTENTS);
	fixture_turn(&f);
	assert_int_equal(decision_each(f.ledger, &w, &reader), 2);
	assert_string_equal(s.digits, "32");
	assert_int_equal(reader.damaged, 0);
	fixture_free(&f);
}

static void
test_json_has_the_candidates_inside(void **state)
{
	struct decision_row row = row_sample((struct id){ { 7 } });
	struct candidate_row rows[2] = { candidate_sample(1),
		candidate_sample(0) };
	const struct json_value *root, *list;
	struct buf bytes, out;
	struct json_writer json = { .out = &out };
	struct json_error error;
	struct decision d;
	struct arena arena;

	(void)state;
	buf_init(&bytes, ROOM);
	buf_init(&out, JSON_ROOM);
	arena_init(&arena, JSON_ROOM);
	decision_write(&bytes, &row, rows, 2);
	assert_true(decision_read(&d, buf_slice(&bytes)));
	decision_json(&d, &json);
	root = json_parse(&arena, buf_slice(&out), &error);
	assert_non_null(root);
	assert_true(json_is(json_find(root, "by"), "score"));
	list = json_find(root, "candidates");
	assert_int_equal(list->count, 2);
	assert_true(
	    json_is(json_find(list->first->next, "excluded"), "backing-off"));
	arena_fini(&arena);
	buf_fini(&out);
	buf_fini(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it_comes_back),
		cmocka_unit_test(test_it_is_small),
		cmocka_unit_test(test_the_longest_fits),
		cmocka_unit_test(test_cut_or_longer_it_is_refused),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_it_is_kept_with_either_batch),
		cmocka_unit_test(test_the_newest_of_a_window),
		cmocka_unit_test(test_a_window_has_an_end),
		cmocka_unit_test(test_json_has_the_candidates_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
