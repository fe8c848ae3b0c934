#pragma once
/*
 * recount: roll-ups made of the rows that are there, for a store that was
 * written before there were any.  Begun anew when it was cut off; a mark in
 * FAMILY_META says that it is done, and until then reports read rows.
 */
#include "common/store/db.h"

/* Are the roll-ups those of all rows? */
must_check bool recount_done(struct db *db);

/*
 * Make them so.  Before serving: nobody else writes.  Says in the log how far
 * it is where that takes long.  False: the store failed (logged).
 */
must_check bool recount(struct db *db);
