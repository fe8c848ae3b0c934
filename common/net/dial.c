#include "common/net/dial.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/net/loop.h"
#include "common/net/resolve.h"

#define LEAST_US (250LL * US_PER_MS)
#define MOST_US  (30LL * US_PER_SECOND)

struct dial {
	struct loop *loop;
	char *address;
	struct loop_timer *timer;
	struct resolve *resolve; /* NULL: none is under way */
	void (*on_socket)(void *arg, int fd);
	void *arg;
	int64_t delay_us; /* the last one; 0: the first retry is next */
	unsigned attempt; /* which of several addresses */
};

int64_t
dial_delay_us(int64_t last_us, uint32_t random)
{
	int64_t range;

	/* The first retry after doing well: within the least delay. */
	if (last_us <= 0)
		return LEAST_US * random / UINT32_MAX;
	range = min_i64(MOST_US, max_i64(last_us, LEAST_US) * 3) - LEAST_US;
	return LEAST_US + range / 1000 * (random / 4294968);
}

static int
connect_to(const struct address *to)
{
	int fd = socket(to->where.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (connect(fd, (const void *)&to->where, to->len) < 0 &&
	    errno != EINPROGRESS) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
on_resolved(void *arg, const struct address *found, size_t count)
{
	struct dial *d = arg;
	int fd = -1;

	d->resolve = NULL;
	/* Each attempt takes the next address. */
	if (count > 0)
		fd = connect_to(&found[d->attempt++ % count]);
	d->on_socket(d->arg, fd);
}

static void
on_timer(void *arg)
{
	dial_start(arg);
}

struct dial *
dial_new(struct loop *loop, const char *address,
    void (*on_socket)(void *arg, int fd), void *arg)
{
	struct dial *d = xcalloc(1, sizeof(*d));

	d->loop = loop;
	d->address = xstrdup(address);
	d->timer = loop_timer_new(loop, on_timer, d);
	d->on_socket = on_socket;
	d->arg = arg;
	return d;
}

void
dial_free(struct dial *d)
{
	if (d == NULL)
		return;
	resolve_cancel(d->resolve);
	loop_timer_free(d->timer);
	free(d->address);
	free(d);
}

void
dial_set_address(struct dial *d, const char *address)
{
	if (strcmp(d->address, address) == 0)
		return;
	free(d->address);
	d->address = xstrdup(address);
}

void
dial_start(struct dial *d)
{
	dial_stop(d);
	d->resolve = resolve_start(d->loop, d->address, on_resolved, d);
}

void
dial_again(struct dial *d, bool did_well)
{
	uint32_t random;

	crypto_random(&random, sizeof(random));
	if (did_well)
		d->delay_us = 0;
	d->delay_us = max_i64(1, dial_delay_us(d->delay_us, random));
	loop_timer_set(d->timer, d->delay_us);
}

int64_t
dial_wait_us(const struct dial *d)
{
	return d->delay_us;
}

void
dial_stop(struct dial *d)
{
	loop_timer_clear(d->timer);
	resolve_cancel(d->resolve);
	d->resolve = NULL;
}
