#pragma once
/*
 * retention: how long each class of rows is kept, what a legal hold keeps
 * beyond that, and when the next run is due.  Times are milliseconds since
 * 1970, as in ids.  A moment belongs to a class's past when its limit is
 * over, whether or not it was dropped yet.  Pure.
 */
#include "common/base/slice.h"

enum retention_class {
#define RETENTION_CLASS(id, name, holds) RETENTION_##id,
#include "common/limit/retention.def"
#undef RETENTION_CLASS
	RETENTION_LIMITED, /* those before this one have limits */
	RETENTION_BEFORE_OTHERS = RETENTION_LIMITED - 1,
#define RETENTION_OTHER(id, name, holds, ends) RETENTION_##id,
#include "common/limit/retention.def"
#undef RETENTION_OTHER
	RETENTION_CLASSES
};

const char *retention_name(enum retention_class class);
const char *retention_what(enum retention_class class);
const char *retention_ends(enum retention_class class);

/* RETENTION_CLASSES when there is none of that name. */
enum retention_class retention_by_name(struct slice name);

struct retention_terms {
	int64_t keep_ms[RETENTION_LIMITED]; /* 0: for ever */
};

/* Where both say something, the shorter counts. */
struct retention_terms retention_both(const struct retention_terms *a,
    const struct retention_terms *b);

/* What came before this moment is past; 0: nothing is. */
int64_t retention_cut_ms(const struct retention_terms *terms,
    enum retention_class class, int64_t now_ms);

/* From, not with, to. */
struct retention_span {
	int64_t from_ms, to_ms;
};

/* What a legal hold keeps: a span of time, of some classes. */
struct retention_hold {
	struct retention_span span;
	unsigned classes; /* bits 1u << enum retention_class */
};

/* Does one of them keep something of that class that took so long? */
must_check bool retention_held(enum retention_class class,
    struct retention_span life, const struct retention_hold *holds,
    size_t count);

/*
 * The first span from `from_ms` on and before `cut_ms` that no hold keeps;
 * false: there is none.
 */
must_check bool retention_next_span(enum retention_class class,
    struct retention_span within, const struct retention_hold *holds,
    size_t count, struct retention_span *span);

/*
 * When to run next: soon when the last run was most of a day ago, else in the
 * coming night (UTC).  `chance` spreads members that are alike.
 */
int64_t retention_due_ms(int64_t now_ms, int64_t last_run_ms, uint32_t chance);

/* The classes as a Markdown table, for docs/LEDGER.md. */
struct buf;
void retention_docs(struct buf *out);
