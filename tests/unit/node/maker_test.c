#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "node/maker.h"

#define BLOB   "\"EqQBCkYIBxgCKkDx/W+a==\""
#define OTHER  "\"gAAAAABmb2NrLWVuY3J5cHRlZA==\""
#define DAY_US (INT64_C(24) * 3600 * US_PER_SECOND)

struct scene {
	struct fixture store;
	struct secret *identity;
	struct makers *makers;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	s->identity = sign_key_new();
	s->makers = makers_open(s->store.ledger, s->identity);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	makers_close(s->makers);
	secret_free(s->identity);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static void
note(struct scene *s, const char *blob, const char *target, int64_t now_us)
{
	maker_note(s->makers, s->store.turn, slice_of(blob), slice_of(target),
	    now_us);
}

static bool
is(struct scene *s, const char *blob, const char *target)
{
	return maker_is(s->makers, s->store.turn, slice_of(blob),
	    slice_of(target));
}

/* What was noted has to come from the store. */
static void
restart(struct scene *s)
{
	fixture_turn(&s->store);
	makers_close(s->makers);
	fixture_close(&s->store);
	fixture_open(&s->store, false);
	s->makers = makers_open(s->store.ledger, s->identity);
}

static void
only_the_target_that_made_it(void **state)
{
	struct scene *s = *state;
	int pass;

	note(s, BLOB, "anthropic/opus", clock_wall_us());
	for (pass = 0; pass < 3; pass++) {
		assert_true(is(s, BLOB, "anthropic/opus"));
		assert_false(is(s, BLOB, "anthropic/opus2"));
		assert_false(is(s, OTHER, "anthropic/opus"));
		assert_false(is(s, "\"\"", "anthropic/opus"));
		if (pass == 0)
			fixture_turn(&s->store);
		else
			restart(s);
	}
}

static void
another_spelling_is_the_same_blob(void **state)
{
	struct scene *s = *state;

	note(s, BLOB, "t", clock_wall_us());
	assert_true(is(s, "\"EqQBCkYIBxgCKkDx\\/W\\u002ba==\"", "t"));
	restart(s);
	assert_true(is(s, "\"\\u0045qQBCkYIBxgCKkDx/W\\u002Ba==\"", "t"));
	assert_false(is(s, "\"EqQBCkYIBxgCKkDx\\\\/W+a==\"", "t"));
}

/* The new one's cache is empty. */
static void
what_is_not_written_yet_counts_without_a_cache(void **state)
{
	struct scene *s = *state;

	note(s, BLOB, "t", clock_wall_us());
	makers_close(s->makers);
	s->makers = makers_open(s->store.ledger, s->identity);
	assert_int_equal(fixture_count(&s->store, FAMILY_MAKER), 0);
	assert_true(is(s, BLOB, "t"));
	assert_false(is(s, BLOB, "u"));
}

static void
the_last_target_noted_made_it(void **state)
{
	struct scene *s = *state;

	note(s, BLOB, "a", clock_wall_us());
	note(s, BLOB, "b", clock_wall_us());
	assert_false(is(s, BLOB, "a"));
	assert_true(is(s, BLOB, "b"));
	restart(s);
	assert_false(is(s, BLOB, "a"));
	assert_true(is(s, BLOB, "b"));
}

static void
noting_again_is_free(void **state)
{
	struct scene *s = *state;
	int64_t now_us = clock_wall_us();
	uint64_t before;

	note(s, BLOB, "t", now_us);
	fixture_turn(&s->store);
	before = ledger_committed(s->store.ledger);
	note(s, BLOB, "t", now_us + 1);
	fixture_turn(&s->store);
	assert_int_equal(ledger_committed(s->store.ledger), before);
	note(s, BLOB, "t", now_us + 2 * DAY_US);
	fixture_turn(&s->store);
	assert_int_equal(ledger_committed(s->store.ledger), before + 1);
	assert_int_equal(fixture_count(&s->store, FAMILY_MAKER), 1);
}

static void
it_is_forgotten_in_time(void **state)
{
	struct scene *s = *state;
	int64_t now_us = clock_wall_us();

	note(s, BLOB, "t", now_us - 31 * DAY_US);
	note(s, OTHER, "t", now_us - 29 * DAY_US);
	assert_false(is(s, BLOB, "t"));
	assert_true(is(s, OTHER, "t"));
	restart(s);
	assert_false(is(s, BLOB, "t"));
	assert_true(is(s, OTHER, "t"));
	makers_sweep(s->makers, now_us);
	assert_int_equal(fixture_count(&s->store, FAMILY_MAKER), 1);
	makers_sweep(s->makers, now_us + 2 * DAY_US);
	assert_int_equal(fixture_count(&s->store, FAMILY_MAKER), 0);
}

static void
another_identity_knows_nothing(void **state)
{
	struct scene *s = *state;

	note(s, BLOB, "t", clock_wall_us());
	fixture_turn(&s->store);
	makers_close(s->makers);
	secret_free(s->identity);
	s->identity = sign_key_new();
	s->makers = makers_open(s->store.ledger, s->identity);
	assert_false(is(s, BLOB, "t"));
}

static void
what_is_damaged_was_made_by_nobody(void **state)
{
	static const char *const values[] = { "", "x", "\x92\x01", "\x91\x01",
		"\x92\xa1t\x01", "\x93\x01\xa1t\x01" };
	struct scene *s = *state;
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan;
	uint8_t copy[64];
	size_t i;

	note(s, BLOB, "t", clock_wall_us());
	restart(s);
	scan = db_scan_new(ledger_db(s->store.ledger), FAMILY_MAKER, none, none,
	    false);
	assert_true(db_scan_next(scan, &key, &value));
	assert_in_range(key.len, 1, sizeof(copy));
	memcpy(copy, key.ptr, key.len);
	key.ptr = (const char *)copy;
	for (i = 0; i < count_of(values); i++) {
		assert_int_equal(db_put_now(ledger_db(s->store.ledger),
				     FAMILY_MAKER, key, slice_of(values[i])),
		    DB_OK);
		assert_false(is(s, BLOB, "t"));
	}
	db_scan_free(scan);
	makers_sweep(s->makers, 1);
	assert_int_equal(fixture_count(&s->store, FAMILY_MAKER), 0);
}

int
main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SCENE(only_the_target_that_made_it),
		WITH_SCENE(another_spelling_is_the_same_blob),
		WITH_SCENE(what_is_not_written_yet_counts_without_a_cache),
		WITH_SCENE(the_last_target_noted_made_it),
		WITH_SCENE(noting_again_is_free),
		WITH_SCENE(it_is_forgotten_in_time),
		WITH_SCENE(another_identity_knows_nothing),
		WITH_SCENE(what_is_damaged_was_made_by_nobody),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
