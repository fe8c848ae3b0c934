#pragma once
/*
 * groups: this node's model groups as an operator sees them: what each demands
 * and is ordered by and, of each target, what it is said to be able to do and,
 * of an upstream of the node itself, how it is called directly.  Names of
 * secrets, never secrets.  The clerk's thread.
 */
#include "common/base/lang.h"

struct buf;
struct ledger;
struct topology;

/* As one JSON object, which node/trial/docket.c and the pages read. */
void groups_write(struct buf *out, const struct topology *t,
    struct ledger *ledger);
