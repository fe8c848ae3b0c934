#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/base/map.h"

#define KEYS  500
#define STEPS 200000

static char names[KEYS][8];
static int values[KEYS];

static struct slice
key(size_t i)
{
	return slice_of(names[i]);
}

static size_t
walk(const struct map *m)
{
	size_t at = 0, n = 0;

	while (map_next(m, &at) != NULL)
		n++;
	return n;
}

/* The model is an array: which value each key has, if any. */
static void
agrees_with_a_simple_model(void **state)
{
	void *model[KEYS] = { NULL };
	size_t i, step, count = 0;
	unsigned random = 1;
	struct map m;

	(void)state;
	map_init(&m);
	for (step = 0; step < STEPS; step++) {
		random = random * 1103515245u + 12345u;
		i = (random >> 8) % KEYS;
		switch ((random >> 24) % 4) {
		case 0:
		case 1:
			assert_ptr_equal(map_put(&m, key(i),
					     &values[step % KEYS]),
			    model[i]);
			count += model[i] == NULL;
			model[i] = &values[step % KEYS];
			break;
		case 2:
			assert_ptr_equal(map_remove(&m, key(i)), model[i]);
			count -= model[i] != NULL;
			model[i] = NULL;
			break;
		default:
			assert_ptr_equal(map_find(&m, key(i)), model[i]);
		}
		assert_int_equal(m.count, count);
		assert_true((m.count + m.gone) * 4 <= m.cap * 3);
	}
	assert_int_equal(walk(&m), count);
	for (i = 0; i < KEYS; i++)
		assert_ptr_equal(map_find(&m, key(i)), model[i]);
	map_fini(&m);
}

static void
a_removed_entry_leaves_room(void **state)
{
	struct map m;
	size_t i;

	(void)state;
	map_init(&m);
	for (i = 0; i < 100000; i++) {
		map_put(&m, key(i % KEYS), &values[0]);
		assert_non_null(map_remove(&m, key(i % KEYS)));
	}
	assert_int_equal(m.count, 0);
	assert_true(m.cap <= 64);
	map_fini(&m);
}

static void
the_entry_at_hand_may_be_removed(void **state)
{
	size_t at = 0, i, seen = 0;
	struct map m;
	int *v;

	(void)state;
	map_init(&m);
	for (i = 0; i < KEYS; i++)
		assert_null(map_put(&m, key(i), &values[i]));
	while ((v = map_next(&m, &at)) != NULL) {
		assert_ptr_equal(map_remove(&m, key((size_t)(v - values))), v);
		seen++;
	}
	assert_int_equal(seen, KEYS);
	assert_int_equal(m.count, 0);
	map_fini(&m);
}

static void
keys_are_bytes(void **state)
{
	struct slice none = slice_make(NULL, 0);
	struct slice with_nul = slice_make("a\0b", 3);
	struct map m;

	(void)state;
	map_init(&m);
	assert_null(map_find(&m, none));
	assert_null(map_remove(&m, none));
	assert_null(map_put(&m, none, &values[0]));
	assert_null(map_put(&m, with_nul, &values[1]));
	assert_null(map_find(&m, slice_of("a")));
	assert_ptr_equal(map_find(&m, none), &values[0]);
	assert_ptr_equal(map_find(&m, with_nul), &values[1]);
	map_fini(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_simple_model),
		cmocka_unit_test(a_removed_entry_leaves_room),
		cmocka_unit_test(the_entry_at_hand_may_be_removed),
		cmocka_unit_test(keys_are_bytes),
	};
	size_t i;

	if (!crypto_start())
		return 1;
	for (i = 0; i < KEYS; i++)
		snprintf(names[i], sizeof(names[i]), "key%zu", i);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
