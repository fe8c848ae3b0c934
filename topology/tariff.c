#include "topology/tariff.h"

#include <stdlib.h>

#include "common/base/memory.h"

static size_t
count_models(const struct tariff_wish *w)
{
	size_t i, n = 0;

	for (i = 0; i < w->count; i++)
		n += w->providers[i].models_count;
	return n;
}

void
tariff_write(struct buf *out, const struct tariff_wish *w)
{
	struct price_entry *entries =
	    xcalloc(count_models(w), sizeof(*entries));
	const struct model *m;
	size_t i, k, n = 0;

	for (i = 0; i < w->count; i++)
		for (k = 0; k < w->providers[i].models_count; k++) {
			m = &w->providers[i].models[k];
			if (w->wanted == NULL || w->wanted(w->arg, m))
				entries[n++] =
				    (struct price_entry){ m->target, m->price };
		}
	price_book_write(out, entries, n);
	free(entries);
}
