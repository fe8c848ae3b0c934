#include "common/net/http.h"

#include <assert.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/net/exchange.h"
#include "common/net/loop.h"

/*
 * How an answer gets out, cheapest first.  Given inside on_head or on_body it
 * leaves at once.  Given later, but in the same turn, the request lingers: the
 * library keeps it among the ready ones and asks again in the next turn.  Else
 * it is suspended, which costs two epoll_ctl and a read, and is resumed when
 * the answer is there.  The body of a stream never passes through the library:
 * once the head is sent the connection stays suspended, and an outlet writes
 * to its socket; the library ends it with the last chunk.  A secure server is
 * another matter: there the library frames and encrypts a stream's body, too.
 */

#define CONNECTION_BYTES (16 * 1024)        /* zeroed by MHD for each request */
#define SEND_BUFFER      (64 * 1024)        /* the kernel's, each */
#define SWALLOW_MAX      (16 * 1024 * 1024) /* of a body nobody wants */
#define RUNS_MAX         3                  /* of the library in a turn */

/* TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only. */
#define TLS_PRIORITIES                                                         \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:"            \
	"-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM"

static struct conn *
conn_of(struct MHD_Connection *mc)
{
	struct conn *c =
	    MHD_get_connection_info(mc, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;

	assert(c->magic == CONN_MAGIC);
	return c;
}

/* Hand the answer to the library, inside its callback. */
static enum MHD_Result
give(struct http_exchange *x)
{
	enum MHD_Result done;

	/*
	 * Where a chunked body ends is the library's word only: the connection
	 * is not used again, so nothing behind it can become a request.
	 */
	if (x->request.chunked || x->server->draining)
		MHD_add_response_header(x->answer, "Connection", "close");
	done = MHD_queue_response(x->conn->mc, (unsigned)x->status, x->answer);
	MHD_destroy_response(x->answer);
	x->answer = NULL;
	x->step = STEP_ANSWER;
	deadline_stop(&x->conn->deadline);
	x->server->late |= x->lingering;
	x->lingering = false;
	return done;
}

static enum MHD_Result
on_field(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_len,
    const char *value, size_t value_len)
{
	struct http_server *s = cls;

	(void)kind;
	if (s->field_count < EDGE_FIELDS_MAX)
		s->fields[s->field_count] =
		    (struct edge_field){ { name, name_len },
			    { value, value_len } };
	s->field_count++;
	return MHD_YES;
}

/* 0, or the status to refuse with. */
static int
check_head(struct http_exchange *x, const char *method, const char *version,
    const char **why)
{
	struct http_server *s = x->server;
	struct edge_head head = { .method = slice_of(method),
		.target = { x->target_at, x->target.len },
		.version = slice_of(version),
		.fields = s->fields };

	s->field_count = 0;
	MHD_get_connection_values_n(x->conn->mc, MHD_HEADER_KIND, on_field, s);
	head.count = s->field_count;
	head.bytes = MHD_get_connection_info(x->conn->mc,
	    MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
			 ->header_size;
	if (head.count > EDGE_FIELDS_MAX) {
		*why = "there are too many headers";
		return 431;
	}
	*why = "the head has a byte or a line end it may not";
	if (!edge_whole(&head, slice_make(method, head.bytes)))
		return 400;
	/* The library has cut the target's query since; ours is whole. */
	head.target = x->target;
	return edge_check(&head, &x->request, why);
}

/*
 * An answer that came before the body was read.  Where the request ends is
 * known, so the body is read and dropped and the connection lives on; but a
 * client that waits for "100 Continue" need not send it, and a body beyond
 * reason is not waited for.  Both end the connection.
 */
static enum MHD_Result
answered_early(struct http_exchange *x)
{
	if (x->request.wants_continue || x->request.length > SWALLOW_MAX)
		return give(x);
	return MHD_YES;
}

static enum MHD_Result
head_is_in(struct http_exchange *x, const char *method, const char *version)
{
	struct http_server *s = x->server;
	const char *why;
	int status = check_head(x, method, version, &why);

	if (status == 400 || status == 414 || status == 431) {
		exchange_refuse(x, status, why);
		return give(x);
	}
	x->step = STEP_BODY;
	conn_start_deadline(&s->bodies, x->conn);
	s->busy++;
	x->shown = true;
	s->config.on_head(s->config.arg, x);
	if (x->answer == NULL && status != 0)
		exchange_refuse(x, status, why);
	if (x->answer == NULL && x->request.length > s->config.body_max_bytes)
		exchange_refuse(x, 413, "the body is too large");
	if (x->answer != NULL)
		return answered_early(x);
	x->body.max = x->request.has_length ? (size_t)x->request.length
					    : s->config.body_max_bytes;
	return MHD_YES;
}

/* Nothing to send now: the library forgets it until wake. */
static void
suspend(struct http_exchange *x)
{
	x->lingering = false;
	x->suspended = true;
	MHD_suspend_connection(x->conn->mc);
}

static enum MHD_Result
request_is_in(struct http_exchange *x)
{
	struct http_server *s = x->server;

	if (!x->whole) {
		x->whole = true;
		deadline_stop(&x->conn->deadline);
		if (x->step == STEP_BODY) {
			x->step = STEP_WAIT;
			x->asked_turn = loop_turns(s->loop);
			s->config.on_body(s->config.arg, x);
		}
	}
	if (x->answer != NULL)
		return give(x);
	if (x->conn->peer_left)
		return MHD_NO;
	if (x->asked_turn == loop_turns(s->loop))
		x->lingering = true;
	else
		suspend(x);
	return MHD_YES;
}

/* The library's three kinds of call in one: head, part of body, all is in. */
static enum MHD_Result
on_request(void *cls, struct MHD_Connection *mc, const char *url,
    const char *method, const char *version, const char *bytes, size_t *len,
    void **context)
{
	struct http_exchange *x = *context;

	(void)cls;
	(void)mc;
	(void)url;
	assert(x->magic == EXCHANGE_MAGIC);
	if (x->step == STEP_DEAD)
		return MHD_NO;
	if (x->pipelined) {
		stat_add(STAT_HTTP_REJECTED, 1);
		return MHD_NO;
	}
	if (x->step == STEP_HEAD)
		return head_is_in(x, method, version);
	if (*len == 0)
		return request_is_in(x);
	exchange_take(x, bytes, *len);
	*len = 0;
	return MHD_YES;
}

/* The request line is in: the raw target, before the library decodes it. */
static void *
on_target(void *cls, const char *target, struct MHD_Connection *mc)
{
	struct http_server *s = cls;
	struct conn *c = conn_of(mc);
	struct http_exchange *x = xcalloc(1, sizeof(*x));

	assert(c->x == NULL);
	c->x = x;
	x->magic = EXCHANGE_MAGIC;
	x->conn = c;
	x->server = s;
	x->target_at = target != NULL ? target : "";
	x->target.len = strlen(x->target_at);
	x->target.ptr = xstrndup(x->target_at, x->target.len);
	buf_init(&x->body, s->config.body_max_bytes);
	outlet_init(&x->outlet);
	list_init(&x->dirty);
	/*
	 * Bytes that were there before their forerunner was answered may be
	 * hidden in it, for whoever stands before us and reads its end
	 * elsewhere.  Nobody pipelines: the connection ends, unanswered.
	 */
	x->pipelined = c->idle && c->done_run == s->runs;
	/* A new connection's head has had its time since the accept. */
	if (c->idle)
		conn_start_deadline(&s->heads, c);
	c->idle = false;
	return x;
}

static void
on_completed(void *cls, struct MHD_Connection *mc, void **context,
    enum MHD_RequestTerminationCode why)
{
	struct http_server *s = cls;
	struct http_exchange *x = *context;
	bool sent = why == MHD_REQUEST_TERMINATED_COMPLETED_OK &&
		    (x->step == STEP_ANSWER || x->step == STEP_STREAM);

	(void)mc;
	assert(x->magic == EXCHANGE_MAGIC);
	if (x->shown) {
		if (!sent && x->step != STEP_DEAD && x->ending != ENDING_CUT &&
		    s->config.on_gone != NULL)
			s->config.on_gone(s->config.arg, x);
		if (s->config.on_done != NULL)
			s->config.on_done(s->config.arg, x);
		s->busy--;
	}
	x->conn->x = NULL;
	x->conn->idle = true;
	x->conn->done_run = s->runs;
	conn_start_deadline(&s->idles, x->conn);
	exchange_forget_body(x);
	outlet_fini(&x->outlet);
	list_remove(&x->dirty);
	if (x->answer != NULL)
		MHD_destroy_response(x->answer);
	free((char *)x->target.ptr);
	x->magic = 0;
	free(x);
	*context = NULL;
}

static void
on_connection(void *cls, struct MHD_Connection *mc, void **context,
    enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		*context = conn_open(s, mc,
		    MHD_get_connection_info(mc,
			MHD_CONNECTION_INFO_CONNECTION_FD)
			->connect_fd);
	else
		conn_close(*context);
}

/*
 * The library wants a stream's next bytes.  The first time that means that
 * the head is in the socket, and the outlet takes over, unless the bytes have
 * to be encrypted: then they go through the library.
 */
static ssize_t
on_read(void *cls, uint64_t at, char *room, size_t max)
{
	struct http_exchange *x = cls;
	bool secure = x->server->secure;
	size_t n;

	(void)at;
	assert(x->magic == EXCHANGE_MAGIC);
	if (x->step == STEP_ANSWER) {
		x->step = STEP_STREAM;
		if (!secure)
			outlet_open(&x->outlet, x->conn->fd,
			    !x->request.http_1_0);
		exchange_flush(x);
	}
	if (x->ending == ENDING_CUT || x->conn->peer_left)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = secure ? exchange_give(x, room, max) : 0;
	if (n > 0)
		return (ssize_t)n;
	if (exchange_is_out(x)) {
		x->server->late = true;
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	suspend(x);
	return 0;
}

static void
run_library(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait;
	int i;

	s->ready = s->kick = false;
	for (i = 0; i < RUNS_MAX; i++) {
		s->late = false;
		s->runs++;
		MHD_run(s->daemon);
		/* Taken in that run, sent by the next. */
		if (!s->late)
			break;
	}
	if (MHD_get_timeout(s->daemon, &wait) == MHD_YES && wait == 0)
		server_kick(s);
}

static void
run(void *arg)
{
	struct http_server *s = arg;

	s->ran_turn = loop_turns(s->loop);
	if (s->ready || s->kick)
		run_library(s);
	if (!list_empty(&s->leaving))
		server_part(s);
}

static void
on_ready(void *arg, int what)
{
	struct http_server *s = arg;

	(void)what;
	s->ready = true;
}

void
library_resume(struct conn *c)
{
	MHD_resume_connection(c->mc);
}

static enum MHD_Result
write_field(void *cls, enum MHD_ValueKind kind, const char *name,
    const char *value)
{
	(void)kind;
	buf_printf(cls, "%s: %s\r\n", name, value);
	return MHD_YES;
}

void
library_write_head(const struct http_exchange *x, struct buf *out)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", x->status,
	    MHD_get_reason_phrase_for((unsigned)x->status));
	MHD_get_response_headers(x->answer, write_field, out);
}

/* As it came: the library would decode in place and lose what is behind %00. */
static size_t
leave_escapes(void *cls, struct MHD_Connection *mc, char *text)
{
	(void)cls;
	(void)mc;
	return strlen(text);
}

/* Connections inherit these, which saves three calls for each. */
static void
set_up_listener(int fd, int64_t idle_ms)
{
	int bytes = SEND_BUFFER, one = 1;
	unsigned stalled_ms = (unsigned)idle_ms;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	/* These two fail on a unix socket, which has no need of them. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stalled_ms,
	    sizeof(stalled_ms));
}

static struct MHD_Daemon *
start_daemon(struct http_server *s)
{
	struct http_config *c = &s->config;
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
	/* The library copies the texts it is given here, while it starts. */
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (char *)c->tls_cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, (char *)c->tls_key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, TLS_PRIORITIES },
		{ MHD_OPTION_END, 0, NULL },
	};

	s->secure = c->tls_cert != NULL;
	if (s->secure)
		flags |= MHD_USE_TLS;
	return MHD_start_daemon(flags, 0, NULL, NULL, on_request, s,
	    MHD_OPTION_ARRAY, s->secure ? tls : &tls[count_of(tls) - 1],
	    MHD_OPTION_LISTEN_SOCKET, s->config.listen_fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->config.connections_max,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
	    MHD_OPTION_CONNECTION_TIMEOUT, 0u, MHD_OPTION_NOTIFY_CONNECTION,
	    on_connection, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_escapes, NULL, MHD_OPTION_END);
}

struct http_server *
http_server_new(struct loop *loop, const struct http_config *config,
    const char **why)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->config = *config;
	list_init(&s->conns);
	list_init(&s->dirty);
	list_init(&s->leaving);
	set_up_listener(config->listen_fd, config->idle_ms);
	s->daemon = start_daemon(s);
	s->config.tls_cert = s->config.tls_key = NULL;
	if (s->daemon == NULL) {
		*why = "the HTTP server did not start";
		free(s);
		return NULL;
	}
	deadline_queue_init(&s->heads, config->head_ms * US_PER_MS);
	deadline_queue_init(&s->bodies, config->body_ms * US_PER_MS);
	deadline_queue_init(&s->idles, config->idle_ms * US_PER_MS);
	s->timer = loop_timer_new(loop, server_expire, s);
	s->timer_at_us = INT64_MAX;
	s->watch = loop_watch_new(loop,
	    MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
	    on_ready, s);
	loop_watch_for(s->watch, LOOP_READ);
	loop_each_turn(loop, LOOP_RUN, run, s);
	loop_each_turn(loop, LOOP_FLUSH, server_flush, s);
	loop_each_turn(loop, LOOP_REST, server_flush, s);
	/* The library puts its listener into its epoll set when it runs. */
	server_kick(s);
	return s;
}

void
http_server_drain(struct http_server *s)
{
	if (s->draining)
		return;
	s->draining = true;
	close(MHD_quiesce_daemon(s->daemon));
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	/* The library does not stop with suspended connections. */
	list_each(at, &s->conns) {
		struct conn *c = container_of(at, struct conn, link);

		if (c->x != NULL && c->x->suspended)
			MHD_resume_connection(c->mc);
	}
	loop_watch_free(s->watch);
	MHD_stop_daemon(s->daemon);
	assert(s->busy == 0 && list_empty(&s->conns));
	loop_timer_free(s->timer);
	loop_each_turn_stop(s->loop, LOOP_RUN, run, s);
	loop_each_turn_stop(s->loop, LOOP_FLUSH, server_flush, s);
	loop_each_turn_stop(s->loop, LOOP_REST, server_flush, s);
	free(s);
}

struct slice
http_header(const struct http_exchange *x, const char *name)
{
	struct slice value = { NULL, 0 };

	if (MHD_lookup_connection_value_n(x->conn->mc, MHD_HEADER_KIND, name,
		strlen(name), &value.ptr, &value.len) != MHD_YES)
		return slice_make(NULL, 0);
	return edge_trimmed(value);
}

int
http_socket(const struct http_exchange *x)
{
	return MHD_get_connection_info(x->conn->mc,
	    MHD_CONNECTION_INFO_CONNECTION_FD)
	    ->connect_fd;
}

/* Framing is the library's: a field of that kind would contradict it. */
static bool
may_send(const struct http_field *f)
{
	struct slice name = slice_of(f->name);

	return edge_is_token(name) && edge_is_value(f->value) &&
	       strcasecmp(f->name, "Content-Length") != 0 &&
	       strcasecmp(f->name, "Transfer-Encoding") != 0;
}

static void
answer_with(struct http_exchange *x, int status, struct MHD_Response *answer,
    const struct http_field *fields, size_t count)
{
	size_t i;

	assert(x->magic == EXCHANGE_MAGIC && x->step <= STEP_WAIT);
	assert(x->answer == NULL && answer != NULL);
	x->status = status;
	x->answer = answer;
	if (x->step == STEP_BODY)
		x->step = STEP_SWALLOW;
	for (i = 0; i < count; i++) {
		char *value;

		if (!may_send(&fields[i])) {
			log_warn("a header that may not be sent is left out",
			    log_str("header", fields[i].name));
			continue;
		}
		value = xstrndup(fields[i].value.ptr, fields[i].value.len);
		MHD_add_response_header(answer, fields[i].name, value);
		free(value);
	}
	exchange_wake(x);
}

void
http_answer(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count, struct buf *body)
{
	struct MHD_Response *answer = MHD_create_response_from_buffer(body->len,
	    body->data, MHD_RESPMEM_MUST_FREE);

	assert(!body->failed);
	x->answer_body = buf_slice(body);
	/* The library frees it. */
	buf_init(body, body->max);
	answer_with(x, status, answer, fields, count);
}

void
http_stream(struct http_exchange *x, int status,
    const struct http_field *fields, size_t count)
{
	struct MHD_Response *answer =
	    MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1, on_read, x,
		NULL);

	answer_with(x, status, answer, fields, count);
}
