#include "egress/offer.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/llm/catalog.h"
#include "topology/load.h"

static size_t
count_models(const struct egress_file *file)
{
	size_t i, n = 0;

	for (i = 0; i < file->providers_count; i++)
		n += file->providers[i].models_count;
	return n;
}

void
offer_price_book(const struct topology *t, char name[PRICE_BOOK_CHARS])
{
	const struct egress_file *file = t->egress;
	struct price_entry *entries =
	    xcalloc(count_models(file), sizeof(*entries));
	size_t i, k, n = 0;

	for (i = 0; i < file->providers_count; i++)
		for (k = 0; k < file->providers[i].models_count; k++)
			entries[n++] = (struct price_entry){
				file->providers[i].models[k].target,
				file->providers[i].models[k].price
			};
	price_book_name(name, entries, n);
	free(entries);
}

static struct catalog_entry
entry_of(const struct model *m)
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
	};
}

void
offer_write(struct buf *out, const struct topology *t, const struct team *team,
    const char *price_book)
{
	const struct egress_file *file = t->egress;
	struct catalog_entry *entries =
	    xcalloc(count_models(file), sizeof(*entries));
	struct catalog c = { .egress = t->self->name,
		.price_book = slice_of(price_book),
		.entries = entries };
	size_t i, k;

	for (i = 0; i < file->providers_count; i++)
		for (k = 0; k < file->providers[i].models_count; k++)
			if (team_may_use(team,
				file->providers[i].models[k].target))
				entries[c.count++] =
				    entry_of(&file->providers[i].models[k]);
	catalog_write(out, &c);
	free(entries);
}
