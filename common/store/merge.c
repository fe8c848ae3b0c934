#include "common/store/merge.h"

#include "common/base/memory.h"

bool
sums_read(int64_t sums[MERGE_SUMS], struct slice value)
{
	size_t i, k;

	if (value.len != MERGE_SUMS_BYTES)
		return false;
	for (i = 0; i < MERGE_SUMS; i++) {
		uint64_t sum = 0;

		for (k = 0; k < sizeof(sum); k++)
			sum =
			    sum << 8 | (uint8_t)value.ptr[i * sizeof(sum) + k];
		sums[i] = (int64_t)sum;
	}
	return true;
}

void
sums_write(char value[MERGE_SUMS_BYTES], const int64_t sums[MERGE_SUMS])
{
	size_t i, k;

	for (i = 0; i < MERGE_SUMS; i++)
		for (k = 0; k < sizeof(int64_t); k++)
			value[i * sizeof(int64_t) + k] =
			    (char)((uint64_t)sums[i] >> (56 - 8 * k));
}

static bool
add_value(int64_t sums[MERGE_SUMS], struct slice value)
{
	int64_t more[MERGE_SUMS];
	size_t i;

	if (value.ptr == NULL)
		return true;
	if (!sums_read(more, value))
		return false;
	for (i = 0; i < MERGE_SUMS; i++)
		sums[i] += more[i];
	return true;
}

char *
merge_sums(const struct operands *o, size_t *len)
{
	int64_t sums[MERGE_SUMS] = { 0 };
	char *out;
	int i;

	if (!add_value(sums, o->base))
		return NULL;
	for (i = 0; i < o->count; i++)
		if (!add_value(sums, slice_make(o->values[i], o->lengths[i])))
			return NULL;
	out = xmalloc(MERGE_SUMS_BYTES);
	sums_write(out, sums);
	*len = MERGE_SUMS_BYTES;
	return out;
}
