#pragma once
/*
 * history: what the Responses API keeps for a caller between requests: input
 * and output of each response, and its items by their ids.
 *
 * Shared by the threads of a node; only for groups that asked for it.  What
 * is kept belongs to a caller and a group: for any other it is not known.
 * Keeping can fail, quietly for the request; asking for what is not there is
 * an answer that tells the caller what to do.
 */
#include "common/base/slice.h"

struct arena;
struct history;
struct json_value;
struct ledger;
struct ledger_turn;
struct secret;

#define HISTORY_CHAIN_MAX 1024 /* responses before one, and before those */

struct history *history_open(struct ledger *ledger,
    const struct secret *identity);

/* No thread uses it any more; NULL is fine. */
void history_close(struct history *h);

struct history_entry {
	struct slice caller; /* the pseudonym */
	struct slice group;
	struct slice response; /* its id */
	struct slice previous; /* the id it went on from, or empty */
	struct slice input;    /* history_ask.items */
	struct slice output;   /* as the caller got it: a JSON array */
	int64_t ttl_ms, max_bytes;
	int64_t now_us; /* wall */
};

/*
 * Keep it, written with the turn's settlements.  An id that was used goes to
 * this entry.  Left out with a line in the log when it is too large, is not
 * what it should be, or the store does not keep up.
 */
void history_keep(struct history *h, struct ledger_turn *t,
    const struct history_entry *e);

/* Does the body of a request ask for what is kept? */
must_check bool history_wants(const struct json_value *root);

struct history_ask {
	const struct json_value *root; /* of the body, an object */
	struct slice caller, group;    /* as in history_entry */
	struct arena *arena;           /* for all that comes out */
	size_t max_body_bytes;
	int64_t now_us;

	/* What the entry of this request's response needs, when the result
	 * is HISTORY_SAME or HISTORY_EXPANDED; perhaps empty. */
	struct slice previous;
	struct slice items; /* its own input as a JSON array */
};

enum history_result {
	HISTORY_SAME,     /* nothing to expand; *body is the root's text */
	HISTORY_EXPANDED, /* *body is the new one */
	HISTORY_UNKNOWN,  /* as all below: *why is for the caller */
	HISTORY_TOO_LARGE,
	HISTORY_INVALID /* the body itself is wrong */
};

/*
 * Put what is kept into the body: the items of previous_response_id's chain,
 * oldest first, before the request's own, and items in place of references.
 * Instructions of former requests are not carried over.
 */
enum history_result history_expand(struct history *h, struct history_ask *ask,
    struct slice *body, const char **why);

/* The clerk's thread: a bounded step of deleting what has ended. */
void history_sweep(struct history *h, int64_t now_us);
