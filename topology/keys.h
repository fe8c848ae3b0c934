#pragma once
/*
 * keys: how the tables of keywords are written, and those that more than one
 * kind of file has.  For the files that hold such tables.
 */
#include <stddef.h>

#include "topology/keyword.h"

#define AT(type, field)    .offset = offsetof(struct type, field)
#define COUNT(type, field) .count_offset = offsetof(struct type, field)
#define TABLE(what, array, type)                                               \
	.name = (what), .keywords = (array), .count = count_of(array),         \
	.bytes = sizeof(struct type)

#define SECOND_MS ((int64_t)1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define KIB       ((int64_t)1024)
#define MIB       (1024 * KIB)
#define GIB       (1024 * MIB)
#define PPM       ((int64_t)1000000) /* of a share: all */

extern const struct table provider_table;      /* struct provider */
extern const struct table price_ceiling_table; /* struct price_ceiling */
extern const struct table group_table;         /* struct group */
