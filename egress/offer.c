#include "egress/offer.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/llm/catalog.h"
#include "common/member/worker.h"
#include "common/store/book.h"
#include "egress/egress.h"
#include "egress/envelope.h"
#include "topology/load.h"
#include "topology/tariff.h"

static size_t
count_models(const struct egress_file *file)
{
	size_t i, n = 0;

	for (i = 0; i < file->providers_count; i++)
		n += file->providers[i].models_count;
	return n;
}

/* Whose prices, for a tariff. */
struct audience {
	const struct team *team;
	struct slice home;
};

static bool
is_offered(const void *arg, const struct model *m)
{
	const struct audience *p = arg;

	return envelope_terms(p->team, m, p->home) == EXCLUSION_NONE;
}

void
offer_write_book(struct buf *out, const struct topology *t,
    const struct team *team)
{
	const struct audience party = { team, t->self->region };
	const struct tariff_wish wish = { t->egress->providers,
		t->egress->providers_count, is_offered, &party };

	tariff_write(out, &wish);
}

static void
make_book(struct dock *d, const struct team *team, char *name)
{
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	offer_write_book(&bytes, d->worker->topology, team);
	assert(!bytes.failed);
	price_book_name(name, buf_slice(&bytes));
	book_keep(d->worker->turn, buf_slice(&bytes));
	buf_fini(&bytes);
}

const char *
offer_book(struct dock *d, const struct team *team)
{
	const struct mesh *mesh = &d->worker->topology->mesh;
	size_t at = (size_t)(team - mesh->teams);

	assert(at < mesh->teams_count);
	if (d->books == NULL)
		d->books = xcalloc(mesh->teams_count, sizeof(*d->books));
	if (d->books[at][0] == '\0')
		make_book(d, team, d->books[at]);
	return d->books[at];
}

void
offer_forget(struct dock *d)
{
	free(d->books);
	d->books = NULL;
}

static struct catalog_entry
entry_of(const struct model *m, struct slice home)
{
	const struct provider_type *type = m->provider->type;

	return (struct catalog_entry){
		.target = m->target,
		.model = m->name,
		.cap_key = slice_of(type->cap_key),
		.dialects = m->provider->dialects,
		.max_output = m->max_output,
		.quirks = type->quirks,
		.supports = m->supports,
		.count = provider_counts(m->provider),
		.price = m->price,
		.region = envelope_region(m, home),
		.context = m->context,
		.max_body_bytes = m->max_body_bytes,
		.max_tools_bytes = m->max_tools_bytes,
		.supports_stated = m->supports_stated,
	};
}

void
offer_write(struct buf *out, const struct topology *t, const struct team *team,
    const char *price_book)
{
	const struct egress_file *file = t->egress;
	struct catalog_entry *entries =
	    xcalloc(count_models(file), sizeof(*entries));
	struct slice home = t->self->region;
	struct catalog c = { .egress = t->self->name,
		.price_book = slice_of(price_book),
		.entries = entries };
	size_t i, k;

	for (i = 0; i < file->providers_count; i++)
		for (k = 0; k < file->providers[i].models_count; k++) {
			const struct model *m = &file->providers[i].models[k];

			if (envelope_terms(team, m, home) == EXCLUSION_NONE)
				entries[c.count++] = entry_of(m, home);
		}
	catalog_write(out, &c);
	free(entries);
}
