#pragma once
/*
 * price_book: the prices of a set of targets, for good.  Its name is the hash
 * of its bytes, so that who has the bytes can prove the name, and who has the
 * name in a row knows that the prices were these and no others.  The same
 * prices make the same bytes, whoever writes them down.  Pure.
 */
#include "common/base/arena.h"
#include "common/llm/price.h"

struct buf;

#define PRICE_BOOK_CHARS 33 /* 32 hex digits and a NUL */
#define PRICE_BOOK_MAX   ((size_t)4 * 1024 * 1024)

struct price_entry {
	struct slice target; /* provider/model */
	struct price price;
};

struct price_book {
	const struct price_entry *entries; /* sorted by target */
	size_t count;
	struct arena arena; /* holds all of it */
};

/* Its bytes: msgpack.  Sorts the entries. */
void price_book_write(struct buf *out, struct price_entry *entries,
    size_t count);

void price_book_name(char name[PRICE_BOOK_CHARS], struct slice bytes);

/* price_book_fini it.  False when the bytes are no book (nothing to fini). */
must_check bool price_book_read(struct price_book *book, struct slice bytes);
void price_book_fini(struct price_book *book);

/* NULL when it has no such target. */
const struct price_entry *price_book_find(const struct price_book *book,
    struct slice target);
