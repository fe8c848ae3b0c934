#include "tests/unit/store/fixture.h"

#include "common/store/sweep.h"

#define ENTRIES 100

static struct slice
key_of(int i, char room[8])
{
	return slice_make(room, (size_t)snprintf(room, 8, "k%03d", i));
}

/* The value of the test's entries is when they end. */
static bool
is_over(void *arg, struct slice key, struct slice value, int64_t now_us)
{
	size_t *looks = arg;

	(void)key;
	*looks += 1;
	return value.len == 1 && value.ptr[0] <= now_us;
}

static void
fill(struct fixture *f)
{
	char room[8], end;
	int i;

	for (i = 0; i < ENTRIES; i++) {
		end = (char)(i % 2 == 0 ? 10 : 20);
		ledger_put(f->turn, LEDGER_SETTLEMENTS, FAMILY_MAKER,
		    key_of(i, room), slice_make(&end, 1));
	}
	fixture_turn(f);
}

static void
each_step_is_bounded_and_goes_on(void **state)
{
	struct fixture f;
	size_t looks = 0, steps = 0, gone = 0;
	struct sweep s = { .family = FAMILY_MAKER,
		.ended = is_over,
		.arg = &looks };

	(void)state;
	fixture_new(&f);
	fill(&f);
	s.db = ledger_db(f.ledger);
	assert_int_equal(sweep_step(&s, 30, 5), 0);
	assert_int_equal(looks, 30);
	for (; gone < ENTRIES / 2 && steps < 10; steps++) {
		looks = 0;
		gone += sweep_step(&s, 30, 15);
		assert_in_range(looks, 0, 30);
	}
	assert_int_equal(gone, ENTRIES / 2);
	assert_int_equal(fixture_count(&f, FAMILY_MAKER), ENTRIES / 2);
	for (steps = 0; steps < 4; steps++)
		gone += sweep_step(&s, 30, 25);
	assert_int_equal(gone, ENTRIES);
	assert_int_equal(fixture_count(&f, FAMILY_MAKER), 0);
	assert_int_equal(sweep_step(&s, 30, 25), 0);
	fixture_free(&f);
}

static void
what_is_outside_of_the_range_stays(void **state)
{
	struct fixture f;
	size_t looks = 0;
	struct sweep s = { .family = FAMILY_MAKER,
		.from = slice_of("k010"),
		.to = slice_of("k020"),
		.ended = is_over,
		.arg = &looks };

	(void)state;
	fixture_new(&f);
	fill(&f);
	s.db = ledger_db(f.ledger);
	assert_int_equal(sweep_step(&s, 4, 25), 4);
	assert_int_equal(sweep_step(&s, 100, 25), 6);
	assert_int_equal(looks, 10);
	assert_int_equal(sweep_step(&s, 100, 25), 0);
	assert_int_equal(fixture_count(&f, FAMILY_MAKER), ENTRIES - 10);
	fixture_free(&f);
}

/* Nothing is deleted from a store that cannot be written, nor passed by. */
static void
a_store_that_refuses_is_asked_again(void **state)
{
	struct fixture f;
	size_t looks = 0;
	struct sweep s = { .family = FAMILY_MAKER,
		.ended = is_over,
		.arg = &looks };
	struct db *reader;
	char dir[128];

	(void)state;
	fixture_new(&f);
	fill(&f);
	snprintf(dir, sizeof(dir), "%s/store", f.dir);
	assert_int_equal(db_open(&reader, dir, true), DB_OK);
	s.db = reader;
	assert_int_equal(sweep_step(&s, 30, 25), 0);
	assert_int_equal(s.last_len, 0);
	db_close(reader);
	s.db = ledger_db(f.ledger);
	assert_int_equal(sweep_step(&s, 30, 25), 30);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_is_bounded_and_goes_on),
		cmocka_unit_test(what_is_outside_of_the_range_stays),
		cmocka_unit_test(a_store_that_refuses_is_asked_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
