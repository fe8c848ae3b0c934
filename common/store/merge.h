#pragma once
/*
 * merge: values that are added to, not written: three sums each (or what
 * total.h has), which the store adds up when it reads or compacts.  Workers so
 * need neither a read nor an order among themselves.  Pure.
 */
#include "common/base/slice.h"

#define MERGE_SUMS       3
#define MERGE_SUMS_BYTES (MERGE_SUMS * sizeof(int64_t))

/* Big endian, as they are stored.  False: not of that size. */
must_check bool sums_read(int64_t sums[MERGE_SUMS], struct slice value);
void sums_write(char value[MERGE_SUMS_BYTES], const int64_t sums[MERGE_SUMS]);

/* What is there already (ptr NULL: nothing) and what is added to it. */
struct operands {
	struct slice base;
	const char *const *values;
	const size_t *lengths;
	int count;
};

/* Their sum, to be freed; NULL when one of them is no value of sums. */
char *merge_sums(const struct operands *o, size_t *len);
