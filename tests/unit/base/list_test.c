#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/list.h"

struct item {
	int value;
	struct list link;
};

static int
value_of(struct list *l)
{
	return container_of(l, struct item, link)->value;
}

/* Digits of the values in order, so 123 is the list 1, 2, 3. */
static int
digits(struct list *l)
{
	int n = 0;

	list_each(i, l)
		n = n * 10 + value_of(i);
	return n;
}

static void
fill(struct list *l, struct item *items, int from, int count)
{
	int i;

	list_init(l);
	for (i = 0; i < count; i++) {
		items[i].value = from + i;
		list_push(l, &items[i].link);
	}
}

static void
pushes_last_and_pops_first(void **state)
{
	struct item items[3];
	struct list l;

	(void)state;
	fill(&l, items, 1, 3);
	assert_int_equal(digits(&l), 123);
	assert_int_equal(value_of(list_pop(&l)), 1);
	assert_int_equal(value_of(list_pop(&l)), 2);
	assert_int_equal(value_of(list_pop(&l)), 3);
	assert_null(list_pop(&l));
	assert_true(list_empty(&l));
}

static void
removes_from_anywhere_and_twice(void **state)
{
	struct item items[4];
	struct list l;

	(void)state;
	fill(&l, items, 1, 4);
	list_remove(&items[1].link);
	list_remove(&items[1].link);
	assert_int_equal(digits(&l), 134);
	list_remove(&items[3].link);
	list_remove(&items[0].link);
	assert_int_equal(digits(&l), 3);
	list_push(&l, &items[1].link);
	assert_int_equal(digits(&l), 32);
}

static void
appends_all_of_another(void **state)
{
	struct item a[2], b[3];
	struct list x, y, none;

	(void)state;
	fill(&x, a, 1, 2);
	fill(&y, b, 3, 3);
	list_init(&none);
	list_append(&x, &none);
	assert_int_equal(digits(&x), 12);
	list_append(&x, &y);
	assert_int_equal(digits(&x), 12345);
	assert_true(list_empty(&y));
	list_append(&none, &x);
	assert_int_equal(digits(&none), 12345);
	assert_true(list_empty(&x));
}

static void
the_item_at_hand_may_be_removed(void **state)
{
	struct item items[5];
	struct list l;

	(void)state;
	fill(&l, items, 1, 5);
	list_each(i, &l)
		if (value_of(i) % 2 == 1)
			list_remove(i);
	assert_int_equal(digits(&l), 24);
	list_each(i, &l)
		list_remove(i);
	assert_true(list_empty(&l));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pushes_last_and_pops_first),
		cmocka_unit_test(removes_from_anywhere_and_twice),
		cmocka_unit_test(appends_all_of_another),
		cmocka_unit_test(the_item_at_hand_may_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
