#pragma once
/*
 * wish: which rows somebody wants to see, read from words (a name and a
 * value), from a query or from a command's options.  Pure but for the clock,
 * that spans are counted back from.
 */
#include "common/base/id.h"
#include "common/store/admin_scope.h"
#include "common/store/row.h"

struct buf;

#define SEARCH_LIMIT   20  /* rows, unless more are asked for */
#define WISH_TEXTS_MAX 32  /* columns that are compared */
#define SEARCH_KEY_MAX 128 /* bytes of a row's key */

/*
 * Rows looked at, at most: the thread that shows them also syncs the store.
 */
#define SEARCH_ROWS_MAX 50000

struct search_key {
	uint8_t bytes[SEARCH_KEY_MAX];
	size_t len; /* 0: none */
};

/* Of the first row by that id. */
void search_key_set(struct search_key *key, const struct id *id);

struct wish_text {
	const struct column *column;
	struct slice wanted; /* whoever asked has it */
};

/* Starts as wish_init leaves it: all rows pass. */
struct wish {
	enum row_kind kind;
	struct wish_text texts[WISH_TEXTS_MAX];
	size_t texts_count;
	bool failed;              /* with any error name */
	struct id request;        /* zero: of any, and of none */
	int64_t status_from;      /* HTTP status; 0: any */
	int64_t status_to;        /* the last one */
	int64_t slow_us;          /* took at least so long */
	struct search_key before; /* only keys below */
	struct search_key after;  /* only keys from here on */
	int64_t from_us, to_us;   /* wall; ids made then; 0: open */
	size_t limit;             /* rows */
	size_t rows_max;          /* to look at */
	/*
	 * Requests and attempts by their project, at an egress by their team,
	 * too; events by those of their request: targets' own are nobody's.
	 * NULL: of all.
	 */
	const struct admin_scope *scope;
};

/* `kind`: ROW_REQUEST, ROW_ATTEMPT or ROW_EVENT. */
void wish_init(struct wish *w, enum row_kind kind);

enum wish_word {
	WISH_TAKEN,
	WISH_UNKNOWN, /* nothing is asked by that name */
	WISH_WRONG    /* what would be right stands in `why` */
};

/*
 * One word of the wish: limit, before, after (an id, or a key as
 * search_key_write has it), from, to (times; see moment.h), status ("404",
 * "5xx"), fail (an error name, or "any"), slow ("2s"), request, or a column
 * that is text.  The value has to outlive the wish.
 */
enum wish_word wish_take(struct wish *w, struct slice name, struct slice value,
    struct buf *why);

/* Every name that wish_take knows for the kind, one at a time from 0; NULL:
 * no more. */
const char *wish_name(enum row_kind kind, size_t index);
