#pragma once
/*
 * steward: who may ask what of the operator listener, by an admin token
 * "gsra_…" (store/token.h), under a key of its own.  It has roles, and perhaps
 * a scope of teams and projects.  All of it is the clerk's thread's, or a
 * command's while no daemon runs; a change is durable, and in force, before
 * its call returns.
 */
#include "common/member/role.h"
#include "common/store/admin_scope.h"
#include "common/store/token.h"

struct buf;
struct ledger;
struct stewards;

#define STEWARD_PREFIX    "gsra_"
#define STEWARD_NAMES_MAX 32 /* teams, and projects */

struct steward {
	TOKEN_FIRST;
	unsigned roles;
	struct admin_scope scope;
	struct slice by; /* who made it */
};

/* Reads all tokens.  The identity key keys the hashes. */
struct stewards *stewards_open(struct ledger *ledger,
    const struct secret *identity);
void stewards_close(struct stewards *s); /* NULL is fine */

/* What a new token is for. */
struct steward_wish {
	struct slice name, by;
	unsigned roles;
	struct slice teams[STEWARD_NAMES_MAX], projects[STEWARD_NAMES_MAX];
	size_t teams_count, projects_count;
	int64_t expires_us; /* wall; 0: never */
};

/* Writes the token once; false and one line in `why`. */
must_check bool stewards_create(struct stewards *s,
    const struct steward_wish *wish, char token[TOKEN_CHARS], struct buf *why);

/* False when no active token has that name, or the store failed. */
must_check bool stewards_revoke(struct stewards *s, struct slice name,
    struct buf *why);

/* All tokens, oldest first, as a table or as JSON; never the tokens. */
void stewards_list(const struct stewards *s, bool json, struct buf *out);

/*
 * Who brings this token?  NULL when nobody does, or not any more, and then
 * *why says so (a constant); *known is who it was, or NULL.  What it gives is
 * good until the next change.
 */
const struct steward *steward_check(const struct stewards *s,
    struct slice token, int64_t wall_us, const struct steward **known,
    const char **why);
