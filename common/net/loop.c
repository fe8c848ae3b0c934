#include "common/net/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"

#define MAILBOX_MAX 4096 /* posts waiting at once */
#define PHASE_CALLS 8    /* functions a phase can hold */

struct call {
	void (*fn)(void *arg);
	void *arg;
};

struct mailbox {
	pthread_mutex_t lock;
	struct call posts[MAILBOX_MAX];
	size_t count;
	bool closed;
	int wake_fd; /* eventfd */
};

struct loop {
	const char *name;
	struct event_base *base;
	struct call phases[LOOP_PHASES][PHASE_CALLS];
	size_t phase_calls[LOOP_PHASES];
	struct list soon, resting;
	int64_t now_us;
	uint64_t turns;
	bool again;
	atomic_bool stopping;
	struct mailbox box;
	struct call *taken; /* MAILBOX_MAX, the posts being called */
	struct event *wake;
};

struct loop_watch {
	struct loop *loop;
	int fd, what;
	struct event *event, *closed;
	void (*call)(void *arg, int what);
	void *arg;
};

struct loop_timer {
	struct event *event;
	struct call call;
};

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	log_error("event loop is out of resources", log_str("call", what),
	    log_int("errno", errno));
	abort();
}

static void
on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t count;
	size_t i, n;

	(void)what;
	if (read(fd, &count, sizeof(count)) < 0)
		assert(errno == EAGAIN);
	pthread_mutex_lock(&l->box.lock);
	n = l->box.count;
	for (i = 0; i < n; i++)
		l->taken[i] = l->box.posts[i];
	l->box.count = 0;
	pthread_mutex_unlock(&l->box.lock);
	for (i = 0; i < n; i++)
		l->taken[i].fn(l->taken[i].arg);
}

struct loop *
loop_new(const char *name)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *config = event_config_new();

	l->name = name;
	must(config != NULL, "event_config_new");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	event_config_require_features(config, EV_FEATURE_EARLY_CLOSE);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	must(l->base != NULL, "event_base_new_with_config");
	list_init(&l->soon);
	list_init(&l->resting);
	atomic_init(&l->stopping, false);
	pthread_mutex_init(&l->box.lock, NULL);
	l->taken = xcalloc(MAILBOX_MAX, sizeof(*l->taken));
	l->box.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(l->box.wake_fd >= 0, "eventfd");
	l->wake = event_new(l->base, l->box.wake_fd, EV_READ | EV_PERSIST,
	    on_mail, l);
	must(l->wake != NULL && event_add(l->wake, NULL) == 0, "event_add");
	l->now_us = clock_mono_us();
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	assert(list_empty(&l->soon) && list_empty(&l->resting));
	event_free(l->wake);
	event_base_free(l->base);
	close(l->box.wake_fd);
	pthread_mutex_destroy(&l->box.lock);
	free(l->taken);
	free(l);
}

static void
run_tasks(struct list *tasks)
{
	struct list batch, *first;
	struct loop_task *task;

	/* Tasks queued by these tasks wait for the next call. */
	list_init(&batch);
	list_append(&batch, tasks);
	while ((first = list_pop(&batch)) != NULL) {
		task = container_of(first, struct loop_task, link);
		task->call(task->arg);
	}
}

static void
run_phase(struct loop *l, enum loop_phase phase)
{
	size_t i;

	for (i = 0; i < l->phase_calls[phase]; i++) {
		struct call *call = &l->phases[phase][i];

		if (phase == LOOP_RUN)
			run_tasks(&l->soon);
		call->fn(call->arg);
	}
	if (phase == LOOP_RUN)
		run_tasks(&l->soon);
	/* What dies while freeing is freed too: REST leaves nothing. */
	while (phase == LOOP_REST && !list_empty(&l->resting))
		run_tasks(&l->resting);
}

void
loop_run(struct loop *l)
{
	int phase;

	while (!atomic_load(&l->stopping)) {
		bool sleep = !l->again && list_empty(&l->soon);

		l->again = false;
		event_base_loop(l->base,
		    EVLOOP_ONCE | (sleep ? 0 : EVLOOP_NONBLOCK));
		l->now_us = clock_mono_us();
		l->turns++;
		stat_add(STAT_TURNS, 1);
		for (phase = 0; phase < LOOP_PHASES; phase++)
			run_phase(l, (enum loop_phase)phase);
	}
	pthread_mutex_lock(&l->box.lock);
	l->box.closed = true;
	pthread_mutex_unlock(&l->box.lock);
	/* Posts that were accepted are called, also at the end. */
	on_mail(l->box.wake_fd, 0, l);
	for (phase = 0; phase < LOOP_PHASES; phase++)
		run_phase(l, (enum loop_phase)phase);
}

static void
wake(struct loop *l)
{
	uint64_t one = 1;

	if (write(l->box.wake_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN); /* full counter: it is awake */
}

void
loop_stop(struct loop *l)
{
	atomic_store(&l->stopping, true);
	wake(l);
}

int64_t
loop_now_us(const struct loop *l)
{
	return l->now_us;
}

uint64_t
loop_turns(const struct loop *l)
{
	return l->turns;
}

void
loop_again(struct loop *l)
{
	l->again = true;
}

void
loop_each_turn(struct loop *l, enum loop_phase phase, void (*call)(void *arg),
    void *arg)
{
	assert(l->phase_calls[phase] < PHASE_CALLS);
	l->phases[phase][l->phase_calls[phase]++] = (struct call){ call, arg };
}

void
loop_task_init(struct loop_task *t, void (*call)(void *arg), void *arg)
{
	list_init(&t->link);
	t->call = call;
	t->arg = arg;
}

void
loop_soon(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->link))
		list_push(&l->soon, &t->link);
}

void
loop_rest(struct loop *l, struct loop_task *t)
{
	if (list_empty(&t->link))
		list_push(&l->resting, &t->link);
}

void
loop_task_cancel(struct loop_task *t)
{
	list_remove(&t->link);
}

bool
loop_post(struct loop *l, void (*call)(void *arg), void *arg)
{
	bool fits;

	pthread_mutex_lock(&l->box.lock);
	fits = !l->box.closed && l->box.count < MAILBOX_MAX;
	if (fits)
		l->box.posts[l->box.count++] = (struct call){ call, arg };
	pthread_mutex_unlock(&l->box.lock);
	if (fits)
		wake(l);
	return fits;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;
	int seen = 0;

	(void)fd;
	if (what & EV_READ)
		seen |= LOOP_READ;
	if (what & EV_WRITE)
		seen |= LOOP_WRITE;
	if (what & EV_CLOSED)
		seen |= LOOP_CLOSED;
	w->call(w->arg, seen & w->what);
}

struct loop_watch *
loop_watch_new(struct loop *l, int fd, void (*call)(void *arg, int what),
    void *arg)
{
	struct loop_watch *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->fd = fd;
	w->call = call;
	w->arg = arg;
	return w;
}

/* An event is made when first asked for, and remade when its kind changes. */
static void
arm(struct loop_watch *w, struct event **event, short kind)
{
	if (*event != NULL) {
		event_free(*event);
		*event = NULL;
	}
	if (kind == 0)
		return;
	*event = event_new(w->loop->base, w->fd,
	    (short)(kind | EV_PERSIST | (kind & EV_CLOSED ? EV_ET : 0)),
	    on_event, w);
	must(*event != NULL && event_add(*event, NULL) == 0, "event_add");
}

void
loop_watch_for(struct loop_watch *w, int what)
{
	int changed = w->what ^ what;
	short kind = 0;

	w->what = what;
	if (what & LOOP_READ)
		kind |= EV_READ;
	if (what & LOOP_WRITE)
		kind |= EV_WRITE;
	if (changed & (LOOP_READ | LOOP_WRITE))
		arm(w, &w->event, kind);
	if (changed & LOOP_CLOSED)
		arm(w, &w->closed, what & LOOP_CLOSED ? EV_CLOSED : 0);
}

void
loop_watch_free(struct loop_watch *w)
{
	if (w == NULL)
		return;
	loop_watch_for(w, 0);
	free(w);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	t->call.fn(t->call.arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*call)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->call = (struct call){ call, arg };
	t->event = evtimer_new(l->base, on_timer, t);
	must(t->event != NULL, "evtimer_new");
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t after_us)
{
	struct timeval tv;

	after_us = max_i64(after_us, 0);
	tv.tv_sec = after_us / US_PER_SECOND;
	tv.tv_usec = after_us % US_PER_SECOND;
	must(evtimer_add(t->event, &tv) == 0, "evtimer_add");
}

void
loop_timer_clear(struct loop_timer *t)
{
	evtimer_del(t->event);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}
