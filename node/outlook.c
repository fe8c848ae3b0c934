#include "node/outlook.h"

#include "common/base/crypto.h"
#include "common/base/map.h"

void
outlook_init(struct outlook *o)
{
	*o = (struct outlook){ .count = 0 };
	pthread_mutex_init(&o->lock, NULL);
}

void
outlook_fini(struct outlook *o)
{
	pthread_mutex_destroy(&o->lock);
}

uint64_t
outlook_judge(struct slice egress)
{
	struct hash h = hash_of(egress.ptr, egress.len);
	uint64_t judge;

	memcpy(&judge, h.bytes, sizeof(judge));
	return judge;
}

/* Beyond the maximum each one counts as new: it is followed all the same. */
static bool
is_news(struct outlook *o, uint64_t judge, const struct capacity_epoch *epoch)
{
	size_t i;

	for (i = 0; i < o->count && o->heard[i].judge != judge; i++)
		;
	if (i < o->count && !capacity_is_newer(epoch, &o->heard[i].epoch))
		return false;
	if (i == OUTLOOK_EGRESSES_MAX)
		return true;
	if (i == o->count)
		o->count++;
	o->heard[i].judge = judge;
	o->heard[i].epoch = *epoch;
	return true;
}

/* An opening is one of a boot: the next boot counts from one again. */
static uint64_t
turn_of(const struct capacity *c, const struct capacity_entry *e)
{
	return (uint64_t)c->epoch.boot * 0x9e3779b97f4a7c15u +
	       (uint64_t)e->turn;
}

static void
tell(const struct outlook_events *events, struct slice target,
    const struct target_change *change)
{
	if (change->turn != TARGET_AS_BEFORE)
		events->changed(events->arg, target, change);
}

static void
follow(struct target_states *states, const struct capacity *c, uint64_t judge,
    int64_t now_us, const struct outlook_events *events)
{
	struct target_change change;
	struct target_state *t;
	struct map listed;
	size_t i, at = 0;

	map_init(&listed);
	for (i = 0; i < c->count; i++) {
		const struct capacity_entry *e = &c->entries[i];
		const struct target_word word = {
			.judge = judge,
			.kind = e->kind,
			.wait_us = e->wait_us,
			.half_open = e->half_open,
			.turn = turn_of(c, e),
		};

		t = target_state_get(states, e->target);
		if (!slice_eq(t->name, e->target))
			continue; /* shared by all that are too many */
		map_put(&listed, t->name, t);
		change = target_hear(t, &word, now_us);
		tell(events, t->name, &change);
	}
	while ((t = target_state_next(states, &at)) != NULL) {
		const struct target_word well = { .judge = judge };

		if (map_find(&listed, t->name) != NULL)
			continue;
		change = target_hear(t, &well, now_us);
		tell(events, t->name, &change);
	}
	map_fini(&listed);
}

static void
drop(struct outlook *o, uint64_t judge)
{
	size_t i;

	for (i = 0; i < o->count && o->heard[i].judge != judge; i++)
		;
	if (i < o->count)
		o->heard[i] = o->heard[--o->count];
}

void
outlook_forget(struct outlook *o, struct target_states *states,
    struct slice egress, int64_t now_us, const struct outlook_events *events)
{
	const struct capacity none = { .count = 0 };
	uint64_t judge = outlook_judge(egress);

	pthread_mutex_lock(&o->lock);
	drop(o, judge);
	follow(states, &none, judge, now_us, events);
	pthread_mutex_unlock(&o->lock);
}

void
outlook_hear(struct outlook *o, struct target_states *states,
    const struct capacity *c, int64_t now_us,
    const struct outlook_events *events)
{
	uint64_t judge = outlook_judge(c->egress);

	pthread_mutex_lock(&o->lock);
	if (is_news(o, judge, &c->epoch))
		follow(states, c, judge, now_us, events);
	pthread_mutex_unlock(&o->lock);
}
