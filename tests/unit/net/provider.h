#pragma once
/*
 * provider: a server for tests of what calls one by HTTP: it answers by a
 * plan, on the loop of its caller.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/net/loop.h"

#define PLAN_MAX  8
#define CONNS_MAX 8

enum after {
	KEEP,
	CLOSE,
	RESET,
	VANISH /* and listen no more */
};

struct plan {
	const char *answer; /* NULL: none, ever */
	size_t answer_len;  /* 0: strlen */
	enum after after;
};

struct conn {
	int fd;
	struct loop_watch *watch;
	struct buf in, out;
	enum after after;
};

struct provider {
	struct loop *loop;
	int listen_fd;
	unsigned port;
	struct loop_watch *watch;
	struct plan plan[PLAN_MAX];
	unsigned requests, accepted;
	struct conn conns[CONNS_MAX];
	struct buf last; /* the last request, whole */
};

static struct provider *the_provider; /* of the test under way */

static void
conn_close(struct conn *c)
{
	struct linger hard = { 1, 0 };

	if (c->after == RESET)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (c->after == VANISH) {
		loop_watch_for(the_provider->watch, 0);
		close(the_provider->listen_fd);
		the_provider->listen_fd = -1;
	}
	loop_watch_free(c->watch);
	close(c->fd);
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->watch = NULL;
}

static void
conn_write(struct conn *c)
{
	ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

	if (n > 0)
		buf_drop(&c->out, (size_t)n);
	if (c->out.len > 0)
		loop_watch_for(c->watch, LOOP_READ | LOOP_WRITE);
	else if (c->after != KEEP)
		conn_close(c);
	else
		loop_watch_for(c->watch, LOOP_READ);
}

static bool
is_request(struct buf *in)
{
	const char *text = buf_text(in);
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strstr(text, "Content-Length: ");
	size_t want;

	if (end == NULL)
		return false;
	want = (size_t)(end + 4 - text);
	if (length != NULL)
		want += strtoul(length + 16, NULL, 10);
	assert_true(in->len <= want);
	return in->len == want;
}

static void
on_conn(void *arg, int what)
{
	struct provider *p = the_provider;
	struct conn *c = arg;
	struct plan *plan;
	uint8_t *room;
	ssize_t n;

	if (what & LOOP_WRITE) {
		conn_write(c);
		return;
	}
	room = buf_room(&c->in, 65536);
	n = recv(c->fd, room, 65536, 0);
	if (n <= 0) {
		conn_close(c);
		return;
	}
	buf_grow(&c->in, (size_t)n);
	if (!is_request(&c->in))
		return;
	assert_true(p->requests < PLAN_MAX);
	plan = &p->plan[p->requests++];
	buf_reset(&p->last);
	buf_put_slice(&p->last, buf_slice(&c->in));
	buf_reset(&c->in);
	c->after = plan->after;
	if (plan->answer != NULL)
		buf_put(&c->out, plan->answer,
		    plan->answer_len ? plan->answer_len : strlen(plan->answer));
	conn_write(c);
}

static void
on_accept(void *arg, int what)
{
	struct provider *p = arg;
	struct conn *c = p->conns;

	(void)what;
	while (c->watch != NULL)
		c++;
	assert_true(c < p->conns + CONNS_MAX);
	c->fd = accept4(p->listen_fd, NULL, NULL, SOCK_NONBLOCK);
	assert_true(c->fd >= 0);
	c->after = KEEP;
	buf_init(&c->in, 1 << 22);
	buf_init(&c->out, 1 << 22);
	c->watch = loop_watch_new(p->loop, c->fd, on_conn, c);
	loop_watch_for(c->watch, LOOP_READ);
	p->accepted++;
}

static void
provider_open(struct provider *p, struct loop *loop)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	p->loop = loop;
	p->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(p->listen_fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->listen_fd, 16), 0);
	assert_int_equal(getsockname(p->listen_fd, (void *)&at, &len), 0);
	p->port = ntohs(at.sin_port);
	p->watch = loop_watch_new(loop, p->listen_fd, on_accept, p);
	loop_watch_for(p->watch, LOOP_READ);
	buf_init(&p->last, 1 << 22);
	the_provider = p;
}

static void
provider_close(struct provider *p)
{
	size_t i;

	for (i = 0; i < CONNS_MAX; i++)
		if (p->conns[i].watch != NULL)
			conn_close(&p->conns[i]);
	loop_watch_free(p->watch);
	close(p->listen_fd);
	buf_fini(&p->last);
}

/* Nobody accepts there and no more fit into its queue: connecting lasts. */
struct full {
	int listen_fd, waiting_fd;
	char url[64];
};

static void
full_open(struct full *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listen_fd, (void *)&at, sizeof(at)), 0);
	assert_int_equal(listen(f->listen_fd, 0), 0);
	assert_int_equal(getsockname(f->listen_fd, (void *)&at, &len), 0);
	f->waiting_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(f->waiting_fd, (void *)&at, len), 0);
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/",
	    ntohs(at.sin_port));
}

static void
full_close(struct full *f)
{
	close(f->waiting_fd);
	close(f->listen_fd);
}
