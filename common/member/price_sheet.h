#pragma once
/*
 * price_sheet: prices as operators read them, a line for each target and each
 * of its tiers, with no price left to a rule.  In JSON they are integers, as in
 * common/llm/price.h.
 */
#include "common/base/slice.h"
#include "common/format/table.h"
#include "common/llm/price_book.h"

struct ledger;

/* Which of them; empty: any. */
struct price_sheet_wish {
	struct slice book, target;
	bool books; /* the names of those that are kept, and no prices */
	enum output_format format;
};

struct price_sheet {
	struct table table;
	struct slice target;
	size_t lines;
	struct table_column columns[13];
};

/* `party` heads the column of whom the prices are from, or for. */
void price_sheet_open(struct price_sheet *s, struct buf *out,
    const struct price_sheet_wish *wish, const char *party);
void price_sheet_add(struct price_sheet *s, const struct price_entry *entry,
    struct slice party, struct slice book);

/* Of a whole book. */
void price_sheet_add_book(struct price_sheet *s, const struct price_book *book,
    struct slice party, struct slice name);

/* False, and the reason instead, when no target fitted. */
must_check bool price_sheet_close(struct price_sheet *s);

/*
 * What the store keeps: one book, or the list of all.  False, and why in
 * `out`, when there is none.
 */
must_check bool price_sheet_kept(struct ledger *l,
    const struct price_sheet_wish *wish, struct buf *out);
