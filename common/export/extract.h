#pragma once
/*
 * extract: the part of an egress's ledger that is of one node's calls, in
 * pages of bounded size: what LEDGER_ASK asks for and LEDGER_PAGE brings
 * (docs/PROTOCOL.md).  Nothing of another origin is in a page: neither a row
 * nor the key to go on behind, which is the page's last.  Pure, but for
 * extract_fill.
 */
#include <stdatomic.h>

#include "common/export/kind.h"
#include "common/format/pack.h"

struct db;

#define EXTRACT_VERSION    1
#define EXTRACT_PAGE_BYTES (128u << 10) /* no entry is added beyond */
#define EXTRACT_PAGE_MAX   (256u << 10)
#define EXTRACT_ASK_MAX    256
#define EXTRACT_KEY_MAX    96

struct extract_ask {
	int64_t number; /* the page names it */
	enum export_kind kind;
	int64_t from, to;   /* by the time the request came; 0: open */
	struct slice after; /* the key to go on behind; empty: all */
};

void extract_ask_write(struct buf *out, const struct extract_ask *a);
/* False when it is none; `after` points into the bytes.  A kind that is not
 * known, or that no node is given, is EXPORT_KINDS. */
must_check bool extract_ask_read(struct extract_ask *a, struct slice bytes);

enum extract_end {
	EXTRACT_GIVEN,
	EXTRACT_BUSY,    /* one page at a time, or others are served */
	EXTRACT_UNKNOWN, /* it has no such thing: it is of another version */
	EXTRACT_FAILED,  /* its store could not be read, or it ends */
	EXTRACT_ENDS
};

struct extract_page {
	int64_t number;
	enum extract_end end;
	bool more;       /* there is more behind the last entry */
	int64_t as_of;   /* the egress's clock when it began to read */
	int64_t damaged; /* entries of the node's that could not be read */
	struct unpack entries;
	size_t left; /* of them, not taken yet */
};

/* What is of `origin`, from the store; ends early when *stop is set. */
void extract_fill(struct buf *out, struct db *db, const struct extract_ask *a,
    struct slice origin, const atomic_bool *stop);

/* A page without entries that says why. */
void extract_refuse(struct buf *out, int64_t number, enum extract_end end);

must_check bool extract_page_read(struct extract_page *p, struct slice bytes);

/* The next entry as the store has it (of an open attempt: its row); false at
 * the end, or when it is none: then p->entries.failed. */
must_check bool extract_next(struct extract_page *p, struct slice *key,
    struct slice *value);

/* Is it of what a node may ask for? */
must_check bool extract_has(enum export_kind k);
