#include "topology/provider.h"

#include "common/base/buf.h"

const struct model *
find_model(const struct provider *providers, size_t count, struct slice target)
{
	size_t i, k;

	for (i = 0; i < count; i++)
		for (k = 0; k < providers[i].models_count; k++)
			if (slice_eq(providers[i].models[k].target, target))
				return &providers[i].models[k];
	return NULL;
}

void
provider_put_url(struct buf *url, const struct provider *p,
    enum dialect dialect, enum operation operation)
{
	buf_put_slice(url, p->base_url);
	buf_puts(url, operation == OPERATION_COUNT ? p->type->count_path
						   : p->type->paths[dialect]);
}

bool
provider_counts(const struct provider *p)
{
	return p->type->count_path != NULL &&
	       (p->dialects & (1u << DIALECT_MESSAGES)) != 0;
}
