#include "common/member/price_sheet.h"

#include "common/base/buf.h"
#include "common/store/book.h"

static const struct table_column columns[] = {
	{ "target", CELL_TEXT },
	{ "above", CELL_INT },
	{ "input", CELL_MICROUSD },
	{ "cached_input", CELL_MICROUSD },
	{ "cache_write_5m", CELL_MICROUSD },
	{ "cache_write_1h", CELL_MICROUSD },
	{ "output", CELL_MICROUSD },
	{ "reasoning", CELL_MICROUSD },
	{ "image", CELL_MICROUSD },
	{ "request", CELL_MICROUSD },
	{ "web_search", CELL_MICROUSD },
	{ "", CELL_TEXT }, /* the party */
	{ "book", CELL_TEXT },
};

#define PARTY 11

_Static_assert(count_of(columns) ==
		   count_of(((struct price_sheet *)0)->columns),
    "a sheet has room for its columns");

void
price_sheet_open(struct price_sheet *s, struct buf *out,
    const struct price_sheet_wish *wish, const char *party)
{
	*s = (struct price_sheet){ .target = wish->target };
	memcpy(s->columns, columns, sizeof(columns));
	s->columns[PARTY].name = party;
	table_open(&s->table, out, wish->format, s->columns, count_of(columns));
}

static void
add_line(struct price_sheet *s, const struct price_entry *e, int64_t above,
    struct slice party, struct slice book)
{
	struct price_rates r =
	    price_rates_at(&e->price, above > 0 ? above + 1 : 0);

	table_text(&s->table, e->target);
	table_int(&s->table, above);
	table_int(&s->table, r.input);
	table_int(&s->table, r.cached_input);
	table_int(&s->table, r.cache_write_5m);
	table_int(&s->table, r.cache_write_1h);
	table_int(&s->table, r.output);
	table_int(&s->table, r.reasoning);
	table_int(&s->table, r.image);
	table_int(&s->table, e->price.request_microusd);
	table_int(&s->table, e->price.web_search_microusd);
	table_text(&s->table, party);
	table_text(&s->table, book);
	s->lines++;
}

void
price_sheet_add(struct price_sheet *s, const struct price_entry *entry,
    struct slice party, struct slice book)
{
	size_t i;

	if (s->target.len > 0 && !slice_eq(s->target, entry->target))
		return;
	add_line(s, entry, 0, party, book);
	for (i = 0; i < entry->price.tiers_count; i++)
		add_line(s, entry, entry->price.tiers[i].above_tokens, party,
		    book);
}

void
price_sheet_add_book(struct price_sheet *s, const struct price_book *book,
    struct slice party, struct slice name)
{
	size_t i;

	for (i = 0; i < book->count; i++)
		price_sheet_add(s, &book->entries[i], party, name);
}

bool
price_sheet_close(struct price_sheet *s)
{
	struct buf *out = s->table.out;

	table_close(&s->table);
	if (s->lines > 0)
		return true;
	buf_reset(out);
	if (s->target.len > 0)
		buf_printf(out, "no target '%.*s' has a price here\n",
		    SLICE_FMT(s->target));
	else
		buf_puts(out, "nothing has a price here\n");
	return false;
}

static void
add_name(void *arg, struct slice name, size_t targets)
{
	table_text(arg, name);
	table_int(arg, (int64_t)targets);
}

static bool
list_books(struct ledger *l, const struct price_sheet_wish *wish,
    struct buf *out)
{
	static const struct table_column named[] = {
		{ "book", CELL_TEXT },
		{ "targets", CELL_INT },
	};
	struct table t;
	bool read;

	table_open(&t, out, wish->format, named, count_of(named));
	read = book_each(l, add_name, &t);
	table_close(&t);
	if (!read)
		buf_puts(out, "the store could not be read to its end\n");
	return read;
}

bool
price_sheet_kept(struct ledger *l, const struct price_sheet_wish *wish,
    struct buf *out)
{
	struct price_book book;
	struct price_sheet sheet;

	if (wish->books)
		return list_books(l, wish, out);
	if (!book_get(l, wish->book, &book)) {
		buf_printf(out,
		    "no price book '%.*s' is kept here; --books lists them\n",
		    SLICE_FMT(wish->book));
		return false;
	}
	price_sheet_open(&sheet, out, wish, "from");
	price_sheet_add_book(&sheet, &book, slice_of(""), wish->book);
	price_book_fini(&book);
	return price_sheet_close(&sheet);
}
