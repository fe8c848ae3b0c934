#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/store/merge.h"

#define VALUES 3

static void
sums_are_read_as_written(void **state)
{
	const int64_t sums[MERGE_SUMS] = { INT64_MAX, -1, 0x0102030405060708 };
	int64_t again[MERGE_SUMS];
	char value[MERGE_SUMS_BYTES];

	(void)state;
	sums_write(value, sums);
	assert_int_equal(value[2 * sizeof(int64_t)], 1);
	assert_true(sums_read(again, slice_make(value, sizeof(value))));
	assert_memory_equal(again, sums, sizeof(sums));
	assert_false(sums_read(again, slice_make(value, sizeof(value) - 1)));
}

/* With a value before them and without; one that is no sums spoils all. */
static void
operands_are_added(void **state)
{
	const int64_t each[VALUES][MERGE_SUMS] = { { 1, 10, 100 },
		{ 2, 20, -300 }, { 4, 40, 400 } };
	char values[VALUES][MERGE_SUMS_BYTES];
	const char *const operands[] = { values[1], values[2] };
	size_t lengths[] = { MERGE_SUMS_BYTES, MERGE_SUMS_BYTES }, len, i;
	struct operands o = { { NULL, 0 }, operands, lengths, 2 };
	int64_t sums[MERGE_SUMS];
	char *sum;

	(void)state;
	for (i = 0; i < VALUES; i++)
		sums_write(values[i], each[i]);
	sum = merge_sums(&o, &len);
	assert_true(sums_read(sums, slice_make(sum, len)));
	assert_memory_equal(sums, ((int64_t[]){ 6, 60, 100 }), sizeof(sums));
	free(sum);
	o.base = slice_make(values[0], MERGE_SUMS_BYTES);
	sum = merge_sums(&o, &len);
	assert_true(sums_read(sums, slice_make(sum, len)));
	assert_memory_equal(sums, ((int64_t[]){ 7, 70, 200 }), sizeof(sums));
	free(sum);
	lengths[1]--;
	assert_null(merge_sums(&o, &len));
	lengths[1]++;
	o.base.len--;
	assert_null(merge_sums(&o, &len));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_read_as_written),
		cmocka_unit_test(operands_are_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
