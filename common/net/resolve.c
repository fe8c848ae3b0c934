#include "common/net/resolve.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/loop.h"

/* Owned by the loop's side and by the thread; the last one frees. */
struct resolve {
	atomic_int owners;
	int done_fd; /* eventfd that the thread writes */
	/* Set before the write: hands what was found to the loop's side. */
	atomic_bool finished;
	char *host, *port;
	struct address found[ADDRESSES_MAX];
	size_t count;

	/* The loop's side alone. */
	struct loop_watch *watch;
	resolve_done *done;
	void *arg;
};

static void
disown(struct resolve *r)
{
	if (atomic_fetch_sub(&r->owners, 1) > 1)
		return;
	close(r->done_fd);
	free(r->host);
	free(r->port);
	free(r);
}

static void
look_up(struct resolve *r, int flags)
{
	struct addrinfo hints = { .ai_flags = flags | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL, *at;

	if (getaddrinfo(r->host, r->port, &hints, &list) != 0)
		return;
	for (at = list; at != NULL && r->count < ADDRESSES_MAX;
	     at = at->ai_next) {
		struct address *a = &r->found[r->count++];

		memcpy(&a->where, at->ai_addr, at->ai_addrlen);
		a->len = at->ai_addrlen;
	}
	freeaddrinfo(list);
}

static void
signal_done(struct resolve *r)
{
	uint64_t one = 1;

	atomic_store(&r->finished, true);
	if (write(r->done_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd that was never written takes a one */
}

static void *
run(void *arg)
{
	struct resolve *r = arg;

	look_up(r, AI_ADDRCONFIG);
	signal_done(r);
	disown(r);
	return NULL;
}

static void
on_done(void *arg, int what)
{
	struct resolve *r = arg;

	(void)what;
	assert(atomic_load(&r->finished));
	loop_watch_free(r->watch);
	r->done(r->arg, r->found, r->count);
	disown(r);
}

/* "host:port" or "[v6]:port". */
static void
split(struct resolve *r, const char *where)
{
	const char *colon = strrchr(where, ':');
	size_t len = colon != NULL ? (size_t)(colon - where) : strlen(where);

	r->port = xstrdup(colon != NULL ? colon + 1 : "");
	if (len >= 2 && where[0] == '[' && where[len - 1] == ']')
		r->host = xstrndup(where + 1, len - 2);
	else
		r->host = xstrndup(where, len);
}

static void
start_thread(struct resolve *r)
{
	pthread_attr_t attr;
	pthread_t thread;

	atomic_store(&r->owners, 2);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, r) != 0) {
		log_warn("cannot start a thread to resolve a name",
		    log_str("host", r->host));
		atomic_store(&r->owners, 1);
		signal_done(r);
	}
	pthread_attr_destroy(&attr);
}

struct resolve *
resolve_start(struct loop *loop, const char *where, resolve_done *done,
    void *arg)
{
	struct resolve *r = xcalloc(1, sizeof(*r));

	atomic_init(&r->owners, 1);
	atomic_init(&r->finished, false);
	r->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->done_fd < 0) {
		log_error("out of descriptors");
		abort();
	}
	r->done = done;
	r->arg = arg;
	split(r, where);
	r->watch = loop_watch_new(loop, r->done_fd, on_done, r);
	loop_watch_for(r->watch, LOOP_READ);
	look_up(r, AI_NUMERICHOST);
	if (r->count > 0)
		signal_done(r);
	else
		start_thread(r);
	return r;
}

void
resolve_cancel(struct resolve *r)
{
	if (r == NULL)
		return;
	loop_watch_free(r->watch);
	disown(r);
}
