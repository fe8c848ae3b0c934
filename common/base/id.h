#pragma once
/*
 * id: 128 bits that sort by time: 48 bits of milliseconds since 1970, then 80
 * bits that are random for the first id of a millisecond and count up within
 * it (the ULID scheme).  A source belongs to one thread; its ids strictly
 * increase, also when the wall clock goes back.
 */
#include "common/base/slice.h"

#define ID_BYTES      16
#define ID_TEXT_BYTES 27 /* 26 characters of Crockford's base 32 and a NUL */

struct id {
	uint8_t bytes[ID_BYTES]; /* big endian: memcmp order is time order */
};

struct id_source {
	struct id last;
};

/* The next id at this wall time; a source starts zeroed. */
struct id id_next(struct id_source *source, int64_t wall_us);

/* The smallest id of that millisecond, for scans by time. */
struct id id_at(int64_t wall_us);

/* Milliseconds since 1970 that the id was made at. */
int64_t id_time_ms(const struct id *id);

/* Lower case. */
void id_write(const struct id *id, char text[ID_TEXT_BYTES]);

/* Either case; false unless it is exactly 26 digits that fit in 128 bits. */
must_check bool id_parse(struct id *id, struct slice text);
