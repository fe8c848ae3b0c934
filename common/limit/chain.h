#pragma once
/*
 * chain: the limits that one request falls under, from its node down to its
 * caller: each holder's rates, its requests under way, its budgets.  A request
 * is let in by all of them or by none, and holds what it may use at most
 * until it settles.  Pure: times are arguments.  Not thread-safe.
 */
#include "common/base/slice.h"
#include "common/limit/bucket.h"
#include "common/limit/budget.h"

/* Whose limits; names in scope_level_name. */
enum scope_level {
	SCOPE_NODE,
	SCOPE_PROJECT,
	SCOPE_USER,
	SCOPE_CALLER,
	SCOPE_TEAM,
	SCOPE_MEMBER, /* a node, by what it says of its own upstreams */
	SCOPE_LEVELS
};

const char *scope_level_name(enum scope_level l);

struct scope {
	enum scope_level level;
	struct slice name; /* its owner's */
	struct rate_terms rates;
	struct bucket requests, tokens;
	int64_t running;
	struct budget budget;
};

/* New terms: what is taken, held and spent stays.  Starts zeroed. */
void scope_set(struct scope *s, const struct limit_terms *terms,
    int64_t now_us);

/* Nothing is known of its last minute: no rate is given again that may have
 * been used by `last_us`. */
void scope_empty(struct scope *s, int64_t last_us);

enum limit_kind {
	LIMIT_RPM,
	LIMIT_TPM,
	LIMIT_CONCURRENT,
	LIMIT_BUDGET,
	LIMIT_KINDS
};

/* "rpm" */
const char *limit_kind_name(enum limit_kind k);

#define CHAIN_MAX 4

struct chain {
	struct scope *scopes[CHAIN_MAX];
	size_t count;
	bool is_limited, is_bounded; /* when it was found: see limits_chain */
};

/* Has any of it a rate or a budget at all? */
bool chain_is_limited(const struct chain *chain);

/* Does any budget of it count tokens or money? */
bool chain_is_bounded(const struct chain *chain);

/* What a request may come to. */
struct chain_wish {
	int64_t now_us; /* monotonic */
	int64_t day;
	int64_t rate_tokens;          /* of tokens a minute */
	struct budget_amounts budget; /* at most */
};

/* What let it not in; of all that did not, the one that lasts longest. */
struct chain_bar {
	const struct scope *scope;
	enum limit_kind kind;
	int64_t wait_us;          /* of rates: until it would; else 0 */
	int64_t most, running;    /* of rates; requests under way */
	struct budget_bar budget; /* of LIMIT_BUDGET */
};

/* What a request holds; zeroed: nothing. */
struct hold {
	struct chain chain; /* of none: nothing is held */
	int64_t rate_tokens, taken_us, day;
	struct budget_amounts budget;
};

/*
 * All or nothing.  False: nothing has changed, and *bar says why not.  A
 * budget in the way comes before any rate: waiting does not help there.  The
 * day is the latest that any of the chain has seen.
 */
must_check bool chain_reserve(struct hold *h, const struct chain *chain,
    const struct chain_wish *wish, struct chain_bar *bar);

/* Hold more of the budgets, for one more attempt; all or nothing.  After
 * midnight it has to fit into the new day too, though it is not counted there.
 */
must_check bool chain_extend(struct hold *h, const struct budget_amounts *more,
    struct chain_bar *bar);

/* What it came to. */
struct chain_spent {
	int64_t rate_tokens;
	struct budget_amounts budget;
};

/* It is over: what was not used is given back, and what was is posted. */
void chain_settle(struct hold *h, const struct chain_spent *spent,
    int64_t now_us);

/* It did not happen: all is as if it had not come. */
void chain_release(struct hold *h);

/* The tightest of a chain's rates, for who wants to keep below; rate 0 where
 * there is none. */
struct chain_rate {
	int64_t per_minute, left, full_us;
};

struct chain_rates {
	struct chain_rate requests, tokens;
};

void chain_look(const struct chain *chain, struct chain_rates *rates,
    int64_t now_us);
