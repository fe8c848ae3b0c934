#include "common/net/loop.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"

#define MAILBOX_MAX 4096 /* posts waiting at once */
#define PHASE_CALLS 16   /* functions a phase can hold */
#define LEAVING_MAX 64   /* closed peers told of at once */

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
	struct call phases[LOOP_PHASES][PHASE_CALLS]; /* fn NULL: free */
	struct list soon, resting;
	int64_t now_us;
	uint64_t turns;
	bool awake; /* now_us is of this turn */
	bool again;
	atomic_bool stopping;
	struct mailbox box;
	struct call *taken; /* MAILBOX_MAX, the posts being called */
	struct event wake;

	/*
	 * Notices of closed peers come from a set of our own: libevent does
	 * not pass a reset on to who asked for EV_CLOSED alone, and mixes no
	 * edge-triggered with level-triggered events on one descriptor.
	 */
	int closed_fd;
	struct event closed;
	struct epoll_event leaving[LEAVING_MAX];
	int leaving_count;
};

struct loop_watch {
	struct loop *loop;
	int fd, what;
	bool in_closed_set;
	struct event read, write;
	void (*call)(void *arg, int what);
	void *arg;
};

struct loop_timer {
	struct loop *loop;
	struct event event;
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

/* The first of a turn's events sets its time, before anybody asks for it. */
static void
wake_up(struct loop *l)
{
	if (l->awake)
		return;
	l->awake = true;
	l->now_us = clock_mono_us();
}

static void
on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	uint64_t count;
	size_t i, n;

	(void)what;
	wake_up(l);
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

static void
on_closed(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	int i;

	(void)what;
	wake_up(l);
	l->leaving_count = epoll_wait(fd, l->leaving, LEAVING_MAX, 0);
	for (i = 0; i < l->leaving_count; i++) {
		struct loop_watch *w = l->leaving[i].data.ptr;

		if (w != NULL && (w->what & LOOP_CLOSED) != 0)
			w->call(w->arg, LOOP_CLOSED);
	}
	l->leaving_count = 0;
}

static void
listen_for(struct loop *l, struct event *event, int fd,
    void (*call)(evutil_socket_t fd, short what, void *arg))
{
	must(fd >= 0, "descriptor");
	must(event_assign(event, l->base, fd, EV_READ | EV_PERSIST, call, l) ==
		     0 &&
		 event_add(event, NULL) == 0,
	    "event_add");
}

struct loop *
loop_new(const char *name)
{
	struct loop *l = xcalloc(1, sizeof(*l));
	struct event_config *config = event_config_new();

	l->name = name;
	must(config != NULL, "event_config_new");
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	l->base = event_base_new_with_config(config);
	event_config_free(config);
	must(l->base != NULL, "event_base_new_with_config");
	list_init(&l->soon);
	list_init(&l->resting);
	atomic_init(&l->stopping, false);
	pthread_mutex_init(&l->box.lock, NULL);
	l->taken = xcalloc(MAILBOX_MAX, sizeof(*l->taken));
	l->box.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	listen_for(l, &l->wake, l->box.wake_fd, on_mail);
	l->closed_fd = epoll_create1(EPOLL_CLOEXEC);
	listen_for(l, &l->closed, l->closed_fd, on_closed);
	l->now_us = clock_mono_us();
	return l;
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
rest(struct loop *l)
{
	/* What dies while freeing is freed too: nothing is left. */
	while (!list_empty(&l->resting))
		run_tasks(&l->resting);
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	/* What died after the last turn is freed with the loop. */
	rest(l);
	assert(list_empty(&l->soon));
	event_del(&l->wake);
	event_del(&l->closed);
	event_base_free(l->base);
	close(l->closed_fd);
	close(l->box.wake_fd);
	pthread_mutex_destroy(&l->box.lock);
	free(l->taken);
	free(l);
}

static void
run_phase(struct loop *l, enum loop_phase phase)
{
	size_t i;

	for (i = 0; i < PHASE_CALLS; i++) {
		struct call *call = &l->phases[phase][i];

		if (call->fn == NULL)
			continue;
		if (phase == LOOP_RUN)
			run_tasks(&l->soon);
		call->fn(call->arg);
	}
	if (phase == LOOP_RUN)
		run_tasks(&l->soon);
	if (phase == LOOP_REST)
		rest(l);
}

static void
run_phases(struct loop *l)
{
	int phase;

	for (phase = 0; phase < LOOP_PHASES; phase++)
		run_phase(l, (enum loop_phase)phase);
}

void
loop_run(struct loop *l)
{
	while (!atomic_load(&l->stopping)) {
		bool sleep = !l->again && list_empty(&l->soon);

		l->again = false;
		l->awake = false;
		l->turns++;
		event_base_loop(l->base,
		    EVLOOP_ONCE | (sleep ? 0 : EVLOOP_NONBLOCK));
		wake_up(l);
		stat_add(STAT_TURNS, 1);
		run_phases(l);
	}
	pthread_mutex_lock(&l->box.lock);
	l->box.closed = true;
	pthread_mutex_unlock(&l->box.lock);
	/* Posts that were accepted are called, also at the end, and so are
	 * the tasks that they and the last phases leave behind. */
	on_mail(l->box.wake_fd, 0, l);
	do
		run_phases(l);
	while (!list_empty(&l->soon));
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

static struct call *
phase_slot(struct loop *l, enum loop_phase phase, struct call wanted)
{
	size_t i;

	for (i = 0; i < PHASE_CALLS; i++) {
		struct call *call = &l->phases[phase][i];

		if (call->fn == wanted.fn && call->arg == wanted.arg)
			return call;
	}
	return NULL;
}

void
loop_each_turn(struct loop *l, enum loop_phase phase, void (*call)(void *arg),
    void *arg)
{
	struct call *slot = phase_slot(l, phase, (struct call){ NULL, NULL });

	assert(slot != NULL);
	*slot = (struct call){ call, arg };
}

void
loop_each_turn_stop(struct loop *l, enum loop_phase phase,
    void (*call)(void *arg), void *arg)
{
	struct call *slot = phase_slot(l, phase, (struct call){ call, arg });

	assert(slot != NULL);
	*slot = (struct call){ NULL, NULL };
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
	bool fits, first;

	pthread_mutex_lock(&l->box.lock);
	fits = !l->box.closed && l->box.count < MAILBOX_MAX;
	first = l->box.count == 0;
	if (fits)
		l->box.posts[l->box.count++] = (struct call){ call, arg };
	pthread_mutex_unlock(&l->box.lock);
	/* Whoever put the first post wakes the loop for all of them. */
	if (fits && first)
		wake(l);
	return fits;
}

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;

	(void)fd;
	wake_up(w->loop);
	w->call(w->arg, what & EV_READ ? LOOP_READ : LOOP_WRITE);
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
	must(event_assign(&w->read, l->base, fd, EV_READ | EV_PERSIST, on_event,
		 w) == 0 &&
		 event_assign(&w->write, l->base, fd, EV_WRITE | EV_PERSIST,
		     on_event, w) == 0,
	    "event_assign");
	return w;
}

static void
arm(struct event *event, bool on)
{
	must((on ? event_add(event, NULL) : event_del(event)) == 0, "event");
}

/* One-shot, so that a peer that left is told once and never spins. */
static void
arm_closed(struct loop_watch *w)
{
	struct epoll_event event = {
		.events = EPOLLRDHUP | EPOLLONESHOT,
		.data.ptr = w,
	};
	int op = w->in_closed_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	must(epoll_ctl(w->loop->closed_fd, op, w->fd, &event) == 0,
	    "epoll_ctl");
	w->in_closed_set = true;
}

void
loop_watch_for(struct loop_watch *w, int what)
{
	int changed = w->what ^ what;

	w->what = what;
	if (changed & LOOP_READ)
		arm(&w->read, (what & LOOP_READ) != 0);
	if (changed & LOOP_WRITE)
		arm(&w->write, (what & LOOP_WRITE) != 0);
	if ((changed & LOOP_CLOSED) && (what & LOOP_CLOSED))
		arm_closed(w);
}

void
loop_watch_free(struct loop_watch *w)
{
	struct loop *l;
	int i;

	if (w == NULL)
		return;
	l = w->loop;
	loop_watch_for(w, 0);
	if (w->in_closed_set)
		epoll_ctl(l->closed_fd, EPOLL_CTL_DEL, w->fd, NULL);
	for (i = 0; i < l->leaving_count; i++) {
		if (l->leaving[i].data.ptr == w)
			l->leaving[i].data.ptr = NULL;
	}
	free(w);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	wake_up(t->loop);
	t->call.fn(t->call.arg);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*call)(void *arg), void *arg)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->loop = l;
	t->call = (struct call){ call, arg };
	must(evtimer_assign(&t->event, l->base, on_timer, t) == 0,
	    "evtimer_assign");
	return t;
}

void
loop_timer_set(struct loop_timer *t, int64_t after_us)
{
	struct timeval tv;

	after_us = max_i64(after_us, 0);
	tv.tv_sec = after_us / US_PER_SECOND;
	tv.tv_usec = after_us % US_PER_SECOND;
	must(evtimer_add(&t->event, &tv) == 0, "evtimer_add");
}

void
loop_timer_clear(struct loop_timer *t)
{
	evtimer_del(&t->event);
}

void
loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	evtimer_del(&t->event);
	free(t);
}
