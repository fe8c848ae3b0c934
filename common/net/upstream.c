#include "common/net/upstream.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/easy.h"
#include "common/net/loop.h"
#include "common/net/timeout.h"

struct transfer {
	struct list link; /* in upstream.waiting, before it is started */
	struct list wake; /* in upstream.resumed */
	struct upstream *up;
	struct easy *easy; /* NULL: its request was not sound */
	const struct transfer_events *events;
	void *arg;
	bool started, paused, ended;
	int64_t first_byte_us, idle_us;
	struct timeout timeout;
};

struct upstream {
	struct loop *loop;
	struct easies *easies;
	struct timeouts *timeouts;
	struct list waiting, resumed; /* for pump */
	struct loop_task pump;
	size_t transfers;
};

static const char *const end_names[] = {
	[TRANSFER_OK] = "ok",
	[TRANSFER_NO_NAME] = "no-name",
	[TRANSFER_NO_ROUTE] = "no-route",
	[TRANSFER_NO_TRUST] = "no-trust",
	[TRANSFER_RESET] = "reset",
	[TRANSFER_TRUNCATED] = "truncated",
	[TRANSFER_SLOW] = "slow",
	[TRANSFER_TOO_LARGE] = "too-large",
	[TRANSFER_BROKEN] = "broken",
};

const char *
transfer_end_name(enum transfer_end end)
{
	assert((size_t)end < count_of(end_names));
	return end_names[end];
}

bool
transfer_reached(enum transfer_end end)
{
	return end != TRANSFER_NO_NAME && end != TRANSFER_NO_ROUTE &&
	       end != TRANSFER_NO_TRUST;
}

static void
transfer_free(struct transfer *t)
{
	list_remove(&t->link);
	list_remove(&t->wake);
	timeout_stop(&t->timeout);
	t->up->transfers--;
	free(t);
}

static void
finish(struct transfer *t, enum transfer_end end)
{
	list_remove(&t->link);
	list_remove(&t->wake);
	timeout_stop(&t->timeout);
	t->ended = true;
	t->events->on_end(t->arg, end);
	transfer_free(t);
}

static void
on_late(void *arg)
{
	struct transfer *t = arg;
	struct easy *easy = t->easy;

	finish(t, TRANSFER_SLOW);
	if (easy != NULL)
		easy_stop(easy);
}

static void
push_due(struct transfer *t, int64_t after_us)
{
	timeout_push(t->up->timeouts, &t->timeout,
	    after_us > 0 ? clock_mono_us() + after_us : TIMEOUT_NEVER);
}

/* --- what easy tells --- */

static void
on_sending(void *arg)
{
	struct transfer *t = arg;

	push_due(t, t->first_byte_us);
}

static void
on_head(void *arg, int status)
{
	struct transfer *t = arg;

	push_due(t, t->idle_us);
	t->events->on_head(t->arg, status);
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct transfer *t = arg;
	struct easy *easy = t->easy;
	bool took = t->events->on_data(t->arg, bytes);

	if (easy_stopped(easy))
		return true; /* t is gone */
	t->paused = !took;
	push_due(t, took ? t->idle_us : 0);
	return took;
}

static void
on_end(void *arg, enum transfer_end end)
{
	finish(arg, end);
}

static const struct easy_events easy_events = { on_sending, on_head, on_data,
	on_end };

/* --- what waits for the loop --- */

static void
start_waiting(struct upstream *u)
{
	struct list batch, *item;

	list_init(&batch);
	list_append(&batch, &u->waiting);
	while ((item = list_pop(&batch)) != NULL) {
		struct transfer *t = container_of(item, struct transfer, link);

		if (t->easy == NULL) {
			finish(t, TRANSFER_BROKEN);
			continue;
		}
		t->started = true;
		easy_start(t->easy);
	}
}

static void
resume_paused(struct upstream *u)
{
	struct list batch, *item;

	/* What refuses again and is resumed at once waits for the next turn. */
	list_init(&batch);
	list_append(&batch, &u->resumed);
	while ((item = list_pop(&batch)) != NULL) {
		struct transfer *t = container_of(item, struct transfer, wake);

		if (!t->paused)
			continue;
		t->paused = false;
		push_due(t, t->idle_us);
		easy_resume(t->easy);
	}
}

static void
pump(void *arg)
{
	struct upstream *u = arg;

	start_waiting(u);
	resume_paused(u);
	easies_turn(u->easies);
}

/* --- the contract --- */

struct transfer *
transfer_start(struct upstream *u, const struct transfer_request *request,
    const struct transfer_events *events, void *arg)
{
	struct transfer *t = xcalloc(1, sizeof(*t));
	int64_t last_us = TIMEOUT_NEVER;

	if (request->total_ms > 0)
		last_us = clock_mono_us() + request->total_ms * US_PER_MS;
	t->up = u;
	t->events = events;
	t->arg = arg;
	t->first_byte_us = request->first_byte_ms * US_PER_MS;
	t->idle_us = request->idle_ms * US_PER_MS;
	t->easy = easy_new(u->easies, request, t);
	list_init(&t->link);
	list_init(&t->wake);
	timeout_init(&t->timeout, on_late, t);
	timeout_start(u->timeouts, &t->timeout, last_us);
	u->transfers++;
	list_push(&u->waiting, &t->link);
	loop_soon(u->loop, &u->pump);
	return t;
}

struct slice
transfer_header(struct transfer *t, const char *name)
{
	return t->easy != NULL ? easy_header(t->easy, name) : slice_of("");
}

const char *
transfer_why(const struct transfer *t)
{
	return t->easy != NULL ? easy_why(t->easy) : "a header is not sound";
}

void
transfer_resume(struct transfer *t)
{
	assert(t->started);
	if (list_empty(&t->wake))
		list_push(&t->up->resumed, &t->wake);
	loop_soon(t->up->loop, &t->up->pump);
}

void
transfer_cancel(struct transfer *t)
{
	struct easy *easy = t->easy;

	assert(!t->ended);
	transfer_free(t);
	if (easy != NULL)
		easy_stop(easy);
}

struct upstream *
upstream_new(struct loop *loop)
{
	struct upstream *u = xcalloc(1, sizeof(*u));

	upstream_start();
	u->loop = loop;
	list_init(&u->waiting);
	list_init(&u->resumed);
	loop_task_init(&u->pump, pump, u);
	u->timeouts = timeouts_new(loop);
	u->easies = easies_new(loop, u->timeouts, &easy_events);
	return u;
}

void
upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	assert(u->transfers == 0);
	loop_task_cancel(&u->pump);
	easies_free(u->easies);
	timeouts_free(u->timeouts);
	free(u);
}
