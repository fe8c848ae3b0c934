#pragma once
/*
 * note: the audit log of what commands do by themselves: on the store when no
 * daemon runs, and through the daemon where it has no part in the matter.
 */
#include "common/base/slice.h"

struct identity;
struct ledger;

/* Into a store that is open for writing; says so when it cannot, as all. */
void note_write(struct ledger *l, const struct identity *member,
    const char *action, struct slice what, bool done);

/* The same, who the member is being read from its state directory. */
void note_here(struct ledger *l, const char *state_dir, const char *action,
    const char *what, bool done);

/* Something is done: tell the daemon, or write it when none runs. */
void note_tell(const char *state_dir, const char *action, const char *what);

/* Something was read: tell the daemon; without one the store is not changed. */
void note_read(const char *state_dir, const char *action, const char *what);

/* Into the store of a member whose key may be elsewhere: whoever opens it
 * next writes the row. */
void note_leave(const char *state_dir, const char *action, const char *what);
