#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/secret.h"
#include "common/store/trail.h"

#define TEXT_MAX (1024 * 1024)
#define ROWS     9

struct fixture {
	char dir[64];
	struct secret *identity;
	struct public_key public;
	struct ledger *ledger;
	struct trail *trail;
	struct buf text; /* findings, or a list */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/trail_test.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->identity = sign_key_new();
	f->public = sign_public(f->identity);
	f->ledger = ledger_open(f->dir, false);
	f->trail = trail_open(f->ledger, f->identity);
	buf_init(&f->text, TEXT_MAX);
	*state = f;
	return f->ledger != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	buf_fini(&f->text);
	trail_close(f->trail);
	ledger_close(f->ledger);
	secret_free(f->identity);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	free(f);
	return system(command);
}

static void
put(struct fixture *f, const char *actor, const char *action)
{
	struct audit_row row = { .at = 1700000000000000,
		.actor = slice_of(actor),
		.action = slice_of(action),
		.what = slice_of("ci"),
		.outcome = slice_of("done"),
		.status = 200 };

	assert_true(trail_put(f->trail, &row));
}

static void
fill(struct fixture *f)
{
	int i;

	for (i = 0; i < ROWS; i++)
		put(f, i % 2 == 0 ? "ann" : "bob", "POST /admin/tokens");
}

static void
note(void *arg, const char *line)
{
	buf_printf(arg, "%s\n", line);
}

static struct trail_report
verify(struct fixture *f)
{
	struct trail_report r;

	buf_reset(&f->text);
	assert_true(trail_verify(f->ledger, &f->public, note, &f->text, &r));
	return r;
}

static bool
is_good(const struct trail_report *r)
{
	return r->good == r->checked && r->changed == 0 && r->broken == 0 &&
	       r->missing == 0 && r->head_good;
}

static struct slice
key_of(uint8_t key[8], int64_t seq)
{
	memset(key, 0, 8);
	key[7] = (uint8_t)seq;
	return slice_make(key, 8);
}

static void
what_was_written_is_good_also_after_opening_again(void **state)
{
	struct fixture *f = *state;
	struct trail_report r = verify(f);

	assert_true(is_good(&r));
	assert_int_equal(r.head, 0);
	fill(f);
	trail_close(f->trail);
	f->trail = trail_open(f->ledger, f->identity);
	put(f, "ann", "POST /admin/reload");
	r = verify(f);
	assert_true(is_good(&r));
	assert_int_equal(r.checked, ROWS + 1);
	assert_int_equal(r.head, ROWS + 1);
	assert_string_equal(buf_text(&f->text), "");
}

static void
every_flipped_byte_is_found(void **state)
{
	struct fixture *f = *state;
	struct db *db = ledger_db(f->ledger);
	struct trail_report r;
	struct buf bytes;
	uint8_t key[8];
	size_t i;

	fill(f);
	buf_init(&bytes, ROW_BYTES_MAX);
	assert_true(db_get(db, FAMILY_AUDIT, key_of(key, 4), &bytes));
	assert_true(bytes.len > 100);
	for (i = 0; i < bytes.len; i++) {
		bytes.data[i] ^= 1;
		assert_int_equal(db_put_now(db, FAMILY_AUDIT, key_of(key, 4),
				     buf_slice(&bytes)),
		    DB_OK);
		r = verify(f);
		assert_int_equal(r.changed, 1);
		assert_false(is_good(&r));
		bytes.data[i] ^= 1;
	}
	assert_non_null(strstr(buf_text(&f->text), "audit row 4: is not"));
	assert_int_equal(db_put_now(db, FAMILY_AUDIT, key_of(key, 4),
			     buf_slice(&bytes)),
	    DB_OK);
	r = verify(f);
	assert_true(is_good(&r));
	buf_fini(&bytes);
}

static void
every_row_that_is_gone_is_found(void **state)
{
	struct fixture *f = *state;
	struct db *db = ledger_db(f->ledger);
	struct trail_report r;
	struct buf bytes;
	uint8_t key[8];
	int64_t seq;

	fill(f);
	buf_init(&bytes, ROW_BYTES_MAX);
	for (seq = 1; seq <= ROWS; seq++) {
		assert_true(db_get(db, FAMILY_AUDIT, key_of(key, seq), &bytes));
		assert_int_equal(db_delete_now(db, FAMILY_AUDIT,
				     key_of(key, seq)),
		    DB_OK);
		r = verify(f);
		assert_int_equal(r.missing, 1);
		assert_false(is_good(&r));
		assert_int_equal(db_put_now(db, FAMILY_AUDIT, key_of(key, seq),
				     buf_slice(&bytes)),
		    DB_OK);
	}
	/* The end, and the whole of it. */
	for (seq = ROWS; seq > 0; seq--) {
		assert_int_equal(db_delete_now(db, FAMILY_AUDIT,
				     key_of(key, seq)),
		    DB_OK);
		r = verify(f);
		assert_int_equal(r.missing, ROWS - seq + 1);
		assert_false(r.head_good);
	}
	buf_fini(&bytes);
}

/* Who writes rows anew, hashes and all, has not the member's key. */
static void
a_chain_of_somebody_else_s_is_found(void **state)
{
	struct fixture *f = *state;
	struct secret *other = sign_key_new();
	struct trail_report r;
	struct trail *t;

	fill(f);
	t = trail_open(f->ledger, other);
	assert_true(trail_put(t,
	    &(struct audit_row){ .at = 1, .action = slice_of("nothing") }));
	trail_close(t);
	r = verify(f);
	assert_int_equal(r.good, ROWS + 1);
	assert_false(r.head_good);
	assert_non_null(strstr(buf_text(&f->text), "not signed by this"));
	secret_free(other);
}

static void
a_list_is_filtered_and_cut(void **state)
{
	struct fixture *f = *state;
	char name[TRAIL_TEXT_MAX * 2];

	fill(f);
	trail_list(f->ledger,
	    &(struct trail_filter){ .actor = slice_of("bob"),
		.action = slice_of("/admin/tok"),
		.limit = 2 },
	    OUTPUT_JSON, &f->text);
	assert_non_null(strstr(buf_text(&f->text), "\"seq\":8"));
	assert_non_null(strstr(buf_text(&f->text), "\"seq\":6"));
	assert_null(strstr(buf_text(&f->text), "\"seq\":4"));
	assert_null(strstr(buf_text(&f->text), "ann"));
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	put(f, name, "POST /admin/tokens");
	buf_reset(&f->text);
	trail_list(f->ledger, &(struct trail_filter){ .limit = 1 }, OUTPUT_JSON,
	    &f->text);
	name[TRAIL_TEXT_MAX + 1] = '\0';
	assert_null(strstr(buf_text(&f->text), name));
	name[TRAIL_TEXT_MAX] = '\0';
	assert_non_null(strstr(buf_text(&f->text), name));
}

static void
hold(struct fixture *f, uint64_t place, int64_t times)
{
	const struct audit_row row = { .at = 1700000000000000,
		.action = slice_of("GET /metrics"),
		.outcome = slice_of("refused"),
		.times = times };

	assert_true(trail_hold(f->ledger, place, &row));
}

static size_t
listed(struct fixture *f, const char *part)
{
	const char *at;
	size_t n = 0;

	buf_reset(&f->text);
	trail_list(f->ledger, &(struct trail_filter){ .limit = 100 },
	    OUTPUT_JSON, &f->text);
	for (at = buf_text(&f->text); (at = strstr(at, part)) != NULL; at++)
		n++;
	return n;
}

static void
what_is_held_is_a_row_once_and_also_after_a_kill(void **state)
{
	struct fixture *f = *state;
	struct audit_row row = { .at = 1700000000000000,
		.action = slice_of("GET /metrics"),
		.outcome = slice_of("refused"),
		.times = 3 };
	struct trail_report r;

	fill(f);
	hold(f, 0, 1);
	hold(f, 0, 2);
	hold(f, 1, 3);
	hold(f, TRAIL_PLACE_COMMAND, 4);
	assert_int_equal(listed(f, "refused"), 0);
	assert_true(trail_put_held(f->trail, 1, &row));
	assert_int_equal(listed(f, "\"times\":3"), 1);
	/* It is not told that it ends. */
	trail_close(f->trail);
	f->trail = trail_open(f->ledger, f->identity);
	assert_int_equal(listed(f, "refused"), 3);
	assert_int_equal(listed(f, "\"times\":2"), 1);
	assert_int_equal(listed(f, "\"times\":4"), 1);
	trail_close(f->trail);
	f->trail = trail_open(f->ledger, f->identity);
	assert_int_equal(listed(f, "refused"), 3);
	r = verify(f);
	assert_true(is_good(&r));
	assert_int_equal(r.checked, ROWS + 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    what_was_written_is_good_also_after_opening_again, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(every_flipped_byte_is_found,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(every_row_that_is_gone_is_found,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_chain_of_somebody_else_s_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_is_filtered_and_cut,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_is_held_is_a_row_once_and_also_after_a_kill, setup,
		    teardown),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
