#pragma once
/*
 * stranger: who came to a port of the workers without a right to be there: a
 * caller whose token is none or not in force any more, a member whose key the
 * mesh does not have.  Any thread tells of one; the clerk takes them and
 * writes them to the audit log, within a tenth of a second.
 */
#include "common/store/row.h"

struct strangers;

/* Between two looks of the clerk; of those beyond, only how many. */
#define STRANGERS_MAX 64

struct strangers *strangers_new(void);
void strangers_free(struct strangers *s); /* NULL is fine */

/* One that was refused at `row->at`: actor, action, from, status and why. */
void strangers_tell(struct strangers *s, const struct audit_row *row);

/* The next one, oldest first; its text lies in `s` until the next call.
 * False: no more.  The clerk's thread. */
must_check bool strangers_next(struct strangers *s, struct audit_row *row);
