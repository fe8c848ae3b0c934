#include "tests/sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/conn.h"

#define BACKLOG      4096
#define EVENTS       512
#define SOCKET_BYTES (128 * 1024) /* so that a slow reader shows soon */

static int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
watch(struct server *s, int *fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = fd };

	return *fd >= 0 && !epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, *fd, &e);
}

static bool
listen_on(struct server *s, uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int on = 1, bytes = SOCKET_BYTES;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.sin_port = htons(port);
	s->listen_fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listen_fd < 0)
		return false;
	setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(s->listen_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	if (bind(s->listen_fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(s->listen_fd, BACKLOG) < 0 ||
	    getsockname(s->listen_fd, (struct sockaddr *)&at, &len) < 0)
		return false;
	s->port = ntohs(at.sin_port);
	return true;
}

bool
server_open(struct server *s, uint16_t port)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	s->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return s->epoll_fd >= 0 && listen_on(s, port) &&
	       watch(s, &s->listen_fd) && watch(s, &s->signal_fd);
}

static void
accept_all(struct server *s)
{
	int fd;

	while ((fd = accept4(s->listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		conn_accept(s, fd);
}

static void
free_dead(struct server *s)
{
	struct conn *c;

	while ((c = s->dead)) {
		s->dead = c->next;
		conn_free(c);
	}
}

/* False when the event was a signal to end. */
static bool
take_event(struct server *s, const struct epoll_event *e)
{
	if (e->data.ptr == &s->signal_fd)
		return false;
	if (e->data.ptr == &s->listen_fd)
		accept_all(s);
	else
		conn_on_event(e->data.ptr, e->events);
	return true;
}

void
server_run(struct server *s)
{
	struct epoll_event events[EVENTS];
	struct timer *due;
	bool going = true;
	int i, n;

	while (going) {
		n = epoll_wait(s->epoll_fd, events, EVENTS,
		    timers_sleep_ms(&s->timers, clock_us()));
		s->now_us = clock_us();
		for (i = 0; i < n; i++)
			going = take_event(s, &events[i]) && going;
		while ((due = timer_take_due(&s->timers, s->now_us)))
			conn_on_timer((struct conn *)(void *)due);
		free_dead(s);
	}
}

void
server_close(struct server *s)
{
	while (s->all)
		conn_close(s->all);
	free_dead(s);
	timers_fini(&s->timers);
	record_fini(&s->record);
	replay_reset(&s->replay);
	close(s->listen_fd);
	close(s->signal_fd);
	close(s->epoll_fd);
}
