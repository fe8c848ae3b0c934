#pragma once
/*
 * cursor: where a list goes on, as whoever pages through it is told.  For who
 * sees all rows that is the key of the row that was looked at last; for who
 * sees some it is sealed, because that row may be another's: its id, its time
 * and at an egress its node's name.  Sealed ones are of one length and never
 * alike.  They open at the member that made them.  Pure.
 */
#include "common/store/search.h"

struct secret;

#define CURSOR_CHARS   352             /* with a NUL */
#define CURSOR_PURPOSE "gsr/cursor/v1" /* of a member's key, to seal by */

/* `seal` NULL: in the clear. */
void cursor_write(const struct secret *seal, const struct search_key *key,
    char text[CURSOR_CHARS]);

/* Is it one that was sealed? */
must_check bool cursor_sealed(struct slice text);

/* Into what stands for it in the clear.  False: it was not sealed by this. */
must_check bool cursor_open(const struct secret *seal, struct slice text,
    char clear[SEARCH_KEY_CHARS]);
