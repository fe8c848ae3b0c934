#include "common/net/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/net/loop.h"

/*
 * A consumer that is not read from has to stop the provider: with default
 * buffers the kernel alone would take tens of megabytes for it.
 */
#define RECEIVE_BUFFER_BYTES 131072

/*
 * libcurl closes a socket that never came to be connected by itself, without
 * a word to us, and another one may get its number.  So what was waiting to
 * be writable when it is no longer wanted is forgotten; and where the number
 * comes back before we were told, the new one is watched for what the old one
 * was: the library believes that we do that already.
 */

struct wire {
	struct wires *owner;
	int fd;
	int wants, armed;
	bool ours; /* we learn of its end, so it may stay armed unwanted */
	struct loop_watch *watch;
};

struct wires {
	struct loop *loop;
	void (*ready)(void *arg, int fd, int what);
	void *arg;
	struct wire **by_fd;
	size_t cap;
};

struct wires *
wires_new(struct loop *loop, void (*ready)(void *arg, int fd, int what),
    void *arg)
{
	struct wires *w = xcalloc(1, sizeof(*w));

	w->loop = loop;
	w->ready = ready;
	w->arg = arg;
	return w;
}

static void
forget(struct wires *w, int fd)
{
	struct wire *wire = w->by_fd[fd];

	w->by_fd[fd] = NULL;
	loop_watch_free(wire->watch);
	free(wire);
}

void
wires_free(struct wires *w)
{
	size_t fd;

	for (fd = 0; fd < w->cap; fd++)
		assert(w->by_fd[fd] == NULL);
	free(w->by_fd);
	free(w);
}

static void
arm(struct wire *wire, int what)
{
	if (wire->armed != what)
		loop_watch_for(wire->watch, what);
	wire->armed = what;
}

static void
on_watch(void *arg, int what)
{
	struct wire *wire = arg;

	if ((what & wire->wants) == 0)
		arm(wire, wire->wants);
	else
		wire->owner->ready(wire->owner->arg, wire->fd,
		    what & wire->wants);
}

static struct wire *
find(const struct wires *w, int fd)
{
	return (size_t)fd < w->cap ? w->by_fd[fd] : NULL;
}

static struct wire *
add(struct wires *w, int fd)
{
	struct wire *wire = xcalloc(1, sizeof(*wire));
	size_t cap = w->cap;

	if ((size_t)fd >= cap) {
		w->cap = (size_t)fd * 2 + 64;
		w->by_fd = xrealloc(w->by_fd, w->cap * sizeof(struct wire *));
		while (cap < w->cap)
			w->by_fd[cap++] = NULL;
	}
	wire->owner = w;
	wire->fd = fd;
	wire->watch = loop_watch_new(w->loop, fd, on_watch, wire);
	w->by_fd[fd] = wire;
	return wire;
}

int
wires_open(struct wires *w, int domain, int type, int protocol)
{
	int fd = socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	int bytes = RECEIVE_BUFFER_BYTES;
	struct wire *wire, *gone;
	int wants = 0;

	if (fd < 0)
		return -1;
	/* Before connecting, so that the window is agreed accordingly. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0) {
		close(fd);
		return -1;
	}
	gone = find(w, fd);
	if (gone != NULL) {
		wants = gone->wants;
		forget(w, fd);
	}
	wire = add(w, fd);
	wire->ours = true;
	wire->wants = wants;
	arm(wire, wants);
	return fd;
}

void
wires_close(struct wires *w, int fd)
{
	if (find(w, fd) != NULL)
		forget(w, fd);
	close(fd);
}

void
wires_want(struct wires *w, int fd, int what)
{
	struct wire *wire = find(w, fd);

	if (wire == NULL && what == 0)
		return; /* told late: it is closed already */
	if (wire == NULL)
		wire = add(w, fd);
	wire->wants = what;
	if (what != 0)
		arm(wire, what);
	else if (!wire->ours || (wire->armed & LOOP_WRITE) != 0)
		forget(w, fd);
}
