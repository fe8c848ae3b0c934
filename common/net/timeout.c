#include "common/net/timeout.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/loop.h"

#define TICK_MIN_US 2000 /* between two looks */

struct timeouts {
	struct loop_timer *timer;
	struct list running;
	int64_t armed_us; /* never later than the first due, but for a tick */
};

static void
arm(struct timeouts *ts, int64_t due_us, int64_t now_us)
{
	if (due_us >= ts->armed_us)
		return;
	ts->armed_us = due_us;
	loop_timer_set(ts->timer, due_us - now_us);
}

static void
on_timer(void *arg)
{
	struct timeouts *ts = arg;
	int64_t now_us = clock_mono_us(), next_us = TIMEOUT_NEVER, due_us;
	struct list late, *item;
	struct timeout *t;

	ts->armed_us = TIMEOUT_NEVER;
	list_init(&late);
	list_each(each, &ts->running) {
		t = container_of(each, struct timeout, link);
		due_us = min_i64(t->due_us, t->last_us);
		if (due_us > now_us) {
			next_us = min_i64(next_us, due_us);
			continue;
		}
		list_remove(each);
		list_push(&late, each);
	}
	if (next_us != TIMEOUT_NEVER)
		arm(ts, max_i64(next_us, now_us + TICK_MIN_US), now_us);
	/* What is late may yet be stopped by another's call. */
	while ((item = list_pop(&late)) != NULL) {
		t = container_of(item, struct timeout, link);
		t->late(t->arg);
	}
}

struct timeouts *
timeouts_new(struct loop *loop)
{
	struct timeouts *ts = xcalloc(1, sizeof(*ts));

	ts->timer = loop_timer_new(loop, on_timer, ts);
	list_init(&ts->running);
	ts->armed_us = TIMEOUT_NEVER;
	return ts;
}

void
timeouts_free(struct timeouts *ts)
{
	assert(list_empty(&ts->running));
	loop_timer_free(ts->timer);
	free(ts);
}

void
timeout_init(struct timeout *t, void (*late)(void *arg), void *arg)
{
	list_init(&t->link);
	t->due_us = t->last_us = TIMEOUT_NEVER;
	t->late = late;
	t->arg = arg;
}

void
timeout_start(struct timeouts *ts, struct timeout *t, int64_t last_us)
{
	assert(list_empty(&t->link));
	t->due_us = TIMEOUT_NEVER;
	t->last_us = last_us;
	list_push(&ts->running, &t->link);
	if (last_us < ts->armed_us)
		arm(ts, last_us, clock_mono_us());
}

void
timeout_push(struct timeouts *ts, struct timeout *t, int64_t due_us)
{
	t->due_us = due_us;
	if (due_us < ts->armed_us)
		arm(ts, due_us, clock_mono_us());
}

void
timeout_stop(struct timeout *t)
{
	list_remove(&t->link);
}
