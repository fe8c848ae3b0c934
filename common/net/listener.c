#include "common/net/listener.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/loop.h"

#define HALF_OPEN_MAX  128
#define HANDSHAKE_RATE 100 /* a second, and at once */

/* As many handshakes as one loop can stand; the rest wait in the backlog. */
struct link_listener {
	struct link_config config;
	int fd;
	struct loop_watch *watch;
	struct loop_timer *timer; /* watches again */
	struct list half_open;    /* oldest first */
	size_t count;
	int64_t tokens, tokens_us; /* in millionths of a handshake */
};

static bool
may_accept(struct link_listener *ll)
{
	int64_t now_us = clock_mono_us();
	int64_t passed = min_i64(now_us - ll->tokens_us, US_PER_SECOND);

	ll->tokens = min_i64((int64_t)HANDSHAKE_RATE * US_PER_SECOND,
	    ll->tokens + passed * HANDSHAKE_RATE);
	ll->tokens_us = now_us;
	if (ll->tokens < US_PER_SECOND)
		return false;
	ll->tokens -= US_PER_SECOND;
	return true;
}

static void
pause_accepting(struct link_listener *ll, int64_t us)
{
	loop_watch_for(ll->watch, 0);
	loop_timer_set(ll->timer, us);
}

static void
on_connection(void *arg, int what)
{
	struct link_listener *ll = arg;
	int fd;

	(void)what;
	if (!may_accept(ll)) {
		pause_accepting(ll, US_PER_SECOND / HANDSHAKE_RATE);
		return;
	}
	fd = accept4(ll->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* No connection after all, or no descriptor: not at once. */
		pause_accepting(ll, 50 * US_PER_MS);
		return;
	}
	/* The oldest has had its time, at the rate that we take them. */
	if (ll->count >= HALF_OPEN_MAX)
		link_evict(ll->half_open.next);
	link_accept(&ll->config, ll, fd);
}

static void
on_timer(void *arg)
{
	struct link_listener *ll = arg;

	loop_watch_for(ll->watch, LOOP_READ);
}

struct link_listener *
link_listen(const struct link_config *config, int listen_fd)
{
	struct link_listener *ll = xcalloc(1, sizeof(*ll));
	int flags = fcntl(listen_fd, F_GETFL);

	(void)fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK);
	ll->config = *config;
	ll->fd = listen_fd;
	ll->tokens_us = clock_mono_us();
	ll->tokens = (int64_t)HANDSHAKE_RATE * US_PER_SECOND;
	list_init(&ll->half_open);
	ll->timer = loop_timer_new(config->loop, on_timer, ll);
	ll->watch = loop_watch_new(config->loop, listen_fd, on_connection, ll);
	loop_watch_for(ll->watch, LOOP_READ);
	return ll;
}

void
link_listener_free(struct link_listener *ll)
{
	struct list *first;

	if (ll == NULL)
		return;
	while ((first = list_pop(&ll->half_open)) != NULL)
		link_abandon(first);
	loop_watch_free(ll->watch);
	loop_timer_free(ll->timer);
	close(ll->fd);
	free(ll);
}

void
listener_enlist(struct link_listener *ll, struct list *half_open)
{
	list_push(&ll->half_open, half_open);
	ll->count++;
}

void
listener_settled(struct link_listener *ll, struct list *half_open)
{
	if (list_empty(half_open))
		return;
	list_remove(half_open);
	ll->count--;
}
