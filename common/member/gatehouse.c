#include "common/member/gatehouse.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/store/row.h"
#include "topology/provider.h"

struct kept_gate {
	struct gate gate;
	char *name;
	uint64_t serial; /* of its terms' topology; 0: none yet */
};

struct gatehouse {
	pthread_mutex_t lock;
	struct map gates;
	int64_t used_us;
};

struct gatehouse *
gatehouse_new(int64_t used_us)
{
	struct gatehouse *h = xcalloc(1, sizeof(*h));

	pthread_mutex_init(&h->lock, NULL);
	map_init(&h->gates);
	h->used_us = used_us;
	return h;
}

void
gatehouse_free(struct gatehouse *h)
{
	struct kept_gate *k;
	size_t at = 0;

	if (h == NULL)
		return;
	while ((k = map_next(&h->gates, &at)) != NULL) {
		gate_fini(&k->gate);
		free(k->name);
		free(k);
	}
	map_fini(&h->gates);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static struct kept_gate *
kept(struct gatehouse *h, struct slice name)
{
	struct kept_gate *k = map_find(&h->gates, name);

	if (k != NULL)
		return k;
	k = xcalloc(1, sizeof(*k));
	k->name = xstrndup(name.ptr, name.len);
	gate_init(&k->gate, slice_of(k->name));
	map_put(&h->gates, slice_of(k->name), k);
	return k;
}

struct terms {
	const struct shaping_terms *whole;
	const struct provider *provider; /* NULL: no parts */
	uint64_t serial;                 /* from 1 */
};

static void
renew(struct gatehouse *h, struct kept_gate *k, const struct terms *t)
{
	int64_t now_us = clock_mono_us();
	bool first = k->serial == 0;
	size_t i;

	if (t->serial <= k->serial)
		return;
	gate_set(&k->gate, t->whole, now_us);
	for (i = 0; t->provider != NULL && i < t->provider->models_count; i++)
		gate_set_part(&k->gate, t->provider->models[i].name,
		    &t->provider->models[i].shaping, now_us);
	if (first)
		gate_empty(&k->gate, h->used_us);
	k->serial = t->serial;
}

static struct gate *
get(struct gatehouse *h, struct slice name, const struct terms *t)
{
	struct kept_gate *k;

	pthread_mutex_lock(&h->lock);
	k = kept(h, name);
	renew(h, k, t);
	pthread_mutex_unlock(&h->lock);
	return &k->gate;
}

struct gate *
gatehouse_gate(struct gatehouse *h, struct slice name,
    const struct shaping_terms *terms, uint64_t serial)
{
	const struct terms t = { terms, NULL, serial };

	return shaping_is_said(terms) ? get(h, name, &t) : NULL;
}

static bool
is_shaped(const struct provider *p)
{
	bool shaped = shaping_is_said(&p->shaping);
	size_t i;

	for (i = 0; i < p->models_count && !shaped; i++)
		shaped = shaping_is_said(&p->models[i].shaping);
	return shaped;
}

struct gate *
gatehouse_account(struct gatehouse *h, struct slice account,
    const struct provider *p, uint64_t serial)
{
	const struct terms t = { &p->shaping, p, serial };

	return is_shaped(p) ? get(h, account, &t) : NULL;
}

static void
adopt(struct gatehouse *h, struct slice name, const struct terms *t)
{
	struct kept_gate *k;

	pthread_mutex_lock(&h->lock);
	k = map_find(&h->gates, name);
	if (k != NULL)
		renew(h, k, t);
	pthread_mutex_unlock(&h->lock);
}

void
gatehouse_adopt(struct gatehouse *h, struct slice name,
    const struct shaping_terms *terms, uint64_t serial)
{
	const struct terms t = { terms, NULL, serial };

	adopt(h, name, &t);
}

void
gatehouse_adopt_account(struct gatehouse *h, struct slice account,
    const struct provider *p, uint64_t serial)
{
	const struct terms t = { &p->shaping, p, serial };

	adopt(h, account, &t);
}

static int
by_name(const void *a, const void *b)
{
	const struct gate *const *p = a, *const *q = b;

	return strcmp((*p)->name.ptr, (*q)->name.ptr);
}

void
gatehouse_each(struct gatehouse *h, void (*call)(void *arg, struct gate *g),
    void *arg)
{
	struct kept_gate *k;
	struct gate **all;
	size_t at = 0, n = 0, i;

	pthread_mutex_lock(&h->lock);
	all = xcalloc(h->gates.count + 1, sizeof(*all));
	while ((k = map_next(&h->gates, &at)) != NULL)
		all[n++] = &k->gate;
	pthread_mutex_unlock(&h->lock);
	qsort(all, n, sizeof(*all), by_name);
	for (i = 0; i < n; i++)
		call(arg, all[i]);
	free(all);
}
