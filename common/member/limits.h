#pragma once
/*
 * limits: everybody's limits and budgets in this process: who holds them, by
 * level and name, with what was spent according to the store.  Shared by the
 * threads under one lock, held for less than a microsecond; holders are made
 * when they are first met and never move.
 */
#include "common/limit/chain.h"
#include "common/llm/fail.h"
#include "common/store/spend.h"

struct buf;
struct ledger;
struct limits;
struct topology;

/* Who comes: one holder of a level; `tier` is of callers, else empty. */
struct limits_who {
	enum scope_level level;
	struct slice name, tier;
};

/* Tells the terms of a holder; all 0 where the topology has none. */
struct limits_source {
	struct limit_terms (
	    *find)(const struct topology *t, const struct limits_who *who);
};

/*
 * Reads what was spent.  Rates begin as if all that they let in had been used
 * when the last row was written: nobody knows better.  NULL when the store
 * cannot be read: logged.  `t` is held.
 */
struct limits *limits_open(struct ledger *l, struct topology *t,
    const struct limits_source *source);
void limits_close(struct limits *l); /* NULL is fine */

/* The monotonic time of the last row before this start. */
int64_t limits_used_us(const struct limits *l);

/* New terms; what is taken, held and spent stays.  Not older ones than it has:
 * threads come one after another. */
void limits_adopt(struct limits *l, struct topology *t);

/* The UTC day by the clock that budgets go by. */
int64_t limits_day(struct limits *l);

/* The holders of a request, first the widest; and what they say at all. */
void limits_chain(struct limits *l, struct chain *chain,
    const struct limits_who *who, size_t count);

/* See chain.h; the day is filled in. */
must_check bool limits_reserve(struct limits *l, struct hold *h,
    const struct chain *chain, struct chain_wish *wish, struct chain_bar *bar);
must_check bool limits_extend(struct limits *l, struct hold *h,
    const struct budget_amounts *more, struct chain_bar *bar);
/* What to tell of a limit that let somebody not in. */
enum fail limits_fail(enum limit_kind kind);

void limits_settle(struct limits *l, struct hold *h,
    const struct chain_spent *spent);
void limits_release(struct limits *l, struct hold *h);

/* The store's sums have changed by that: what ledger_watch tells. */
void limits_post(struct limits *l, const struct limits_who *who,
    const struct spend *more);

/*
 * The tightest rates of a chain, and its fullest budget with its share in
 * millionths, of those that are worth a warning if any is; fullest.scope NULL:
 * nothing of a budget is used.
 */
struct limits_look {
	struct chain_rates rates;
	struct chain_bar fullest;
	int64_t fullest_ppm, warn_ppm;
};
void limits_look(struct limits *l, const struct chain *chain,
    struct limits_look *look);

static inline bool
limits_is_warned(const struct limits_look *look)
{
	return look->fullest.scope != NULL && look->warn_ppm > 0 &&
	       look->fullest_ppm >= look->warn_ppm;
}

/* One holder as it stands, for people. */
struct limits_standing {
	struct scope scope; /* a copy */
	char tier[64];
	int64_t requests_left, tokens_left;
	int64_t requests_full_us, tokens_full_us; /* until nothing is taken */
};

/* Each holder that was met, by level, then by name. */
void limits_each(struct limits *l,
    void (*call)(void *arg, const struct limits_standing *s), void *arg);

/* One of them. */
void limits_stand(struct limits *l, const struct limits_who *who,
    struct limits_standing *s);
