#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/export/sorter.h"

#define PLACES 1000

static struct sorter_place
place(unsigned n)
{
	struct sorter_place p = { .at = n };
	unsigned mixed = n * 2654435761u;

	p.attempt[0] = (uint8_t)(mixed >> 24);
	p.attempt[1] = (uint8_t)(mixed >> 16);
	p.attempt[ID_BYTES] = (uint8_t)(n % 3);
	return p;
}

/* In memory, in one file, in many, and with a rest that is held. */
static void
test_all_come_back_in_order(void **state)
{
	static const size_t most[] = { 0, PLACES, PLACES - 1, 100, 7 };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(most); i++) {
		struct sorter *s = sorter_new(most[i]);
		struct sorter_place before = { .at = 0 }, p;
		bool seen[PLACES] = { false };
		unsigned n;

		for (n = 0; n < PLACES; n++) {
			p = place(n);
			assert_true(sorter_put(s, &p));
		}
		assert_true(sorter_begin(s));
		for (n = 0; sorter_next(s, &p); n++) {
			assert_true(memcmp(before.attempt, p.attempt,
					ATTEMPT_ID_BYTES) <= 0);
			assert_true(p.at < PLACES);
			assert_false(seen[p.at]);
			seen[p.at] = true;
			before = p;
		}
		assert_int_equal(n, PLACES);
		assert_false(sorter_failed(s));
		sorter_free(s);
	}
}

static void
test_none_is_none(void **state)
{
	struct sorter *s = sorter_new(0);
	struct sorter_place p;

	(void)state;
	assert_true(sorter_begin(s));
	assert_false(sorter_next(s, &p));
	sorter_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_come_back_in_order),
		cmocka_unit_test(test_none_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
