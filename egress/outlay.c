#include "egress/outlay.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/member/limits.h"
#include "common/member/outlay.h"
#include "common/member/worker.h"
#include "common/store/ledger.h"
#include "egress/egress.h"

/* One day of one node, as it is counted. */
struct told {
	char key[SPEND_KEY_MAX];
	struct budget_amounts sums;
};

struct outlays {
	pthread_mutex_t lock;
	struct map told;
};

static struct told *
told_of(struct outlays *o, struct slice node, int64_t day)
{
	char room[SPEND_KEY_MAX];
	struct slice key = spend_key(room, SCOPE_MEMBER, node, day);
	struct told *t = map_find(&o->told, key);

	if (t != NULL)
		return t;
	t = xcalloc(1, sizeof(*t));
	memcpy(t->key, key.ptr, key.len);
	map_put(&o->told, slice_make(t->key, key.len), t);
	return t;
}

static void
load(void *arg, const struct spend_sum *sum)
{
	if (sum->level == SCOPE_MEMBER)
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

static void
count(struct dock *d, struct slice node, struct slice team,
    const struct spend *more)
{
	const struct limits_who who = { SCOPE_TEAM, team, slice_of("") };
	const struct limits_who member = { SCOPE_MEMBER, node, slice_of("") };
	struct ledger_turn *t = d->worker->turn;

	spend_add(t, &(struct spend_sum){ SCOPE_MEMBER, node, *more });
	spend_add(t, &(struct spend_sum){ SCOPE_TEAM, team, *more });
	limits_post(d->egress->limits, &who, more);
	limits_post(d->egress->limits, &member, more);
}

void
outlay_hear(struct dock *d, struct slice node, struct slice team,
    struct slice message)
{
	struct outlays *o = d->egress->outlays;
	struct outlay outlay;
	size_t i;

	if (!outlay_read(&outlay, message)) {
		log_warn("REPORT is not readable", log_slice("peer", node));
		return;
	}
	pthread_mutex_lock(&o->lock);
	for (i = 0; i < outlay.count; i++) {
		const struct outlay_day *day = &outlay.days[i];
		struct spend more = { .day = day->day };

		if (take_news(told_of(o, node, day->day), &day->sums,
			&more.amounts))
			count(d, node, team, &more);
	}
	pthread_mutex_unlock(&o->lock);
}
