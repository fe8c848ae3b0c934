#pragma once
/*
 * offer: the catalog that an egress sends to a node: what the team's
 * grant, regions and price ceiling let through, with their terms and prices.
 * These prices are the team's price book: its node names it as the egress
 * does, from what it was sent, and nobody learns what others are offered.
 */
#include "common/llm/price_book.h"

struct buf;
struct dock;
struct team;
struct topology;

/* A whole LINK_CATALOG message. */
void offer_write(struct buf *out, const struct topology *t,
    const struct team *team, const char *price_book);

/*
 * The name of the team's book (of the dock's present topology), for rows.
 * The first time it is asked for, the book is kept in the store.
 */
const char *offer_book(struct dock *d, const struct team *team);

/* The topology is another one. */
void offer_forget(struct dock *d);

/* Append that book's bytes. */
void offer_write_book(struct buf *out, const struct topology *t,
    const struct team *team);
