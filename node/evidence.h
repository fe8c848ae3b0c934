#pragma once
/*
 * evidence: what `gsr-node test` proved of each target, dated and signed by
 * this node.
 *
 * A row says that a trial of a target, for a group and by one way, held or did
 * not; a newer one of the same replaces it.  `evidence` owns the store's side
 * and the present book; a book is an immutable, reference-counted index of
 * the rows whose signatures are good, as they were when it was made.  Only
 * the clerk's thread adds; any thread may refresh and look.
 */
#include "common/store/row.h"

struct buf;
struct evidence;
struct evidence_book;
struct ledger;
struct member;
struct secret;

#define EVIDENCE_CONTEXT  "gsr/evidence/v1"
#define EVIDENCE_ROWS_MAX 16384
#define EVIDENCE_WORD_MAX 96 /* bytes of a capability, of a detail */

#define WAY_ROUTER "router"
#define WAY_DIRECT "direct"

/*
 * Reads all rows.  A row that none of `self`'s keys signed is logged and left
 * out.  `identity` signs new ones.
 */
struct evidence *evidence_open(struct ledger *ledger,
    const struct secret *identity, const struct member *self);
void evidence_close(struct evidence *e); /* NULL is fine */

/* When and by which files the rows below were found. */
struct evidence_stamp {
	int64_t tested_at; /* wall */
	struct slice topology;
};

/*
 * Signs and stores the results of a run; durable, and in the book, when it
 * returns.  Of each row group, target, capability, passed, detail, way and
 * request are the caller's.  A trial that passed through the router has to
 * name a request of this node that this target answered.  False and one line
 * in `why`: nothing was stored.
 */
must_check bool evidence_add(struct evidence *e, struct evidence_row *rows,
    size_t count, const struct evidence_stamp *stamp, struct buf *why);

/* Of one group, or of all when it is empty; by target and capability. */
void evidence_list(struct evidence *e, struct slice group, bool json,
    struct buf *out);

/*
 * The present book in place of `*book` if it has changed since; cheap when it
 * has not.  `*book` starts NULL.
 */
void evidence_refresh(struct evidence *e, struct evidence_book **book);
struct evidence_book *evidence_book_hold(struct evidence_book *b);
void evidence_book_release(struct evidence_book *b); /* NULL is fine */

struct evidence_wish {
	struct slice group, target;
	unsigned capabilities; /* bits of common/llm/capability.h */
	int64_t not_before_us; /* wall */
};

/*
 * Has the target passed all of these for this group, through the router, at
 * or after that time?  *missing: those that have no such proof.  One look-up,
 * however many they are.  A NULL book proves nothing.
 */
must_check bool evidence_covers(const struct evidence_book *b,
    const struct evidence_wish *wish, unsigned *missing);
