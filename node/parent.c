#include "node/parent.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/list.h"
#include "common/base/memory.h"

struct parents {
	pthread_mutex_t lock;
	struct list all; /* struct parent.link: those that have anything */
};

struct parent {
	struct list link;
	char *name;
	uint64_t has[2]; /* by enum parent_has; bits of workers */
};

struct parents *
parents_new(void)
{
	struct parents *p = xcalloc(1, sizeof(*p));

	pthread_mutex_init(&p->lock, NULL);
	list_init(&p->all);
	return p;
}

static void
forget(struct parent *parent)
{
	list_remove(&parent->link);
	free(parent->name);
	free(parent);
}

void
parents_free(struct parents *p)
{
	if (p == NULL)
		return;
	list_each(item, &p->all) {
		forget(container_of(item, struct parent, link));
	}
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static struct parent *
find(struct parents *p, struct slice name)
{
	list_each(item, &p->all) {
		struct parent *parent = container_of(item, struct parent, link);

		if (slice_is(name, parent->name))
			return parent;
	}
	return NULL;
}

static struct parent *
make(struct parents *p, const char *name)
{
	struct parent *parent = xcalloc(1, sizeof(*parent));

	parent->name = xstrdup(name);
	list_push(&p->all, &parent->link);
	return parent;
}

void
parents_note(struct parents *p, const char *name, unsigned worker,
    enum parent_has what, bool has)
{
	uint64_t bit = UINT64_C(1) << worker;
	struct parent *parent;

	pthread_mutex_lock(&p->lock);
	parent = find(p, slice_of(name));
	if (parent == NULL && has)
		parent = make(p, name);
	if (parent != NULL && has)
		parent->has[what] |= bit;
	else if (parent != NULL)
		parent->has[what] &= ~bit;
	if (parent != NULL &&
	    (parent->has[PARENT_LINK] | parent->has[PARENT_CATALOG]) == 0)
		forget(parent);
	pthread_mutex_unlock(&p->lock);
}

struct parent_look
parents_look(struct parents *p, struct slice name)
{
	struct parent_look look = { 0, 0 };
	const struct parent *parent;

	pthread_mutex_lock(&p->lock);
	parent = find(p, name);
	if (parent != NULL) {
		look.up = parent->has[PARENT_LINK];
		look.serves = look.up & parent->has[PARENT_CATALOG];
	}
	pthread_mutex_unlock(&p->lock);
	return look;
}
