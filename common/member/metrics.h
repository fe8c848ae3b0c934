#pragma once
/*
 * metrics: numbers as Prometheus text (exposition format 0.0.4).  A family is
 * its two lines of head, then all its samples.  Pure but for the counters;
 * the sticky failure is that of `out`.
 */
#include "common/base/slice.h"

struct buf;

struct metric_label {
	const char *name;
	struct slice value; /* escaped when it is written */
};

/* `type`: counter, gauge or histogram. */
void metrics_family(struct buf *out, const char *name, const char *type,
    const char *help);

void metrics_sample(struct buf *out, const char *name,
    const struct metric_label *labels, size_t count, double value);

/* Each row of stat.def, as a family of its own. */
void metrics_counters(struct buf *out);
