#include "egress/outlay.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/member/limits.h"
#include "common/member/outlay.h"
#include "common/member/worker.h"
#include "common/store/ledger.h"
#include "egress/egress.h"

/* What a node told of one day, as it is counted. */
struct told {
	char room[SPEND_KEY_MAX];
	struct slice key; /* in the room */
	int64_t day;
	struct budget_amounts sums;
};

struct outlays {
	pthread_mutex_t lock;
	struct map told;
	int64_t day;        /* the last that was begun */
	int64_t warned_day; /* of days that cannot be heard */
};

/* By its key, too: a state that is new counts from nothing, as another team's
 * does.  See spend_holder. */
#define KEY_HEAD 8
#define WHO_MAX  (SPEND_NAME_MAX + 1)

static struct slice
who_write(char room[WHO_MAX], const struct outlay_teller *t)
{
	char head[2 * KEY_HEAD + 1];
	int n;

	hex_write(head, t->key->bytes, KEY_HEAD);
	n = snprintf(room, WHO_MAX, "%.*s %s %.*s", SLICE_FMT(t->node), head,
	    SLICE_FMT(t->team));
	return slice_make(room, min_size((size_t)n, WHO_MAX - 1));
}

static struct told *
told_of(struct outlays *o, struct slice who, int64_t day)
{
	char room[SPEND_KEY_MAX];
	struct slice key = spend_key(room, SCOPE_MEMBER, who, day);
	struct told *t = map_find(&o->told, key);

	if (t != NULL)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->day = day;
	memcpy(t->room, key.ptr, key.len);
	t->key = slice_make(t->room, key.len);
	map_put(&o->told, t->key, t);
	return t;
}

static void
load(void *arg, const struct spend_sum *sum)
{
	if (sum->level == SCOPE_MEMBER && sum->spend.day > 0)
		told_of(arg, sum->name, sum->spend.day)->sums =
		    sum->spend.amounts;
}

struct outlays *
outlays_open(struct ledger *l)
{
	struct outlays *o = xcalloc(1, sizeof(*o));

	pthread_mutex_init(&o->lock, NULL);
	map_init(&o->told);
	if (spend_each(l, load, o))
		return o;
	log_error("what nodes told of their spending cannot be read");
	outlays_close(o);
	return NULL;
}

void
outlays_close(struct outlays *o)
{
	struct told *t;
	size_t at = 0;

	if (o == NULL)
		return;
	while ((t = map_next(&o->told, &at)) != NULL)
		free(t);
	map_fini(&o->told);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

/* Nobody is heard of days that are over: the memory of them goes. */
static void
begin_day(struct outlays *o, int64_t today)
{
	struct told *t;
	size_t at = 0;

	if (today <= o->day)
		return;
	o->day = today;
	while ((t = map_next(&o->told, &at)) != NULL) {
		if (t->day >= today - OUTLAY_WINDOW)
			continue;
		map_remove(&o->told, t->key);
		free(t);
	}
}

static void
warn(struct outlays *o, const struct outlay_teller *who, int64_t day)
{
	if (o->warned_day == o->day)
		return;
	o->warned_day = o->day;
	log_warn("a node tells of days that are over or have not begun; "
		 "compare its clock with this one's",
	    log_slice("peer", who->node), log_int("day", day),
	    log_int("today", o->day));
}

/* What is new of it; what was counted is not taken back. */
static bool
take_news(struct told *t, const struct budget_amounts *sums,
    struct budget_amounts *more)
{
	bool any = false;
	int u;

	for (u = 0; u < BUDGET_UNITS; u++) {
		more->of[u] = max_i64(sums->of[u] - t->sums.of[u], 0);
		t->sums.of[u] += more->of[u];
		any |= more->of[u] > 0;
	}
	return any;
}

/* A day that has not begun is not noted, either: it is told again. */
static bool
hear_day(struct outlays *o, const struct outlay_teller *who, int64_t today,
    const struct outlay_day *day, struct spend *more)
{
	char room[WHO_MAX];

	begin_day(o, today);
	if (day->day > today || day->day < o->day - OUTLAY_WINDOW) {
		warn(o, who, day->day);
		return false;
	}
	more->day = day->day;
	return take_news(told_of(o, who_write(room, who), day->day), &day->sums,
	    &more->amounts);
}

bool
outlays_hear(struct outlays *o, const struct outlay_teller *who, int64_t today,
    const struct outlay_day *day, struct spend *more)
{
	bool any;

	pthread_mutex_lock(&o->lock);
	any = hear_day(o, who, today, day, more);
	pthread_mutex_unlock(&o->lock);
	return any;
}

size_t
outlays_count(struct outlays *o)
{
	size_t count;

	pthread_mutex_lock(&o->lock);
	count = o->told.count;
	pthread_mutex_unlock(&o->lock);
	return count;
}

static void
count(struct dock *d, const struct outlay_teller *who, const struct spend *more)
{
	const struct limits_who team = { SCOPE_TEAM, who->team, slice_of("") };
	const struct limits_who node = { SCOPE_MEMBER, who->node,
		slice_of("") };
	struct ledger_turn *t = d->worker->turn;
	char room[WHO_MAX];

	spend_add(t,
	    &(struct spend_sum){ SCOPE_MEMBER, who_write(room, who), *more });
	spend_add(t, &(struct spend_sum){ SCOPE_TEAM, who->team, *more });
	limits_post(d->egress->limits, &team, more);
	limits_post(d->egress->limits, &node, more);
}

void
outlay_hear(struct dock *d, const struct outlay_teller *who,
    struct slice message)
{
	int64_t today = limits_day(d->egress->limits);
	struct outlay outlay;
	struct spend more;
	size_t i;

	if (!outlay_read(&outlay, message)) {
		log_warn("REPORT is not readable",
		    log_slice("peer", who->node));
		return;
	}
	for (i = 0; i < outlay.count; i++)
		if (outlays_hear(d->egress->outlays, who, today,
			&outlay.days[i], &more))
			count(d, who, &more);
}
