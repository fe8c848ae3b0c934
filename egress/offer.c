#include "egress/offer.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"
#include "common/llm/catalog.h"
#include "egress/envelope.h"
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
