#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/roster.h"

static const struct public_key key = { { 1 } }, other = { { 2 } };
static const struct id a = { { 10 } }, b = { { 11 } }, c = { { 12 } };

static void
lanes_of_one_boot_are_no_twins(void **state)
{
	struct roster *r = roster_new();

	(void)state;
	assert_int_equal(roster_enter(r, &key, &a), 0);
	assert_int_equal(roster_enter(r, &key, &a), 0);
	assert_int_equal(roster_enter(r, &other, &b), 0);
	roster_leave(r, &key, &a);
	assert_int_equal(roster_enter(r, &key, &a), 0);
	roster_free(r);
}

static void
a_restart_is_no_twin(void **state)
{
	struct roster *r = roster_new();

	(void)state;
	roster_enter(r, &key, &a);
	roster_leave(r, &key, &a);
	assert_int_equal(roster_enter(r, &key, &b), 0);
	roster_leave(r, &key, &b);
	assert_int_equal(roster_enter(r, &key, &c), 0);
	roster_free(r);
}

static void
two_boots_at_once_are_twins(void **state)
{
	struct roster *r = roster_new();

	(void)state;
	roster_enter(r, &key, &a);
	assert_int_equal(roster_enter(r, &key, &b), 1);
	assert_int_equal(roster_enter(r, &key, &b), 1); /* its second lane */
	assert_int_equal(roster_twins(r, &key), 1);
	assert_int_equal(roster_twins(r, &other), 0);
	roster_free(r);
}

/* Never at once, but a boot that was replaced does not come back. */
static void
boots_that_take_turns_are_twins(void **state)
{
	struct roster *r = roster_new();

	(void)state;
	roster_enter(r, &key, &a);
	roster_leave(r, &key, &a);
	assert_int_equal(roster_enter(r, &key, &b), 0);
	roster_leave(r, &key, &b);
	assert_int_equal(roster_enter(r, &key, &a), 1);
	roster_leave(r, &key, &a);
	assert_int_equal(roster_enter(r, &key, &b), 2);
	roster_free(r);
}

static void
many_boots_are_forgotten(void **state)
{
	struct roster *r = roster_new();
	struct id id = { { 0 } };
	int i;

	(void)state;
	roster_enter(r, &key, &a);
	for (i = 1; i < 100; i++) {
		id.bytes[15] = (uint8_t)i;
		assert_int_equal(roster_enter(r, &key, &id), i);
		roster_leave(r, &key, &id);
	}
	/* The one that is up was not. */
	roster_leave(r, &key, &a);
	id.bytes[15] = 200;
	assert_int_equal(roster_enter(r, &key, &id), 99);
	roster_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lanes_of_one_boot_are_no_twins),
		cmocka_unit_test(a_restart_is_no_twin),
		cmocka_unit_test(two_boots_at_once_are_twins),
		cmocka_unit_test(boots_that_take_turns_are_twins),
		cmocka_unit_test(many_boots_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
