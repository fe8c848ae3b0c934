#include "egress/pricing.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/member/admin.h"
#include "common/member/price_sheet.h"
#include "common/member/process.h"
#include "egress/offer.h"
#include "topology/load.h"

#define NAMED_MAX   8 /* teams that are named beside a book that they share */
#define PARTY_BYTES 1024

/* The current book of each team, in their order. */
struct offers {
	const struct topology *topology;
	char (*names)[PRICE_BOOK_CHARS];
	size_t count;
};

static const struct team *
team_at(const struct offers *o, size_t i)
{
	return &o->topology->mesh.teams[i];
}

static void
offers_make(struct offers *o, const struct topology *t)
{
	struct buf bytes;
	size_t i;

	*o = (struct offers){ .topology = t, .count = t->mesh.teams_count };
	o->names = xcalloc(o->count, sizeof(*o->names));
	buf_init(&bytes, PRICE_BOOK_MAX);
	for (i = 0; i < o->count; i++) {
		buf_reset(&bytes);
		offer_write_book(&bytes, t, team_at(o, i));
		price_book_name(o->names[i], buf_slice(&bytes));
	}
	buf_fini(&bytes);
}

/* Has no team before it the same? */
static bool
is_first(const struct offers *o, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (strcmp(o->names[k], o->names[i]) == 0)
			return false;
	return true;
}

/* "audit, payments, and 3 more" */
static void
put_sharers(struct buf *out, const struct offers *o, size_t i)
{
	size_t k, named = 0, more = 0;

	for (k = i; k < o->count; k++) {
		if (strcmp(o->names[k], o->names[i]) != 0)
			continue;
		if (named == NAMED_MAX) {
			more++;
			continue;
		}
		buf_printf(out, "%s%.*s", named++ > 0 ? ", " : "",
		    SLICE_FMT(team_at(o, k)->name));
	}
	if (more > 0)
		buf_printf(out, ", and %zu more", more);
}

static void
add_book(struct price_sheet *s, const struct offers *o, size_t i,
    struct slice party)
{
	struct price_book book;
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	offer_write_book(&bytes, o->topology, team_at(o, i));
	if (price_book_read(&book, buf_slice(&bytes))) {
		price_sheet_add_book(s, &book, party, slice_of(o->names[i]));
		price_book_fini(&book);
	}
	buf_fini(&bytes);
}

/* Of all teams, each book once, or of one of them. */
static void
add_current(struct price_sheet *s, const struct offers *o, struct slice team)
{
	struct buf party;
	size_t i;

	buf_init(&party, PARTY_BYTES);
	for (i = 0; i < o->count; i++) {
		buf_reset(&party);
		if (team.len > 0 && slice_eq(team, team_at(o, i)->name))
			add_book(s, o, i, team);
		if (team.len > 0 || !is_first(o, i))
			continue;
		put_sharers(&party, o, i);
		add_book(s, o, i, buf_slice(&party));
	}
	buf_fini(&party);
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
	struct offers offers;
	struct price_sheet sheet;

	if (wish.books || wish.book.len > 0)
		return price_sheet_kept(l, &wish, &call->out) ? 200 : 404;
	t = process_topology(call->process);
	offers_make(&offers, t);
	price_sheet_open(&sheet, &call->out, &wish, "for");
	add_current(&sheet, &offers, admin_argument(call, "team"));
	free(offers.names);
	topology_release(t);
	return price_sheet_close(&sheet) ? 200 : 404;
}
