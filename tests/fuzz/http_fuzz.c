/*
 * Raw bytes, in one piece, into a real server.  The application must never see
 * two requests in them, whatever they are, and one that it sees is over when
 * the connection is.
 */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/limit/allowance.h"
#include "common/net/http.h"
#include "common/net/loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define INPUT_MAX 8192 /* one send, one read */

struct target {
	struct loop *loop;
	struct http_server *server;
	struct allowance memory;
	struct sockaddr_un at;
	atomic_int heads, done;
	bool stream; /* of the loop's thread: the next answer is one */
};

static void
on_head(void *arg, struct http_exchange *x)
{
	struct target *t = arg;

	http_set_owner(x, t);
	t->heads++;
}

static void
on_refused(void *arg, struct http_exchange *x, int status, const char *why)
{
	struct buf body;

	(void)arg;
	buf_init(&body, 4096);
	buf_puts(&body, why);
	http_answer(x, status, NULL, 0, &body);
}

static void
on_body(void *arg, struct http_exchange *x)
{
	struct target *t = arg;

	t->stream = !t->stream;
	if (t->stream) {
		http_stream(x, 200, NULL, 0);
		http_stream_put(x, http_path(x));
		http_stream_end(x);
	} else {
		on_refused(arg, x, 200, "fine");
	}
}

static void
on_done(void *arg, struct http_exchange *x)
{
	struct target *t = arg;

	/* A head that the edge refused was not counted. */
	if (http_owner(x) == t)
		t->done++;
}

static void *
run(void *arg)
{
	struct target *t = arg;

	loop_run(t->loop);
	return NULL;
}

static struct target *
start(void)
{
	struct target *t = xcalloc(1, sizeof(*t));
	struct http_config config = { .connections_max = 16,
		.body_max_bytes = 8192,
		.body_memory = &t->memory,
		.head_ms = 60000,
		.body_ms = 60000,
		.idle_ms = 60000,
		.on_head = on_head,
		.on_body = on_body,
		.on_refused = on_refused,
		.on_done = on_done,
		.arg = t };
	const char *why;
	pthread_t thread;

	log_threshold(LOG_ERROR);
	allowance_init(&t->memory, 1 << 20);
	t->at.sun_family = AF_UNIX;
	snprintf(t->at.sun_path, sizeof(t->at.sun_path),
	    "/tmp/http_fuzz.%d.sock", (int)getpid());
	config.listen_fd = listen_unix(t->at.sun_path, &why);
	assert(config.listen_fd >= 0);
	t->loop = loop_new("fuzz");
	t->server = http_server_new(t->loop, &config, &why);
	assert(t->server != NULL);
	assert(pthread_create(&thread, NULL, run, t) == 0);
	return t;
}

static void
send_and_hear(const struct target *t, struct slice bytes)
{
	char in[65536];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert(fd >= 0);
	assert(
	    connect(fd, (const struct sockaddr *)&t->at, sizeof(t->at)) == 0);
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		bytes = slice_after(bytes, (size_t)n);
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, in, sizeof(in), 0) > 0)
		continue;
	close(fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct target *t;
	int heads;

	if (len > INPUT_MAX)
		return 0;
	if (t == NULL)
		t = start();
	heads = t->heads;
	send_and_hear(t, slice_make(bytes, len));
	assert(t->heads - heads <= 1);
	/* A client that is told the end before the application has to wait. */
	while (t->heads != t->done)
		sched_yield();
	return 0;
}
