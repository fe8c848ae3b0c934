#pragma once
/*
 * caller: who may call this node, by a token "gsr_…" (store/token.h).
 * `callers` owns all of them; workers look tokens up in a book.  A change is
 * durable, and in force on every worker's next request, before its call
 * returns.
 */
#include "common/store/token.h"

struct buf;
struct callers;
struct ledger;
struct presence;
struct topology;

#define CALLER_GROUPS_MAX 64

struct caller {
	TOKEN_FIRST;
	struct slice user, project, environment;
	struct slice
	    tier; /* of the node file, or empty: no limits of its own */
	struct slice pseudonym; /* what egresses see: a keyed hash, hex */
	struct slice groups[CALLER_GROUPS_MAX];
	size_t groups_count;
	bool pins; /* may choose the target of a group itself: for tests */
	struct presence *presence; /* of those in a book */
};

/* Reads all tokens.  The identity key keys the hashes. */
struct callers *callers_open(struct ledger *ledger,
    const struct secret *identity);
void callers_close(struct callers *c);

/* What a new token is for. */
struct caller_wish {
	struct slice name, user, project, tier, environment;
	struct slice groups[CALLER_GROUPS_MAX];
	size_t groups_count;
	int64_t expires_us; /* wall; 0: never */
	bool pins;
};

/* Writes the token once; false and one line in `why`. */
must_check bool callers_create(struct callers *c,
    const struct caller_wish *wish, char token[TOKEN_CHARS], struct buf *why);

/* False when no active token has that name, or the store failed. */
must_check bool callers_revoke(struct callers *c, struct slice name,
    struct buf *why);

/* All tokens, oldest first, as a table or as JSON; never the tokens. */
void callers_list(struct callers *c, bool json, struct buf *out);

/*
 * The present book in place of `*book` if it has changed since; cheap when it
 * has not.  `*book` starts NULL.  Any thread.
 */
void callers_refresh(struct callers *c, struct token_book **book);

/* The token in "Bearer …", or else in the x-api-key header. */
struct slice caller_token(struct slice authorization, struct slice api_key);

/* NULL when the token is not known.  Its state is the caller's to look at. */
const struct caller *caller_find(const struct token_book *b,
    struct slice token);

/* The active token of that name, or NULL. */
const struct caller *caller_named(const struct token_book *b, struct slice name,
    int64_t wall_us);

/* Walk all tokens in no order: start with *at = 0, stop at NULL. */
const struct caller *caller_next(const struct token_book *b, size_t *at);

/* Does every active token have its tier among the topology's?  Else which has
 * not, in `why`. */
must_check bool callers_fit(struct callers *c, const struct topology *t,
    struct buf *why);

enum token_state caller_state(const struct caller *c, int64_t wall_us);
bool caller_may_use(const struct caller *c, struct slice group);
