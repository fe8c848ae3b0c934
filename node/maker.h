#pragma once
/*
 * maker: which target made an opaque blob (a thinking signature, encrypted
 * reasoning), so that it goes back to that one only.
 *
 * Shared by the threads of a node, in FAMILY_MAKER.  No blob stands in the
 * store, only a hash of it, keyed from the identity.  What is noted counts for
 * MAKER_TTL_MS; what is not known was made by nobody.
 */
#include "common/base/slice.h"

struct ledger;
struct ledger_turn;
struct makers;
struct secret;

#define MAKER_TTL_MS (INT64_C(30) * 24 * 3600 * 1000)

struct makers *makers_open(struct ledger *ledger,
    const struct secret *identity);

/* No thread uses it any more; NULL is fine. */
void makers_close(struct makers *m);

/*
 * `blob` is a JSON string as it stands in a valid text, with its quotes: the
 * escapes it is spelled with do not matter.  Written with the turn's
 * settlements; noting the same again costs a look.  The last target noted is
 * the one that made it.
 */
void maker_note(struct makers *m, struct ledger_turn *t, struct slice blob,
    struct slice target, int64_t now_us);

/* Did this target make it?  What is noted and not written yet counts. */
must_check bool maker_is(struct makers *m, struct ledger_turn *t,
    struct slice blob, struct slice target);

/* The clerk's thread: a bounded step of forgetting. */
void makers_sweep(struct makers *m, int64_t now_us);
