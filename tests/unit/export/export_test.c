#include "tests/unit/export/pair.h"

#include "common/base/clock.h"

#define CALLS    40
#define FILE_MAX (4u << 20)

struct stopper {
	int left; /* steps */
};

static bool
on_step(void *arg, enum export_kind k, int64_t rows)
{
	struct stopper *s = arg;

	(void)k;
	(void)rows;
	return --s->left != 0;
}

static size_t
lines_of(const struct buf *b)
{
	size_t i, lines = 0;

	for (i = 0; i < b->len; i++)
		lines += b->data[i] == '\n';
	return lines;
}

static void
test_every_row_is_a_line(void **state)
{
	static const size_t rows[EXPORT_KINDS] = { [EXPORT_REQUEST] = CALLS,
		[EXPORT_ATTEMPT] = CALLS,
		[EXPORT_RECEIPT] = CALLS };
	char name[EXPORT_NAME_BYTES];
	struct export_wish w;
	struct manifest m;
	enum export_kind k;
	struct buf file;
	struct pair p;

	(void)state;
	pair_new(&p, CALLS);
	w = pair_wish(&p, false);
	export_must(&w, &m);
	buf_init(&file, FILE_MAX);
	for (k = 0; k < EXPORT_KINDS; k++) {
		struct hash hash;

		kind_file(k, EXPORT_JSONL, name);
		file_read(&file, p.node_out, name);
		hash = hash_of(file.data, file.len);
		assert_int_equal(lines_of(&file), rows[k]);
		assert_int_equal(m.files[k].rows, rows[k]);
		assert_int_equal(m.files[k].bytes, file.len);
		assert_memory_equal(&m.files[k].hash, &hash, HASH_BYTES);
	}
	assert_true(manifest_is_signed(p.node_out, &p.node_public, 1));
	assert_false(manifest_is_signed(p.node_out, &p.egress_public, 1));
	buf_fini(&file);
	pair_free(&p);
}

/* Stop after every number of steps that there is, and go on. */
static void
test_resuming_ends_in_the_same_bytes(void **state)
{
	char name[EXPORT_NAME_BYTES];
	struct manifest whole, m;
	struct export_wish w;
	struct stopper s;
	struct buf why, a, b;
	struct pair p;
	int steps, stops;

	(void)state;
	pair_new(&p, CALLS);
	buf_init(&why, 4096);
	buf_init(&a, FILE_MAX);
	buf_init(&b, FILE_MAX);
	w = pair_wish(&p, false);
	export_must(&w, &whole);
	for (steps = 1; steps < 24; steps++) {
		struct buf tail;
		enum export_kind k;

		w = pair_wish(&p, false);
		w.out_dir = p.egress_out;
		w.step_bytes = 3000;
		w.step = on_step;
		w.arg = &s;
		s.left = steps;
		stops = 0;
		while (export_run(&w, &m, &why) == EXPORT_STOPPED) {
			/* A line that was cut off in the middle. */
			file_read(&b, p.egress_out, "request.jsonl");
			buf_init(&tail, FILE_MAX);
			buf_put_slice(&tail, buf_slice(&b));
			buf_puts(&tail, "{\"id\":\"req_");
			file_write(&tail, p.egress_out, "request.jsonl");
			buf_fini(&tail);
			if (m.files[EXPORT_REQUEST].whole)
				file_write(&b, p.egress_out, "request.jsonl");
			w.resume = true;
			s.left = steps;
			stops++;
		}
		assert_true(stops > 0);
		assert_int_equal(why.len, 0);
		for (k = 0; k < EXPORT_KINDS; k++) {
			kind_file(k, EXPORT_JSONL, name);
			file_read(&a, p.node_out, name);
			file_read(&b, p.egress_out, name);
			assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
			assert_memory_equal(&m.files[k].hash,
			    &whole.files[k].hash, HASH_BYTES);
		}
		assert_true(
		    manifest_is_signed(p.egress_out, &p.node_public, 1));
		folder_free(p.egress_out);
	}
	buf_fini(&why);
	buf_fini(&a);
	buf_fini(&b);
	pair_free(&p);
}

static void
test_a_window_is_by_the_requests_time(void **state)
{
	const int64_t start = INT64_C(1790000000000000);
	struct export_wish w;
	struct manifest m;
	struct pair p;

	(void)state;
	pair_new(&p, CALLS);
	w = pair_wish(&p, false);
	w.from = start + 10 * US_PER_MS;
	w.to = start + 15 * US_PER_MS;
	export_must(&w, &m);
	assert_int_equal(m.files[EXPORT_REQUEST].rows, 5);
	assert_int_equal(m.files[EXPORT_ATTEMPT].rows, 5);
	assert_int_equal(m.files[EXPORT_RECEIPT].rows, 5);
	pair_free(&p);
}

static void
test_a_folder_is_not_written_twice(void **state)
{
	struct export_wish w;
	struct manifest m;
	struct buf why;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	buf_init(&why, 4096);
	w = pair_wish(&p, false);
	export_must(&w, &m);
	assert_int_equal(export_run(&w, &m, &why), EXPORT_FAILED);
	assert_non_null(strstr(buf_text(&why), "--resume"));
	buf_reset(&why);
	w.member = "node-b";
	w.resume = true;
	assert_int_equal(export_run(&w, &m, &why), EXPORT_FAILED);
	assert_non_null(strstr(buf_text(&why), "another member"));
	buf_fini(&why);
	pair_free(&p);
}

static void
test_what_is_under_way_is_told_as_open(void **state)
{
	struct export_wish w;
	struct manifest m;
	struct buf file;
	struct pair p;

	(void)state;
	pair_new(&p, 1);
	buf_init(&file, FILE_MAX);
	{
		struct id id = id_next(&p.node.ids, INT64_C(1790000000900000));
		struct request_row request = request_sample(id, "open");
		struct attempt_row attempt = attempt_sample(id, 1, "open");

		ledger_intend(p.node.turn, &request, &attempt);
		pair_turn(&p);
	}
	w = pair_wish(&p, false);
	export_must(&w, &m);
	assert_int_equal(m.files[EXPORT_OPEN].rows, 1);
	assert_int_equal(m.files[EXPORT_ATTEMPT].rows, 1);
	file_read(&file, p.node_out, "open.jsonl");
	assert_non_null(strstr(buf_text(&file), "\"state\":\"open\""));
	buf_fini(&file);
	pair_free(&p);
}

static void
test_a_damaged_entry_is_counted_and_passed_over(void **state)
{
	struct export_wish w;
	struct manifest m;
	struct pair p;

	(void)state;
	pair_new(&p, 3);
	assert_int_equal(db_put_now(ledger_db(p.node.ledger), FAMILY_REQUEST,
			     slice_make(p.ids[1].bytes, ID_BYTES),
			     slice_of("no row")),
	    DB_OK);
	w = pair_wish(&p, false);
	export_must(&w, &m);
	assert_int_equal(m.files[EXPORT_REQUEST].rows, 2);
	assert_int_equal(m.files[EXPORT_REQUEST].damaged, 1);
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_row_is_a_line),
		cmocka_unit_test(test_resuming_ends_in_the_same_bytes),
		cmocka_unit_test(test_a_window_is_by_the_requests_time),
		cmocka_unit_test(test_a_folder_is_not_written_twice),
		cmocka_unit_test(test_what_is_under_way_is_told_as_open),
		cmocka_unit_test(
		    test_a_damaged_entry_is_counted_and_passed_over),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
