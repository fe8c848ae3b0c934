#pragma once
/*
 * dossier: the rows of one request, wherever they stand: closed ones as they
 * were written, of what is under way the last intent.  Reads only; any
 * thread.
 */
#include "common/store/ledger.h"

/* Does the row stand for something that is not over? */
must_check bool dossier_is_open(struct slice state);

/* At a node; text lies in `bytes`.  False when there is none by that id. */
must_check bool dossier_request(struct ledger *l, const struct id *id,
    struct buf *bytes, struct request_row *row);

/* Each attempt: the closed ones by number, then what is under way. */
void dossier_attempts(struct ledger *l, const struct id *id,
    void (*each)(void *arg, const struct attempt_row *row), void *arg);
