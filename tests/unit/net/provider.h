#pragma once
/*
 * provider: what the tests of upstream share: a provider that answers by a
 * plan, on the loop of its caller, and a few calls (asks) to it.
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
#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/net/loop.h"
#include "common/net/upstream.h"

/* --- a provider on the same loop, answering by a plan --- */

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

/* --- a test: one provider, one upstream, a few calls --- */

struct lab;

struct ask {
	struct lab *lab;
	struct transfer *t;
	struct transfer_request request;
	unsigned heads, ends, refusals, refuse;
	int status;
	enum transfer_end end;
	struct buf got;
	struct slice seen_type;
	bool cancel_in_head, cancel_in_data, hold;
	struct ask *cancel_other, *then;
	struct loop_task resume;
	char url[64];
};

struct lab {
	struct loop *loop;
	struct upstream *up;
	struct provider provider;
	struct ask asks[3];
	unsigned waiting; /* asks that have to end before the loop stops */
	struct slice body[2];
	struct http_field fields[2];
	struct secret *key;
	char large[200000];
};

static const struct transfer_events events;

static void
begin(struct ask *a)
{
	a->lab->waiting++;
	a->t = transfer_start(a->lab->up, &a->request, &events, a);
	assert_int_equal(a->heads + a->ends, 0);
}

static void
over(struct ask *a)
{
	a->t = NULL;
	if (a->then != NULL)
		begin(a->then);
	if (--a->lab->waiting == 0)
		loop_stop(a->lab->loop);
}

static void
cancel(struct ask *a)
{
	struct transfer *t = a->t;

	over(a);
	transfer_cancel(t);
}

static void
on_head(void *arg, int status)
{
	struct ask *a = arg;

	a->heads++;
	a->status = status;
	assert_true(slice_is(transfer_header(a->t, "x-test"), "") ||
		    slice_is(transfer_header(a->t, "x-test"), "yes"));
	a->seen_type = transfer_header(a->t, "x-test");
	if (a->cancel_in_head)
		cancel(a);
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct ask *a = arg;

	assert_int_equal(a->heads, 1);
	assert_int_equal(a->ends, 0);
	assert_true(bytes.len > 0);
	if (a->cancel_other != NULL) {
		cancel(a->cancel_other);
		a->cancel_other = NULL;
	}
	if (a->cancel_in_data) {
		cancel(a);
		return true;
	}
	if (a->refuse > 0) {
		a->refuse--;
		a->refusals++;
		if (!a->hold)
			loop_soon(a->lab->loop, &a->resume);
		return false;
	}
	buf_put_slice(&a->got, bytes);
	return true;
}

static void
on_end(void *arg, enum transfer_end end)
{
	struct ask *a = arg;

	a->ends++;
	a->end = end;
	assert_non_null(transfer_why(a->t));
	over(a);
}

static void
on_resume(void *arg)
{
	struct ask *a = arg;

	transfer_resume(a->t);
}

static const struct transfer_events events = { on_head, on_data, on_end };

static void
ask_init(struct lab *l, struct ask *a)
{
	a->lab = l;
	buf_init(&a->got, 1 << 22);
	loop_task_init(&a->resume, on_resume, a);
	snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u/v1/x?q=1",
	    l->provider.port);
	a->request.url = a->url;
	a->request.fields = l->fields;
	a->request.fields_count = 2;
	a->request.auth_field = "Authorization";
	a->request.auth_prefix = "Bearer ";
	a->request.key = l->key;
	a->request.body = l->body;
	a->request.body_count = 2;
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

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	size_t i;

	l->loop = loop_new("test");
	l->up = upstream_new(l->loop);
	provider_open(&l->provider, l->loop);
	l->body[0] = slice_of("{\"model\":");
	l->body[1] = slice_of("\"m\"}");
	l->fields[0] =
	    (struct http_field){ "Content-Type", slice_of("application/json") };
	l->fields[1] = (struct http_field){ "X-Empty", slice_of("") };
	l->key = secret_new("sk-test", 7);
	memset(l->large, 'x', sizeof(l->large));
	for (i = 0; i < count_of(l->asks); i++)
		ask_init(l, &l->asks[i]);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;
	size_t i;

	upstream_free(l->up);
	for (i = 0; i < count_of(l->asks); i++)
		buf_fini(&l->asks[i].got);
	for (i = 0; i < CONNS_MAX; i++)
		if (l->provider.conns[i].watch != NULL)
			conn_close(&l->provider.conns[i]);
	loop_watch_free(l->provider.watch);
	close(l->provider.listen_fd);
	buf_fini(&l->provider.last);
	secret_free(l->key);
	loop_free(l->loop);
	free(l);
	return 0;
}

static void
plan(struct lab *l, size_t i, const char *answer, enum after after)
{
	l->provider.plan[i] = (struct plan){ answer, 0, after };
}

static void
run(struct lab *l)
{
	begin(&l->asks[0]);
	loop_run(l->loop);
}

static void
expect_end(struct ask *a, unsigned heads, enum transfer_end end)
{
	assert_int_equal(a->heads, heads);
	assert_int_equal(a->ends, 1);
	assert_string_equal(transfer_end_name(a->end), transfer_end_name(end));
}
