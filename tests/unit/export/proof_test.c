#include "tests/unit/export/pair.h"

#include "common/export/entry.h"
#include "common/export/proof.h"

#define CALLS    9
#define FILE_MAX (1u << 20)

static void
count_finding(void *arg, const char *line)
{
	assert_non_null(line);
	*(int *)arg += 1;
}

static struct receipt_audit
prove(struct pair *p, struct slice bytes, unsigned threads, bool window)
{
	struct tape s = { bytes.ptr, bytes.len };
	struct receipt_audit a;
	int lines = 0;
	const struct proof_wish w = { .keys = { pair_key_of, p },
		.window = window,
		.finding = count_finding,
		.arg = &lines };

	proof_check(&s, &w, threads, &a);
	assert_true(
	    (lines > 0) == (a.good < a.checked || (a.missing > 0 && !window)));
	return a;
}

static bool
is_clean(const struct receipt_audit *a, int64_t count)
{
	return a->checked == count && a->good == count && a->missing == 0;
}

static void
open_pair(struct pair *p, struct buf *file)
{
	pair_new(p, CALLS);
	pair_export(p);
	buf_init(file, FILE_MAX);
	file_read(file, p->node_out, "receipt.jsonl");
}

static void
test_a_whole_export_is_good(void **state)
{
	struct receipt_audit a;
	struct buf file;
	struct pair p;
	unsigned threads;

	(void)state;
	open_pair(&p, &file);
	for (threads = 1; threads <= 8; threads++) {
		a = prove(&p, buf_slice(&file), threads, false);
		assert_true(is_clean(&a, CALLS));
		assert_int_equal(a.chains, 1);
	}
	a = prove(&p, slice_make(NULL, 0), 2, false);
	assert_true(is_clean(&a, 0));
	buf_fini(&file);
	pair_free(&p);
}

/* Whatever byte, by however many threads. */
static void
test_every_flipped_byte_is_found(void **state)
{
	struct receipt_audit a;
	struct buf file;
	struct pair p;
	size_t i;

	(void)state;
	open_pair(&p, &file);
	for (i = 0; i < file.len; i++) {
		file.data[i] ^= (uint8_t)(1u << (i % 8));
		a = prove(&p, buf_slice(&file), (unsigned)(1 + i % 3), false);
		assert_false(is_clean(&a, CALLS));
		file.data[i] ^= (uint8_t)(1u << (i % 8));
	}
	buf_fini(&file);
	pair_free(&p);
}

/* Where the nth line begins, and its length with the end. */
static struct slice
line_at(const struct buf *file, size_t n)
{
	struct tape s = { (const char *)file->data, file->len };
	struct tape_place at = tape_all(&s);
	struct tape_line line;

	do
		assert_true(tape_next(&s, &at, &line));
	while (n-- > 0);
	return slice_make(line.text.ptr, line.text.len + 1);
}

static void
test_a_removed_moved_or_doubled_line_is_found(void **state)
{
	struct receipt_audit a;
	struct buf file, changed;
	struct slice line;
	struct pair p;
	size_t n, at;

	(void)state;
	open_pair(&p, &file);
	buf_init(&changed, FILE_MAX);
	for (n = 0; n + 1 < CALLS; n++) {
		line = line_at(&file, n);
		at = (size_t)((const uint8_t *)line.ptr - file.data);
		buf_reset(&changed);
		buf_put(&changed, file.data, at);
		buf_put(&changed, file.data + at + line.len,
		    file.len - at - line.len);
		a = prove(&p, buf_slice(&changed), 2, false);
		assert_int_equal(a.missing, 1);
		/* Of a window, it may be outside of it. */
		a = prove(&p, buf_slice(&changed), 2, true);
		assert_int_equal(a.missing, 1);
		assert_int_equal(a.good, CALLS - 1);
		buf_put_slice(&changed, line);
		a = prove(&p, buf_slice(&changed), 2, false);
		assert_true(a.broken_chain > 0);
		buf_reset(&changed);
		buf_put(&changed, file.data, at + line.len);
		buf_put(&changed, file.data + at, file.len - at);
		a = prove(&p, buf_slice(&changed), 2, false);
		assert_true(a.broken_chain > 0);
	}
	buf_fini(&changed);
	buf_fini(&file);
	pair_free(&p);
}

static void
test_a_signature_of_another_is_no_good(void **state)
{
	struct receipt_audit a;
	struct buf file;
	struct pair p;

	(void)state;
	open_pair(&p, &file);
	p.egress_public = p.node_public;
	a = prove(&p, buf_slice(&file), 2, false);
	assert_int_equal(a.bad_signature, CALLS);
	assert_int_equal(a.good, 0);
	buf_fini(&file);
	pair_free(&p);
}

/* What one export wrote is read back; a change of a byte is not taken. */
static void
test_rows_are_read_back_as_they_were(void **state)
{
	struct attempt_row row;
	struct entry_room room;
	struct slice line;
	struct buf file;
	struct pair p;
	size_t i, taken = 0;

	(void)state;
	open_pair(&p, &file);
	entry_room_init(&room);
	file_read(&file, p.node_out, "attempt.jsonl");
	line = line_at(&file, 3);
	line.len--;
	assert_true(entry_row(ROW_ATTEMPT, line, &room, &row));
	assert_memory_equal(&row.request, &p.ids[3], ID_BYTES);
	assert_true(slice_is(row.project, "fraud, \"new\""));
	assert_int_equal(row.cost_microusd, 5000);
	assert_int_equal(row.chain_seq, 4);
	for (i = 0; i < line.len; i++) {
		uint8_t *byte = (uint8_t *)(uintptr_t)line.ptr + i;

		/* A blank is JSON too, but not what was written. */
		if (*byte == ',' || *byte == ':') {
			*byte = ' ';
			taken += entry_row(ROW_ATTEMPT, line, &room, &row);
			*byte = ',';
		}
	}
	assert_int_equal(taken, 0);
	entry_room_fini(&room);
	buf_fini(&file);
	pair_free(&p);
}

/* Of an older version, which knew fewer columns. */
static void
test_a_row_without_the_last_columns_is_read(void **state)
{
	struct attempt_row row;
	struct entry_room room;
	struct buf file, old;
	struct slice line;
	const char *cut;
	struct pair p;

	(void)state;
	open_pair(&p, &file);
	entry_room_init(&room);
	file_read(&file, p.node_out, "attempt.jsonl");
	line = line_at(&file, 0);
	buf_init(&old, FILE_MAX);
	cut = memmem(line.ptr, line.len, ",\"queued_us\"", 12);
	assert_non_null(cut);
	buf_put(&old, line.ptr, (size_t)(cut - line.ptr));
	buf_putc(&old, '}');
	assert_true(entry_row(ROW_ATTEMPT, buf_slice(&old), &room, &row));
	/* One in the middle is not left out. */
	buf_reset(&old);
	cut = memmem(line.ptr, line.len, "\"status\"", 8);
	buf_put(&old, line.ptr, (size_t)(cut - line.ptr));
	cut = memmem(line.ptr, line.len, "\"fail\"", 6);
	buf_put(&old, cut, (size_t)(line.ptr + line.len - 1 - cut));
	assert_false(entry_row(ROW_ATTEMPT, buf_slice(&old), &room, &row));
	buf_fini(&old);
	entry_room_fini(&room);
	buf_fini(&file);
	pair_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_whole_export_is_good),
		cmocka_unit_test(test_every_flipped_byte_is_found),
		cmocka_unit_test(test_a_removed_moved_or_doubled_line_is_found),
		cmocka_unit_test(test_a_signature_of_another_is_no_good),
		cmocka_unit_test(test_rows_are_read_back_as_they_were),
		cmocka_unit_test(test_a_row_without_the_last_columns_is_read),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
