#pragma once
/*
 * uplink: one worker's link to its parent, and what comes down it beside
 * streams: the catalog, which is kept also over restarts, how the targets
 * stand, and receipts, which are verified, stored, and acknowledged once they
 * are durable.
 */
#include "common/base/slice.h"

struct attempt;
struct catalog;
struct desk;
struct ledger;
struct link;
struct receipt;
struct uplink;

/* Dials the first parent of the topology; NULL when there is none. */
struct uplink *uplink_new(struct desk *d);
void uplink_free(struct uplink *u); /* NULL is fine */

/* The topology was swapped: does the parent still stand in it? */
void uplink_adopt(struct uplink *u);

/* Rows committed before the last fsync are durable: acknowledge. */
void uplink_durable(struct uplink *u);

struct link *uplink_link(const struct uplink *u);

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

/* Store a receipt that was given, in the turn that settles its attempt. */
void uplink_keep(struct uplink *u, const struct receipt *r,
    struct slice message);
