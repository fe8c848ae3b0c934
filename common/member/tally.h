#pragma once
/*
 * tally: how all holders of limits of a member stand, and all its gates: a
 * table for people, JSON for programs, gauges for what collects numbers.
 * Holders that neither are limited nor spent anything are left out.
 */
#include "common/format/table.h"
#include "common/limit/chain.h"
#include "common/store/admin_scope.h"

struct gatehouse;
struct limits;

struct tally {
	struct limits *limits;
	struct gatehouse *gates;
	/* Only the holder of that name at that level, with its gate; none: all
	 * holders and gates. */
	struct slice only[SCOPE_LEVELS];
	/* Where it names some: those teams and projects alone, and no gates.
	 * NULL: all. */
	const struct admin_scope *scope;
};

/* False when nobody of that name is there. */
must_check bool tally_write(const struct tally *t, enum output_format format,
    int64_t wall_us, struct buf *out);

/* Prometheus text: so many samples of a gauge have names of their own, and the
 * others are summed. */
#define TALLY_SERIES_MAX 1000
void tally_metrics(const struct tally *t, struct buf *out);
