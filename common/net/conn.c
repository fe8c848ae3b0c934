#include "common/net/conn.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/memory.h"

#define SOCKET_BYTES    (128 * 1024) /* a slow reader stops us, not memory */
#define SILENCE_MS      30000        /* unacknowledged bytes end it */
#define RECORD_BYTES    16384
#define READ_TURN_BYTES (256 * 1024) /* of one connection, then others */

static void
set_option(int fd, int level, int option, int value)
{
	/* Not every kind of socket has every option. */
	(void)setsockopt(fd, level, option, &value, sizeof(value));
}

static void
watch_for(struct conn *c)
{
	int what = LOOP_READ;

	if (c->connecting || c->blocked)
		what |= LOOP_WRITE;
	loop_watch_for(c->watch, what);
}

static void
read_some(struct conn *c)
{
	uint8_t record[RECORD_BYTES];
	int64_t now_us = clock_mono_us();
	size_t total = 0, got;

	while (c->why == NULL && c->session->state != SESSION_OVER) {
		enum tls_result result =
		    tls_read(c->tls, record, sizeof(record), &got);

		if (result == TLS_WANT_READ)
			break;
		if (result == TLS_WANT_WRITE) {
			/* An answer of TLS itself: goes before our bytes. */
			c->blocked = true;
			break;
		}
		if (result != TLS_OK) {
			conn_end(c, tls_why(c->tls));
			break;
		}
		session_feed(c->session, slice_make(record, got), now_us);
		total += got;
		if (!tls_pending(c->tls))
			break;
		if (total >= READ_TURN_BYTES) {
			loop_soon(c->host->loop, &c->more);
			break;
		}
	}
	conn_wake(c);
}

static void
shake_hands(struct conn *c)
{
	switch (tls_handshake(c->tls)) {
	case TLS_OK:
		c->blocked = false;
		c->events.on_secure(c->arg);
		if (c->session != NULL)
			read_some(c);
		return;
	case TLS_WANT_READ:
		c->blocked = false;
		return;
	case TLS_WANT_WRITE:
		c->blocked = true;
		return;
	default:
		conn_end(c, tls_why(c->tls));
	}
}

static void
finish_connecting(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	c->connecting = false;
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ||
	    error != 0)
		conn_end(c, "cannot connect");
}

void
conn_enter(struct conn *c)
{
	assert(!c->busy);
	c->busy = true;
}

void
conn_leave(struct conn *c)
{
	c->busy = false;
	if (c->forsaken)
		conn_free(c);
	else if (c->why == NULL)
		watch_for(c);
}

static void
on_ready(void *arg, int what)
{
	struct conn *c = arg;

	conn_enter(c);
	if (c->connecting && (what & LOOP_WRITE))
		finish_connecting(c);
	if (what & LOOP_WRITE)
		c->blocked = false;
	if (c->why == NULL && !c->connecting) {
		if (c->session == NULL)
			shake_hands(c);
		else if (what & LOOP_READ)
			read_some(c);
		else
			conn_wake(c);
	}
	conn_leave(c);
}

static void
on_more(void *arg)
{
	struct conn *c = arg;

	if (c->why != NULL || c->session == NULL)
		return;
	conn_enter(c);
	read_some(c);
	conn_leave(c);
}

struct conn *
conn_new(const struct conn_config *config, int fd, bool accept)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	set_option(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BYTES);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BYTES);
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MS);
	c->host = config->host;
	c->fd = fd;
	c->events = config->events;
	c->arg = config->arg;
	c->connecting = !accept;
	list_init(&c->dirty);
	loop_task_init(&c->more, on_more, c);
	c->tls = tls_new(config->boot, fd, accept, &config->check);
	c->watch = loop_watch_new(c->host->loop, fd, on_ready, c);
	watch_for(c);
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	if (c->busy) {
		c->forsaken = true;
		c->why = "freed";
		return;
	}
	host_leave(c->host, &c->dirty);
	loop_task_cancel(&c->more);
	loop_watch_free(c->watch);
	session_free(c->session);
	tls_free(c->tls);
	close(c->fd);
	free(c);
}

void
conn_end(struct conn *c, const char *why)
{
	if (c->why != NULL)
		return;
	c->why = why;
	loop_watch_for(c->watch, 0);
	if (c->session != NULL)
		session_stop(c->session, why);
	conn_wake(c);
}

void
conn_wake(struct conn *c)
{
	host_visit(c->host, &c->dirty);
}

/* Offer the socket what the session has; false when it took not all. */
static bool
write_out(struct conn *c)
{
	struct buf *out = &c->session->out;
	size_t taken;

	while (out->len > 0) {
		enum tls_result result =
		    tls_write(c->tls, buf_slice(out), &taken);

		if (result == TLS_WANT_WRITE || result == TLS_WANT_READ)
			return false;
		if (result != TLS_OK) {
			conn_end(c, tls_why(c->tls));
			return false;
		}
		c->session->figures.bytes_out += (int64_t)taken;
		buf_drop(out, taken);
	}
	return true;
}

void
conn_flush(struct conn *c)
{
	struct session *s = c->session;

	if (c->why != NULL || s == NULL || c->blocked)
		return;
	while (session_fill(s, clock_mono_us())) {
		if (write_out(c))
			continue;
		c->blocked = c->why == NULL;
		break;
	}
	if (c->why == NULL && c->blocked)
		watch_for(c);
}

void
conn_rest(struct conn *c)
{
	struct session *s = c->session;

	conn_flush(c);
	if (s != NULL && c->why == NULL && session_drained(s)) {
		tls_goodbye(c->tls);
		conn_end(c, "drained");
	}
	if (s != NULL && c->why == NULL && s->state == SESSION_OVER)
		conn_end(c, s->why);
	list_remove(&c->dirty);
	if (c->why == NULL) {
		if (s != NULL)
			session_rest(s);
		return;
	}
	conn_enter(c);
	c->events.on_over(c->arg, c->why);
	conn_leave(c);
}
