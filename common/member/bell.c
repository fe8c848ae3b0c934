#include "common/member/bell.h"

#include <assert.h>

#include "common/base/clock.h"
#include "common/member/gate.h"
#include "common/net/loop.h"

static struct gate_pass *
pass_of(struct list *link)
{
	return container_of(link, struct gate_pass, link);
}

/* When what was decided has left: that may have changed who is next. */
static void
set_timer(struct bell *b, int64_t now_us)
{
	int64_t next_us = INT64_MAX;

	list_each(item, &b->waiting)
		next_us = min_i64(next_us, gate_look_again_us(pass_of(item)));
	if (next_us != INT64_MAX)
		loop_timer_set(b->timer,
		    min_i64(max_i64(next_us - now_us, US_PER_MS),
			US_PER_SECOND));
}

/* Pump what is due, set the timer, and tell who is decided; whom one tells may
 * make others leave. */
static void
attend(struct bell *b)
{
	int64_t now_us = clock_mono_us();
	struct list decided, *item;

	list_init(&decided);
	list_each(waits, &b->waiting) {
		if (!gate_is_decided(pass_of(waits), now_us))
			continue;
		list_remove(waits);
		list_push(&decided, waits);
	}
	set_timer(b, now_us);
	while ((item = list_pop(&decided)) != NULL)
		pass_of(item)->call(pass_of(item)->arg);
}

static void
on_rung(void *arg)
{
	struct bell *b = arg;

	atomic_store(&b->rung, false);
	attend(b);
}

bool
bell_ring(struct bell *b)
{
	if (atomic_exchange(&b->rung, true) || loop_post(b->loop, on_rung, b))
		return true;
	atomic_store(&b->rung, false);
	return false;
}

static void
on_timer(void *arg)
{
	attend(arg);
}

void
bell_init(struct bell *b, struct loop *loop)
{
	b->loop = loop;
	list_init(&b->waiting);
	atomic_init(&b->rung, false);
	b->timer = loop_timer_new(loop, on_timer, b);
}

void
bell_fini(struct bell *b)
{
	assert(list_empty(&b->waiting));
	loop_timer_free(b->timer);
}
