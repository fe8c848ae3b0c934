#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/lang.h"
#include "common/store/sketch.h"

#define VALUES    5000
#define OUT_MAX   (1 << 20)
#define ERROR_PPM 16000 /* 1.6 % */

static uint64_t seed = 7;

static uint64_t
random_next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int
by_size(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Of all sizes: each power of two is as likely as any other. */
static int64_t
any_value(void)
{
	return (int64_t)(random_next() >> (random_next() % 60 + 3)) + 1;
}

static void
assert_near(int64_t told, int64_t exact)
{
	int64_t off = told > exact ? told - exact : exact - told;

	if ((double)off > (double)exact * ERROR_PPM / 1e6)
		fail_msg("%lld is not near %lld", (long long)told,
		    (long long)exact);
}

static void
quantiles_are_near_the_exact_ones(void **state)
{
	static const int per_mille[] = { 1, 10, 500, 900, 950, 990, 999, 1000 };
	static int64_t values[VALUES];
	struct sketch s = { .buckets = NULL };
	size_t i, rank;

	(void)state;
	for (i = 0; i < VALUES; i++) {
		values[i] = any_value();
		sketch_add(&s, values[i], 1);
	}
	qsort(values, VALUES, sizeof(*values), by_size);
	for (i = 0; i < count_of(per_mille); i++) {
		rank = (VALUES * (size_t)per_mille[i] + 999) / 1000;
		assert_near(sketch_quantile(&s, per_mille[i]),
		    values[rank - 1]);
	}
	assert_int_equal(sketch_total(&s), VALUES);
	sketch_fini(&s);
}

static void
small_values_are_exact(void **state)
{
	struct sketch s = { .buckets = NULL };
	int64_t v;

	(void)state;
	sketch_add(&s, 0, 5);
	sketch_add(&s, -3, 5);
	assert_int_equal(sketch_quantile(&s, 500), 0);
	for (v = 1; v < 64; v++) {
		sketch_reset(&s);
		sketch_add(&s, v, 3);
		assert_int_equal(sketch_quantile(&s, 500), v);
	}
	sketch_add(&s, INT64_MAX, 1);
	assert_near(sketch_quantile(&s, 1000), INT64_MAX);
	sketch_fini(&s);
}

/* In any order, in any parts; and what was added can be taken out. */
static void
parts_add_up(void **state)
{
	struct sketch whole = { .buckets = NULL }, parts[3] = { 0 },
		      sum = { .buckets = NULL };
	struct buf a, b;
	size_t i;

	(void)state;
	for (i = 0; i < VALUES; i++) {
		int64_t v = any_value();

		sketch_add(&whole, v, 1);
		sketch_add(&parts[random_next() % 3], v, 1);
	}
	for (i = 0; i < 3; i++)
		sketch_merge(&sum, &parts[2 - i], 1);
	buf_init(&a, OUT_MAX);
	buf_init(&b, OUT_MAX);
	sketch_write(&whole, &a);
	sketch_write(&sum, &b);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	for (i = 0; i < 3; i++)
		sketch_merge(&sum, &parts[i], -1);
	assert_int_equal(sum.count, 0);
	for (i = 0; i < 3; i++)
		sketch_fini(&parts[i]);
	sketch_fini(&whole);
	sketch_fini(&sum);
	buf_fini(&a);
	buf_fini(&b);
}

static void
is_read_as_written_and_nothing_else(void **state)
{
	struct sketch s = { .buckets = NULL }, again = { .buckets = NULL };
	struct slice bytes;
	struct buf out;
	size_t i;

	(void)state;
	for (i = 0; i < 100; i++)
		sketch_add(&s, any_value(), (int64_t)i - 50);
	buf_init(&out, OUT_MAX);
	sketch_write(&s, &out);
	bytes = buf_slice(&out);
	assert_true(sketch_read(&again, &bytes));
	assert_int_equal(bytes.len, 0);
	assert_int_equal(again.count, s.count);
	for (i = 0; i < s.count; i++) {
		assert_int_equal(again.buckets[i].index, s.buckets[i].index);
		assert_int_equal(again.buckets[i].count, s.buckets[i].count);
	}
	for (i = 0; i < out.len; i++) {
		bytes = slice_make(out.data, i);
		assert_false(sketch_read(&again, &bytes));
	}
	/* Buckets in no order, or beyond the last. */
	bytes = slice_make("\x04\x02\x02\x00\x02", 5);
	assert_false(sketch_read(&again, &bytes));
	bytes = slice_make("\x02\xfe\xff\x03\x02", 5);
	assert_false(sketch_read(&again, &bytes));
	sketch_fini(&s);
	sketch_fini(&again);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_near_the_exact_ones),
		cmocka_unit_test(small_values_are_exact),
		cmocka_unit_test(parts_add_up),
		cmocka_unit_test(is_read_as_written_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
