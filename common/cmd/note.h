#pragma once
/*
 * note: the audit log of what commands do by themselves: on the store when no
 * daemon runs, and through the daemon where it has no part in the matter.
 */
#include "common/base/slice.h"

struct identity;
struct ledger;

/* Into a store that is open for writing; says so when it cannot. */
void note_write(struct ledger *l, const struct identity *member,
    const char *action, struct slice what, bool done);

/*
 * Tell the daemon, or write it when none runs; nothing is kept of what was
 * done before the member first served.  Says so when it cannot.
 */
void note_tell(const char *state_dir, const char *action, const char *what);
