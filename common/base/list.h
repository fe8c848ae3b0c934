#pragma once
/*
 * list: an intrusive ring.  The head and each member embed a `struct list`;
 * a member is in at most one list by each such field.  Nothing is allocated.
 * A member that is in no list points to itself, so removing twice is safe.
 */
#include "common/base/lang.h"

struct list {
	struct list *next, *prev;
};

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

/* Put `item` last. */
static inline void
list_push(struct list *l, struct list *item)
{
	item->prev = l->prev;
	item->next = l;
	l->prev->next = item;
	l->prev = item;
}

/* Take `item` out of the list it is in, if it is in one. */
static inline void
list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* Take the first out, or NULL. */
static inline struct list *
list_pop(struct list *l)
{
	struct list *first = l->next;

	if (first == l)
		return NULL;
	list_remove(first);
	return first;
}

/* Move all of `from` behind the last of `to`; `from` is empty then. */
static inline void
list_append(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	list_init(from);
}

/* Each item in turn; the item itself may be removed inside the loop. */
#define list_each(item, l)                                                     \
	for (struct list *item = (l)->next, *item##_next = item->next;         \
	     item != (l); item = item##_next, item##_next = item->next)
