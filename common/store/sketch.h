#pragma once
/*
 * sketch: how many values were about how large, so that quantiles of any
 * union of sketches can be told.  Buckets are log-linear: whole numbers up to
 * 64, then 32 to each power of two, so that a quantile is off by 1.6 % at most
 * (the idea of HdrHistogram).  Adding is exact and in any order; a value may
 * be taken out again.  Pure.
 */
#include "common/base/slice.h"

struct buf;

struct sketch_bucket {
	uint32_t index;
	int64_t count;
};

/* In order of index, none of them 0.  Starts zeroed. */
struct sketch {
	struct sketch_bucket *buckets;
	size_t count, cap;
};

#define SKETCH_BUCKETS 1888 /* of any value; as many entries at most */

void sketch_fini(struct sketch *s);

/* Forget all, keep the storage. */
void sketch_reset(struct sketch *s);

/* `count` values of that size; 0 or less is no value. */
void sketch_add(struct sketch *s, int64_t value, int64_t count);

/* All of `from`, `times` 1 or -1. */
void sketch_merge(struct sketch *s, const struct sketch *from, int64_t times);

/* Values in it. */
int64_t sketch_total(const struct sketch *s);

/* The value that `per_mille` of 1000 are not above; 0 when there is none. */
int64_t sketch_quantile(const struct sketch *s, int per_mille);

/* Append the stored form. */
void sketch_write(const struct sketch *s, struct buf *out);

/* Read one from the front of *bytes into `s`, which is emptied first. */
must_check bool sketch_read(struct sketch *s, struct slice *bytes);
