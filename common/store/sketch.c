#include "common/store/sketch.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/format/varint.h"

#define EXACT_BITS 6 /* below 64 each number has a bucket of its own */
#define PART_BITS  5 /* 32 buckets to a power of two */
#define PARTS      (1u << PART_BITS)
/* Of one bucket: all of them together still fit. */
#define COUNT_MAX (INT64_C(1) << 48)

static unsigned
power_of(uint64_t value)
{
	return 63u - (unsigned)__builtin_clzll(value);
}

static uint32_t
index_of(int64_t value)
{
	uint64_t v = (uint64_t)value;
	unsigned power;

	if (v < 1u << EXACT_BITS)
		return (uint32_t)v;
	power = power_of(v);
	return (1u << EXACT_BITS) + (power - EXACT_BITS) * PARTS +
	       (uint32_t)(v >> (power - PART_BITS) & (PARTS - 1));
}

/* The middle of what falls in the bucket. */
static int64_t
value_of(uint32_t index)
{
	unsigned power;
	uint64_t part;

	if (index < 1u << EXACT_BITS)
		return (int64_t)index;
	index -= 1u << EXACT_BITS;
	power = EXACT_BITS + index / PARTS;
	part = PARTS + index % PARTS;
	return (int64_t)((part << (power - PART_BITS)) +
			 ((uint64_t)1 << (power - PART_BITS)) / 2);
}

void
sketch_fini(struct sketch *s)
{
	free(s->buckets);
	*s = (struct sketch){ .buckets = NULL };
}

void
sketch_reset(struct sketch *s)
{
	s->count = 0;
}

static void
make_room(struct sketch *s, size_t count)
{
	if (count <= s->cap)
		return;
	s->cap = count < 8 ? 8 : count * 2;
	s->buckets = xrealloc(s->buckets, s->cap * sizeof(*s->buckets));
}

/* The first that is not before it. */
static size_t
place_of(const struct sketch *s, uint32_t index)
{
	size_t low = 0, high = s->count, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (s->buckets[mid].index < index)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
add_to(struct sketch *s, uint32_t index, int64_t count)
{
	size_t at = place_of(s, index);

	if (at == s->count || s->buckets[at].index != index) {
		make_room(s, s->count + 1);
		memmove(s->buckets + at + 1, s->buckets + at,
		    (s->count - at) * sizeof(*s->buckets));
		s->buckets[at] = (struct sketch_bucket){ index, 0 };
		s->count++;
	}
	s->buckets[at].count += count;
	if (s->buckets[at].count != 0)
		return;
	s->count--;
	memmove(s->buckets + at, s->buckets + at + 1,
	    (s->count - at) * sizeof(*s->buckets));
}

void
sketch_add(struct sketch *s, int64_t value, int64_t count)
{
	if (value > 0 && count != 0)
		add_to(s, index_of(value), count);
}

void
sketch_merge(struct sketch *s, const struct sketch *from, int64_t times)
{
	size_t i;

	for (i = 0; i < from->count; i++)
		add_to(s, from->buckets[i].index,
		    times * from->buckets[i].count);
}

int64_t
sketch_total(const struct sketch *s)
{
	int64_t total = 0;
	size_t i;

	for (i = 0; i < s->count; i++)
		total += s->buckets[i].count;
	return total;
}

int64_t
sketch_quantile(const struct sketch *s, int per_mille)
{
	int64_t total = sketch_total(s), seen = 0, rank;
	size_t i;

	if (total <= 0)
		return 0;
	rank =
	    total / 1000 * per_mille + (total % 1000 * per_mille + 999) / 1000;
	for (i = 0; i < s->count; i++) {
		seen += s->buckets[i].count;
		if (seen >= rank)
			return value_of(s->buckets[i].index);
	}
	return value_of(s->buckets[s->count - 1].index);
}

void
sketch_write(const struct sketch *s, struct buf *out)
{
	uint32_t before = 0;
	size_t i;

	varint_write(out, (int64_t)s->count);
	for (i = 0; i < s->count; i++) {
		varint_write(out, (int64_t)(s->buckets[i].index - before));
		varint_write(out, s->buckets[i].count);
		before = s->buckets[i].index;
	}
}

bool
sketch_read(struct sketch *s, struct slice *bytes)
{
	int64_t count, step, index = 0, i;

	sketch_reset(s);
	if (!varint_read(bytes, &count) || count < 0 || count > SKETCH_BUCKETS)
		return false;
	make_room(s, (size_t)count);
	for (i = 0; i < count; i++) {
		struct sketch_bucket *b = &s->buckets[i];

		if (!varint_read(bytes, &step) ||
		    !varint_read(bytes, &b->count) || step < (i > 0) ||
		    step >= SKETCH_BUCKETS - index || b->count < -COUNT_MAX ||
		    b->count > COUNT_MAX)
			return false;
		index += step;
		b->index = (uint32_t)index;
		s->count++;
	}
	return true;
}
