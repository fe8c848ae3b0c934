#include "common/member/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/limit/calendar.h"
#include "common/store/ledger.h"
#include "topology/load.h"

struct holder {
	struct scope scope;
	char *key;         /* level and name */
	struct slice tier; /* ours */
	uint64_t of;       /* generation of its terms */
};

struct limits {
	pthread_mutex_t lock;
	struct limits_source source;
	struct topology *topology; /* held */
	uint64_t generation;
	struct calendar_clock clock;
	bool clock_ahead;
	int64_t used_us; /* monotonic: before this start */
	struct map holders;
};

#define KEY_MAX (1 + SPEND_NAME_MAX)

static struct slice
key_of(char key[KEY_MAX], const struct limits_who *who)
{
	size_t n = min_size(who->name.len, SPEND_NAME_MAX);

	key[0] = (char)('a' + (int)who->level);
	if (n > 0)
		memcpy(key + 1, who->name.ptr, n);
	return slice_make(key, 1 + n);
}

static struct holder *
holder_new(struct limits *l, struct slice key, enum scope_level level)
{
	struct holder *h = xcalloc(1, sizeof(*h));

	h->key = xstrndup(key.ptr, key.len);
	h->scope.level = level;
	h->scope.name = slice_make(h->key + 1, key.len - 1);
	map_put(&l->holders, slice_make(h->key, key.len), h);
	return h;
}

/* A rate that is met for the first time may have been used up before. */
static void
renew(struct limits *l, struct holder *h, const struct limits_who *who)
{
	struct limit_terms terms = l->source.find(l->topology, who);
	bool first = h->of == 0;

	if (!slice_eq(h->tier, who->tier)) {
		free((char *)h->tier.ptr);
		h->tier = slice_make(xstrndup(who->tier.ptr, who->tier.len),
		    who->tier.len);
	}
	scope_set(&h->scope, &terms, clock_mono_us());
	if (first)
		scope_empty(&h->scope, l->used_us);
	h->of = l->generation;
}

/* With terms as they were; the lock is held. */
static struct holder *
met(struct limits *l, const struct limits_who *who)
{
	char key_room[KEY_MAX];
	struct slice key = key_of(key_room, who);
	struct holder *h = map_find(&l->holders, key);

	return h != NULL ? h : holder_new(l, key, who->level);
}

/* With its present terms; the lock is held. */
static struct holder *
holder_of(struct limits *l, const struct limits_who *who)
{
	struct holder *h = met(l, who);

	if (h->of != l->generation ||
	    (who->level == SCOPE_CALLER && !slice_eq(h->tier, who->tier)))
		renew(l, h, who);
	return h;
}

/* The lock is held. */
static int64_t
day_of(struct limits *l)
{
	bool ahead;
	int64_t now_us = calendar_now_us(&l->clock, clock_wall_us(),
	    clock_boot_us(), &ahead);

	if (ahead && !l->clock_ahead)
		log_error("the clock jumped ahead: budgets go by what has "
			  "passed since the start; if the clock is right now, "
			  "restart",
		    log_int("ahead_s",
			(clock_wall_us() - now_us) / US_PER_SECOND));
	l->clock_ahead = ahead;
	return calendar_day(now_us);
}

int64_t
limits_day(struct limits *l)
{
	int64_t day;

	pthread_mutex_lock(&l->lock);
	day = day_of(l);
	pthread_mutex_unlock(&l->lock);
	return day;
}

static void
post(struct limits *l, const struct limits_who *who, const struct spend *more)
{
	budget_post(&met(l, who)->scope.budget, more->day, day_of(l),
	    &more->amounts);
}

void
limits_post(struct limits *l, const struct limits_who *who,
    const struct spend *more)
{
	pthread_mutex_lock(&l->lock);
	post(l, who, more);
	pthread_mutex_unlock(&l->lock);
}

struct loading {
	struct limits *limits;
	int64_t latest_day;
};

/* What others told of their days is no clock of ours. */
static void
load_latest(void *arg, const struct spend_sum *sum)
{
	struct loading *loading = arg;

	if (sum->level == SCOPE_MEMBER)
		return;
	loading->latest_day = max_i64(loading->latest_day, sum->spend.day);
}

static void
load(void *arg, const struct spend_sum *sum)
{
	struct loading *loading = arg;
	struct limits_who who = { sum->level, spend_holder(sum), slice_of("") };
	struct limits *l = loading->limits;

	budget_roll(&met(l, &who)->scope.budget, day_of(l));
	post(l, &who, &sum->spend);
	if (sum->level != SCOPE_CALLER)
		return;
	who = (struct limits_who){ SCOPE_NODE, slice_of(""), slice_of("") };
	budget_roll(&met(l, &who)->scope.budget, day_of(l));
	post(l, &who, &sum->spend);
}

/* The first of the month before: later days may still be corrected. */
static int64_t
oldest_day(int64_t wall_us)
{
	int64_t day = calendar_day(wall_us);
	int64_t month = calendar_month(day) - 1;

	while (calendar_month(day - 1) >= month)
		day--;
	return day;
}

static bool
load_all(struct limits *l, struct ledger *ledger)
{
	struct loading loading = { .limits = l };
	int64_t wall_us = clock_wall_us(), used_us;

	/* By what was spent: a clock that is ahead ends no month. */
	if (!spend_each(ledger, load_latest, &loading) ||
	    !spend_fold(ledger, oldest_day(min_i64(wall_us,
				    calendar_day_us(loading.latest_day)))))
		return false;
	calendar_start(&l->clock, wall_us, clock_boot_us(),
	    calendar_day_us(loading.latest_day));
	/* What the clock says of before may be wrong: not in the future. */
	used_us = min_i64(spend_last_us(ledger), wall_us);
	l->used_us = clock_mono_us() - (wall_us - used_us);
	return spend_each(ledger, load, &loading);
}

struct limits *
limits_open(struct ledger *ledger, struct topology *t,
    const struct limits_source *source)
{
	struct limits *l = xcalloc(1, sizeof(*l));
	pthread_mutexattr_t adaptive;

	/* Held for so short that it is better waited for than slept for. */
	pthread_mutexattr_init(&adaptive);
	pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&l->lock, &adaptive);
	pthread_mutexattr_destroy(&adaptive);
	map_init(&l->holders);
	l->source = *source;
	l->topology = topology_hold(t);
	l->generation = 1;
	if (load_all(l, ledger))
		return l;
	log_error("what was spent cannot be read from the store");
	limits_close(l);
	return NULL;
}

void
limits_close(struct limits *l)
{
	struct holder *h;
	size_t at = 0;

	if (l == NULL)
		return;
	while ((h = map_next(&l->holders, &at)) != NULL) {
		free(h->key);
		free((char *)h->tier.ptr);
		free(h);
	}
	map_fini(&l->holders);
	topology_release(l->topology);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int64_t
limits_used_us(const struct limits *l)
{
	return l->used_us;
}

void
limits_adopt(struct limits *l, struct topology *t)
{
	struct topology *old = NULL;

	pthread_mutex_lock(&l->lock);
	if (t->serial > l->topology->serial) {
		old = l->topology;
		l->topology = topology_hold(t);
		l->generation++;
	}
	pthread_mutex_unlock(&l->lock);
	if (old != NULL)
		topology_release(old);
}

void
limits_chain(struct limits *l, struct chain *chain,
    const struct limits_who *who, size_t count)
{
	size_t i;

	pthread_mutex_lock(&l->lock);
	for (i = 0; i < count; i++)
		chain->scopes[i] = &holder_of(l, &who[i])->scope;
	chain->count = count;
	chain->is_limited = chain_is_limited(chain);
	chain->is_bounded = chain_is_bounded(chain);
	pthread_mutex_unlock(&l->lock);
}

bool
limits_reserve(struct limits *l, struct hold *h, const struct chain *chain,
    struct chain_wish *wish, struct chain_bar *bar)
{
	bool reserved;

	pthread_mutex_lock(&l->lock);
	wish->day = day_of(l);
	wish->now_us = clock_mono_us();
	reserved = chain_reserve(h, chain, wish, bar);
	pthread_mutex_unlock(&l->lock);
	return reserved;
}

bool
limits_extend(struct limits *l, struct hold *h,
    const struct budget_amounts *more, struct chain_bar *bar)
{
	bool extended;

	pthread_mutex_lock(&l->lock);
	extended = chain_extend(h, more, bar);
	pthread_mutex_unlock(&l->lock);
	return extended;
}

enum fail
limits_fail(enum limit_kind kind)
{
	switch (kind) {
	case LIMIT_BUDGET:
		return FAIL_BUDGET_EXHAUSTED;
	case LIMIT_CONCURRENT:
		return FAIL_CONCURRENCY_EXCEEDED;
	default:
		return FAIL_RATE_LIMITED;
	}
}

void
limits_settle(struct limits *l, struct hold *h, const struct chain_spent *spent)
{
	pthread_mutex_lock(&l->lock);
	chain_settle(h, spent, clock_mono_us());
	pthread_mutex_unlock(&l->lock);
}

void
limits_release(struct limits *l, struct hold *h)
{
	pthread_mutex_lock(&l->lock);
	chain_release(h);
	pthread_mutex_unlock(&l->lock);
}

/* One that is worth a warning comes before a fuller one that is not yet. */
static void
look_at_budget(struct limits_look *look, const struct scope *s)
{
	struct budget_bar bar;
	int64_t share = budget_fullest_ppm(&s->budget, &bar);
	bool warned = limits_is_warned(look);
	bool warns =
	    s->budget.terms.warn_ppm > 0 && share >= s->budget.terms.warn_ppm;

	if (share == 0 || (warned && !warns) ||
	    (warned == warns && share <= look->fullest_ppm))
		return;
	look->fullest_ppm = share;
	look->warn_ppm = s->budget.terms.warn_ppm;
	look->fullest = (struct chain_bar){ .scope = s,
		.kind = LIMIT_BUDGET,
		.budget = bar };
}

void
limits_look(struct limits *l, const struct chain *chain,
    struct limits_look *look)
{
	size_t i;

	*look = (struct limits_look){ .fullest_ppm = 0 };
	pthread_mutex_lock(&l->lock);
	chain_look(chain, &look->rates, clock_mono_us());
	for (i = 0; i < chain->count; i++) {
		budget_roll(&chain->scopes[i]->budget, day_of(l));
		look_at_budget(look, chain->scopes[i]);
	}
	pthread_mutex_unlock(&l->lock);
}

static void
stand(struct limits *l, struct holder *h, struct limits_standing *s)
{
	int64_t now_us = clock_mono_us();

	budget_roll(&h->scope.budget, day_of(l));
	s->scope = h->scope;
	snprintf(s->tier, sizeof(s->tier), "%.*s", SLICE_FMT(h->tier));
	s->requests_left = bucket_left(&h->scope.requests, now_us);
	s->tokens_left = bucket_left(&h->scope.tokens, now_us);
	s->requests_full_us = bucket_full_us(&h->scope.requests, now_us);
	s->tokens_full_us = bucket_full_us(&h->scope.tokens, now_us);
}

void
limits_stand(struct limits *l, const struct limits_who *who,
    struct limits_standing *s)
{
	pthread_mutex_lock(&l->lock);
	stand(l, holder_of(l, who), s);
	pthread_mutex_unlock(&l->lock);
}

static int
by_place(const void *a, const void *b)
{
	const struct limits_standing *p = a, *q = b;

	if (p->scope.level != q->scope.level)
		return p->scope.level < q->scope.level ? -1 : 1;
	return strcmp(p->scope.name.ptr, q->scope.name.ptr);
}

void
limits_each(struct limits *l,
    void (*call)(void *arg, const struct limits_standing *s), void *arg)
{
	struct limits_standing *all;
	struct holder *h;
	size_t at = 0, n = 0, i;

	pthread_mutex_lock(&l->lock);
	all = xcalloc(l->holders.count + 1, sizeof(*all));
	while ((h = map_next(&l->holders, &at)) != NULL) {
		const struct limits_who who = { h->scope.level, h->scope.name,
			h->tier };

		/* Who was only read from the store is met with its tier. */
		if (h->of != 0 && h->of != l->generation)
			renew(l, h, &who);
		stand(l, h, &all[n++]);
	}
	pthread_mutex_unlock(&l->lock);
	qsort(all, n, sizeof(*all), by_place);
	for (i = 0; i < n; i++)
		call(arg, &all[i]);
	free(all);
}
