#pragma once
/*
 * ledger: what a member writes down, by the turn.
 *
 * One `ledger` a process, one `ledger_turn` a worker.  Rows put during a turn
 * are written in its COMMIT phase: intents in one batch, settlements in
 * another, without fsync; the clerk makes them durable (ledger_sync) at most
 * LEDGER_SYNC_MS later.  Who waits for its rows is called in RELEASE.  A
 * write stall refuses intents (waiters get false) and keeps settlements, and
 * their waiters, for the next turn.
 */
#include "common/base/list.h"
#include "common/store/db.h"
#include "common/store/row.h"

struct books;
struct custody;
struct loop;
struct ledger;
struct ledger_turn;
struct recount;
struct slips;

#define LEDGER_SYNC_MS 100

enum ledger_batch { LEDGER_INTENTS, LEDGER_SETTLEMENTS };

/* Opens the store under `state_dir`/store; NULL when refused (logged). */
struct ledger *ledger_open(const char *state_dir, bool read_only);

/* No turns are left. */
void ledger_close(struct ledger *l);
struct db *ledger_db(struct ledger *l);
struct custody *ledger_custody(struct ledger *l);
struct slips *ledger_slips(struct ledger *l);

/* NULL when it is only read. */
struct recount *ledger_recount(struct ledger *l);

/* The price books that were read: book.c's. */
struct books *ledger_books(struct ledger *l);

/* Registers with the loop's COMMIT and RELEASE phases. */
struct ledger_turn *ledger_turn_new(struct ledger *l, struct loop *loop);

struct ledger *ledger_of(struct ledger_turn *t);

/* The loop has ended.  Writes what is left; nobody who waits is called. */
void ledger_turn_free(struct ledger_turn *t);

/*
 * Settlements that a worker keeps while the store refuses them.  Beyond it
 * intents are refused untried and requests refused then leave no row,
 * so that only what was under way can add to it; should it grow to
 * 16 times this, the process aborts and recovery closes what is open.
 */
#define LEDGER_KEPT_BYTES (4u << 20)

/*
 * Settlements are being kept: nothing can be recorded now, and whoever waits
 * for a settlement waits until the store is well.  Refuse without waiting.
 */
must_check bool ledger_stuck(const struct ledger_turn *t);

/* Past LEDGER_KEPT_BYTES: what can be left out is. */
must_check bool ledger_full(const struct ledger_turn *t);

/* Settlements not written yet: large things that may be left out ask. */
size_t ledger_pending_bytes(const struct ledger_turn *t);

void ledger_put(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key, struct slice value);
void ledger_delete(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key);

/* A settlement: add to sums of FAMILY_SPEND. */
void ledger_add(struct ledger_turn *t, struct slice key,
    const int64_t sums[MERGE_SUMS]);

/*
 * A settlement: a row of the two kinds, with what it adds to spend.h and
 * rollup.h.  None is stored by that key, or one that is open.
 */
void ledger_put_row(struct ledger_turn *t, enum row_kind kind, const void *row,
    struct slice key);

/* The same, in place of the one that is stored. */
void ledger_replace_row(struct ledger_turn *t, enum row_kind kind,
    const void *row, struct slice key);

/* Empty room of ROW_BYTES_MAX; the same one each time. */
struct buf *ledger_room(struct ledger_turn *t);

/* The value of a REQUEST, ATTEMPT, RECEIPT or MAKER as this turn sees it: put
 * here and perhaps not written yet, or from the store. */
must_check bool ledger_find(struct ledger_turn *t, enum family f,
    struct slice key, struct buf *out);

/* Whoever waits has one, for one thing at a time.  `written` is false only for
 * intents. */
struct ledger_wait {
	struct list link;
	void (*call)(void *arg, bool written);
	void *arg;
};

void ledger_wait_init(struct ledger_wait *w,
    void (*call)(void *arg, bool written), void *arg);

/* Call after the batch of this turn is written; also when it is empty. */
void ledger_await(struct ledger_turn *t, enum ledger_batch b,
    struct ledger_wait *w);

/* It will not be called; harmless when it does not wait. */
void ledger_wait_cancel(struct ledger_wait *w);

/* The clerk's: fsync if anything was written since; what was committed before
 * the call is durable after it.  Any one thread. */
enum db_result ledger_sync(struct ledger *l);

/* Marks to compare: the commits made, and those that are durable. */
uint64_t ledger_committed(struct ledger *l);
uint64_t ledger_durable(struct ledger *l);

/*
 * The rows of a request or attempt, by the turn.  The key of an attempt is
 * the request id, the number (one byte) and, at an egress, the origin's name.
 * An intent holds both rows as they stand; settling writes them and deletes
 * the intent.  `request` is NULL at an egress.  A request whose state is
 * still "open" when an attempt is settled goes on with another attempt or
 * ends in ledger_refused; recovery closes it if neither happens.
 */
void ledger_intend(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt);
void ledger_settle(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt);
/* A request that ends without an attempt to settle. */
void ledger_refused(struct ledger_turn *t, const struct request_row *request);

/* Is there an attempt's row by that key?  Intents do not count: what is under
 * way is its worker's to know, and recovery leaves no other. */
must_check bool ledger_knows(struct ledger *l, const struct id *request,
    int64_t number, struct slice origin);

/* Rows back; text lies in `bytes`, which the caller owns. */
must_check bool ledger_request(struct ledger *l, const struct id *id,
    struct buf *bytes, struct request_row *row);
