#pragma once
/*
 * legal_hold: rows of a span of time that are kept whatever their
 * limit says, until it is taken away; with who asked for it, when and why.
 * Stands in FAMILY_META.  Pure, but for what takes a db.
 */
#include "common/format/table.h"
#include "common/limit/retention.h"
#include "common/store/db.h"

#define LEGAL_HOLD_NAME_MAX 63
#define LEGAL_HOLD_TEXT_MAX 255
#define LEGAL_HOLDS_MAX     64

struct legal_hold {
	char name[LEGAL_HOLD_NAME_MAX + 1];
	char by[LEGAL_HOLD_TEXT_MAX + 1], why[LEGAL_HOLD_TEXT_MAX + 1];
	int64_t at_us; /* when it was made */
	struct retention_hold keeps;
};

/* Of all that a class's `retention` limits. */
#define LEGAL_HOLD_ALL ((1u << RETENTION_LIMITED) - 1)

struct legal_hold_wish {
	struct slice name, why, by;
	struct slice from, to; /* as legal_hold_time reads them; empty: open */
	struct slice class;    /* empty: of all */
	int64_t now_us;
};

/* False and one line in `why`: what would be right. */
must_check bool legal_hold_make(struct legal_hold *h,
    const struct legal_hold_wish *wish, struct buf *why);

/* "2026-11-01" or "2026-11-01T08:30:00Z", in milliseconds since 1970. */
must_check bool legal_hold_time(struct slice text, int64_t *ms);

/* Durable when it returns. */
must_check bool legal_hold_put(struct db *db, const struct legal_hold *h);
must_check bool legal_hold_remove(struct db *db, const char *name);

/* All of them by name; gives how many, or -1 when they could not be read:
 * nothing may be dropped then. */
int legal_hold_read_all(struct db *db,
    struct legal_hold holds[LEGAL_HOLDS_MAX]);

void legal_hold_list(const struct legal_hold *holds, size_t count,
    enum output_format format, struct buf *out);
