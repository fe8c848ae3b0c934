#pragma once
/*
 * custody: what a store keeps and for how long: the limits of each class, the
 * legal holds, and what was dropped so far.  All of it stands in FAMILY_META,
 * so that a command finds it without a daemon.  What is past is hidden from
 * every reader at once, by the db's veil; disposal.h drops it.  Any thread
 * may ask; one thread at a time changes it.
 */
#include "common/base/crypto.h"
#include "common/limit/retention.h"
#include "common/store/legal_hold.h"

struct custody;
struct receipt_row;

/* Draws the veil over the db; NULL: it could not be read (logged). */
struct custody *custody_open(struct db *db);
void custody_close(struct custody *c); /* NULL is fine; the db is open */

/* The limits from now on; durable, and written only when they changed. */
must_check bool custody_limit(struct custody *c,
    const struct retention_terms *terms);
struct retention_terms custody_terms(struct custody *c);

/* Keep what the hold says, from now on; or no longer.  False: the reason. */
must_check bool custody_hold(struct custody *c, const struct legal_hold *h,
    struct buf *why);
must_check bool custody_let_go(struct custody *c, struct slice name,
    struct buf *why);

/* A copy of the holds; gives how many. */
size_t custody_holds(struct custody *c,
    struct legal_hold holds[LEGAL_HOLDS_MAX]);

/* See retention_next_span, with the holds as they are. */
must_check bool custody_next_span(struct custody *c, enum retention_class class,
    struct retention_span within, struct retention_span *span);

/* The class of a family's rows by time; RETENTION_CLASSES: it has none. */
enum retention_class custody_class(enum family f);

/*
 * Is a row of that class, of that moment (milliseconds of its id), past or
 * dropped already?  Then that it is not there means nothing.
 */
must_check bool custody_gone(struct custody *c, enum retention_class class,
    int64_t at_ms);

/* Is the receipt past, and held by nobody?  The veil does not hide it: the
 * chain has to be read from where it begins. */
must_check bool custody_is_past(struct custody *c, const struct receipt_row *r,
    int64_t now_ms);

/* How far a class was dropped, and by which run. */
struct custody_mark {
	int64_t before_ms, run_us; /* 0: never */
	int64_t rows;              /* of that run */
};
struct custody_mark custody_mark_get(struct custody *c,
    enum retention_class class);
void custody_mark_put(struct custody *c, struct db_batch *b,
    enum retention_class class, const struct custody_mark *mark);

/*
 * The beginning of a receipt chain that was dropped: its last number and the
 * hash of that one, so that what follows can still be verified.
 */
#define CUSTODY_CHAIN_BYTES 16
struct custody_chain {
	int64_t seq;
	struct hash object;
};
must_check bool custody_chain_get(struct custody *c, const void *chain,
    struct custody_chain *dropped);
void custody_chain_put(struct custody *c, struct db_batch *b, const void *chain,
    const struct custody_chain *dropped);
/* Is the receipt by that key among what was dropped? */
must_check bool custody_receipt_gone(struct custody *c,
    const uint8_t key[CUSTODY_CHAIN_BYTES + 8]);
