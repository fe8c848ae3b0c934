#include "node/pricing.h"

#include "common/llm/catalog.h"
#include "common/member/admin.h"
#include "common/member/price_sheet.h"
#include "common/member/process.h"
#include "node/uplink.h"
#include "topology/load.h"
#include "topology/tariff.h"

static void
add_own(struct price_sheet *s, const struct topology *t)
{
	const struct tariff_wish own = { .providers = t->node->providers,
		.count = t->node->providers_count };
	char name[PRICE_BOOK_CHARS];
	struct price_book book;
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	tariff_write(&bytes, &own);
	price_book_name(name, buf_slice(&bytes));
	if (price_book_read(&book, buf_slice(&bytes))) {
		price_sheet_add_book(s, &book, t->self->name, slice_of(name));
		price_book_fini(&book);
	}
	buf_fini(&bytes);
}

static void
add_parent(struct price_sheet *s, struct ledger *l, struct slice parent)
{
	struct catalog *c = uplink_stored_catalog(l, parent);
	struct price_entry e;
	size_t i;

	for (i = 0; c != NULL && i < c->count; i++) {
		e = (struct price_entry){ c->entries[i].target,
			c->entries[i].price };
		price_sheet_add(s, &e, parent, c->price_book);
	}
	catalog_release(c);
}

int
pricing_serve(struct admin_call *call)
{
	const struct price_sheet_wish wish = {
		.book = admin_argument(call, "book"),
		.target = admin_argument(call, "target"),
		.books = admin_argument(call, "books").len > 0,
		.format = call->json ? OUTPUT_JSON : OUTPUT_TEXT,
	};
	struct ledger *l = call->process->ledger;
	struct topology *t;
	struct price_sheet sheet;
	size_t i;

	if (wish.books || wish.book.len > 0)
		return price_sheet_kept(l, &wish, &call->out) ? 200 : 404;
	t = process_topology(call->process);
	price_sheet_open(&sheet, &call->out, &wish, "from");
	add_own(&sheet, t);
	for (i = 0; i < t->self->parents_count; i++)
		add_parent(&sheet, l, t->self->parents[i]);
	topology_release(t);
	return price_sheet_close(&sheet) ? 200 : 404;
}
