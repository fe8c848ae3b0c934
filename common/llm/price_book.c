#include "common/llm/price_book.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/pack.h"

#define VERSION     1
#define CONTEXT     "gsr/price-book/v2"
#define ENTRIES_MAX 65536
#define ARENA_MAX   ((size_t)64 * 1024 * 1024)

static int
by_target(const void *a, const void *b)
{
	struct slice x = ((const struct price_entry *)a)->target;
	struct slice y = ((const struct price_entry *)b)->target;
	size_t shorter = min_size(x.len, y.len);
	int order = shorter > 0 ? memcmp(x.ptr, y.ptr, shorter) : 0;

	return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

void
price_book_write(struct buf *out, struct price_entry *entries, size_t count)
{
	size_t i;

	if (count > 0)
		qsort(entries, count, sizeof(*entries), by_target);
	pack_array(out, 2);
	pack_int(out, VERSION);
	pack_array(out, count);
	for (i = 0; i < count; i++) {
		pack_array(out, 2);
		pack_text(out, entries[i].target);
		price_write(out, &entries[i].price);
	}
}

void
price_book_name(char name[PRICE_BOOK_CHARS], struct slice bytes)
{
	struct hashing h;
	struct hash book;

	hashing_init(&h);
	hashing_add(&h, CONTEXT, sizeof(CONTEXT));
	hashing_add(&h, bytes.ptr, bytes.len);
	book = hashing_done(&h);
	hex_write(name, book.bytes, (PRICE_BOOK_CHARS - 1) / 2);
}

static void
read_entry(struct unpack *u, struct arena *a, struct price_entry *e)
{
	if (unpack_array(u) != 2)
		u->failed = true;
	e->target = arena_copy(a, unpack_text(u));
	price_read(u, &e->price);
	if (!price_valid(&e->price))
		u->failed = true;
}

bool
price_book_read(struct price_book *book, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	struct price_entry *entries;
	size_t i, count;

	*book = (struct price_book){ .entries = NULL };
	arena_init(&book->arena, ARENA_MAX);
	if (unpack_array(&u) != 2 || unpack_int(&u) != VERSION)
		u.failed = true;
	count = unpack_array(&u);
	if (count > ENTRIES_MAX)
		u.failed = true;
	count = u.failed ? 0 : count;
	entries = arena_many(&book->arena, struct price_entry, count);
	for (i = 0; i < count && !u.failed; i++) {
		read_entry(&u, &book->arena, &entries[i]);
		if (i > 0 && by_target(&entries[i - 1], &entries[i]) >= 0)
			u.failed = true;
	}
	book->entries = entries;
	book->count = count;
	if (unpack_done(&u))
		return true;
	price_book_fini(book);
	return false;
}

void
price_book_fini(struct price_book *book)
{
	arena_fini(&book->arena);
}

const struct price_entry *
price_book_find(const struct price_book *book, struct slice target)
{
	const struct price_entry key = { .target = target };

	if (book->count == 0)
		return NULL;
	return bsearch(&key, book->entries, book->count, sizeof(key),
	    by_target);
}
