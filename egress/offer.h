#pragma once
/*
 * offer: the catalog that a team is sent: the egress's models that the team's
 * grant, regions and price ceiling let through, with their terms and prices.
 */
#include "common/base/slice.h"
#include "common/llm/price.h"

struct buf;
struct team;
struct topology;

/* The name of the price book of all models of the egress. */
void offer_price_book(const struct topology *t, char name[PRICE_BOOK_CHARS]);

/* Append the CATALOG message for a team. */
void offer_write(struct buf *out, const struct topology *t,
    const struct team *team, const char *price_book);
