#include "common/limit/fair.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"

/* Virtual time of one unit of cost at weight 1. */
#define SCALE FAIR_WEIGHT_MAX

static void
share_init(struct share *s, struct share *parent)
{
	list_init(&s->link);
	list_init(&s->children);
	list_init(&s->waiters);
	map_init(&s->by_name);
	s->parent = parent;
	s->weight = 1;
}

void
fair_init(struct fair *f)
{
	*f = (struct fair){ .round = 0 };
	share_init(&f->root, NULL);
}

static struct share *
share_of(struct list *link)
{
	return container_of(link, struct share, link);
}

static void
share_free(struct share *s)
{
	assert(s->held == 0);
	list_each(item, &s->children)
		share_free(share_of(item));
	map_fini(&s->by_name);
	list_remove(&s->link);
	map_remove(&s->parent->by_name, slice_of(s->name));
	free(s->name);
	free(s);
}

void
fair_fini(struct fair *f)
{
	list_each(item, &f->root.children)
		share_free(share_of(item));
	map_fini(&f->root.by_name);
}

/* Who has nothing here and was served no more than others is as if new. */
static void
forget_idle(struct share *parent)
{
	list_each(item, &parent->children) {
		struct share *s = share_of(item);

		if (s->held == 0 && s->finish <= parent->now)
			share_free(s);
	}
}

static struct share *
get(struct share *parent, struct slice name)
{
	struct share *s = map_find(&parent->by_name, name);

	if (s != NULL)
		return s;
	if (parent->by_name.count >= FAIR_SHARES_MAX)
		forget_idle(parent);
	if (parent->by_name.count >= FAIR_SHARES_MAX) {
		name = slice_of("others");
		s = map_find(&parent->by_name, name);
	}
	if (s != NULL)
		return s;
	s = xcalloc(1, sizeof(*s));
	share_init(s, parent);
	s->name = xstrndup(name.ptr, name.len);
	s->finish = parent->now;
	list_push(&parent->children, &s->link);
	map_put(&parent->by_name, slice_of(s->name), s);
	return s;
}

static void
hold(struct fair *f, struct fair_waiter *w, const struct fair_claim *claim)
{
	struct share *party = get(&f->root, claim->party), *s;

	assert(w->flow == NULL && claim->cost > 0);
	party->weight = min_i64(max_i64(claim->weight, 1), FAIR_WEIGHT_MAX);
	w->flow = get(party, claim->flow);
	w->cost = claim->cost;
	list_init(&w->link);
	for (s = w->flow; s != NULL; s = s->parent)
		s->held++;
}

static int64_t
turn_of(const struct share *s)
{
	return max_i64(s->finish, s->parent->now);
}

/* Its turn begins where its last one ended, or now. */
static void
charge(struct share *flow, int64_t cost)
{
	struct share *s;

	for (s = flow; s->parent != NULL; s = s->parent) {
		int64_t start = turn_of(s);

		s->parent->now = start;
		s->finish = start + cost * (SCALE / s->weight);
	}
}

void
fair_join(struct fair *f, struct fair_waiter *w, const struct fair_claim *claim)
{
	struct share *s;

	hold(f, w, claim);
	w->waits = true;
	list_push(&w->flow->waiters, &w->link);
	for (s = w->flow; s != NULL; s = s->parent)
		s->waiting++;
}

void
fair_serve(struct fair *f, struct fair_waiter *w,
    const struct fair_claim *claim)
{
	hold(f, w, claim);
	charge(w->flow, w->cost);
}

static void
out_of_line(struct fair_waiter *w)
{
	struct share *s;

	list_remove(&w->link);
	w->waits = false;
	for (s = w->flow; s != NULL; s = s->parent)
		s->waiting--;
}

/* Whose turn comes first, of those not tried in this round. */
static struct share *
first_child(struct share *parent, uint64_t round)
{
	struct share *first = NULL;

	list_each(item, &parent->children) {
		struct share *s = share_of(item);

		if (s->waiting > 0 && s->tried != round &&
		    (first == NULL || turn_of(s) < turn_of(first)))
			first = s;
	}
	if (first != NULL)
		first->tried = round;
	return first;
}

static struct fair_waiter *
first_waiter(struct share *flow,
    bool (*admits)(void *arg, struct fair_waiter *), void *arg)
{
	list_each(item, &flow->waiters) {
		struct fair_waiter *w =
		    container_of(item, struct fair_waiter, link);

		if (admits(arg, w))
			return w;
	}
	return NULL;
}

struct fair_waiter *
fair_next(struct fair *f, bool (*admits)(void *arg, struct fair_waiter *w),
    void *arg)
{
	struct share *party, *flow;
	struct fair_waiter *w = NULL;

	f->round++;
	while (w == NULL && (party = first_child(&f->root, f->round)) != NULL)
		while (
		    w == NULL && (flow = first_child(party, f->round)) != NULL)
			w = first_waiter(flow, admits, arg);
	if (w == NULL)
		return NULL;
	out_of_line(w);
	charge(w->flow, w->cost);
	return w;
}

void
fair_correct(struct fair_waiter *w, int64_t cost)
{
	struct share *s;

	for (s = w->flow; s->parent != NULL; s = s->parent)
		s->finish += (cost - w->cost) * (SCALE / s->weight);
	w->cost = cost;
}

void
fair_leave(struct fair_waiter *w)
{
	struct share *s;

	if (w->flow == NULL)
		return;
	if (w->waits)
		out_of_line(w);
	for (s = w->flow; s != NULL; s = s->parent)
		s->held--;
	w->flow = NULL;
}

int64_t
fair_weights(const struct fair *f, const struct share *party)
{
	int64_t sum = 0;

	list_each(item, (struct list *)&f->root.children) {
		const struct share *s = share_of(item);

		if (s == party || s->waiting > 0)
			sum += s->weight;
	}
	return sum;
}
