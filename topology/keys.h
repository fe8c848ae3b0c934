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
extern const struct table price_table;         /* struct price_written */
extern const struct table price_ceiling_table; /* struct price_ceiling */
extern const struct table group_table;         /* struct group */

/* Of limit_grammar.c. */
extern const struct table rates_table;           /* struct rate_terms */
extern const struct table budget_table;          /* struct budget_terms */
extern const struct table caller_shaping_table;  /* struct shaping_terms */
extern const struct table account_shaping_table; /* the same of an account */
extern const struct table project_table;         /* struct party */
extern const struct table user_table;            /* struct party */
extern const struct table tier_table;            /* struct tier */

/* What a struct with `struct limit_terms limits` says of it. */
#define LIMIT_KEYWORDS(type, of)                                               \
	{ .name = "limits",                                                    \
		.table = &rates_table,                                         \
		AT(type, limits.rates),                                        \
		.help = "rates of " of "; what is beyond is refused" },        \
	{                                                                      \
		.name = "budget", .table = &budget_table,                      \
		AT(type, limits.budget),                                       \
		.help = "sums of " of " by UTC's days and months, never "      \
			"exceeded"                                             \
	}
