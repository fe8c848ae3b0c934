#pragma once
/*
 * served: an HTTP server on a loop of its own thread, an application that
 * answers by path and counts, and a blocking client.  The client's reads end
 * after WAIT_S, which only a failing test ever sees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/limit/allowance.h"
#include "common/net/http.h"
#include "common/net/loop.h"

#define WAIT_S     20
#define BODY_MAX   65536
#define MEMORY_MAX (256 * 1024)

struct served {
	struct loop *loop;
	struct http_server *server;
	struct allowance memory;
	pthread_t thread;
	unsigned port;
	atomic_int heads, sentinels, bodies, refused, gone, done;
	atomic_int full; /* times a stream said to stop */
	atomic_size_t sent, waiting_most;

	/* Of the loop's thread. */
	struct loop_task soon;
	struct http_exchange *asked; /* the one that waits for an answer */
	size_t left;                 /* of the stream under way */
	bool released;               /* `asked` is for LOOP_RELEASE */
};

static void
served_answer(struct http_exchange *x, int status, const char *text)
{
	const struct http_field fields[] = {
		{ "Content-Type", { "text/plain", 10 } },
		{ "X-Bad", { "a\r\nX-Split: b", 13 } },
		{ "Transfer-Encoding", { "gzip", 4 } },
	};
	struct buf body;

	buf_init(&body, BODY_MAX);
	buf_puts(&body, text);
	http_answer(x, status, fields, count_of(fields), &body);
}

static void
served_soon(void *arg)
{
	struct served *w = arg;

	served_answer(w->asked, 200, "soon");
	w->asked = NULL;
}

static void
served_release(void *arg)
{
	struct served *w = arg;

	if (!w->released)
		return;
	w->released = false;
	served_answer(w->asked, 200, "released");
	w->asked = NULL;
}

/* A post's call: what waited on the thread of the test. */
static inline void
served_let_go(void *arg)
{
	struct served *w = arg;

	if (w->asked != NULL)
		served_answer(w->asked, 200, "later");
	w->asked = NULL;
}

/* Put until it is full; on_sent goes on. */
static void
served_pour(struct served *w, struct http_exchange *x)
{
	char piece[1500];
	size_t n;
	bool room = true;

	while (w->left > 0 && room) {
		n = min_size(w->left, sizeof(piece));
		memset(piece, 'a' + (int)(w->left % 23), n);
		w->left -= n;
		room = http_stream_put(x, slice_make(piece, n));
		if (http_stream_waiting(x) > atomic_load(&w->waiting_most))
			atomic_store(&w->waiting_most, http_stream_waiting(x));
	}
	if (w->left > 0)
		w->full++;
	else
		http_stream_end(x);
}

static size_t
served_number(const struct http_exchange *x, const char *name)
{
	struct slice value;

	if (!http_query(x, name, &value))
		return 0;
	return strtoul(value.ptr, NULL, 10);
}

static void
served_head(void *arg, struct http_exchange *x)
{
	struct served *w = arg;

	if (slice_is(http_path(x), "/sentinel"))
		w->sentinels++;
	else
		w->heads++;
	if (slice_is(http_path(x), "/early"))
		served_answer(x, 401, "early");
}

static void
served_echo(struct http_exchange *x)
{
	struct slice query = { NULL, 0 };
	struct buf body;

	buf_init(&body, 2 * BODY_MAX);
	if (!http_query(x, "q", &query))
		query = slice_of("none");
	buf_printf(&body, "%d|%.*s|%.*s|%.*s|", (int)http_method(x),
	    SLICE_FMT(http_path(x)), SLICE_FMT(query),
	    SLICE_FMT(http_header(x, "x-NAME")));
	buf_put_slice(&body, http_body(x));
	http_answer(x, 200, NULL, 0, &body);
	assert_int_equal(body.len, 0);
}

static void
served_body(void *arg, struct http_exchange *x)
{
	struct served *w = arg;
	struct slice path = http_path(x);

	w->bodies++;
	if (slice_starts(path, "/echo")) {
		served_echo(x);
	} else if (slice_is(path, "/soon")) {
		w->asked = x;
		loop_soon(w->loop, &w->soon);
	} else if (slice_is(path, "/release")) {
		w->asked = x;
		w->released = true;
	} else if (slice_is(path, "/wait")) {
		w->asked = x;
	} else if (slice_is(path, "/stream")) {
		http_stream(x, 200, NULL, 0);
		w->left = served_number(x, "bytes");
		served_pour(w, x);
	} else if (slice_is(path, "/cut")) {
		http_stream(x, 200, NULL, 0);
		http_stream_put(x, slice_of("half an ans"));
		w->asked = x;
	} else {
		served_answer(x, 200, "fine");
	}
}

static void
served_sent(void *arg, struct http_exchange *x, size_t bytes)
{
	struct served *w = arg;

	w->sent += bytes;
	if (w->asked == x) {
		w->asked = NULL;
		http_stream_cut(x);
	} else if (w->left > 0) {
		served_pour(w, x);
	}
}

static void
served_refused(void *arg, struct http_exchange *x, int status, const char *why)
{
	struct served *w = arg;

	w->refused++;
	served_answer(x, status, why);
}

static void
served_gone(void *arg, struct http_exchange *x)
{
	struct served *w = arg;

	if (w->asked == x)
		w->asked = NULL;
	w->left = 0;
	w->gone++;
}

static void
served_done(void *arg, struct http_exchange *x)
{
	struct served *w = arg;

	(void)x;
	w->done++;
}

static void *
served_run(void *arg)
{
	struct served *w = arg;

	loop_run(w->loop);
	return NULL;
}

struct served_tls {
	const char *cert, *key; /* NULL: plain */
};

static void
served_start_with(struct served *w, int listen_fd, int64_t patience_ms,
    struct served_tls tls)
{
	const struct http_config config = {
		.listen_fd = listen_fd,
		.tls_cert = tls.cert,
		.tls_key = tls.key,
		.connections_max = 100,
		.body_max_bytes = BODY_MAX,
		.body_memory = &w->memory,
		.head_ms = patience_ms,
		.body_ms = patience_ms,
		.idle_ms = 2 * patience_ms,
		.on_head = served_head,
		.on_body = served_body,
		.on_refused = served_refused,
		.on_sent = served_sent,
		.on_gone = served_gone,
		.on_done = served_done,
		.arg = w,
	};
	const char *why;

	log_threshold(LOG_ERROR);
	memset(w, 0, sizeof(*w));
	w->port = listen_port(listen_fd);
	allowance_init(&w->memory, MEMORY_MAX);
	w->loop = loop_new("served");
	loop_task_init(&w->soon, served_soon, w);
	w->server = http_server_new(w->loop, &config, &why);
	assert_non_null(w->server);
	loop_each_turn(w->loop, LOOP_RELEASE, served_release, w);
	assert_int_equal(pthread_create(&w->thread, NULL, served_run, w), 0);
}

static inline void
served_start_on(struct served *w, int listen_fd, int64_t patience_ms)
{
	served_start_with(w, listen_fd, patience_ms,
	    (struct served_tls){ NULL, NULL });
}

static inline void
served_start(struct served *w, int64_t patience_ms)
{
	const char *why;
	int fd = listen_tcp(slice_of("127.0.0.1:0"), false, &why);

	assert_true(fd >= 0);
	served_start_on(w, fd, patience_ms);
}

/* All that began is over, and all that was held is given back. */
static inline void
served_stop(struct served *w)
{
	loop_stop(w->loop);
	pthread_join(w->thread, NULL);
	http_server_free(w->server);
	loop_free(w->loop);
	assert_int_equal(w->memory.held, 0);
	assert_true(w->done >= w->heads + w->sentinels);
}

static inline int
dial(const struct served *w)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = WAIT_S };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

/* A server that has closed already is no failure of the test. */
static inline void
say(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		bytes = slice_after(bytes, (size_t)n);
	}
}

/* All that comes until the server closes; false when it does not. */
must_check static inline bool
hear_all(int fd, struct buf *in)
{
	ssize_t n;

	do {
		uint8_t *room = buf_room(in, 65536);

		assert_non_null(room);
		n = recv(fd, room, 65536, 0);
		if (n > 0)
			buf_grow(in, (size_t)n);
	} while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

/* How much of `in` is one answer with all of its body; 0: not all yet. */
static inline size_t
answer_length(struct buf *in, size_t at, bool head_only)
{
	const char *begin = buf_text(in) + at;
	const char *end = strstr(begin, "\r\n\r\n");
	const char *length = strcasestr(begin, "\r\nContent-Length: ");
	const char *last = strstr(begin, "\r\n0\r\n\r\n");
	size_t head, body = 0;

	if (end == NULL)
		return 0;
	head = (size_t)(end - begin) + 4;
	if (strncmp(begin, "HTTP/1.1 1", 10) == 0) {
		body = answer_length(in, at + head, head_only);
		return body == 0 ? 0 : head + body;
	}
	if (length == NULL || length > end)
		return last == NULL ? 0 : (size_t)(last - begin) + 7;
	if (!head_only)
		body = strtoul(length + 18, NULL, 10);
	return at + head + body <= in->len ? head + body : 0;
}

/* One answer; false when the server closed before it was whole. */
must_check static inline bool
hear_answer(int fd, struct buf *in, bool head_only)
{
	size_t at = in->len;

	while (answer_length(in, at, head_only) == 0) {
		uint8_t *room = buf_room(in, 65536);
		ssize_t n;

		assert_non_null(room);
		n = recv(fd, room, 65536, 0);
		if (n <= 0)
			return false;
		buf_grow(in, (size_t)n);
	}
	return true;
}
