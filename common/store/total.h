#pragma once
/*
 * total: what some rows come to together: the sums of measure.def and three
 * sketches.  Totals add up in any order, and a row can be taken out again.
 * The stored form is what the store adds up by itself (merge.h).  Pure.
 */
#include "common/store/merge.h"
#include "common/store/row.h"
#include "common/store/sketch.h"

struct buf;

enum measure {
#define MEASURE(name, type, meaning) MEASURE_##name,
#include "common/store/measure.def"
#undef MEASURE
	MEASURES
};

enum sketched {
	SKETCH_FIRST_BYTE, /* microseconds to the first content */
	SKETCH_TOTAL,      /* microseconds, the whole */
	SKETCH_SPEED,      /* output tokens in 1000 seconds, of streams */
	SKETCHES
};

struct total {
	int64_t of[MEASURES];
	struct sketch sketches[SKETCHES]; /* their storage is the total's */
};

const char *measure_name(enum measure m);
enum column_type measure_type(enum measure m);
const char *measure_meaning(enum measure m);

/* Nothing yet; starts zeroed or emptied. */
void total_reset(struct total *t);
void total_fini(struct total *t);

/* Add `from`, `times` 1 or -1. */
void total_add(struct total *t, const struct total *from, int64_t times);

must_check bool total_empty(const struct total *t);

/* What one row comes to; nothing while it is open. */
void total_of_request(struct total *t, const struct request_row *row);
void total_of_attempt(struct total *t, const struct attempt_row *row);

/* The stored form. */
void total_write(const struct total *t, struct buf *out);
/* Into `t`, which is emptied first.  False: it is none. */
must_check bool total_read(struct total *t, struct slice value);

/* For merge.h: the totals' sum, to be freed; NULL: one of them is none. */
char *total_merge(const struct operands *o, size_t *len);
