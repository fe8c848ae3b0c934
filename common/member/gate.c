#include "common/member/gate.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/loop.h"

/* Who leaves or is refused wakes others; they are looked at again then. */
#define NEVER_US INT64_MAX

struct gate_part {
	struct slice name; /* ours */
	struct shaper shaper;
	struct shaping_terms terms;
	size_t waiting; /* for this part, of all that wait */
	bool blocked;   /* in this round: whoever is first has to wait for it */
};

void
gate_init(struct gate *g, struct slice name)
{
	*g = (struct gate){ .name = name, .next_us = NEVER_US };
	pthread_mutex_init(&g->lock, NULL);
	map_init(&g->parts);
	fair_init(&g->line);
}

void
gate_fini(struct gate *g)
{
	struct gate_part *part;
	size_t at = 0;

	assert(g->waiting == 0);
	while ((part = map_next(&g->parts, &at)) != NULL) {
		free((char *)part->name.ptr);
		free(part);
	}
	map_fini(&g->parts);
	fair_fini(&g->line);
	pthread_mutex_destroy(&g->lock);
}

/* How long, and for what: the part or the whole. */
struct gate_wait {
	int64_t us;
	enum shaper_bucket bucket;
	bool of_part;
};

static struct gate_wait
wait_of(const struct gate *g, const struct gate_pass *p, int64_t now_us)
{
	struct gate_wait whole = { .us = 0 }, part = { .of_part = true };

	whole.us = shaper_wait_us(&g->whole, &p->toll, &whole.bucket, now_us);
	if (p->part == NULL)
		return whole;
	part.us =
	    shaper_wait_us(&p->part->shaper, &p->toll, &part.bucket, now_us);
	return part.us > whole.us ? part : whole;
}

static void
take(struct gate *g, struct gate_pass *p, int64_t now_us)
{
	shaper_take(&g->whole, &p->toll, now_us);
	if (p->part != NULL)
		shaper_take(&p->part->shaper, &p->toll, now_us);
	p->taken_us = now_us;
	p->state = PASS_IN;
}

static void
count(struct gate *g, const struct gate_pass *p, int sign)
{
	g->waiting += (size_t)sign;
	if (p->part != NULL)
		p->part->waiting += (size_t)sign;
	g->backlog.input_tokens += sign * p->toll.input_tokens;
	g->backlog.output_tokens += sign * p->toll.output_tokens;
}

/* Without having been let in. */
static void
out_of_line(struct gate *g, struct gate_pass *p)
{
	count(g, p, -1);
	fair_leave(&p->turn);
}

struct gate_round {
	struct gate *gate;
	int64_t now_us;
	struct gate_pass *soonest; /* of those that have to wait */
};

/*
 * Who is first and has to wait for the whole gate, or for a part of it, keeps
 * those behind it from taking what it waits for.
 */
static enum fair_answer
admits(void *arg, struct fair_waiter *w)
{
	struct gate_round *r = arg;
	struct gate *g = r->gate;
	struct gate_pass *p = container_of(w, struct gate_pass, turn);
	struct gate_wait wait;

	if (p->part != NULL && p->part->blocked)
		return FAIR_NOT_IT;
	wait = wait_of(g, p, r->now_us);
	if (wait.us == 0) {
		take(g, p, r->now_us);
		return FAIR_YES;
	}
	if (r->now_us + wait.us < g->next_us) {
		g->next_us = r->now_us + wait.us;
		r->soonest = p;
	}
	if (!wait.of_part)
		return FAIR_NOBODY;
	p->part->blocked = true;
	return FAIR_NOT_IT;
}

static void
unblock(struct gate *g)
{
	struct gate_part *part;
	size_t at = 0;

	while ((part = map_next(&g->parts, &at)) != NULL)
		part->blocked = false;
}

/* Let in all that can be; the lock is held. */
static void
pump(struct gate *g, int64_t now_us)
{
	struct gate_round r = { .gate = g, .now_us = now_us };
	struct fair_waiter *w;
	int64_t before_us = g->next_us;

	g->next_us = NEVER_US;
	if (g->waiting == 0)
		return;
	unblock(g);
	while ((w = fair_next(&g->line, admits, &r)) != NULL) {
		count(g, container_of(w, struct gate_pass, turn), -1);
		bell_ring(container_of(w, struct gate_pass, turn)->bell);
	}
	/* Its timer was set for later. */
	if (r.soonest != NULL && g->next_us < before_us)
		bell_ring(r.soonest->bell);
}

/* Until it would be let in when so much has gone in before it. */
static struct gate_wait
behind(const struct shaper *s, const struct gate_pass *p,
    const struct toll *ahead, int64_t starts, int64_t now_us)
{
	const int64_t units[SHAPER_RATES] = {
		[SHAPER_STARTS] = starts,
		[SHAPER_INPUT] = ahead->input_tokens,
		[SHAPER_OUTPUT] = ahead->output_tokens,
		[SHAPER_TOKENS] = ahead->input_tokens + ahead->output_tokens,
	};
	struct gate_wait wait = { .of_part = false };
	struct shaper copy = *s;
	size_t b;

	for (b = 0; b < SHAPER_RATES; b++)
		bucket_take(&copy.rates[b], max_i64(units[b], 0), now_us);
	wait.us = shaper_wait_us(&copy, &p->toll, &wait.bucket, now_us);
	return wait;
}

static int64_t
part_of(int64_t all, int64_t share, int64_t of)
{
	return of == 0 ? 0 : (int64_t)((__int128)all * share / of);
}

/*
 * How many are served up to and with it: of its party as many of each flow as
 * of its own, and of other parties what their weight lets them have meanwhile;
 * who waits for another model that is full is no part of it.
 */
static int64_t
served_before(struct gate *g, const struct gate_pass *p)
{
	const struct share *flow = p->turn.flow, *party = flow->parent;
	int64_t mine = min_i64((int64_t)flow->waiting * fair_flows(party),
	    (int64_t)party->waiting);
	int64_t all = (int64_t)g->waiting;
	struct gate_part *part;
	size_t at = 0;

	while ((part = map_next(&g->parts, &at)) != NULL)
		if (part->blocked && part != p->part)
			all -= (int64_t)part->waiting;
	return min_i64(mine * fair_weights(&g->line, party) /
			   max_i64(party->weight, 1),
	    max_i64(all, 1));
}

/* So many of all that wait, as costly as they are at the mean, but itself. */
static struct gate_wait
behind_some(const struct gate *g, const struct shaper *s,
    const struct gate_pass *p, int64_t count, int64_t now_us)
{
	int64_t all = (int64_t)g->waiting;
	const struct toll ahead = {
		part_of(g->backlog.input_tokens, count, all) -
		    p->toll.input_tokens,
		part_of(g->backlog.output_tokens, count, all) -
		    p->toll.output_tokens,
	};

	return behind(s, p, &ahead, count - 1, now_us);
}

static void
estimate(struct gate *g, struct gate_pass *p, int64_t now_us)
{
	int64_t before = served_before(g, p);
	struct gate_wait longest = wait_of(g, p, now_us), wait;

	wait = behind_some(g, &g->whole, p, before, now_us);
	if (wait.us > longest.us)
		longest = wait;
	if (p->part != NULL) {
		wait = behind_some(g, &p->part->shaper, p,
		    min_i64(before, (int64_t)p->part->waiting), now_us);
		wait.of_part = true;
		if (wait.us > longest.us)
			longest = wait;
	}
	p->wait_us = longest.us;
	p->bucket = longest.bucket;
	p->of_part = longest.of_part;
}

bool
gate_is_decided(struct gate_pass *p, int64_t now_us)
{
	struct gate *g = p->gate;
	enum pass_state state;

	pthread_mutex_lock(&g->lock);
	if (g->next_us <= now_us)
		pump(g, now_us);
	if (p->state == PASS_WAITS && now_us >= p->until_us) {
		estimate(g, p, now_us);
		out_of_line(g, p);
		p->state = PASS_REFUSED;
		pump(g, now_us);
	}
	state = p->state;
	pthread_mutex_unlock(&g->lock);
	return state != PASS_WAITS;
}

int64_t
gate_look_again_us(struct gate_pass *p)
{
	struct gate *g = p->gate;
	int64_t next_us;

	pthread_mutex_lock(&g->lock);
	next_us = min_i64(g->next_us, p->until_us);
	pthread_mutex_unlock(&g->lock);
	return next_us;
}

static void
join(struct gate *g, struct gate_pass *p, const struct fair_claim *claim)
{
	p->state = PASS_WAITS;
	fair_join(&g->line, &p->turn, claim);
	count(g, p, 1);
}

static int64_t
queue_ms(const struct gate *g, const struct gate_pass *p)
{
	return p->part != NULL ? shaping_queue_ms(&g->terms, &p->part->terms)
			       : g->terms.queue_ms;
}

/* It is among the `waiting` already. */
static bool
has_room_in(const struct gate *g, const struct share *party,
    const struct shaping_terms *terms, size_t waiting)
{
	int64_t depth = terms->queue_depth, mine = (int64_t)party->waiting;

	if (!shaping_is_said(terms) || (int64_t)waiting <= depth)
		return true;
	/* One of each party, or who refuses the most has all of it. */
	if (mine == 1)
		return true;
	return (int64_t)waiting <= 2 * depth &&
	       mine <=
		   part_of(depth, party->weight, fair_weights(&g->line, party));
}

/* Of the part only those count that wait for it. */
static bool
has_room(const struct gate *g, const struct gate_pass *p)
{
	const struct share *party = p->turn.flow->parent;

	return has_room_in(g, party, &g->terms, g->waiting) &&
	       (p->part == NULL ||
		   has_room_in(g, party, &p->part->terms, p->part->waiting));
}

static void
come(struct gate *g, struct gate_pass *p, const struct fair_claim *claim,
    int64_t most_us)
{
	int64_t now_us = p->since_us;

	if (g->waiting == 0 && wait_of(g, p, now_us).us == 0) {
		fair_serve(&g->line, &p->turn, claim);
		take(g, p, now_us);
		return;
	}
	/* Nobody overtakes who waits for the same. */
	p->until_us = now_us + most_us;
	join(g, p, claim);
	pump(g, now_us);
	if (p->state != PASS_WAITS)
		return;
	estimate(g, p, now_us);
	/* When a slot is free nobody knows beforehand. */
	p->waited = most_us > 0 && has_room(g, p) &&
		    (p->wait_us <= most_us || p->bucket == SHAPER_CONCURRENT);
	if (p->waited)
		return;
	out_of_line(g, p);
	p->state = PASS_REFUSED;
	/* It may have been first, and was looked at for when it could go. */
	pump(g, now_us);
}

enum pass_state
gate_enter(struct gate *g, struct gate_pass *p, const struct gate_wish *wish,
    int64_t now_us)
{
	const struct fair_claim claim = {
		.party = wish->party,
		.flow = wish->flow,
		.weight = wish->weight,
		.cost =
		    max_i64(wish->toll.input_tokens + wish->toll.output_tokens,
			1),
	};
	enum pass_state state;

	*p = (struct gate_pass){
		.gate = g,
		.toll = wish->toll,
		.since_us = now_us,
		.bell = wish->bell,
		.call = wish->call,
		.arg = wish->arg,
	};
	list_init(&p->link);
	pthread_mutex_lock(&g->lock);
	if (wish->part.len > 0)
		p->part = map_find(&g->parts, wish->part);
	come(g, p, &claim,
	    min_i64(wish->max_wait_us, queue_ms(g, p) * US_PER_MS));
	state = p->state;
	pthread_mutex_unlock(&g->lock);
	if (state != PASS_WAITS)
		return state;
	list_push(&p->bell->waiting, &p->link);
	/* So that its timer is set. */
	if (!bell_ring(p->bell))
		loop_timer_set(p->bell->timer, US_PER_MS);
	return state;
}

enum pass_state
gate_state(struct gate_pass *p)
{
	enum pass_state state;

	if (p->gate == NULL)
		return PASS_NONE;
	pthread_mutex_lock(&p->gate->lock);
	state = p->state;
	pthread_mutex_unlock(&p->gate->lock);
	return state;
}

static void
settle(struct gate *g, struct gate_pass *p, const struct toll *real,
    int64_t now_us)
{
	shaper_settle(&g->whole, &p->toll, p->taken_us, real, now_us);
	if (p->part != NULL)
		shaper_settle(&p->part->shaper, &p->toll, p->taken_us, real,
		    now_us);
	fair_correct(&p->turn,
	    max_i64(real->input_tokens + real->output_tokens, 1));
}

static void
undo(struct gate *g, struct gate_pass *p)
{
	shaper_undo(&g->whole, &p->toll, p->taken_us);
	if (p->part != NULL)
		shaper_undo(&p->part->shaper, &p->toll, p->taken_us);
	fair_correct(&p->turn, 0);
}

static void
leave(struct gate_pass *p, const struct toll *real, int64_t now_us)
{
	struct gate *g = p->gate;

	if (g == NULL)
		return;
	pthread_mutex_lock(&g->lock);
	if (p->state == PASS_WAITS) {
		out_of_line(g, p);
	} else if (p->state == PASS_IN) {
		if (real != NULL)
			settle(g, p, real, now_us);
		else
			undo(g, p);
		fair_leave(&p->turn);
	}
	p->state = PASS_NONE;
	pump(g, now_us);
	pthread_mutex_unlock(&g->lock);
	list_remove(&p->link);
	p->gate = NULL;
}

void
gate_leave(struct gate_pass *p, const struct toll *real, int64_t now_us)
{
	leave(p, real, now_us);
}

void
gate_undo(struct gate_pass *p, int64_t now_us)
{
	leave(p, NULL, now_us);
}

static void
set_whole(struct gate *g, const struct shaping_terms *terms, int64_t now_us)
{
	shaper_set(&g->whole, terms, now_us);
	g->terms = *terms;
	pump(g, now_us);
}

void
gate_set(struct gate *g, const struct shaping_terms *terms, int64_t now_us)
{
	pthread_mutex_lock(&g->lock);
	set_whole(g, terms, now_us);
	pthread_mutex_unlock(&g->lock);
}

static struct gate_part *
get_part(struct gate *g, struct slice name)
{
	struct gate_part *part = map_find(&g->parts, name);

	if (part != NULL || g->parts.count >= GATE_PARTS_MAX)
		return part;
	part = xcalloc(1, sizeof(*part));
	part->name = slice_make(xstrndup(name.ptr, name.len), name.len);
	map_put(&g->parts, part->name, part);
	return part;
}

void
gate_set_part(struct gate *g, struct slice name,
    const struct shaping_terms *terms, int64_t now_us)
{
	struct gate_part *part;

	pthread_mutex_lock(&g->lock);
	part = get_part(g, name);
	if (part != NULL) {
		shaper_set(&part->shaper, terms, now_us);
		part->terms = *terms;
		pump(g, now_us);
	}
	pthread_mutex_unlock(&g->lock);
}

void
gate_empty(struct gate *g, int64_t last_us)
{
	struct gate_part *part;
	size_t at = 0;

	pthread_mutex_lock(&g->lock);
	shaper_empty(&g->whole, last_us);
	while ((part = map_next(&g->parts, &at)) != NULL)
		shaper_empty(&part->shaper, last_us);
	pthread_mutex_unlock(&g->lock);
}

static void
look_at(const struct shaper *s, struct gate_look *look, int64_t now_us)
{
	size_t b;

	for (b = 0; b < SHAPER_RATES; b++) {
		look->rate[b] = s->rates[b].per_minute;
		look->burst[b] = s->rates[b].burst;
		look->left[b] = bucket_left(&s->rates[b], now_us);
	}
	look->running = s->running;
	look->concurrent = s->concurrent;
}

void
gate_look(struct gate *g, struct slice part, struct gate_look *look,
    int64_t now_us)
{
	const struct gate_part *p;

	*look = (struct gate_look){ .running = 0 };
	pthread_mutex_lock(&g->lock);
	p = part.len > 0 ? map_find(&g->parts, part) : NULL;
	if (part.len == 0)
		look_at(&g->whole, look, now_us);
	else if (p != NULL)
		look_at(&p->shaper, look, now_us);
	look->waiting = (int64_t)g->waiting;
	pthread_mutex_unlock(&g->lock);
}

struct part_look {
	struct slice name;
	struct gate_look look;
};

static int
by_name(const void *a, const void *b)
{
	const struct part_look *p = a, *q = b;

	return strcmp(p->name.ptr, q->name.ptr);
}

static bool
has_terms(const struct gate_look *look)
{
	size_t b;

	for (b = 0; b < SHAPER_RATES; b++)
		if (look->rate[b] > 0)
			return true;
	return look->concurrent > 0;
}

void
gate_each(struct gate *g, int64_t now_us,
    void (*call)(void *arg, struct slice part, const struct gate_look *look),
    void *arg)
{
	struct gate_look whole = { .running = 0 };
	struct part_look *parts;
	struct gate_part *part;
	size_t at = 0, n = 0, i;

	pthread_mutex_lock(&g->lock);
	look_at(&g->whole, &whole, now_us);
	whole.waiting = (int64_t)g->waiting;
	parts = xcalloc(g->parts.count + 1, sizeof(*parts));
	while ((part = map_next(&g->parts, &at)) != NULL) {
		parts[n].name = part->name; /* parts never go */
		look_at(&part->shaper, &parts[n].look, now_us);
		n += has_terms(&parts[n].look);
	}
	pthread_mutex_unlock(&g->lock);
	qsort(parts, n, sizeof(*parts), by_name);
	call(arg, slice_of(""), &whole);
	for (i = 0; i < n; i++)
		call(arg, parts[i].name, &parts[i].look);
	free(parts);
}
