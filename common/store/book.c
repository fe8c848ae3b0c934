#include "common/store/book.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/llm/catalog.h"
#include "common/store/ledger.h"

#define READ_MAX 64 /* books in memory; more than that begin anew */

struct shelved {
	char name[PRICE_BOOK_CHARS];
	struct price_book book;
};

struct books {
	pthread_mutex_t lock;
	struct map by_name;
};

static void
forget_all(struct books *b)
{
	struct shelved *s;
	size_t at = 0;

	while ((s = map_next(&b->by_name, &at)) != NULL) {
		map_remove(&b->by_name, slice_of(s->name));
		price_book_fini(&s->book);
		free(s);
	}
}

struct books *
books_new(void)
{
	struct books *b = xcalloc(1, sizeof(*b));

	pthread_mutex_init(&b->lock, NULL);
	map_init(&b->by_name);
	return b;
}

void
books_free(struct books *b)
{
	forget_all(b);
	map_fini(&b->by_name);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void
book_keep(struct ledger_turn *t, struct slice bytes)
{
	struct db *db = ledger_db(ledger_of(t));
	char name[PRICE_BOOK_CHARS];
	struct slice key;
	struct buf found;

	price_book_name(name, bytes);
	key = slice_of(name);
	buf_init(&found, PRICE_BOOK_MAX);
	if (!db_get(db, FAMILY_BOOK, key, &found)) {
		ledger_put(t, LEDGER_INTENTS, FAMILY_BOOK, key, bytes);
		ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_BOOK, key, bytes);
	}
	buf_fini(&found);
}

void
book_keep_offer(struct ledger_turn *t, const struct catalog *c)
{
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	catalog_book(&bytes, c);
	book_keep(t, buf_slice(&bytes));
	buf_fini(&bytes);
	if (!slice_eq(c->price_book, c->stated_book))
		log_warn("the egress is of another version and names its "
			 "prices otherwise: its receipts name a price book "
			 "that is not kept here",
		    log_slice("egress", c->egress),
		    log_slice("price_book", c->price_book),
		    log_slice("stated", c->stated_book));
}

bool
book_get(struct ledger *l, struct slice name, struct price_book *book)
{
	char right[PRICE_BOOK_CHARS];
	struct buf bytes;
	bool good = false;

	buf_init(&bytes, PRICE_BOOK_MAX);
	if (!db_get(ledger_db(l), FAMILY_BOOK, name, &bytes))
		goto out;
	price_book_name(right, buf_slice(&bytes));
	good =
	    slice_is(name, right) && price_book_read(book, buf_slice(&bytes));
	if (!good)
		log_error("a stored price book is not what its name says",
		    log_slice("book", name));
out:
	buf_fini(&bytes);
	return good;
}

/* NULL when it is not there; it may be later. */
static struct shelved *
shelve(struct ledger *l, struct books *b, struct slice name)
{
	struct shelved *s = map_find(&b->by_name, name);
	struct price_book book;

	if (s != NULL || !book_get(l, name, &book))
		return s;
	if (b->by_name.count >= READ_MAX)
		forget_all(b);
	s = xcalloc(1, sizeof(*s));
	assert(name.len < sizeof(s->name)); /* it is the right one */
	memcpy(s->name, name.ptr, name.len);
	s->book = book;
	map_put(&b->by_name, slice_of(s->name), s);
	return s;
}

bool
book_price(struct ledger *l, struct slice book, struct slice target,
    struct price *out)
{
	struct books *b = ledger_books(l);
	const struct price_entry *e = NULL;
	struct shelved *s;

	if (book.len == 0)
		return false;
	pthread_mutex_lock(&b->lock);
	s = shelve(l, b, book);
	if (s != NULL)
		e = price_book_find(&s->book, target);
	if (e != NULL)
		*out = e->price;
	pthread_mutex_unlock(&b->lock);
	return e != NULL;
}

bool
book_each(struct ledger *l,
    void (*call)(void *arg, struct slice name, size_t targets), void *arg)
{
	struct slice none = slice_make(NULL, 0), name, bytes;
	struct db_scan *scan =
	    db_scan_new(ledger_db(l), FAMILY_BOOK, none, none, false);
	struct price_book book;
	bool failed;

	while (db_scan_next(scan, &name, &bytes)) {
		if (!price_book_read(&book, bytes))
			continue;
		call(arg, name, book.count);
		price_book_fini(&book);
	}
	failed = db_scan_failed(scan);
	db_scan_free(scan);
	return !failed;
}

struct usage
book_usage(const struct attempt_row *row)
{
	return (struct usage){
		.input_tokens = row->input_tokens,
		.cache_read_tokens = row->cache_read_tokens,
		.cache_write_tokens = row->cache_write_tokens,
		.cache_write_1h_tokens = row->cache_write_1h_tokens,
		.output_tokens = row->output_tokens,
		.reasoning_tokens = row->reasoning_tokens,
		.image_tokens = row->image_tokens,
		.web_searches = row->web_searches,
		.source = usage_source_by_name(row->usage_source),
	};
}
