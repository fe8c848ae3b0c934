#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/seal.h"
#include "common/base/secret.h"
#include "common/llm/capability.h"
#include "common/store/ledger.h"
#include "node/evidence.h"
#include "topology/mesh.h"

#define TEXT_MAX (1 << 20)
#define THEN     INT64_C(1790000000000000)

struct fixture {
	char dir[64];
	struct secret *identity;
	struct member self;
	struct ledger *ledger;
	struct evidence *evidence;
	struct evidence_book *book;
	struct buf why;
	struct id request; /* served by openai/gpt for coding */
};

static void
serve(struct fixture *f, int64_t status)
{
	struct request_row row = { .id = f->request,
		.state = slice_of("settled"),
		.group = slice_of("coding"),
		.target = slice_of("openai/gpt"),
		.status = status };
	struct buf bytes;

	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_REQUEST, &row, &bytes);
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_REQUEST,
			     slice_make(f->request.bytes, ID_BYTES),
			     buf_slice(&bytes)),
	    DB_OK);
	buf_fini(&bytes);
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/evidence_test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->identity = sign_key_new();
	f->self.name = slice_of("node-a");
	f->self.keys[0] = sign_public(f->identity);
	f->self.keys_count = 1;
	f->ledger = ledger_open(f->dir, false);
	if (f->ledger == NULL)
		return -1;
	f->evidence = evidence_open(f->ledger, f->identity, &f->self);
	f->request = (struct id){ { 1, 2, 3 } };
	serve(f, 200);
	buf_init(&f->why, TEXT_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	buf_fini(&f->why);
	evidence_book_release(f->book);
	evidence_close(f->evidence);
	ledger_close(f->ledger);
	secret_free(f->identity);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

/* As after a restart. */
static void
reopen(struct fixture *f)
{
	evidence_book_release(f->book);
	f->book = NULL;
	evidence_close(f->evidence);
	f->evidence = evidence_open(f->ledger, f->identity, &f->self);
}

static struct evidence_row
result(const struct fixture *f, const char *capability, bool passed)
{
	return (struct evidence_row){ .group = slice_of("coding"),
		.target = slice_of("openai/gpt"),
		.capability = slice_of(capability),
		.passed = passed,
		.detail = slice_of(passed ? "" : "no-call"),
		.way = slice_of(WAY_ROUTER),
		.request = f->request };
}

static bool
add(struct fixture *f, struct evidence_row row, int64_t at)
{
	const struct evidence_stamp stamp = { at, slice_of("0123abcd") };

	buf_reset(&f->why);
	return evidence_add(f->evidence, &row, 1, &stamp, &f->why);
}

static unsigned
missing_since(struct fixture *f, unsigned capabilities, int64_t since)
{
	const struct evidence_wish wish = { slice_of("coding"),
		slice_of("openai/gpt"), capabilities, since };
	unsigned missing;
	bool covered;

	evidence_refresh(f->evidence, &f->book);
	covered = evidence_covers(f->book, &wish, &missing);
	assert_int_equal(covered, missing == 0);
	return missing;
}

static void
what_was_proved_covers_until_it_is_too_old(void **state)
{
	struct fixture *f = *state;
	const unsigned both = CAPABILITY_TOOLS | CAPABILITY_IMAGES;

	assert_int_equal(missing_since(f, both, THEN), both);
	assert_true(add(f, result(f, "tools", true), THEN));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, THEN), 0);
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, THEN + 1),
	    CAPABILITY_TOOLS);
	assert_int_equal(missing_since(f, both, THEN), CAPABILITY_IMAGES);
	assert_int_equal(missing_since(f, 0, INT64_MAX), 0);
	assert_true(add(f, result(f, "images", true), THEN + 5));
	assert_int_equal(missing_since(f, both, THEN), 0);
}

static void
the_newest_result_counts(void **state)
{
	struct fixture *f = *state;

	assert_true(add(f, result(f, "tools", true), THEN));
	assert_true(add(f, result(f, "tools", false), THEN + 1));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0),
	    CAPABILITY_TOOLS);
	assert_true(add(f, result(f, "tools", true), THEN + 2));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, THEN + 2), 0);
}

static void
another_group_or_target_or_way_proves_nothing(void **state)
{
	struct fixture *f = *state;
	struct evidence_row row = result(f, "tools", true);
	struct evidence_wish wish = { slice_of("chat"), slice_of("openai/gpt"),
		CAPABILITY_TOOLS, 0 };
	unsigned missing;

	row.way = slice_of(WAY_DIRECT);
	assert_true(add(f, row, THEN));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0),
	    CAPABILITY_TOOLS);
	assert_true(add(f, result(f, "tools", true), THEN));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0), 0);
	assert_false(evidence_covers(f->book, &wish, &missing));
	wish.group = slice_of("coding");
	wish.target = slice_of("openai/gpt-5");
	assert_false(evidence_covers(f->book, &wish, &missing));
	assert_false(evidence_covers(NULL, &wish, &missing));
	assert_int_equal(missing, CAPABILITY_TOOLS);
}

static void
a_pass_that_no_request_bears_out_is_refused(void **state)
{
	struct fixture *f = *state;
	struct evidence_row row = result(f, "tools", true);

	row.request = (struct id){ { 9 } };
	assert_false(add(f, row, THEN));
	assert_non_null(strstr(buf_text(&f->why), "no request"));
	row = result(f, "tools", true);
	row.target = slice_of("openai/other");
	assert_false(add(f, row, THEN));
	row = result(f, "tools", true);
	row.group = slice_of("chat");
	assert_false(add(f, row, THEN));
	serve(f, 502);
	assert_false(add(f, result(f, "tools", true), THEN));
	/* That it failed needs no bearing out. */
	assert_true(add(f, result(f, "tools", false), THEN));
}

static void
texts_are_plain_and_short(void **state)
{
	struct fixture *f = *state;
	struct evidence_row row = result(f, "text", false);
	char lengthy[EVIDENCE_WORD_MAX + 2];

	row.detail = slice_of("two\nlines");
	assert_false(add(f, row, THEN));
	memset(lengthy, 'x', sizeof(lengthy));
	row.detail = slice_make(lengthy, EVIDENCE_WORD_MAX + 1);
	assert_false(add(f, row, THEN));
	row.detail = slice_make(lengthy, EVIDENCE_WORD_MAX);
	assert_true(add(f, row, THEN));
	row.way = slice_of("elsewhere");
	assert_false(add(f, row, THEN));
	row = result(f, "", false);
	assert_false(add(f, row, THEN));
}

static void
all_of_a_long_run_reads_back_signed(void **state)
{
	const struct evidence_stamp stamp = { THEN, slice_of("0123abcd") };
	struct evidence_row rows[2 * SEAL_MAX + 1];
	char names[count_of(rows)][16];
	struct fixture *f = *state;
	struct buf out;
	size_t i;

	for (i = 0; i < count_of(rows); i++) {
		snprintf(names[i], sizeof(names[i]), "trial-%03zu", i);
		rows[i] = result(f, names[i], i % 2 == 0);
	}
	assert_true(
	    evidence_add(f->evidence, rows, count_of(rows), &stamp, &f->why));
	reopen(f);
	buf_init(&out, TEXT_MAX);
	evidence_list(f->evidence, slice_of("coding"), true, &out);
	for (i = 0; i < count_of(rows); i++)
		assert_non_null(strstr(buf_text(&out), names[i]));
	assert_non_null(strstr(buf_text(&out), "\"signer\":\"node-a\""));
	assert_non_null(strstr(buf_text(&out), "\"topology\":\"0123abcd\""));
	buf_reset(&out);
	evidence_list(f->evidence, slice_of("chat"), true, &out);
	assert_string_equal(buf_text(&out), "[]\n");
	buf_reset(&out);
	evidence_list(f->evidence, slice_of(""), false, &out);
	assert_non_null(strstr(buf_text(&out), "no-call"));
	buf_fini(&out);
}

static void
what_is_kept_has_a_bound(void **state)
{
	enum { AT_ONCE = 1024 };
	const struct evidence_stamp stamp = { THEN, slice_of("0123abcd") };
	static struct evidence_row rows[AT_ONCE];
	static char names[AT_ONCE][32];
	struct fixture *f = *state;
	int run, i;

	for (run = 0; run < EVIDENCE_ROWS_MAX / AT_ONCE; run++) {
		for (i = 0; i < AT_ONCE; i++) {
			snprintf(names[i], sizeof(names[i]), "t%d-%d", run, i);
			rows[i] = result(f, names[i], true);
		}
		assert_true(
		    evidence_add(f->evidence, rows, AT_ONCE, &stamp, &f->why));
	}
	assert_false(add(f, result(f, "tools", true), THEN));
	assert_non_null(strstr(buf_text(&f->why), "no room"));
	/* What replaces another one has room. */
	assert_true(add(f, result(f, "t0-0", false), THEN + 1));
}

/* The one stored row, and its key. */
static void
stored(struct fixture *f, struct buf *key, struct buf *value)
{
	struct slice none = { NULL, 0 }, k, v;
	struct db_scan *scan = db_scan_new(ledger_db(f->ledger),
	    FAMILY_EVIDENCE, none, none, false);

	buf_init(key, TEXT_MAX);
	buf_init(value, TEXT_MAX);
	assert_true(db_scan_next(scan, &k, &v));
	buf_put_slice(key, k);
	buf_put_slice(value, v);
	assert_false(db_scan_next(scan, &k, &v));
	db_scan_free(scan);
}

static void
store_row(struct fixture *f, struct buf *key, struct buf *value)
{
	assert_int_equal(db_put_now(ledger_db(f->ledger), FAMILY_EVIDENCE,
			     buf_slice(key), buf_slice(value)),
	    DB_OK);
	reopen(f);
}

static void
what_was_changed_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct buf key, value;
	size_t i;

	assert_true(add(f, result(f, "tools", true), THEN));
	stored(f, &key, &value);
	for (i = 0; i < value.len; i++) {
		value.data[i] ^= 1;
		store_row(f, &key, &value);
		assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0),
		    CAPABILITY_TOOLS);
		value.data[i] ^= 1;
	}
	store_row(f, &key, &value);
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0), 0);
	buf_fini(&key);
	buf_fini(&value);
}

static void
a_good_row_under_another_key_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct slice at;
	struct buf key, value;

	assert_true(add(f, result(f, "tools", true), THEN));
	stored(f, &key, &value);
	at = buf_slice(&key);
	assert_int_equal(db_delete_now(ledger_db(f->ledger), FAMILY_EVIDENCE,
			     at),
	    DB_OK);
	key.data[0] = 'x';
	store_row(f, &key, &value);
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0),
	    CAPABILITY_TOOLS);
	buf_fini(&key);
	buf_fini(&value);
}

static void
a_key_that_was_rotated_out_vouches_no_more(void **state)
{
	struct fixture *f = *state;
	struct secret *fresh = sign_key_new();

	assert_true(add(f, result(f, "tools", true), THEN));
	f->self.keys[1] = sign_public(fresh);
	f->self.keys_count = 2;
	reopen(f);
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0), 0);
	f->self.keys[0] = f->self.keys[1];
	f->self.keys_count = 1;
	reopen(f);
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0),
	    CAPABILITY_TOOLS);
	secret_free(fresh);
}

static void
a_held_book_stays_as_it_was(void **state)
{
	struct fixture *f = *state;
	const struct evidence_wish wish = { slice_of("coding"),
		slice_of("openai/gpt"), CAPABILITY_TOOLS, 0 };
	struct evidence_book *held;
	unsigned missing;

	evidence_refresh(f->evidence, &f->book);
	held = evidence_book_hold(f->book);
	assert_true(add(f, result(f, "tools", true), THEN));
	assert_int_equal(missing_since(f, CAPABILITY_TOOLS, 0), 0);
	assert_false(evidence_covers(held, &wish, &missing));
	evidence_book_release(held);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(what_was_proved_covers_until_it_is_too_old),
		story(the_newest_result_counts),
		story(another_group_or_target_or_way_proves_nothing),
		story(a_pass_that_no_request_bears_out_is_refused),
		story(texts_are_plain_and_short),
		story(all_of_a_long_run_reads_back_signed),
		story(what_is_kept_has_a_bound),
		story(what_was_changed_is_left_out),
		story(a_good_row_under_another_key_is_left_out),
		story(a_key_that_was_rotated_out_vouches_no_more),
		story(a_held_book_stays_as_it_was),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
