#include "common/limit/fair.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"

/* Virtual time of one unit of cost at weight 1: whole for any weight, or
 * nearly. */
#define SCALE ((int64_t)64 * FAIR_WEIGHT_MAX)

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

/* Virtual time of that cost. */
static int64_t
takes(int64_t cost, int64_t weight)
{
	return (min_i64(cost, FAIR_COST_MAX) * SCALE + weight - 1) / weight;
}

/* What was not asked for while others were served is no credit. */
static void
catch_up(struct share *s)
{
	s->finish = max_i64(s->finish, s->parent->now);
}

/* Its turn begins where its last one ended; of who did not wait, not before
 * now. */
static void
charge(struct fair_waiter *w)
{
	struct share *flow = w->flow, *party = flow->parent;

	w->weight = party->weight;
	if (party->waiting == 0)
		catch_up(party);
	if (flow->waiting == 0)
		catch_up(flow);
	party->parent->now = max_i64(party->parent->now, party->finish);
	party->now = max_i64(party->now, flow->finish);
	party->finish += takes(w->cost, w->weight);
	flow->finish += takes(w->cost, 1);
}

void
fair_join(struct fair *f, struct fair_waiter *w, const struct fair_claim *claim)
{
	struct share *s;

	hold(f, w, claim);
	w->waits = true;
	list_push(&w->flow->waiters, &w->link);
	for (s = w->flow; s != NULL; s = s->parent)
		if (s->waiting++ == 0 && s->parent != NULL)
			catch_up(s);
}

void
fair_serve(struct fair *f, struct fair_waiter *w,
    const struct fair_claim *claim)
{
	hold(f, w, claim);
	charge(w);
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
		    (first == NULL || s->finish < first->finish))
			first = s;
	}
	if (first != NULL)
		first->tried = round;
	return first;
}

/* Who could not go keeps its turn, but does not gather more of them. */
static void
pass_by(struct share *parent, const struct share *served, uint64_t round)
{
	list_each(item, &parent->children) {
		struct share *s = share_of(item);

		if (s != served && s->tried == round)
			catch_up(s);
	}
}

struct asking {
	enum fair_answer (*admits)(void *arg, struct fair_waiter *w);
	void *arg;
	uint64_t round;
	struct fair_waiter *served;
};

/* False: no more are asked. */
static bool
ask_flow(struct asking *a, struct share *flow)
{
	list_each(item, &flow->waiters) {
		struct fair_waiter *w =
		    container_of(item, struct fair_waiter, link);

		switch (a->admits(a->arg, w)) {
		case FAIR_YES:
			a->served = w;
			return false;
		case FAIR_NOBODY:
			return false;
		default:
			break;
		}
	}
	return true;
}

static bool
ask_party(struct asking *a, struct share *party)
{
	struct share *flow;

	while ((flow = first_child(party, a->round)) != NULL)
		if (!ask_flow(a, flow))
			return false;
	return true;
}

struct fair_waiter *
fair_next(struct fair *f,
    enum fair_answer (*admits)(void *arg, struct fair_waiter *w), void *arg)
{
	struct asking a = { .admits = admits, .arg = arg, .round = ++f->round };
	struct share *party;
	struct fair_waiter *w;

	while ((party = first_child(&f->root, a.round)) != NULL)
		if (!ask_party(&a, party))
			break;
	w = a.served;
	if (w == NULL)
		return NULL;
	charge(w);
	out_of_line(w);
	pass_by(&f->root, w->flow->parent, a.round);
	pass_by(w->flow->parent, w->flow, a.round);
	return w;
}

void
fair_correct(struct fair_waiter *w, int64_t cost)
{
	struct share *flow = w->flow;

	assert(flow != NULL && !w->waits && cost >= 0);
	flow->finish += takes(cost, 1) - takes(w->cost, 1);
	flow->parent->finish +=
	    takes(cost, w->weight) - takes(w->cost, w->weight);
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

int64_t
fair_flows(const struct share *party)
{
	int64_t count = 0;

	list_each(item, (struct list *)&party->children)
		count += share_of(item)->waiting > 0;
	return count;
}
