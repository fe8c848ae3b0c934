#pragma once
/*
 * book: the price books that a member's rows name, each kept once, by its
 * name, and never changed.  Written before the first row that names it, so
 * that any row can be costed anew and another target be priced as it was
 * then.  Those that were read stay in memory; nothing on the way of a request
 * reads them.
 */
#include "common/base/slice.h"
#include "common/llm/price_book.h"
#include "common/store/row.h"

struct books;
struct catalog;
struct ledger;
struct ledger_turn;

/*
 * Keep a book by its bytes, unless it is there.  It is written with this
 * turn's intents and, should the store refuse those, with its settlements,
 * before which nothing new is begun.
 */
void book_keep(struct ledger_turn *t, struct slice bytes);

/* The same for what an egress offers, before anything is routed by it. */
void book_keep_offer(struct ledger_turn *t, const struct catalog *c);

/* Any thread.  False when that book, or the target in it, is not there. */
must_check bool book_price(struct ledger *l, struct slice book,
    struct slice target, struct price *out);

/* All of a book, to be finished; false when it is not there, or is damaged. */
must_check bool book_get(struct ledger *l, struct slice name,
    struct price_book *book);

/* Call with the name and size of each stored book; false: store failed. */
must_check bool book_each(struct ledger *l,
    void (*call)(void *arg, struct slice name, size_t targets), void *arg);

/* What a row's tokens are costed by. */
struct usage book_usage(const struct attempt_row *row);

/* The ledger's memory of those it read. */
struct books *books_new(void);
void books_free(struct books *b);
