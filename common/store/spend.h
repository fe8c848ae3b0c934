#pragma once
/*
 * spend: what each holder of a budget spent, by UTC day, in FAMILY_SPEND.  A
 * row's `counted` columns say what the sums have of it; what it adds to them
 * is in its own write (slip.h), so that the sums are those of the rows
 * whatever happens, and a row that is settled once more corrects them.
 */
#include "common/limit/chain.h"
#include "common/store/row.h"

struct ledger;
struct ledger_turn;

/* What a row adds to its holders' sums. */
struct spend {
	int64_t day; /* it counts on; see calendar_day */
	struct budget_amounts amounts;
};

/*
 * Bring the row's `counted` columns up to date with its state, and give what
 * that adds to the sums.  False: nothing.  One that is open counts not yet,
 * and one that was interrupted as what was held for it.
 */
must_check bool spend_of_request(struct request_row *row, struct spend *more);
must_check bool spend_of_attempt(struct attempt_row *row, struct spend *more);

/* Into the sums of the row's holders: each is given to `add`.  A node's own
 * are those of its callers, and are not kept beside them. */
void spend_put_request(const struct request_row *row, const struct spend *more,
    void (*add)(void *arg, struct slice key, const int64_t *sums), void *arg);
void spend_put_attempt(const struct attempt_row *row, const struct spend *more,
    void (*add)(void *arg, struct slice key, const int64_t *sums), void *arg);

/*
 * Who wants to know of each change of those sums when it is put; NULL:
 * nobody.  Called on the thread that puts.
 */
struct ledger_watch {
	void (*request)(void *arg, const struct request_row *row,
	    const struct spend *more);
	void (*attempt)(void *arg, const struct attempt_row *row,
	    const struct spend *more);
	void *arg;
};
void ledger_watch(struct ledger *l, const struct ledger_watch *watch);

struct spend_sum {
	enum scope_level level;
	struct slice name;
	struct spend spend; /* day 0: of all days that were folded */
};

/* Whose it is: what members told is kept by more than their name, which stands
 * before the first space. */
struct slice spend_holder(const struct spend_sum *sum);

/* All sums, in no order that matters, with what was written before.  False:
 * the store could not be read. */
must_check bool spend_each(struct ledger *l,
    void (*call)(void *arg, const struct spend_sum *sum), void *arg);

/*
 * Days before this one are over: only lifetimes count them.  Before anybody
 * adds to them.  What members told stays by day for SPEND_TOLD_DAYS more: they
 * may tell it again.
 */
#define SPEND_TOLD_DAYS 366
must_check bool spend_fold(struct ledger *l, int64_t day);

/* The days of one, from that day on. */
must_check bool spend_days(struct ledger *l, const struct spend_sum *from,
    void (*call)(void *arg, const struct spend_sum *sum), void *arg);

/* A settlement: what was said of somebody's spending by others. */
void spend_add(struct ledger_turn *t, const struct spend_sum *sum);

/* When the newest rows were begun or ended, by the wall clock; 0: there are
 * none. */
int64_t spend_last_us(struct ledger *l);

/* The key of a sum. */
#define SPEND_NAME_MAX 255
#define SPEND_KEY_MAX  (1 + SPEND_NAME_MAX + 1 + 4)
struct slice spend_key(char key[SPEND_KEY_MAX], enum scope_level level,
    struct slice name, int64_t day);
