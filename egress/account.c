#include "egress/account.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/limit/retries.h"
#include "topology/provider.h"

#define NAME_MAX_BYTES 512

/*
 * A node tries a target once more where the class of the failure lets it
 * (common/llm/failure.def), and its egress cannot know whether it will: a
 * second failure in a row says that it has, or that others fail too.  Who was
 * asked for a longer wait than a node has patience for comes back to nobody.
 */
#define SHORT_STRIKES 2
#define PATIENCE_US   (RETRIES_WAIT_MAX_MS * US_PER_MS)

/* An account's state has its name, which has no slash; a target's has one. */
struct accounts {
	struct target_states *states;
	int64_t boot;
	_Atomic int64_t number;
};

struct accounts *
accounts_new(int64_t boot)
{
	struct accounts *a = xcalloc(1, sizeof(*a));

	a->states = target_states_new();
	a->boot = boot;
	atomic_init(&a->number, 1);
	return a;
}

void
accounts_free(struct accounts *a)
{
	if (a == NULL)
		return;
	target_states_free(a->states);
	free(a);
}

static const struct team_key *
team_key(const struct provider *p, struct slice team)
{
	size_t i;

	for (i = 0; i < p->team_keys_count; i++)
		if (slice_eq(p->team_keys[i].team, team))
			return &p->team_keys[i];
	return NULL;
}

struct slice
account_name(struct arena *arena, const struct provider *p, struct slice team)
{
	if (team_key(p, team) == NULL)
		return p->name;
	return slice_of(arena_printf(arena, "%.*s@%.*s", SLICE_FMT(p->name),
	    SLICE_FMT(team)));
}

struct slice
account_secret(const struct provider *p, struct slice team)
{
	const struct team_key *own = team_key(p, team);

	return own != NULL ? own->secret : p->secret;
}

/* "account/model"; a name beyond the maximum is cut, and shares a state. */
static struct slice
key_by_names(char key[NAME_MAX_BYTES], struct slice account, struct slice model)
{
	int n = snprintf(key, NAME_MAX_BYTES, "%.*s/%.*s", SLICE_FMT(account),
	    SLICE_FMT(model));

	return slice_make(key, min_size((size_t)n, NAME_MAX_BYTES - 1));
}

static struct slice
key_of(char key[NAME_MAX_BYTES], const struct account_target *of)
{
	return key_by_names(key, of->account, of->model->name);
}

/* How one state stands, when it is not closed. */
static bool
look_at(struct target_state *t, int64_t now_us, struct capacity_entry *e)
{
	struct target_look look;

	target_look(t, &look, now_us, 0);
	e->turn += look.turns;
	if (look.state == BACKOFF_CLOSED)
		return false;
	if (e->kind == BACKOFF_NONE || look.wait_us > e->wait_us) {
		e->kind = look.kind;
		e->wait_us = look.wait_us;
		e->half_open = look.state == BACKOFF_HALF_OPEN;
	}
	return true;
}

/* Of both, the one that is the longer wait. */
static bool
look_at_both(struct target_state *account, struct target_state *target,
    int64_t now_us, struct capacity_entry *e)
{
	bool by_account = account != NULL && look_at(account, now_us, e);
	bool by_target = target != NULL && look_at(target, now_us, e);

	return by_account || by_target;
}

bool
account_look(struct accounts *a, const struct account_target *of,
    int64_t now_us, struct capacity_entry *out)
{
	char key[NAME_MAX_BYTES];

	*out = (struct capacity_entry){ .target = of->model->target };
	return look_at_both(target_state_find(a->states, of->account),
	    target_state_find(a->states, key_of(key, of)), now_us, out);
}

void
account_stand(struct accounts *a, struct slice account, struct slice model,
    int64_t now_us, struct target_look *look)
{
	char key[NAME_MAX_BYTES];
	struct slice name = account;
	struct target_state *t;

	if (model.len > 0)
		name = key_by_names(key, account, model);
	t = target_state_find(a->states, name);
	*look = (struct target_look){ .wait_us = 0 };
	if (t != NULL)
		target_look(t, look, now_us, 0);
}

static void
abandon(struct target_state *t, bool probe, int64_t now_us)
{
	const struct target_outcome o = { .given_up = true, .probe = probe };

	(void)target_leave(t, &o, now_us);
}

/* Beyond the maximum both share one state. */
static bool
is_one(const struct account_pass *pass)
{
	return pass->target == pass->account;
}

static bool
enter_both(struct account_pass *pass, int64_t now_us)
{
	if (!target_enter(pass->account, now_us, &pass->account_probe))
		return false;
	if (is_one(pass) ||
	    target_enter(pass->target, now_us, &pass->target_probe))
		return true;
	abandon(pass->account, pass->account_probe, now_us);
	return false;
}

bool
account_enter(struct accounts *a, struct account_pass *pass,
    const struct account_target *of, int64_t now_us, struct capacity_entry *why)
{
	char key[NAME_MAX_BYTES];

	*pass = (struct account_pass){
		.account = target_state_get(a->states, of->account),
		.target = target_state_get(a->states, key_of(key, of)),
	};
	if (enter_both(pass, now_us))
		return true;
	*why = (struct capacity_entry){ .target = of->model->target };
	/* It may have ended since. */
	(void)look_at_both(pass->account, pass->target, now_us, why);
	why->wait_us = max_i64(why->wait_us, 1);
	*pass = (struct account_pass){ .account = NULL };
	return false;
}

static void
touch(struct accounts *a)
{
	atomic_fetch_add(&a->number, 1);
}

static int
strikes_of(const struct account_outcome *o)
{
	return o->failure == FAILURE_OVERLOADED &&
		       o->retry_after_us <= PATIENCE_US
		   ? SHORT_STRIKES
		   : 0;
}

struct account_news
account_leave(struct accounts *a, struct account_pass *pass,
    const struct account_outcome *o, int64_t now_us)
{
	bool of_account = failure_of_account(o->failure, o->status);
	struct target_outcome outcome = {
		.failure = o->failure,
		.given_up = o->given_up,
		.retry_after_us = o->retry_after_us,
		.random = o->random,
		.strikes = strikes_of(o),
		.seen = o->seen,
	};
	struct account_news news = { .moved = false };

	if (pass->account == NULL)
		return news;
	/* What one of both hears of is nothing to the other. */
	if (!is_one(pass)) {
		outcome.probe = pass->target_probe;
		outcome.given_up = o->given_up || of_account;
		news.target = target_leave(pass->target, &outcome, now_us);
		outcome.given_up =
		    o->given_up || (o->failure != FAILURE_NONE && !of_account);
	}
	outcome.probe = pass->account_probe;
	news.account = target_leave(pass->account, &outcome, now_us);
	*pass = (struct account_pass){ .account = NULL };
	news.moved = news.target.moved || news.account.moved;
	if (news.moved)
		touch(a);
	return news;
}

struct account_news
account_prove(struct accounts *a, struct account_pass *pass, int64_t now_us)
{
	struct account_news news = { .moved = false };

	if (pass->account == NULL)
		return news;
	if (pass->target_probe)
		news.target = target_prove(pass->target, now_us);
	if (pass->account_probe)
		news.account = target_prove(pass->account, now_us);
	pass->target_probe = pass->account_probe = false;
	news.moved = news.target.moved || news.account.moved;
	if (news.moved)
		touch(a);
	return news;
}

struct capacity_epoch
accounts_epoch(const struct accounts *a)
{
	return (struct capacity_epoch){ a->boot, atomic_load(&a->number) };
}

void
accounts_adopt(struct accounts *a,
    void (*recovered)(void *arg, struct slice name,
	const struct target_change *change),
    void *arg)
{
	struct target_change change;
	struct target_state *t;
	size_t at = 0;

	while ((t = target_state_next(a->states, &at)) != NULL) {
		change = target_forgive(t, BACKOFF_LONG);
		if (change.moved)
			recovered(arg, t->name, &change);
	}
	/* Also what a team may use has changed. */
	touch(a);
}
