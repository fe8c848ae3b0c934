#include "common/member/target.h"

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

static bool
is_closed(const struct backoff *b)
{
	return b->until_us == 0;
}

/*
 * A refusal alone ends with its time: it may have crossed the word that the
 * target has recovered, and then no other comes.
 */
static void
forget_refusal(struct target_told *told, int64_t now_us)
{
	if (!told->noted && now_us >= told->backoff.until_us)
		told->backoff = (struct backoff){ 0 };
}

static const struct backoff *
later(const struct backoff *a, const struct backoff *b)
{
	return a->until_us >= b->until_us ? a : b;
}

void
target_look(struct target_state *t, struct target_look *look, int64_t now_us,
    int64_t wall_us)
{
	const struct backoff *b;

	pthread_mutex_lock(&t->lock);
	forget_refusal(&t->told, now_us);
	window_look(&t->window, &look->seen, now_us);
	b = later(&t->backoff, &t->told.backoff);
	look->state = backoff_state(b, now_us);
	look->kind = b->kind;
	look->wait_us = backoff_wait_us(b, now_us);
	look->turns = t->turns;
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
	bool entered, probe_told = false;

	*probe = false;
	pthread_mutex_lock(&t->lock);
	forget_refusal(&t->told, now_us);
	entered = backoff_wait_us(&t->told.backoff, now_us) == 0 &&
		  backoff_enter(&t->backoff, now_us, probe) &&
		  backoff_enter(&t->told.backoff, now_us, &probe_told);
	pthread_mutex_unlock(&t->lock);
	*probe |= probe_told;
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
		.strikes = o->strikes,
	};

	seen.failed = true;
	window_add(&t->window, &seen, now_us);
	if (o->told)
		backoff_abandon(&t->backoff, o->probe);
	else if (!o->again)
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

static struct target_change
change_of(const struct backoff *before, const struct backoff *after, bool probe,
    int64_t now_us)
{
	struct target_change c = { .turn = TARGET_AS_BEFORE,
		.kind = before->kind };

	c.moved = before->until_us != after->until_us;
	if (is_closed(after) && !is_closed(before))
		c.turn = TARGET_RECOVERED;
	if (is_closed(after) || after->until_us <= before->until_us)
		return c;
	c.kind = after->kind;
	c.wait_us = backoff_wait_us(after, now_us);
	if (is_closed(before) || probe)
		c.turn = TARGET_BACKS_OFF;
	return c;
}

/*
 * Who gave the word may be gone, and take it back no more: our own probe, by
 * whichever way, does.  It says nothing of a word that came since it began.
 */
static bool
answer_told(struct target_told *told, bool probe, int64_t now_us)
{
	bool noted = told->noted;

	if (!probe || told->backoff.probe_us == 0 ||
	    now_us < told->backoff.until_us)
		return false;
	*told = (struct target_told){
		.judge = told->judge,
		.turn = told->turn,
		.answered = true,
	};
	return noted;
}

static bool
is_answer(const struct target_outcome *o)
{
	return o->failure == FAILURE_NONE && !o->given_up;
}

static void
leave_told(struct target_state *t, const struct target_outcome *o,
    struct target_change *change, int64_t now_us)
{
	enum backoff_kind kind = t->told.backoff.kind;

	if (is_answer(o) && answer_told(&t->told, o->probe, now_us)) {
		if (change->turn != TARGET_RECOVERED)
			change->kind = kind;
		change->turn = TARGET_RECOVERED;
		change->moved = true;
	}
	if (!o->again)
		backoff_abandon(&t->told.backoff, o->probe);
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
	leave_told(t, o, &change, now_us);
	if (change.turn == TARGET_BACKS_OFF)
		t->turns++;
	pthread_mutex_unlock(&t->lock);
	return change;
}

struct target_change
target_prove(struct target_state *t, int64_t now_us)
{
	struct backoff before;
	struct target_change change;

	pthread_mutex_lock(&t->lock);
	before = t->backoff;
	backoff_success(&t->backoff, true);
	change = change_of(&before, &t->backoff, true, now_us);
	pthread_mutex_unlock(&t->lock);
	return change;
}

struct target_change
target_forgive(struct target_state *t, enum backoff_kind kind)
{
	struct backoff before;
	struct target_change change;

	pthread_mutex_lock(&t->lock);
	before = t->backoff;
	if (!is_closed(&before) && before.kind == kind)
		t->backoff = (struct backoff){ 0 };
	change = change_of(&before, &t->backoff, false, 0);
	pthread_mutex_unlock(&t->lock);
	return change;
}

/* Another's word is not taken back by a judge who never gave it. */
static struct target_change
hear_closed(struct target_told *told, uint64_t judge)
{
	struct target_change c = { .turn = TARGET_AS_BEFORE,
		.kind = told->backoff.kind };

	if (is_closed(&told->backoff) || told->judge != judge)
		return c;
	if (told->noted)
		c.turn = TARGET_RECOVERED;
	c.moved = true;
	*told = (struct target_told){ 0 };
	return c;
}

/* The time of an opening that is known; where it is over, a probe may go. */
static void
hear_same(struct target_told *told, const struct target_word *w, int64_t now_us)
{
	if (w->half_open)
		return;
	told->backoff.kind = w->kind;
	told->backoff.until_us = max_i64(now_us + w->wait_us, 1);
}

static struct target_change
hear_open(struct target_told *told, const struct target_word *w, int64_t now_us)
{
	struct target_change c = { TARGET_BACKS_OFF, w->kind, w->wait_us,
		true };

	*told = (struct target_told){
		.judge = w->judge,
		.turn = w->turn,
		.noted = true,
		.backoff = { .kind = w->kind,
		    .level = 1,
		    .until_us = max_i64(now_us + w->wait_us, 1) },
	};
	return c;
}

/* The opening that our own probe has ended; nobody has probed there yet. */
static bool
was_answered(const struct target_told *told, const struct target_word *w)
{
	return told->answered && w->half_open && told->judge == w->judge &&
	       told->turn == w->turn;
}

struct target_change
target_hear(struct target_state *t, const struct target_word *w, int64_t now_us)
{
	struct target_told *told = &t->told;
	struct target_change c = { .turn = TARGET_AS_BEFORE };

	pthread_mutex_lock(&t->lock);
	if (w->kind == BACKOFF_NONE)
		c = hear_closed(told, w->judge);
	else if (was_answered(told, w))
		; /* it is as our probe has found it */
	else if (told->noted && told->judge == w->judge &&
		 told->turn == w->turn)
		hear_same(told, w, now_us);
	else
		c = hear_open(told, w, now_us);
	pthread_mutex_unlock(&t->lock);
	return c;
}

void
target_put_off(struct target_state *t, const struct target_word *w,
    int64_t now_us)
{
	struct backoff *b = &t->told.backoff;
	int64_t until_us = now_us + w->wait_us;

	pthread_mutex_lock(&t->lock);
	if (until_us > b->until_us) {
		if (is_closed(b)) {
			t->told.answered &= t->told.judge == w->judge;
			t->told.judge = w->judge;
		}
		b->kind = w->kind;
		b->until_us = until_us;
	}
	pthread_mutex_unlock(&t->lock);
}

bool
target_is_put_off(struct target_state *t, int64_t now_us)
{
	bool put_off;

	pthread_mutex_lock(&t->lock);
	forget_refusal(&t->told, now_us);
	put_off = !is_closed(&t->told.backoff);
	pthread_mutex_unlock(&t->lock);
	return put_off;
}

enum fail
target_fail(enum backoff_kind kind)
{
	switch (kind) {
	case BACKOFF_RATE:
		return FAIL_UPSTREAM_RATE_LIMITED;
	case BACKOFF_QUOTA:
		return FAIL_UPSTREAM_QUOTA_EXHAUSTED;
	case BACKOFF_SHORT:
		return FAIL_UPSTREAM_OVERLOADED;
	default:
		return FAIL_UPSTREAM_FAILED;
	}
}

enum backoff_kind
target_kind(enum fail fail)
{
	switch (fail) {
	case FAIL_UPSTREAM_RATE_LIMITED:
		return BACKOFF_RATE;
	case FAIL_UPSTREAM_QUOTA_EXHAUSTED:
		return BACKOFF_QUOTA;
	case FAIL_UPSTREAM_OVERLOADED:
		return BACKOFF_SHORT;
	case FAIL_UPSTREAM_FAILED:
		return BACKOFF_BREAKER;
	default:
		return BACKOFF_NONE;
	}
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
	t->told = (struct target_told){ 0 };
	pthread_mutex_unlock(&t->lock);
}
