#include "node/dialect/pairing.h"

#include "common/base/arena.h"

struct result {
	struct result *next;
	const struct part *part;
	size_t at; /* number of its message */
};

struct results {
	struct result *first, **tail;
};

static void
note(struct pairing *p, const struct part *part, size_t at)
{
	struct results *all = map_find(&p->waiting, part->id);
	struct result *r = arena_new(p->arena, struct result);

	if (all == NULL) {
		all = arena_new(p->arena, struct results);
		all->tail = &all->first;
		map_put(&p->waiting, part->id, all);
	}
	*r = (struct result){ .part = part, .at = at };
	*all->tail = r;
	all->tail = &r->next;
}

void
pairing_init(struct pairing *p, const struct turn *t,
    const struct message *from)
{
	const struct message *m;
	const struct part *part;
	size_t at = 0;

	*p = (struct pairing){ .arena = t->arena };
	map_init(&p->waiting);
	map_init(&p->taken);
	for (m = from; m != NULL; m = m->next, at++)
		for (part = m->parts; part != NULL; part = part->next)
			if (part->kind == PART_RESULT)
				note(p, part, at);
}

void
pairing_fini(struct pairing *p)
{
	map_fini(&p->waiting);
	map_fini(&p->taken);
}

const struct part *
pairing_take(struct pairing *p, const struct part *call, size_t at)
{
	struct results *all = map_find(&p->waiting, call->id);
	struct result *r = all != NULL ? all->first : NULL;

	while (r != NULL && r->at <= at)
		r = r->next;
	if (all != NULL)
		all->first = r != NULL ? r->next : NULL;
	if (r == NULL)
		return NULL;
	map_put(&p->taken, slice_make((const char *)&r->part, sizeof(r->part)),
	    r);
	return r->part;
}

bool
pairing_took(const struct pairing *p, const struct part *result)
{
	return map_find(&p->taken,
		   slice_make((const char *)&result, sizeof(result))) != NULL;
}
