#include "tests/sim/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/sim/ask.h"
#include "tests/sim/control.h"
#include "tests/sim/oblige.h"

#define READ_ROOM      16384
#define PENDING_HIGH   65536   /* bytes to send beyond which no more is made */
#define PIPELINED_MAX  1048576 /* bytes of further requests during a call */
#define RESET_GRACE_US 5000    /* so that what was sent is read before RST */

void
conn_accept(struct server *s, int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };
	struct conn *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c) {
		perror("sim: calloc");
		abort();
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->server = s;
	c->fd = fd;
	c->next = s->all;
	if (s->all)
		s->all->prev = c;
	s->all = c;
	s->connections++;
	s->open_connections++;
	e.data.ptr = c;
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		conn_close(c);
}

static void
tell_outcome(struct conn *c, bool finished, bool gone)
{
	struct outcome o = {
		.status = c->call.status,
		.chunks = c->call.chunks,
		.finished = finished,
		.client_gone = gone,
	};

	if (c->n && c->server->record.on)
		record_outcome(&c->server->record, c->n, &o);
}

static void
end_call(struct conn *c, bool finished, bool gone)
{
	if (!c->n)
		return;
	tell_outcome(c, finished, gone);
	c->n = 0;
	c->server->open_calls--;
}

void
conn_close(struct conn *c)
{
	struct server *s = c->server;

	if (c->fd < 0)
		return;
	end_call(c, false, false);
	timer_clear(&s->timers, &c->timer);
	close(c->fd);
	c->fd = -1;
	if (c->prev)
		c->prev->next = c->next;
	else
		s->all = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->open_connections--;
	c->next = s->dead;
	s->dead = c;
}

void
conn_free(struct conn *c)
{
	call_fini(&c->call);
	text_fini(&c->in);
	text_fini(&c->out);
	free(c);
}

static void
client_gone(struct conn *c)
{
	end_call(c, false, true);
	conn_close(c);
}

static void
watch_write(struct conn *c, bool want)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP };

	if (c->want_write == want)
		return;
	c->want_write = want;
	if (want)
		e.events |= EPOLLOUT;
	e.data.ptr = c;
	epoll_ctl(c->server->epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

static size_t
pending(const struct conn *c)
{
	return c->out.len - c->sent;
}

static void
flush(struct conn *c)
{
	ssize_t n;

	if (pending(c)) {
		n = send(c->fd, c->out.at + c->sent, pending(c), MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			client_gone(c);
			return;
		}
		c->sent += n > 0 ? (size_t)n : 0;
	}
	if (!pending(c))
		c->out.len = c->sent = 0;
	watch_write(c, pending(c) > 0);
}

static struct bytes
place(const struct conn *c, struct span s)
{
	return (struct bytes){ c->in.at + s.from, s.len };
}

/* The number behind the last dash. */
static uint64_t
attempt_number(struct bytes id)
{
	uint64_t n = 0, unit = 1;

	while (id.len && id.at[id.len - 1] >= '0' && id.at[id.len - 1] <= '9') {
		n += unit * (uint64_t)(id.at[--id.len] - '0');
		unit *= 10;
	}
	return id.len && id.at[id.len - 1] == '-' ? n : 0;
}

static void
set_model(struct reply *reply, struct bytes model)
{
	size_t n = model.len < sizeof(reply->model) ? model.len : 0;

	if (n)
		memcpy(reply->model, model.at, n);
	reply->model[n] = '\0';
}

static const char *
choose_script(struct conn *c, const struct arrival *a)
{
	struct call *call = &c->call;
	struct caller who = { call->reply.model, attempt_number(a->attempt) };
	char bad[64];

	call->recording = replay_take(&c->server->replay, a->path);
	if (call->recording) {
		call->script = call->recording->script;
		return "";
	}
	plan_take(&c->server->plan, &who, &call->script);
	if (script_parse_body(&call->script, &who, a->body.at, a->body.len,
		bad))
		return "";
	fprintf(stderr, "sim: no such word: %s\n", bad);
	return "words";
}

static void
keep_echo(struct conn *c, struct bytes head, struct bytes body)
{
	struct text *echo = &c->call.reply.echo;

	echo->len = 0;
	if (!c->call.script.echo) {
		text_add(echo, c->call.script.say, c->call.script.say_len);
		return;
	}
	text_add(echo, head.at, head.len);
	text_add(echo, body.at, body.len);
}

/* An error's name, or "". */
static const char *
choose_dialect(struct call *call, struct bytes method, struct bytes path)
{
	const struct dialect *d = dialect_find(path.at, path.len);

	call->dialect = d ? d : &dialect_chat;
	return d && method.len == 4 && !memcmp(method.at, "POST", 4) ? ""
								     : "path";
}

static void
start_call(struct conn *c)
{
	const struct request *r = &c->request;
	struct call *call = &c->call;
	struct arrival a = {
		.method = place(c, r->method),
		.path = place(c, r->path),
		.authorization = place(c, r->authorization),
		.api_key = place(c, r->api_key),
		.version = place(c, r->version),
		.beta = place(c, r->beta),
		.attempt = place(c, r->attempt),
		.head = { c->in.at, r->head_len },
		.body = { c->in.at + r->head_len, r->body_len },
		.reused = c->served > 0,
	};
	struct ask ask = ask_parse(a.body.at, a.body.len);
	const char *wrong = choose_dialect(call, a.method, a.path);

	a.model = (struct bytes){ a.body.at + ask.model.from, ask.model.len };
	a.stream = ask.stream;
	set_model(&call->reply, a.model);
	call_begin(call);
	call->stream = ask.stream && call->dialect->begin;
	call->reply.usage = ask.usage;
	call->reused = a.reused;
	call->refusal = choose_script(c, &a);
	if (call->script.obliging)
		oblige(&call->script, a.body.at, a.body.len);
	a.tag = (struct bytes){ call->script.tag, strlen(call->script.tag) };
	if (*wrong)
		call->refusal = wrong;
	reply_compose(&call->reply,
	    call->script.call_count &&
		!ask_ends_in_results(a.body.at, a.body.len));
	keep_echo(c, a.head, a.body);
	call->reply.n = c->n = record_arrival(&c->server->record, &a);
	c->keep = r->keep_alive && !call->script.close;
	c->due_us = 0;
	c->server->open_calls++;
	c->state = CONN_PLAYING;
}

static void
start_control(struct conn *c)
{
	const struct request *r = &c->request;
	struct command command = {
		.method = place(c, r->method),
		.path = place(c, r->path),
		.body = { c->in.at + r->head_len, r->body_len },
	};
	const char *query = memchr(command.path.at, '?', command.path.len);

	if (query) {
		command.query.at = query + 1;
		command.query.len = command.path.len;
		command.path.len = (size_t)(query - command.path.at);
		command.query.len -= command.path.len + 1;
	}
	control_answer(c->server, &command, &c->out);
	c->keep = r->keep_alive;
	c->ending = CALL_DONE;
	c->state = CONN_DRAINING;
}

static void
refuse_bytes(struct conn *c)
{
	text_str(&c->out, "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n"
			  "connection: close\r\n\r\n");
	c->in.len = 0;
	c->ending = CALL_FIN;
	c->state = CONN_DRAINING;
	flush(c);
}

static void
say_continue(struct conn *c)
{
	if (!c->request.head_len || !c->request.expect || c->continued)
		return;
	c->continued = true;
	text_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
	flush(c);
}

/* Whether there was a whole request to begin with. */
static bool
next_request(struct conn *c)
{
	struct request *r = &c->request;
	enum request_state state;

	if (!c->in.len)
		return false;
	state = request_feed(r, &c->in);
	if (state == REQUEST_MORE) {
		say_continue(c);
		return false;
	}
	if (state == REQUEST_BAD) {
		refuse_bytes(c);
		return true;
	}
	if (r->path.len > 5 && !memcmp(c->in.at + r->path.from, "/sim/", 5))
		start_control(c);
	else
		start_call(c);
	text_drop(&c->in, r->raw);
	*r = (struct request){ 0 };
	c->continued = false;
	c->served++;
	flush(c);
	return true;
}

static void
wait_for_timer(struct conn *c)
{
	int64_t now_us = c->server->now_us, from_us = c->due_us;
	int64_t wait_us = (int64_t)c->call.wait_ms * 1000;

	if (now_us - from_us > wait_us)
		from_us = now_us;
	c->due_us = from_us + wait_us;
	c->state = CONN_WAITING;
	timer_set(&c->server->timers, &c->timer, c->due_us);
}

static void
play(struct conn *c)
{
	enum call_next next = CALL_MORE;

	while (next == CALL_MORE && pending(c) < PENDING_HIGH)
		next = call_pump(&c->call, &c->out);
	if (next == CALL_WAIT) {
		wait_for_timer(c);
	} else if (next == CALL_STALL) {
		c->state = CONN_SILENT;
	} else if (next != CALL_MORE) {
		c->ending = next;
		c->state = CONN_DRAINING;
	}
	tell_outcome(c, false, false);
	flush(c);
}

/* All is sent: end as the call said. */
static void
settle(struct conn *c)
{
	if (c->ending == CALL_RST) {
		c->state = CONN_LEAVING;
		timer_set(&c->server->timers, &c->timer,
		    c->server->now_us + RESET_GRACE_US);
		return;
	}
	end_call(c, c->ending == CALL_DONE, false);
	if (c->ending == CALL_FIN || !c->keep)
		conn_close(c);
	else
		c->state = CONN_IDLE;
}

static void
run(struct conn *c)
{
	while (c->fd >= 0) {
		if (c->state == CONN_IDLE) {
			if (!next_request(c))
				return;
		} else if (c->state == CONN_PLAYING) {
			if (pending(c) >= PENDING_HIGH)
				return;
			play(c);
		} else if (c->state == CONN_DRAINING && !pending(c)) {
			settle(c);
		} else {
			return;
		}
	}
}

static void
receive(struct conn *c)
{
	ssize_t n;

	text_room(&c->in, READ_ROOM);
	n = recv(c->fd, c->in.at + c->in.len, c->in.cap - c->in.len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		c->in.len += (size_t)n;
	if (n <= 0 || (c->state != CONN_IDLE && c->in.len > PIPELINED_MAX))
		client_gone(c);
}

void
conn_on_event(struct conn *c, uint32_t events)
{
	if (c->fd < 0)
		return;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		receive(c);
	if (c->fd >= 0 && events & EPOLLOUT)
		flush(c);
	run(c);
}

static void
reset(struct conn *c)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	end_call(c, false, false);
	conn_close(c);
}

void
conn_on_timer(struct conn *c)
{
	if (c->state == CONN_LEAVING) {
		reset(c);
		return;
	}
	c->state = CONN_PLAYING;
	run(c);
}
