#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/deadline.h"

static void
test_expires_in_order_of_start(void **state)
{
	struct deadline_queue q;
	struct deadline a, b;

	(void)state;
	deadline_queue_init(&q, 10);
	deadline_init(&a);
	deadline_init(&b);
	assert_true(deadline_next(&q) == INT64_MAX);
	deadline_start(&q, &a, 100);
	deadline_start(&q, &b, 105);
	assert_int_equal(deadline_next(&q), 110);
	assert_null(deadline_expired(&q, 109));
	assert_ptr_equal(deadline_expired(&q, 115), &a);
	assert_ptr_equal(deadline_expired(&q, 115), &b);
	assert_null(deadline_expired(&q, 1000));
}

static void
test_restart_goes_last_and_stop_forgets(void **state)
{
	struct deadline_queue q, other;
	struct deadline a, b;

	(void)state;
	deadline_queue_init(&q, 10);
	deadline_queue_init(&other, 1);
	deadline_init(&a);
	deadline_init(&b);
	deadline_start(&q, &a, 0);
	deadline_start(&q, &b, 0);
	deadline_start(&q, &a, 5);
	assert_ptr_equal(deadline_expired(&q, 100), &b);
	deadline_start(&other, &a, 100);
	assert_null(deadline_expired(&q, 1000));
	assert_int_equal(deadline_next(&other), 101);
	deadline_stop(&a);
	deadline_stop(&a);
	assert_null(deadline_expired(&other, 1000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expires_in_order_of_start),
		cmocka_unit_test(test_restart_goes_last_and_stop_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
