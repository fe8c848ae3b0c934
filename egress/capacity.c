#include "egress/capacity.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/member/capacity.h"
#include "common/member/journal.h"
#include "common/member/worker.h"
#include "egress/answer.h"
#include "egress/call.h"
#include "egress/egress.h"
#include "egress/envelope.h"
#include "topology/load.h"

#define NAMES_MAX ((size_t)1024 * 1024) /* of teams' own accounts */

static struct accounts *
accounts_of(const struct call *c)
{
	return c->dock->egress->accounts;
}

static struct account_target
target_of(const struct call *c)
{
	return (struct account_target){ c->model, c->account };
}

enum fail
capacity_enter(struct call *c, int64_t *retry_after_ms)
{
	const struct account_target of = target_of(c);
	struct capacity_entry why;

	*retry_after_ms = 0;
	if (account_enter(accounts_of(c), &c->pass, &of, clock_mono_us(), &why))
		return FAIL_NONE;
	*retry_after_ms = (why.wait_us + US_PER_MS - 1) / US_PER_MS;
	return target_fail(why.kind);
}

bool
capacity_is_closed(const struct call *c)
{
	const struct account_target of = target_of(c);
	struct capacity_entry how;

	return account_look(accounts_of(c), &of, clock_mono_us(), &how) &&
	       !how.half_open;
}

static uint32_t
random_of(const struct call *c)
{
	uint32_t random;

	memcpy(&random, c->envelope.request.bytes + ID_BYTES - sizeof(random),
	    sizeof(random));
	return random ^ (uint32_t)c->envelope.attempt * 0x9e3779b9u;
}

/*
 * A deadline that the node set is no word of the target's: else who gives its
 * requests no time would close a target for all teams.
 */
static bool
was_hurried(const struct call *c, enum failure failure, int64_t now_us)
{
	return failure == FAILURE_TIMEOUT &&
	       c->total_ms < c->topology->egress->timeouts.total_ms &&
	       (now_us - c->begun_us) / US_PER_MS >= c->remaining_ms;
}

/* Nor is an answer that its node let wait: it came too slowly for nobody. */
static bool
was_unread(const struct call *c, enum failure failure)
{
	return failure == FAILURE_TIMEOUT && c->status == 200 &&
	       (c->held_up || c->out.len > 0);
}

static void
note(void *arg, struct slice name, const struct target_change *change)
{
	const struct dock *d = arg;
	struct worker *w = d->worker;

	journal_target(w->turn, &w->ids, name, change);
	if (change->turn == TARGET_AS_BEFORE)
		return;
	log_info(change->turn == TARGET_RECOVERED ? "recovered" : "backing off",
	    log_slice("target", name),
	    log_str("kind", backoff_kind_name(change->kind)),
	    log_int("wait_ms", change->wait_us / US_PER_MS));
}

static void
on_due(void *arg)
{
	struct dock *d = arg;

	atomic_store(&d->capacity_due, false);
	capacity_tell_all(d);
}

/* One post a worker at a time, whatever there is to tell then. */
static void
tell_others(struct dock *d)
{
	struct egress *g = d->egress;
	struct dock *other;
	size_t i;

	pthread_mutex_lock(&g->lock);
	for (i = 0; i < count_of(g->docks); i++) {
		other = g->docks[i];
		if (other == NULL || other == d ||
		    atomic_exchange(&other->capacity_due, true))
			continue;
		/* Its sweep tells what could not be posted. */
		if (!loop_post(other->worker->loop, on_due, other))
			atomic_store(&other->capacity_due, false);
	}
	pthread_mutex_unlock(&g->lock);
}

/* What others wait for has changed: before anything that says why. */
static void
tell(struct dock *d)
{
	capacity_tell_all(d);
	tell_others(d);
}

static void
note_both(struct call *c, const struct account_news *news)
{
	note(c->dock, c->envelope.target, &news->target);
	note(c->dock, target_of(c).account, &news->account);
	if (news->moved)
		tell(c->dock);
}

static void
leave(struct call *c, bool given_up)
{
	int64_t now_us = clock_mono_us();
	enum failure failure = given_up ? FAILURE_NONE : answer_class(c);
	const struct account_outcome o = {
		.failure = failure,
		.status = c->status,
		.given_up = given_up || was_hurried(c, failure, now_us) ||
			    was_unread(c, failure),
		.retry_after_us = c->retry_after_ms * US_PER_MS,
		.random = random_of(c),
		.seen = { .ttft_us = c->first_byte_us > 0
					 ? c->first_byte_us - c->begun_us
					 : 0,
		    .total_us = now_us - c->begun_us },
	};
	struct account_news news =
	    account_leave(accounts_of(c), &c->pass, &o, now_us);

	note_both(c, &news);
}

void
capacity_prove(struct call *c)
{
	struct account_news news =
	    account_prove(accounts_of(c), &c->pass, clock_mono_us());

	note_both(c, &news);
}

void
capacity_leave(struct call *c, bool given_up)
{
	if (c->pass.account != NULL)
		leave(c, given_up);
}

void
capacity_adopt(struct dock *d)
{
	accounts_adopt(d->egress->accounts, note, d);
}

/* All that back off and that the team may use. */
static size_t
list(struct capacity_entry *entries, struct arena *arena, const struct dock *d,
    const struct team *team)
{
	const struct topology *t = d->worker->topology;
	const struct egress_file *file = t->egress;
	int64_t now_us = clock_mono_us();
	size_t i, k, count = 0;

	for (i = 0; i < file->providers_count; i++) {
		const struct provider *p = &file->providers[i];
		struct account_target of = { .account = account_name(arena, p,
						 team->name) };

		for (k = 0; k < p->models_count; k++) {
			of.model = &p->models[k];

			if (count < CAPACITY_ENTRIES_MAX &&
			    account_look(d->egress->accounts, &of, now_us,
				&entries[count]) &&
			    envelope_terms(team, of.model, t->self->region) ==
				EXCLUSION_NONE)
				count++;
		}
	}
	return count;
}

void
capacity_tell(struct dock *d, struct link *l, const struct team *team)
{
	struct capacity_entry *entries =
	    xcalloc(CAPACITY_ENTRIES_MAX + 1, sizeof(*entries));
	struct capacity c = {
		.egress = d->worker->topology->self->name,
		.epoch = accounts_epoch(d->egress->accounts),
		.entries = entries,
	};
	struct buf message;
	struct arena arena;

	arena_init(&arena, NAMES_MAX);
	c.count = list(entries, &arena, d, team);
	buf_init(&message, LINK_MESSAGE_MAX);
	capacity_write(&message, &c);
	if (message.failed)
		log_error("CAPACITY is too large to send");
	else
		link_send(l, LINK_CAPACITY, buf_slice(&message));
	buf_fini(&message);
	arena_fini(&arena);
	free(entries);
}

void
capacity_tell_all(struct dock *d)
{
	int64_t number = accounts_epoch(d->egress->accounts).number;

	if (d->capacity_told == number)
		return;
	d->capacity_told = number;
	downlinks_tell_capacity(d);
}
