#include "common/net/lookout.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"

/* As struct beacon_figures has them: stored by one thread, read by any. */
struct figures {
	_Atomic int64_t bytes_in, bytes_out, streams, streams_total,
	    queued_bytes, rtt_us, draining;
};

struct beacon {
	struct list all;
	struct lookout *lookout;
	struct beacon_look look; /* guarded; its figures are not used */
	struct figures figures;
};

/* Oldest first; of those beyond, the oldest are forgotten. */
struct ends {
	struct beacon_end items[LOOKOUT_ENDS_MAX];
	size_t count;
};

struct lookout {
	pthread_mutex_t lock;
	struct list beacons;
	struct ends ended, refused;
	void (*on_stranger)(void *arg, const char *peer, const char *why);
	void *arg;
};

const char *
beacon_state_name(enum beacon_state s)
{
	static const char *const names[] = {
		[BEACON_CONNECTING] = "connecting",
		[BEACON_WAITING] = "waiting",
		[BEACON_UP] = "up",
		[BEACON_DRAINING] = "draining",
	};

	return names[s];
}

struct lookout *
lookout_new(void)
{
	struct lookout *lo = xcalloc(1, sizeof(*lo));

	pthread_mutex_init(&lo->lock, NULL);
	list_init(&lo->beacons);
	return lo;
}

void
lookout_free(struct lookout *lo)
{
	pthread_mutex_destroy(&lo->lock);
	free(lo);
}

struct beacon *
lookout_add(struct lookout *lo, const struct beacon_look *look)
{
	struct beacon *s = xcalloc(1, sizeof(*s));

	s->lookout = lo;
	s->look = *look;
	s->look.since_us = clock_wall_us();
	s->look.why = "";
	pthread_mutex_lock(&lo->lock);
	list_push(&lo->beacons, &s->all);
	pthread_mutex_unlock(&lo->lock);
	return s;
}

void
beacon_dial(struct beacon *s)
{
	pthread_mutex_lock(&s->lookout->lock);
	s->look.state = BEACON_CONNECTING;
	pthread_mutex_unlock(&s->lookout->lock);
}

/* It is down since it was lost, not since the last try. */
void
beacon_wait(struct beacon *s, int64_t wait_us, const char *why)
{
	int64_t now_us = clock_wall_us();

	pthread_mutex_lock(&s->lookout->lock);
	if (s->look.state == BEACON_UP) {
		s->look.downs++;
		s->look.since_us = now_us;
	}
	s->look.state = BEACON_WAITING;
	s->look.next_us = now_us + wait_us;
	s->look.why = why;
	pthread_mutex_unlock(&s->lookout->lock);
}

static void
put(_Atomic int64_t *to, int64_t number)
{
	atomic_store_explicit(to, number, memory_order_relaxed);
}

static int64_t
get(const _Atomic int64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

void
beacon_note(struct beacon *s, const struct beacon_figures *f)
{
	if (s == NULL)
		return;
	put(&s->figures.bytes_in, f->bytes_in);
	put(&s->figures.bytes_out, f->bytes_out);
	put(&s->figures.streams, f->streams);
	put(&s->figures.streams_total, f->streams_total);
	put(&s->figures.queued_bytes, f->queued_bytes);
	put(&s->figures.rtt_us, f->rtt_us);
	put(&s->figures.draining, f->draining);
}

void
beacon_rise(struct beacon *s, const struct beacon_look *look)
{
	static const struct beacon_figures none;
	int64_t downs = s->look.downs;

	beacon_note(s, &none);
	pthread_mutex_lock(&s->lookout->lock);
	s->look = *look;
	s->look.downs = downs;
	s->look.since_us = clock_wall_us();
	s->look.why = "";
	pthread_mutex_unlock(&s->lookout->lock);
}

static void
copy(const struct beacon *s, struct beacon_look *look)
{
	const struct figures *f = &s->figures;

	*look = s->look;
	if (s->look.state != BEACON_UP)
		return;
	look->figures = (struct beacon_figures){
		.bytes_in = get(&f->bytes_in),
		.bytes_out = get(&f->bytes_out),
		.streams = get(&f->streams),
		.streams_total = get(&f->streams_total),
		.queued_bytes = get(&f->queued_bytes),
		.rtt_us = get(&f->rtt_us),
		.draining = get(&f->draining),
	};
	if (look->figures.draining != 0)
		look->state = BEACON_DRAINING;
}

void
beacon_free(struct beacon *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lookout->lock);
	list_remove(&s->all);
	pthread_mutex_unlock(&s->lookout->lock);
	free(s);
}

static bool
is_same(const struct beacon_end *a, const struct beacon_end *b)
{
	return strcmp(a->peer, b->peer) == 0 && strcmp(a->why, b->why) == 0;
}

/* Of one peer and cause only the last is kept, with how many there were. */
static void
remember(struct ends *ends, const struct beacon_end *end)
{
	struct beacon_end last = *end;
	size_t i;

	for (i = 0; i < ends->count && !is_same(&ends->items[i], end); i++)
		;
	last.count = 1;
	if (i < ends->count)
		last.count += ends->items[i].count;
	if (i == LOOKOUT_ENDS_MAX)
		i = 0;
	if (i < ends->count)
		memmove(&ends->items[i], &ends->items[i + 1],
		    (--ends->count - i) * sizeof(last));
	ends->items[ends->count++] = last;
}

void
lookout_end(struct lookout *lo, const char *peer, bool was_up, const char *why)
{
	struct beacon_end end = { .was_up = was_up,
		.why = why,
		.at_us = clock_wall_us() };

	snprintf(end.peer, sizeof(end.peer), "%s", peer);
	pthread_mutex_lock(&lo->lock);
	remember(was_up ? &lo->ended : &lo->refused, &end);
	pthread_mutex_unlock(&lo->lock);
}

void
lookout_watch(struct lookout *lo,
    void (*on_stranger)(void *arg, const char *peer, const char *why),
    void *arg)
{
	lo->on_stranger = on_stranger;
	lo->arg = arg;
}

void
lookout_stranger(struct lookout *lo, const char *peer, const char *why)
{
	if (lo->on_stranger != NULL)
		lo->on_stranger(lo->arg, peer, why);
}

size_t
lookout_links(struct lookout *lo, struct beacon_look *looks, size_t room)
{
	size_t count = 0;

	pthread_mutex_lock(&lo->lock);
	list_each(item, &lo->beacons) {
		if (count < room)
			copy(container_of(item, struct beacon, all),
			    &looks[count++]);
	}
	pthread_mutex_unlock(&lo->lock);
	return count;
}

size_t
lookout_ends(struct lookout *lo, struct beacon_end ends[LOOKOUT_ENDS_MAX],
    bool were_up)
{
	const struct ends *from = were_up ? &lo->ended : &lo->refused;
	size_t count;

	pthread_mutex_lock(&lo->lock);
	count = from->count;
	memcpy(ends, from->items, count * sizeof(*ends));
	pthread_mutex_unlock(&lo->lock);
	return count;
}
