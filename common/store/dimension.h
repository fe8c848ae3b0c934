#pragma once
/*
 * dimension: what reports group and filter by, of a row.  Pure.
 */
#include "common/base/crypto.h"
#include "common/store/row.h"

struct buf;

enum dimension {
#define DIMENSION(name, meaning) DIMENSION_##name,
#include "common/store/dimension.def"
#undef DIMENSION
	DIMENSIONS
};

/* One row's; slices are somebody else's. */
struct dimensions {
	struct slice of[DIMENSIONS];
	char status[4]; /* what .of[DIMENSION_status] points to */
};

const char *dimension_name(enum dimension d);
const char *dimension_meaning(enum dimension d);

/* DIMENSIONS when there is none of that name. */
enum dimension dimension_by_name(struct slice name);

/* `d` holds the status itself: it stays where it is. */
void dimensions_of_request(struct dimensions *d, const struct request_row *row);
void dimensions_of_attempt(struct dimensions *d, const struct attempt_row *row);

/* Append the stored form; equal ones have equal bytes. */
void dimensions_write(const struct dimensions *d, struct buf *out);

/* Slices point into `bytes`.  False: it is none. */
must_check bool dimensions_read(struct dimensions *d, struct slice bytes);

/* The value of the tag in "k=v,k=v"; empty when it is not there. */
struct slice dimension_tag(struct slice tags, struct slice key);
