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

struct loop;
struct ledger;
struct ledger_turn;

#define LEDGER_SYNC_MS 100

enum ledger_batch { LEDGER_INTENTS, LEDGER_SETTLEMENTS };

/* Opens the store under `state_dir`/store; NULL when refused (logged). */
struct ledger *ledger_open(const char *state_dir, bool read_only);

/* No turns are left. */
void ledger_close(struct ledger *l);

struct db *ledger_db(struct ledger *l);

/* Registers with the loop's COMMIT and RELEASE phases. */
struct ledger_turn *ledger_turn_new(struct ledger *l, struct loop *loop);
void ledger_turn_free(struct ledger_turn *t);

void ledger_put(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key, struct slice value);
void ledger_delete(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key);

/* Embedded in whoever waits; waits at most once at a time. */
struct ledger_wait {
	struct list link;
	void (*call)(void *arg, bool written);
	void *arg;
};

void ledger_wait_init(
    struct ledger_wait *w, void (*call)(void *arg, bool written), void *arg);

/* Call after the batch of this turn is written; also when it is empty. */
void ledger_await(
    struct ledger_turn *t, enum ledger_batch b, struct ledger_wait *w);

/* It will not be called; harmless when it does not wait. */
void ledger_wait_cancel(struct ledger_wait *w);

/*
 * The clerk's: fsync if anything was written since; what was committed before
 * the call is durable after it.  Any one thread.
 */
enum db_result ledger_sync(struct ledger *l);

/* Marks to compare: the commits made, and those that are durable. */
uint64_t ledger_committed(struct ledger *l);
uint64_t ledger_durable(struct ledger *l);

/*
 * The rows of a request or attempt, by the turn.  The key of an attempt is
 * the request id, the number (one byte) and, at an egress, the origin's name.
 * An intent holds both rows as they stand; settling writes them and deletes
 * the intent.  `request` is NULL at an egress.
 */
void ledger_intend(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt);
void ledger_settle(struct ledger_turn *t, const struct request_row *request,
    const struct attempt_row *attempt);
/* A request that made no attempt. */
void ledger_refused(struct ledger_turn *t, const struct request_row *request);

/* Is there an intent or an attempt by that key? (egress: seen before) */
must_check bool ledger_knows(struct ledger *l, const struct id *request,
    int64_t number, struct slice origin);

/*
 * After opening, before serving: close every open intent as `interrupted`
 * with an estimate.  `each` may be NULL; an egress makes receipts there, in
 * the same batch.  Gives how many; negative when the store failed.
 */
int64_t ledger_recover(struct ledger *l,
    void (*each)(void *arg, struct db_batch *b,
	const struct attempt_row *attempt),
    void *arg);

/* Rows back; text lies in `bytes`, which the caller owns. */
must_check bool ledger_request(struct ledger *l, const struct id *id,
    struct buf *bytes, struct request_row *row);

/* Number of the meta counter `name` plus one, durable when it returns. */
must_check bool ledger_next_epoch(
    struct ledger *l, const char *name, int64_t *epoch);
