#pragma once
/*
 * bar: what let a request not in, in words: for the one who asked, and as a
 * name for rows and other members.  Pure.
 */
#include "common/limit/chain.h"

struct buf;

/* "project checkout month_usd", "caller ci rpm"; of a node "node rpm". */
void bar_name(struct buf *out, const struct chain_bar *bar);

/*
 * A sentence with what is allowed and what is used: "project checkout
 * month_usd: 12000 USD, of which 11999.25 are spent and 0.5 held."
 */
void bar_text(struct buf *out, const struct chain_bar *bar);

/* A sum as people write it: micro-USD as USD. */
void bar_amount(struct buf *out, enum budget_unit unit, int64_t amount);
