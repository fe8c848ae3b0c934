#include "tests/sim/load_stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sim/load_answer.h"
#include "tests/sim/load_spread.h"
#include "tests/sim/load_target.h"

#define EVENTS         512
#define STARTS_A_TURN  5 /* a turn is at least a millisecond */
#define READY_LIMIT_US 30000000
#define AFTERGLOW_US   300000 /* streams stay, so that the caller can look */
#define RECEIVE_BYTES  65536
#define US_A_SECOND    1000000

struct stream {
	int fd;      /* -1: to be started */
	size_t sent; /* of the request */
	bool began;  /* had an event, ever */
	int64_t event_us;
	struct answer answer;
};

struct load {
	const struct target *target;
	int epoll_fd;
	struct stream *streams;
	size_t count, began;
	size_t waiting; /* streams with no connection */
	uint64_t events, completed, errors;
	struct spread gaps;
};

static void
watch(struct load *l, struct stream *s, int op, bool write)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };

	if (write)
		e.events |= EPOLLOUT;
	epoll_ctl(l->epoll_fd, op, s->fd, &e);
}

static void
start(struct load *l, struct stream *s)
{
	s->fd = target_connect(l->target, false);
	if (s->fd < 0) {
		l->errors++;
		return;
	}
	l->waiting--;
	s->sent = 0;
	s->event_us = 0;
	answer_begin(&s->answer);
	watch(l, s, EPOLL_CTL_ADD, true);
}

static void
drop(struct load *l, struct stream *s)
{
	close(s->fd);
	s->fd = -1;
	l->waiting++;
	l->errors++;
}

static void
send_request(struct load *l, struct stream *s)
{
	const struct target *t = l->target;
	ssize_t n;

	if (s->sent == t->request_len)
		return;
	n = send(s->fd, t->request + s->sent, t->request_len - s->sent,
	    MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		drop(l, s);
		return;
	}
	s->sent += n > 0 ? (size_t)n : 0;
	if (s->sent == t->request_len)
		watch(l, s, EPOLL_CTL_MOD, false);
}

static void
note_events(struct load *l, struct stream *s, uint64_t before)
{
	uint64_t i, fresh = s->answer.events - before;
	int64_t now_us;

	if (!fresh)
		return;
	now_us = load_now_us();
	for (i = 0; i < fresh; i++) {
		if (s->event_us)
			spread_add(&l->gaps, now_us - s->event_us);
		s->event_us = now_us;
	}
	l->events += fresh;
	l->began += !s->began;
	s->began = true;
}

static void
next_stream(struct load *l, struct stream *s)
{
	const struct answer *a = &s->answer;

	if (a->status != 200 || !a->done || a->error) {
		drop(l, s);
		return;
	}
	l->completed++;
	s->sent = 0;
	s->event_us = 0;
	answer_begin(&s->answer);
	watch(l, s, EPOLL_CTL_MOD, true);
}

static void
receive(struct load *l, struct stream *s)
{
	char bytes[RECEIVE_BYTES];
	uint64_t before = s->answer.events;
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		answer_feed(&s->answer, bytes, (size_t)n);
	note_events(l, s, before);
	if (n <= 0 || s->answer.step == ANSWER_BAD)
		drop(l, s);
	else if (s->answer.step == ANSWER_WHOLE)
		next_stream(l, s);
}

static void
start_some(struct load *l)
{
	size_t i, started = 0;

	for (i = 0; i < l->count && l->waiting; i++) {
		if (l->streams[i].fd >= 0)
			continue;
		if (started++ == STARTS_A_TURN)
			return;
		start(l, &l->streams[i]);
	}
}

static void
turn(struct load *l)
{
	struct epoll_event events[EVENTS];
	int i, n = epoll_wait(l->epoll_fd, events, EVENTS, 1);

	for (i = 0; i < n; i++) {
		struct stream *s = events[i].data.ptr;

		if (events[i].events & EPOLLOUT)
			send_request(l, s);
		if (s->fd >= 0 && events[i].events & ~(uint32_t)EPOLLOUT)
			receive(l, s);
	}
	if (l->waiting)
		start_some(l);
}

static void
turns_until(struct load *l, int64_t end_us)
{
	while (load_now_us() < end_us)
		turn(l);
}

static bool
make_ready(struct load *l)
{
	int64_t limit_us = load_now_us() + READY_LIMIT_US;

	while (l->began < l->count && load_now_us() < limit_us)
		turn(l);
	if (l->began == l->count)
		return true;
	printf("{\"error\":\"only %zu of %zu streams began\",\"errors\":%lu}\n",
	    l->began, l->count, l->errors);
	return false;
}

static void
report(const struct load *l, int64_t took_us)
{
	printf("{\"streams\":%zu,\"seconds\":%.3f,\"events\":%lu,"
	       "\"completed\":%lu,\"errors\":%lu,\"gap_p50_us\":%ld,"
	       "\"gap_p99_us\":%ld}\n",
	    l->count, (double)took_us / US_A_SECOND, l->events, l->completed,
	    l->errors, spread_at(&l->gaps, 0.5), spread_at(&l->gaps, 0.99));
	fflush(stdout);
}

static int
run(struct load *l, const struct wish *w)
{
	int64_t start_us;

	if (!make_ready(l))
		return 1;
	printf("{\"ready\":%zu}\n", l->count);
	fflush(stdout);
	l->events = l->completed = l->errors = 0;
	l->gaps = (struct spread){ 0 };
	start_us = load_now_us();
	turns_until(l, start_us + (int64_t)w->seconds * US_A_SECOND);
	report(l, load_now_us() - start_us);
	turns_until(l, load_now_us() + AFTERGLOW_US);
	return 0;
}

int
stream_run(const struct target *t, const struct wish *w)
{
	struct load load = { .target = t, .count = w->streams };
	size_t i;
	int status;

	load.waiting = load.count;
	load.streams = calloc(load.count, sizeof(*load.streams));
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!load.streams || load.epoll_fd < 0) {
		perror("sim-load");
		return 1;
	}
	for (i = 0; i < load.count; i++)
		load.streams[i].fd = -1;
	status = run(&load, w);
	free(load.streams);
	return status;
}
