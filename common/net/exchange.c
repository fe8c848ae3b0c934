#include "common/net/exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/limit/allowance.h"
#include "common/net/loop.h"

#define BODY_FIRST 4096        /* a body's first storage */
#define LATE_MAX   (64 * 1024) /* an answer to a slow request */

void
server_kick(struct http_server *s)
{
	s->kick = true;
	if (s->ran_turn == loop_turns(s->loop))
		loop_again(s->loop);
}

void
exchange_wake(struct http_exchange *x)
{
	if (x->suspended) {
		x->suspended = false;
		library_resume(x->conn);
		server_kick(x->server);
	} else if (x->lingering) {
		server_kick(x->server);
	}
}

void
exchange_refuse(struct http_exchange *x, int status, const char *why)
{
	struct http_server *s = x->server;

	stat_add(STAT_HTTP_REJECTED, 1);
	s->busy += !x->shown;
	x->shown = true;
	x->refused = true;
	exchange_forget_body(x);
	s->config.on_refused(s->config.arg, x, status, why);
	assert(x->answer != NULL);
}

void
exchange_forget_body(struct http_exchange *x)
{
	if (x->body_held > 0)
		allowance_give(x->server->config.body_memory, x->body_held);
	x->body_held = 0;
	buf_fini(&x->body);
}

/* Storage for `len` more bytes, out of what all requests may hold. */
static bool
hold_body(struct http_exchange *x, size_t len)
{
	struct buf *b = &x->body;
	size_t need = b->len + len, want = BODY_FIRST;

	if (need <= b->cap)
		return true;
	while (want < need)
		want *= 2;
	want = min_size(want, b->max);
	if (!allowance_take(x->server->config.body_memory, want - x->body_held))
		return false;
	x->body_held = want;
	buf_room(b, want - b->len);
	assert(b->cap == want);
	return true;
}

void
exchange_take(struct http_exchange *x, const char *bytes, size_t len)
{
	if (x->step != STEP_BODY)
		return;
	if (len > x->body.max - x->body.len)
		exchange_refuse(x, 413, "the body is too large");
	else if (!hold_body(x, len))
		exchange_refuse(x, 503, "there is no room for the body now");
	else
		buf_put(&x->body, bytes, len);
}

static void
on_descriptor(void *arg, int what)
{
	struct conn *c = arg;
	struct http_exchange *x = c->x;

	assert(c->magic == CONN_MAGIC);
	if (what == LOOP_CLOSED) {
		c->peer_left = true;
		list_push(&c->server->leaving, &c->leaving);
	}
	if (x == NULL)
		return;
	if (what == LOOP_WRITE && x->step == STEP_STREAM)
		exchange_flush(x);
	else
		exchange_wake(x);
}

struct conn *
conn_open(struct http_server *s, struct MHD_Connection *mc, int fd)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->magic = CONN_MAGIC;
	c->server = s;
	c->mc = mc;
	c->fd = fd;
	deadline_init(&c->deadline);
	conn_start_deadline(&s->heads, c);
	list_push(&s->conns, &c->link);
	list_init(&c->leaving);
	c->watch = loop_watch_new(s->loop, fd, on_descriptor, c);
	loop_watch_for(c->watch, LOOP_CLOSED);
	return c;
}

void
conn_close(struct conn *c)
{
	assert(c->magic == CONN_MAGIC && c->x == NULL);
	loop_watch_free(c->watch);
	deadline_stop(&c->deadline);
	list_remove(&c->link);
	list_remove(&c->leaving);
	c->magic = 0;
	free(c);
}

/*
 * The library waits for an edge and takes a short read for the last word: it
 * does not see the end that came with the bytes.  What the client sent before
 * it left is read first, and answered when it is whole.
 */
void
server_part(struct http_server *s)
{
	list_each(at, &s->leaving) {
		struct conn *c = container_of(at, struct conn, leaving);
		int unread = 0;

		if (c->x != NULL && c->x->whole)
			continue;
		if (ioctl(c->fd, FIONREAD, &unread) == 0 && unread > 0)
			continue;
		list_remove(at);
		shutdown(c->fd, SHUT_RDWR);
	}
}

void
exchange_flush(struct http_exchange *x)
{
	struct http_server *s = x->server;
	struct conn *c = x->conn;
	enum outlet_flow flow;
	size_t sent;

	if (s->secure) {
		exchange_wake(x); /* the library comes for them */
		return;
	}
	flow = outlet_flush(&x->outlet, &sent);
	x->drained = flow == OUTLET_EMPTY;
	x->stalled = flow == OUTLET_FULL;
	c->peer_left |= flow == OUTLET_BROKEN;
	loop_watch_for(c->watch,
	    x->stalled ? LOOP_CLOSED | LOOP_WRITE : LOOP_CLOSED);
	if (sent > 0 && s->config.on_sent != NULL)
		s->config.on_sent(s->config.arg, x, sent);
	if (c->peer_left || (x->drained && x->ending == ENDING_WELL))
		exchange_wake(x);
}

size_t
exchange_give(struct http_exchange *x, char *room, size_t max)
{
	struct http_server *s = x->server;
	size_t n = outlet_take(&x->outlet, room, max);

	x->drained = outlet_waiting(&x->outlet) == 0;
	if (n > 0 && s->config.on_sent != NULL)
		s->config.on_sent(s->config.arg, x, n);
	return n;
}

bool
exchange_is_out(const struct http_exchange *x)
{
	return x->ending == ENDING_WELL && x->drained &&
	       outlet_waiting(&x->outlet) == 0;
}

void
server_flush(void *arg)
{
	struct http_server *s = arg;
	struct list batch, *first;

	list_init(&batch);
	list_append(&batch, &s->dirty);
	while ((first = list_pop(&batch)) != NULL) {
		struct http_exchange *x =
		    container_of(first, struct http_exchange, dirty);

		if (x->step == STEP_STREAM && !x->stalled)
			exchange_flush(x);
	}
	/* on_sent put more: this turn's last flush may be over. */
	if (!list_empty(&s->dirty))
		loop_again(s->loop);
}

void
conn_start_deadline(struct deadline_queue *q, struct conn *c)
{
	struct http_server *s = c->server;
	int64_t now_us = loop_now_us(s->loop);

	deadline_start(q, &c->deadline, now_us);
	if (c->deadline.at_us >= s->timer_at_us)
		return;
	s->timer_at_us = c->deadline.at_us;
	loop_timer_set(s->timer, s->timer_at_us - now_us);
}

/*
 * The library takes no answer while a request is still arriving, so this one
 * goes past it, as far as the socket takes it at once; then the connection is
 * shut, which the library sees.
 */
static void
answer_late(struct http_exchange *x)
{
	struct buf out;

	if (x->answer == NULL)
		exchange_refuse(x, 408, "the request did not arrive in time");
	x->step = STEP_DEAD;
	if (x->server->secure)
		return; /* the way past the library is not encrypted */
	buf_init(&out, LATE_MAX);
	library_write_head(x, &out);
	buf_printf(&out, "Content-Length: %zu\r\nConnection: close\r\n\r\n",
	    x->answer_body.len);
	buf_put_slice(&out, x->answer_body);
	if (!out.failed && send(x->conn->fd, out.data, out.len,
			       MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("a late answer did not go out");
	buf_fini(&out);
}

static void
expire(struct http_server *s, struct deadline_queue *q)
{
	int64_t now_us = loop_now_us(s->loop);
	struct deadline *d;

	while ((d = deadline_expired(q, now_us)) != NULL) {
		struct conn *c = container_of(d, struct conn, deadline);

		if (c->x != NULL)
			answer_late(c->x);
		shutdown(c->fd, SHUT_RDWR);
	}
	s->timer_at_us = min_i64(s->timer_at_us, deadline_next(q));
}

void
server_expire(void *arg)
{
	struct http_server *s = arg;

	s->timer_at_us = INT64_MAX;
	expire(s, &s->heads);
	expire(s, &s->bodies);
	expire(s, &s->idles);
	if (s->timer_at_us < INT64_MAX)
		loop_timer_set(s->timer, s->timer_at_us - loop_now_us(s->loop));
}

size_t
http_server_busy(const struct http_server *s)
{
	return s->busy;
}

bool
http_server_empty(const struct http_server *s)
{
	return list_empty(&s->conns);
}

void
http_set_owner(struct http_exchange *x, void *owner)
{
	x->owner = owner;
}

void *
http_owner(const struct http_exchange *x)
{
	return x->owner;
}

enum http_method
http_method(const struct http_exchange *x)
{
	return (enum http_method)x->request.method;
}

struct slice
http_path(const struct http_exchange *x)
{
	return edge_path(x->target);
}

bool
http_query(const struct http_exchange *x, const char *name, struct slice *value)
{
	return edge_query(x->target, name, value);
}

bool
http_secure(const struct http_exchange *x)
{
	return x->server->secure;
}

struct slice
http_body(const struct http_exchange *x)
{
	return buf_slice(&x->body);
}

static void
mark_dirty(struct http_exchange *x)
{
	if (list_empty(&x->dirty))
		list_push(&x->server->dirty, &x->dirty);
}

bool
http_stream_put(struct http_exchange *x, struct slice bytes)
{
	assert(x->magic == EXCHANGE_MAGIC && x->ending != ENDING_WELL);
	if (x->ending == ENDING_CUT)
		return false;
	if (!outlet_put(&x->outlet, bytes)) {
		log_error("a stream was put more than it can hold");
		http_stream_cut(x);
		return false;
	}
	mark_dirty(x);
	return outlet_waiting(&x->outlet) < OUTLET_CALM;
}

size_t
http_stream_waiting(const struct http_exchange *x)
{
	return outlet_waiting(&x->outlet);
}

void
http_stream_end(struct http_exchange *x)
{
	if (x->ending != ENDING_NOT)
		return;
	x->ending = ENDING_WELL;
	mark_dirty(x);
}

void
http_stream_cut(struct http_exchange *x)
{
	if (x->ending == ENDING_CUT)
		return;
	x->ending = ENDING_CUT;
	exchange_wake(x);
}
