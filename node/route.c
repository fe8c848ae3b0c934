#include "node/route.h"

#include "common/base/arena.h"
#include "common/llm/catalog.h"
#include "node/node.h"
#include "node/uplink.h"
#include "topology/load.h"

static enum fail
own_upstream(struct route *out, const struct model *m, const struct desk *d)
{
	const struct provider_type *type = m->provider->type;

	out->local = m;
	out->target = m->target;
	out->model = m->name;
	out->cap_key = type->cap_key;
	out->max_output = m->max_output;
	out->dialects = m->provider->dialects;
	out->quirks = type->quirks;
	out->supports = m->supports;
	out->count = provider_counts(m->provider);
	out->price = m->price;
	out->price_book = d->price_book;
	return FAIL_NONE;
}

static enum fail
through_egress(struct route *out, struct arena *arena, const struct desk *d,
    struct slice target)
{
	const struct catalog *c =
	    d->uplink != NULL ? uplink_catalog(d->uplink) : NULL;
	const struct catalog_entry *e = catalog_find(c, target);

	if (c == NULL)
		return FAIL_EGRESS_UNREACHABLE;
	if (e == NULL)
		return FAIL_NO_ELIGIBLE_TARGET;
	out->target = arena_copy(arena, e->target);
	out->egress = arena_copy(arena, c->egress);
	out->model = arena_copy(arena, e->model);
	out->cap_key = arena_text(arena, e->cap_key);
	out->max_output = e->max_output;
	out->dialects = e->dialects;
	out->quirks = e->quirks;
	out->supports = e->supports;
	out->count = e->count;
	out->price = e->price;
	out->price_book = arena_text(arena, c->price_book);
	return FAIL_NONE;
}

enum fail
route_find(struct route *out, struct arena *arena,
    const struct route_wish *wish)
{
	const struct node_file *file = wish->topology->node;
	struct slice target = wish->group->targets[0].model;
	const struct model *m =
	    find_model(file->providers, file->providers_count, target);

	*out = (struct route){ 0 };
	if (m == NULL)
		return through_egress(out, arena, wish->desk, target);
	return own_upstream(out, m, wish->desk);
}
