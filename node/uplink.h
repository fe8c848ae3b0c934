#pragma once
/*
 * uplink: one worker's link to one of its parents, and what comes down it
 * beside streams: the catalog, which is kept also over restarts, how the
 * targets stand, and receipts, which are verified, stored, and acknowledged
 * once they are durable.  A worker has one for each parent, in their order of
 * preference (node.h).
 */
#include "common/base/slice.h"

struct attempt;
struct catalog;
struct desk;
struct extract_line;
struct ledger;
struct link;
struct receipt;
struct uplink;

/*
 * One for each parent of the desk's topology, in its order.  Links of parents
 * that stay stay up, unless the key is no longer theirs, and know their new
 * address; new parents are dialled; the links of others are cut, and what was
 * under way on them ends as on a lost link.
 */
void uplinks_adopt(struct desk *d);

/* Nothing is under way any more. */
void uplinks_free(struct desk *d);

/* Rows committed before the last fsync are durable: acknowledge. */
void uplink_durable(struct uplink *u);

const char *uplink_parent(const struct uplink *u); /* its name */
struct link *uplink_link(const struct uplink *u);
struct extract_line *uplink_extract_line(struct uplink *u);

/* Has the parent told over this link how its targets stand?  Then it judges. */
bool uplink_judges(const struct uplink *u);

/*
 * NULL until one came, in this life or an earlier one.  Another takes its
 * place when one comes: hold it to keep it.
 */
struct catalog *uplink_catalog(const struct uplink *u);

/* The catalog that was kept of that parent, to be freed; NULL: none.  Any
 * thread. */
struct catalog *uplink_stored_catalog(struct ledger *ledger,
    struct slice parent);

/* Give this attempt its receipt when it comes, until it is over. */
void uplink_expect(struct uplink *u, struct attempt *a);

/*
 * Store a receipt that was given, in the turn that settles its attempt.  It is
 * acknowledged if its egress is still a parent.
 */
void uplink_keep(struct desk *d, const struct receipt *r, struct slice message);
