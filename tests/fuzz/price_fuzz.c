/*
 * Catalogs come from a peer, price books from a disk, and what a provider
 * charged from the provider: whatever is taken has prices in their ranges,
 * reads the same again when it is written, and costs no more than its worst.
 */
#include <assert.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/llm/catalog.h"

#define OUT_MAX ((size_t)16 * 1024 * 1024)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static void
check_price(const struct price *p)
{
	const struct usage u = { 1000, 200000, 30, 4, 5, 6, 700, 0,
		USAGE_PROVIDER, "", "" };

	assert(price_valid(p));
	assert(price_cost(p, &u) >= 0);
	assert(price_cost(p, &u) <= price_worst(p, 201034, 11));
}

static void
check_catalog(const struct catalog *c)
{
	struct catalog *again;
	struct buf out;
	size_t i;

	assert(c->price_book.len == PRICE_BOOK_CHARS - 1);
	for (i = 0; i < c->count; i++)
		check_price(&c->entries[i].price);
	buf_init(&out, OUT_MAX);
	catalog_write(&out, c);
	again = catalog_read(buf_slice(&out), NULL);
	assert(again != NULL && again->count == c->count);
	assert(slice_eq(again->price_book, c->price_book));
	catalog_release(again);
	buf_fini(&out);
}

static void
check_book(const struct price_book *book)
{
	size_t i;

	for (i = 0; i < book->count; i++) {
		check_price(&book->entries[i].price);
		assert(price_book_find(book, book->entries[i].target) ==
		       &book->entries[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice in = slice_make(bytes, len);
	struct price_book book;
	struct catalog *c = catalog_read(in, NULL);
	int64_t microusd;

	if (c != NULL)
		check_catalog(c);
	catalog_release(c);
	if (price_book_read(&book, in)) {
		check_book(&book);
		price_book_fini(&book);
	}
	if (price_parse_stated(&microusd, in))
		assert(microusd >= 0 && microusd <= 1000000000000);
	return 0;
}
