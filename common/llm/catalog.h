#pragma once
/*
 * catalog: the models an egress offers to one team, as it tells its nodes,
 * so that a team never copies them by hand.  Made from the egress's file,
 * sent over the link, kept by the node.  Immutable; its holders are counted,
 * all of them on one thread.
 */
#include "common/base/arena.h"
#include "common/llm/price_book.h"
#include "common/llm/shape.h"

struct buf;

#define CATALOG_ENTRIES_MAX 4096

struct catalog_entry {
	struct slice target;  /* provider/model */
	struct slice model;   /* as the provider knows it */
	struct slice cap_key; /* field for an output cap */
	unsigned dialects;    /* bits: 1 << DIALECT_CHAT … */
	int64_t max_output;   /* tokens; 0: not stated */
	unsigned quirks;      /* bits of quirk.h */
	unsigned supports;    /* bits of capability.h */
	bool count;           /* messages: counts tokens itself */
	struct price price;
	struct slice region; /* where it serves; empty: not known */
	int64_t context;     /* tokens; 0: not stated; so the next two */
	int64_t max_body_bytes, max_tools_bytes;
	bool supports_stated; /* else nobody knows what it can do */
};

struct catalog {
	struct slice egress;
	/*
	 * The name of the book of these very prices.  What is written is the
	 * egress's word; what was read is named anew, and its word kept.
	 */
	struct slice price_book, stated_book;
	const struct catalog_entry *entries; /* sorted by target */
	size_t count;
	struct arena arena; /* holds all of it, when it was read */
	int holders;        /* of catalog_read */
};

void catalog_write(struct buf *out, const struct catalog *c);

/*
 * Held once; NULL when the bytes are no catalog, and what is wrong, with the
 * target, in `why` (NULL is fine).  Copies what it needs.  What an older
 * egress does not say is not stated; what a newer one adds to its entries is
 * passed over.
 */
struct catalog *catalog_read(struct slice bytes, struct buf *why);

/* The bytes of the book of its prices: see price_book.h. */
void catalog_book(struct buf *out, const struct catalog *c);

/* Of catalog_read; a request pins the one that it was routed by. */
struct catalog *catalog_hold(struct catalog *c);
void catalog_release(struct catalog *c); /* NULL is fine */

/* NULL when it is not offered (or c is NULL). */
const struct catalog_entry *catalog_find(const struct catalog *c,
    struct slice target);
