#pragma once
/*
 * criterion: what reports group and filter by: a dimension, a part of one
 * ("provider", "model") or one tag ("tag.run").  Pure.
 */
#include "common/store/dimension.h"

#define CRITERION_TAG_MAX 64
#define FILTER_MAX        64

enum criterion_part { PART_WHOLE, PART_PROVIDER, PART_MODEL, PART_TAG };

struct criterion {
	enum dimension dimension;
	enum criterion_part part;
	char tag[CRITERION_TAG_MAX]; /* PART_TAG: which */
};

/* False and one line in `why` when there is none of that name. */
must_check bool criterion_read(struct criterion *c, struct slice name,
    struct buf *why);
void criterion_write(const struct criterion *c, struct buf *out);

/* What a row of these dimensions says to it; points into them. */
struct slice criterion_value(const struct criterion *c,
    const struct dimensions *d);

/* Values of one criterion are alternatives; all criteria have to be met. */
struct filter {
	struct {
		struct criterion criterion;
		struct slice value; /* somebody else's */
	} where[FILTER_MAX];
	size_t count;
};

/*
 * Add "project:checkout,status:429".  False and one line in `why`; values
 * point into `list`.
 */
must_check bool filter_read(struct filter *f, struct slice list,
    struct buf *why);

/* Add one alternative; false: it is full. */
must_check bool filter_add(struct filter *f, enum dimension d,
    struct slice value);

must_check bool filter_passes(const struct filter *f,
    const struct dimensions *d);

/* One line for every criterion that there is, for --help and docs. */
void criteria_list(struct buf *out);
