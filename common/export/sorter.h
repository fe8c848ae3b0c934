#pragma once
/*
 * sorter: places in a tape, put in any order and given back by attempt, in
 * bounded memory: what does not fit goes sorted to temporary files, which are
 * merged.  A place is 32 bytes.  By one thread.
 */
#include "common/base/id.h"

struct sorter;

#define ATTEMPT_ID_BYTES (ID_BYTES + 1)

struct sorter_place {
	uint8_t attempt[ATTEMPT_ID_BYTES]; /* request and number */
	uint8_t flags;                     /* the caller's */
	uint8_t spare[6];                  /* zero */
	uint64_t at;
};

/* `most` places are held in memory; 0: about 8 MB of them. */
struct sorter *sorter_new(size_t most);
void sorter_free(struct sorter *s);

/* False when the disk takes no more: errno says why. */
must_check bool sorter_put(struct sorter *s, const struct sorter_place *p);

/* When all were put: from the first on; false likewise. */
must_check bool sorter_begin(struct sorter *s);
/* False at the end. */
must_check bool sorter_next(struct sorter *s, struct sorter_place *p);
/* The end came because a temporary file could not be read. */
must_check bool sorter_failed(const struct sorter *s);
