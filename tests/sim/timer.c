#include "tests/sim/timer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void
timers_fini(struct timers *all)
{
	free(all->heap);
	*all = (struct timers){ 0 };
}

static void
put(struct timers *all, size_t i, struct timer *t)
{
	all->heap[i] = t;
	t->slot = i + 1;
}

static void
sift_up(struct timers *all, size_t i, struct timer *t)
{
	while (i && all->heap[(i - 1) / 2]->due_us > t->due_us) {
		put(all, i, all->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	put(all, i, t);
}

static void
sift_down(struct timers *all, size_t i, struct timer *t)
{
	size_t child;

	while ((child = 2 * i + 1) < all->count) {
		if (child + 1 < all->count &&
		    all->heap[child + 1]->due_us < all->heap[child]->due_us)
			child++;
		if (all->heap[child]->due_us >= t->due_us)
			break;
		put(all, i, all->heap[child]);
		i = child;
	}
	put(all, i, t);
}

void
timer_clear(struct timers *all, struct timer *t)
{
	size_t i = t->slot - 1;
	struct timer *last;

	if (!t->slot)
		return;
	t->slot = 0;
	last = all->heap[--all->count];
	if (last == t)
		return;
	if (i && all->heap[(i - 1) / 2]->due_us > last->due_us)
		sift_up(all, i, last);
	else
		sift_down(all, i, last);
}

void
timer_set(struct timers *all, struct timer *t, int64_t due_us)
{
	timer_clear(all, t);
	if (all->count == all->cap) {
		all->cap = all->cap ? 2 * all->cap : 64;
		all->heap = realloc(all->heap, all->cap * sizeof(*all->heap));
		if (!all->heap) {
			perror("sim: realloc");
			abort();
		}
	}
	t->due_us = due_us;
	sift_up(all, all->count++, t);
}

struct timer *
timer_take_due(struct timers *all, int64_t now_us)
{
	struct timer *t;

	if (!all->count || all->heap[0]->due_us > now_us)
		return NULL;
	t = all->heap[0];
	timer_clear(all, t);
	return t;
}

int
timers_sleep_ms(const struct timers *all, int64_t now_us)
{
	int64_t left_us;

	if (!all->count)
		return -1;
	left_us = all->heap[0]->due_us - now_us;
	if (left_us <= 0)
		return 0;
	if (left_us / 1000 >= INT_MAX)
		return INT_MAX;
	return (int)((left_us + 999) / 1000);
}
