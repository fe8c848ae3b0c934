#include "node/target.h"

#include <stdlib.h>

#include "common/base/map.h"
#include "common/base/memory.h"

struct target_states {
	pthread_rwlock_t lock; /* of all below; each state has its own */
	struct map by_name;
	size_t count;
	struct target_state *all[TARGET_STATES_MAX];
	struct target_state others;
};

static const enum backoff_kind backoff_of[FAILURES] = {
	[FAILURE_NONE] = BACKOFF_NONE,
#define FAILURE(name, text, again, other, backoff, signals)                    \
	[FAILURE_##name] = BACKOFF_##backoff,
#include "common/llm/failure.def"
#undef FAILURE
};

static void
state_init(struct target_state *t, struct slice name)
{
	t->name = name;
	pthread_mutex_init(&t->lock, NULL);
}

struct target_states *
target_states_new(void)
{
	struct target_states *s = xcalloc(1, sizeof(*s));

	pthread_rwlock_init(&s->lock, NULL);
	map_init(&s->by_name);
	state_init(&s->others, slice_of("others"));
	return s;
}

static void
state_free(struct target_state *t)
{
	pthread_mutex_destroy(&t->lock);
	free((char *)t->name.ptr);
	free(t);
}

void
target_states_free(struct target_states *s)
{
	if (s == NULL)
		return;
	while (s->count > 0)
		state_free(s->all[--s->count]);
	pthread_mutex_destroy(&s->others.lock);
	pthread_rwlock_destroy(&s->lock);
	map_fini(&s->by_name);
	free(s);
}

struct target_state *
target_state_find(struct target_states *s, struct slice name)
{
	struct target_state *t;

	pthread_rwlock_rdlock(&s->lock);
	t = map_find(&s->by_name, name);
	pthread_rwlock_unlock(&s->lock);
	return t;
}

static struct target_state *
find_or_make(struct target_states *s, struct slice name)
{
	struct target_state *t = map_find(&s->by_name, name);

	if (t != NULL)
		return t;
	if (s->count == TARGET_STATES_MAX)
		return &s->others;
	t = xcalloc(1, sizeof(*t));
	state_init(t, slice_make(xstrndup(name.ptr, name.len), name.len));
	s->all[s->count++] = t;
	map_put(&s->by_name, t->name, t);
	return t;
}

struct target_state *
target_state_get(struct target_states *s, struct slice name)
{
	struct target_state *t = target_state_find(s, name);

	if (t != NULL)
		return t;
	pthread_rwlock_wrlock(&s->lock);
	t = find_or_make(s, name);
	pthread_rwlock_unlock(&s->lock);
	return t;
}

struct target_state *
target_state_next(struct target_states *s, size_t *at)
{
	struct target_state *t = NULL;

	pthread_rwlock_rdlock(&s->lock);
	if (*at < s->count)
		t = s->all[(*at)++];
	pthread_rwlock_unlock(&s->lock);
	return t;
}

void
target_look(struct target_state *t, struct target_look *look, int64_t now_us,
    int64_t wall_us)
{
	pthread_mutex_lock(&t->lock);
	window_look(&t->window, &look->seen, now_us);
	look->state = backoff_state(&t->backoff, now_us);
	look->kind = t->backoff.kind;
	look->wait_us = backoff_wait_us(&t->backoff, now_us);
	look->disabled_until_us = t->disabled_until_us;
	pthread_mutex_unlock(&t->lock);
	if (look->disabled_until_us <= wall_us)
		look->disabled_until_us = 0;
}

bool
target_is_disabled(struct target_state *t, int64_t wall_us)
{
	int64_t until_us;

	pthread_mutex_lock(&t->lock);
	until_us = t->disabled_until_us;
	pthread_mutex_unlock(&t->lock);
	return until_us > wall_us;
}

bool
target_enter(struct target_state *t, int64_t now_us, bool *probe)
{
	bool entered;

	pthread_mutex_lock(&t->lock);
	entered = backoff_enter(&t->backoff, now_us, probe);
	pthread_mutex_unlock(&t->lock);
	return entered;
}

/* What a failure says of its target. */
enum meaning { MEANS_NOTHING, MEANS_IT_ANSWERS, MEANS_IT_FAILS };

static enum meaning
meaning_of(enum failure failure)
{
	switch (failure) {
	case FAILURE_MALFORMED:
	case FAILURE_POLICY:
	case FAILURE_TOO_LARGE:
	case FAILURE_CONTEXT:
		return MEANS_IT_ANSWERS;
	case FAILURE_THROTTLED:
	case FAILURE_MEMBER:
		return MEANS_NOTHING;
	default:
		return MEANS_IT_FAILS;
	}
}

static void
on_failure(struct target_state *t, const struct target_outcome *o,
    int64_t now_us)
{
	struct window_seen seen = o->seen;
	const struct backoff_cause cause = {
		.kind = backoff_of[o->failure],
		.retry_after_us = o->retry_after_us,
		.random = o->random,
		.probe = o->probe,
	};

	seen.failed = true;
	window_add(&t->window, &seen, now_us);
	if (!o->again)
		backoff_failure(&t->backoff, now_us, &cause);
}

/* How fast an error came says nothing of answers. */
static void
on_own_fault(struct target_state *t, const struct target_outcome *o,
    int64_t now_us)
{
	const struct window_seen seen = { .failed = false };
	enum backoff_kind kind = t->backoff.kind;

	window_add(&t->window, &seen, now_us);
	if (kind == BACKOFF_NONE || kind == BACKOFF_BREAKER)
		backoff_success(&t->backoff, o->probe);
	else
		backoff_abandon(&t->backoff, o->probe);
}

static void
on_answer(struct target_state *t, const struct target_outcome *o,
    int64_t now_us)
{
	struct window_seen seen = o->seen;

	seen.failed = false;
	window_add(&t->window, &seen, now_us);
	backoff_success(&t->backoff, o->probe);
}

static bool
is_closed(const struct backoff *b)
{
	return b->until_us == 0;
}

static struct target_change
change_of(const struct backoff *before, const struct backoff *after, bool probe,
    int64_t now_us)
{
	if (is_closed(after) && !is_closed(before))
		return (
		    struct target_change){ TARGET_RECOVERED, before->kind, 0 };
	if (!is_closed(after) && after->until_us > before->until_us &&
	    (is_closed(before) || probe))
		return (struct target_change){ TARGET_BACKS_OFF, after->kind,
			backoff_wait_us(after, now_us) };
	return (struct target_change){ .turn = TARGET_AS_BEFORE };
}

struct target_change
target_leave(struct target_state *t, const struct target_outcome *o,
    int64_t now_us)
{
	struct backoff before;
	struct target_change change;

	pthread_mutex_lock(&t->lock);
	before = t->backoff;
	if (o->given_up || meaning_of(o->failure) == MEANS_NOTHING)
		backoff_abandon(&t->backoff, o->probe);
	else if (o->failure == FAILURE_NONE)
		on_answer(t, o, now_us);
	else if (meaning_of(o->failure) == MEANS_IT_ANSWERS)
		on_own_fault(t, o, now_us);
	else
		on_failure(t, o, now_us);
	change = change_of(&before, &t->backoff, o->probe, now_us);
	pthread_mutex_unlock(&t->lock);
	return change;
}

void
target_disable(struct target_state *t, int64_t until_wall_us)
{
	pthread_mutex_lock(&t->lock);
	t->disabled_until_us = until_wall_us;
	pthread_mutex_unlock(&t->lock);
}

void
target_enable(struct target_state *t)
{
	pthread_mutex_lock(&t->lock);
	t->disabled_until_us = 0;
	t->backoff = (struct backoff){ 0 };
	pthread_mutex_unlock(&t->lock);
}
