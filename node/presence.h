#pragma once
/*
 * presence: when each token was last used, also one that was refused: by the
 * token's hash, as long as the process runs; what came before is read from the
 * newest rows once.  Shared by the threads: presences never move.
 */
#include <stdatomic.h>

#include "common/base/crypto.h"

struct token_book;
struct ledger;
struct presences;

struct presence {
	struct hash hash;        /* of the token */
	_Atomic int64_t seen_us; /* wall; 0: not since anybody knows */
};

struct presences *presences_new(void);
void presences_free(struct presences *p); /* NULL is fine */

/* Of that token, made when it is first asked for. */
struct presence *presence_get(struct presences *p, const struct hash *hash);

/* Cheap; any thread. */
static inline void
presence_note(struct presence *p, int64_t wall_us)
{
	atomic_store_explicit(&p->seen_us, wall_us, memory_order_relaxed);
}

static inline int64_t
presence_seen(const struct presence *p)
{
	return atomic_load_explicit(&p->seen_us, memory_order_relaxed);
}

/* Before there are workers: by the rows of the last requests. */
void presences_recall(struct token_book *book, struct ledger *ledger);
