#pragma once
/*
 * roster: what the links of one process have in common: which boots of each
 * peer are connected (so that a second one with the same key is noticed on
 * whichever loop it comes in), each loop's host, and what others may know of
 * all links (lookout.h).  Owned by the tls_boot.
 * Any thread; locks are short.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"

struct host;
struct lookout;
struct loop;
struct roster;

struct roster *roster_new(void);
void roster_free(struct roster *r);

/*
 * A link to that boot is up.  Another boot of the same key that is still
 * connected, or a boot that comes back after another took its place, is a
 * twin: it counts.  Gives the twins that were noticed for this key so far.
 */
uint64_t roster_enter(struct roster *r, const struct public_key *key,
    const struct id *boot);

/* That link went down. */
void roster_leave(struct roster *r, const struct public_key *key,
    const struct id *boot);

/* The twins of this key so far. */
uint64_t roster_twins(struct roster *r, const struct public_key *key);

/* The one that links tell how they are. */
struct lookout *roster_lookout(struct roster *r);

/* The host of a loop, made by the first that asks; see host.h. */
struct host *roster_host(struct roster *r, struct loop *loop);
