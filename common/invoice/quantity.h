#pragma once
/*
 * quantity: requests, tokens of each bucket, searches and money, all together
 * as one value.  Buckets do not overlap; output includes reasoning.  Pure.
 */
#include "common/base/lang.h"
#include "common/format/table.h"

enum quantity {
#define QUANTITY(id, name, type) QUANTITY_##id,
#include "common/invoice/quantity.def"
#undef QUANTITY
	QUANTITIES
};

struct quantities {
	int64_t of[QUANTITIES];
};

/* No sum may pass it. */
#define QUANTITY_MAX INT64_C(100000000000000000)

const char *quantity_name(enum quantity q); /* "input_tokens" */
enum cell_type quantity_type(enum quantity q);

/* Not requests, searches or money. */
must_check bool quantity_is_tokens(enum quantity q);

/* to += sign * by, where that stays within QUANTITY_MAX; else false. */
must_check bool quantities_add(struct quantities *to,
    const struct quantities *by, int sign);

must_check bool quantities_none(const struct quantities *q);
