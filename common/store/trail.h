#pragma once
/*
 * trail: the audit log: who did what as an admin, and who was refused.
 *
 * Rows of FAMILY_AUDIT by their number (8 bytes, big-endian).  Each names the
 * hash of the one before it; number and hash of the last one, the head, stand
 * in FAMILY_META, signed by the member, written with the row.  A row is on the
 * disk before trail_put returns.  One writer a store: the clerk's thread, or a
 * command's while no daemon runs; reading needs no lock.
 */
#include "common/format/table.h"
#include "common/store/ledger.h"

struct trail;

/* Of a text column, in bytes: longer ones are cut. */
#define TRAIL_TEXT_MAX 512

/* Reads the head, and writes the rows that are held.  Both outlive it. */
struct trail *trail_open(struct ledger *l, const struct secret *identity);
void trail_close(struct trail *t); /* NULL is fine */

/* Gives it its number and hashes.  False: the store did not take it, which is
 * logged, and the next one has that number. */
bool trail_put(struct trail *t, struct audit_row *row);

/*
 * Hold what is no row yet, in place of what was held under that number, until
 * trail_put_held or, when there is nobody to do that, the next trail_open.  A
 * killed process loses none; the disk is not waited for.  It needs no key: so
 * may a command leave a row whose member's key is elsewhere.  False: not held.
 */
bool trail_hold(struct ledger *l, uint64_t place, const struct audit_row *row);
#define TRAIL_PLACE_COMMAND UINT64_MAX

/* trail_put, and nothing is held at `place` any more, in one write. */
bool trail_put_held(struct trail *t, uint64_t place, struct audit_row *row);

#define TRAIL_LIMIT      20
#define TRAIL_SEARCH_MAX 50000 /* rows looked at */

struct trail_filter {
	struct slice actor, outcome; /* empty: of all */
	struct slice action, what;   /* that have this in them */
	size_t limit;                /* rows at most; 0: TRAIL_LIMIT */
};

/* The newest first; works on a store opened read-only. */
void trail_list(struct ledger *l, const struct trail_filter *filter,
    enum output_format format, struct buf *out);

/* What trail_verify found; counts of rows unless said. */
struct trail_report {
	int64_t checked, good;
	int64_t changed; /* not as they were written */
	int64_t broken;  /* not following the one before */
	int64_t missing; /* numbers that are not there */
	int64_t head;    /* number of the last one, by the signed head */
	struct hash head_hash;
	bool head_good; /* signed by the member, and that of the last row */
};

/*
 * Check every row and the head.  `finding` is called for each fault with one
 * line of text.  False when the store could not be read.
 */
must_check bool trail_verify(struct ledger *l, const struct public_key *member,
    void (*finding)(void *arg, const char *line), void *arg,
    struct trail_report *report);
