#pragma once
/*
 * tariff: what the models of a member's own file cost, as a price book.
 */
#include "common/llm/price_book.h"
#include "topology/provider.h"

/* Of which providers, and of which of their models. */
struct tariff_wish {
	const struct provider *providers;
	size_t count;
	/* May be NULL: of all. */
	bool (*wanted)(const void *arg, const struct model *m);
	const void *arg;
};

/* Append the book's bytes; PRICE_BOOK_MAX is room enough. */
void tariff_write(struct buf *out, const struct tariff_wish *wish);
