#include "node/node.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/export/spool.h"
#include "common/llm/catalog.h"
#include "common/member/gatehouse.h"
#include "common/member/journal.h"
#include "common/member/limits.h"
#include "common/member/tally.h"
#include "common/member/target.h"
#include "common/member/timing.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/book.h"
#include "common/store/ledger.h"
#include "common/store/recovery.h"
#include "node/admin.h"
#include "node/affinity.h"
#include "node/caller.h"
#include "node/checkpoint.h"
#include "node/evidence.h"
#include "node/extract.h"
#include "node/history.h"
#include "node/maker.h"
#include "node/outlay.h"
#include "node/parent.h"
#include "node/request.h"
#include "node/roll.h"
#include "node/smoothing.h"
#include "node/standing.h"
#include "node/strategy/script.h"
#include "node/throttle.h"
#include "node/uplink.h"
#include "topology/tariff.h"

#define TICK_US US_PER_SECOND

/* As the node file has them. */
static struct limit_terms
find_terms(const struct topology *t, const struct limits_who *who)
{
	const struct limit_terms none = { .rates = { 0 } };
	const struct party *party = NULL;
	const struct tier *tier;

	switch (who->level) {
	case SCOPE_NODE:
		return t->node->limits;
	case SCOPE_CALLER:
		tier = node_tier(t->node, who->tier);
		return tier != NULL ? tier->limits : none;
	case SCOPE_PROJECT:
		party = node_project(t->node, who->name);
		break;
	case SCOPE_USER:
		party = node_user(t->node, who->name);
		break;
	default:
		break;
	}
	return party != NULL ? party->limits : none;
}

static void
post(struct limits *l, enum scope_level level, struct slice name,
    const struct spend *more)
{
	const struct limits_who who = { level, name, slice_of("") };

	if (level == SCOPE_NODE || name.len > 0)
		limits_post(l, &who, more);
}

/* A row changed the sums in the store: so do those in memory. */
static void
on_spend(void *arg, const struct request_row *row, const struct spend *more)
{
	struct node *n = arg;

	post(n->limits, SCOPE_NODE, slice_of(""), more);
	post(n->limits, SCOPE_PROJECT, row->project, more);
	post(n->limits, SCOPE_USER, row->user, more);
	post(n->limits, SCOPE_CALLER, row->caller, more);
}

/* What the team's own upstreams cost: its egresses are told. */
static void
on_own_spend(void *arg, const struct attempt_row *row, const struct spend *more)
{
	struct node *n = arg;

	post(n->limits, SCOPE_TEAM, row->team, more);
	atomic_fetch_add(&n->outlays, 1);
}

static bool
open_limits(struct node *n, struct process *p)
{
	const struct limits_source source = { find_terms };
	const struct ledger_watch watch = { .request = on_spend,
		.attempt = on_own_spend,
		.arg = n };

	n->limits = limits_open(p->ledger, p->topology, &source);
	if (n->limits == NULL)
		return false;
	n->gates = gatehouse_new(limits_used_us(n->limits));
	ledger_watch(p->ledger, &watch);
	return true;
}

static void
meet_groups(struct node *n, const struct topology *t)
{
	size_t i;

	for (i = 0; i < t->node->groups_count; i++)
		timings_meet(n->timings, t->node->groups[i].name);
}

static bool
node_open(struct process *p, struct buf *why)
{
	struct node *n = xcalloc(1, sizeof(*n));
	int64_t closed = ledger_recover(p->ledger, NULL, NULL);

	n->process = p;
	p->shared = n;
	if (closed < 0) {
		buf_puts(why, "the store could not be recovered\n");
		return false;
	}
	if (closed > 0)
		log_warn("closed requests that the last stop interrupted",
		    log_int("count", closed));
	if (!open_limits(n, p)) {
		buf_puts(why, "what was spent could not be read\n");
		return false;
	}
	n->callers = callers_open(p->ledger, p->identity.key);
	if (!callers_fit(n->callers, p->topology, why))
		return false;
	n->makers = makers_open(p->ledger, p->identity.key);
	n->history = history_open(p->ledger, p->identity.key);
	n->targets = target_states_new();
	outlook_init(&n->outlook);
	bench_open(&n->bench, p->ledger, n->targets, clock_wall_us());
	n->affinity = affinity_new();
	retries_init(&n->retries);
	n->parents = parents_new();
	n->timings = timings_new();
	n->extracts = extracts_new();
	spool_sweep(p->options.state_dir);
	meet_groups(n, p->topology);
	n->evidence =
	    evidence_open(p->ledger, p->identity.key, p->topology->self);
	return true;
}

static void
node_close(struct process *p)
{
	struct node *n = p->shared;

	if (n == NULL)
		return;
	callers_close(n->callers);
	makers_close(n->makers);
	history_close(n->history);
	affinity_free(n->affinity);
	outlook_fini(&n->outlook);
	target_states_free(n->targets);
	evidence_close(n->evidence);
	timings_free(n->timings);
	extracts_free(n->extracts);
	gatehouse_free(n->gates);
	limits_close(n->limits);
	parents_free(n->parents);
	free(n);
}

/* What rows will name is kept before there are any. */
static void
keep_own_book(struct desk *d)
{
	const struct node_file *file = d->worker->topology->node;
	const struct tariff_wish own = { .providers = file->providers,
		.count = file->providers_count };
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	tariff_write(&bytes, &own);
	assert(!bytes.failed);
	book_keep(d->worker->turn, buf_slice(&bytes));
	buf_fini(&bytes);
}

static void
on_tick(void *arg)
{
	struct desk *d = arg;
	int64_t now = loop_now_us(d->worker->loop);

	list_each(item, &d->requests) {
		request_tick(container_of(item, struct request, link), now);
	}
	if (door_sweep(&d->door) || d->requests_count > 0)
		loop_timer_set(d->tick, TICK_US);
}

void
desk_watch_deadlines(struct desk *d)
{
	loop_timer_set(d->tick, TICK_US);
}

struct uplink *
desk_uplink(const struct desk *d, struct slice egress)
{
	size_t i;

	for (i = 0; i < d->uplinks_count; i++)
		if (slice_is(egress, uplink_parent(d->uplinks[i])))
			return d->uplinks[i];
	return NULL;
}

unsigned
desk_links_up(const struct desk *d, const struct topology *t)
{
	const struct uplink *u;
	unsigned up = 0;
	size_t i;

	for (i = 0; i < t->self->parents_count; i++) {
		u = desk_uplink(d, t->self->parents[i]);
		if (u != NULL && link_is_up(uplink_link(u)))
			up |= 1u << i;
	}
	return up;
}

unsigned
node_links_up(const struct node *n, const struct topology *t)
{
	unsigned up = 0;
	size_t i;

	for (i = 0; i < t->self->parents_count; i++)
		if (parents_look(n->parents, t->self->parents[i]).up != 0)
			up |= 1u << i;
	return up;
}

struct routes *
desk_routes(struct desk *d, struct topology *t)
{
	struct routes_wish wish = {
		.topology = t,
		.states = d->node->targets,
		.now_wall_us = clock_wall_us(),
	};
	const struct uplink *u;
	size_t i;

	for (i = 0; i < t->self->parents_count; i++) {
		u = desk_uplink(d, t->self->parents[i]);
		wish.catalogs[i] = u != NULL ? uplink_catalog(u) : NULL;
	}
	evidence_refresh(d->node->evidence, &d->evidence);
	wish.evidence = d->evidence;
	if (!routes_are_of(d->routes, &wish)) {
		routes_release(d->routes);
		d->routes = routes_new(&wish);
	}
	return routes_hold(d->routes);
}

struct routes *
node_routes(struct node *n, struct topology *t)
{
	struct evidence_book *evidence = NULL;
	struct routes_wish wish = {
		.topology = t,
		.states = n->targets,
		.now_wall_us = clock_wall_us(),
	};
	struct routes *routes;
	size_t i;

	for (i = 0; i < t->self->parents_count; i++)
		wish.catalogs[i] = uplink_stored_catalog(n->process->ledger,
		    t->self->parents[i]);
	evidence_refresh(n->evidence, &evidence);
	wish.evidence = evidence;
	routes = routes_new(&wish);
	evidence_book_release(evidence);
	for (i = 0; i < t->self->parents_count; i++)
		catalog_release(wish.catalogs[i]);
	return routes;
}

void
node_standings(struct node *n, struct standings *s)
{
	struct topology *t = process_topology(n->process);
	const struct standing_wish wish = {
		.topology = t,
		.states = n->targets,
		.bench = &n->bench,
		.now_us = clock_mono_us(),
		.wall_us = clock_wall_us(),
	};

	standings_take(s, &wish);
	topology_release(t);
}

static bool
node_fits(struct process *p, const struct topology *t, struct buf *why)
{
	const struct node *n = p->shared;

	return door_fits(t, why) && scripts_fit(t, why) &&
	       (n == NULL || callers_fit(n->callers, t, why));
}

static void
node_start(struct worker *w)
{
	struct desk *d = xcalloc(1, sizeof(*d));

	d->worker = w;
	d->node = w->process->shared;
	w->app = d;
	list_init(&d->requests);
	d->tick = loop_timer_new(w->loop, on_tick, d);
	w->turn = ledger_turn_new(w->process->ledger, w->loop);
	keep_own_book(d);
	d->policy_line.upstream = w->upstream;
	bell_init(&d->bell, w->loop);
	outlay_start(d);
	d->checkpoints = checkpoints_start(d);
	d->scripts = scripts_new();
	scripts_adopt(d->scripts, w->topology);
	list_init(&d->left_uplinks);
	uplinks_adopt(d);
	door_open(&d->door, d);
}

/* Of its own upstreams: what waited for a key or a name is tried again. */
static void
forgive(struct desk *d, const struct node_file *file)
{
	struct worker *w = d->worker;
	struct target_change change;
	struct target_state *t;
	size_t i, k;

	for (i = 0; i < file->providers_count; i++)
		for (k = 0; k < file->providers[i].models_count; k++) {
			t = target_state_find(d->node->targets,
			    file->providers[i].models[k].target);
			if (t == NULL)
				continue;
			change = target_forgive(t, BACKOFF_LONG);
			journal_target(w->turn, &w->ids, t->name, &change);
		}
}

static void
node_adopt(struct worker *w, const struct topology *old)
{
	struct desk *d = w->app;

	forgive(d, w->topology->node);
	if (w->topology == old)
		return;
	meet_groups(d->node, w->topology);
	keep_own_book(d);
	scripts_adopt(d->scripts, w->topology);
	limits_adopt(d->node->limits, w->topology);
	throttle_adopt(d);
	smoothing_adopt(d);
	uplinks_adopt(d);
	door_adopt(&d->door);
}

static void
node_durable(struct worker *w)
{
	struct desk *d = w->app;
	size_t i;

	for (i = 0; i < d->uplinks_count; i++)
		uplink_durable(d->uplinks[i]);
}

static void
node_drain(struct worker *w)
{
	struct desk *d = w->app;

	d->draining = true;
	door_drain(&d->door);
}

static void
node_cut(struct worker *w)
{
	struct desk *d = w->app;

	list_each(item, &d->requests) {
		request_interrupt(container_of(item, struct request, link),
		    FAIL_SHUTTING_DOWN);
	}
}

static bool
node_idle(struct worker *w)
{
	struct desk *d = w->app;

	return d->requests_count == 0 && door_idle(&d->door);
}

static void
node_stop(struct worker *w)
{
	struct desk *d = w->app;

	door_close(&d->door);
	routes_release(d->routes);
	scripts_free(d->scripts);
	uplinks_free(d);
	ledger_turn_free(w->turn);
	loop_timer_free(d->tick);
	bell_fini(&d->bell);
	outlay_stop(d);
	checkpoints_stop(d->checkpoints);
	token_book_release(d->book);
	evidence_book_release(d->evidence);
	free(d);
}

static void
node_sweep(struct process *p, int64_t wall_us)
{
	struct node *n = p->shared;

	makers_sweep(n->makers, wall_us);
	history_sweep(n->history, wall_us);
	bench_sweep(&n->bench, wall_us);
}

/* Workers that have some parent's link, and those that have its catalog too. */
static struct parent_look
look_at_all(struct node *n, const struct topology *t)
{
	struct parent_look all = { 0, 0 }, one;
	size_t i;

	for (i = 0; i < t->self->parents_count; i++) {
		one = parents_look(n->parents, t->self->parents[i]);
		all.up |= one.up;
		all.serves |= one.serves;
	}
	return all;
}

/* Who can do without them is told all the same. */
static void
tell_down(struct node *n, const struct topology *t, struct buf *out)
{
	size_t workers = n->process->workers_count, up, i;

	for (i = 0; i < t->self->parents_count; i++) {
		up = (size_t)__builtin_popcountll(
		    parents_look(n->parents, t->self->parents[i]).up);
		if (up < workers)
			buf_printf(out, "%.*s: %zu of %zu links are up\n",
			    SLICE_FMT(t->self->parents[i]), up, workers);
	}
}

/* Who comes to a worker without any would be refused. */
static bool
tell_ready(struct node *n, const struct topology *t, struct buf *why)
{
	struct parent_look all = look_at_all(n, t);
	size_t workers = n->process->workers_count;
	uint64_t each = UINT64_MAX >> (64 - workers);

	if (t->self->parents_count == 0 || all.serves == each)
		return true;
	if (all.up == 0)
		buf_puts(why, "not ready: no link to an egress is up\n");
	else if (all.up != each)
		buf_printf(why,
		    "not ready: %d of %zu workers have a link to an egress\n",
		    __builtin_popcountll(all.up), workers);
	else
		buf_puts(why, "not ready: no egress sent a catalog yet\n");
	return false;
}

static bool
node_ready(struct process *p, struct buf *why)
{
	struct node *n = p->shared;
	struct topology *t = process_topology(p);
	bool ready = tell_ready(n, t, why);

	tell_down(n, t, why);
	topology_release(t);
	return ready;
}

static const struct slice *
name_group(const void *arg, size_t i)
{
	const struct node_file *file = arg;

	return i < file->groups_count ? &file->groups[i].name : NULL;
}

static void
put_timings(struct node *n, struct buf *out)
{
	static const struct timing_words words = { "group",
		"gsr_request_duration_seconds",
		"from the head of a request for an answer to its end, of known "
		"callers",
		"gsr_request_ttft_seconds",
		"from its head to the first content of the answer" };
	struct topology *t = process_topology(n->process);

	timings_metrics(n->timings, &words, name_group, t->node, out);
	topology_release(t);
}

static void
node_metrics(struct process *p, struct buf *out)
{
	struct node *n = p->shared;
	struct standings s;
	struct tally tally;

	node_standings(n, &s);
	standings_metrics(&s, out);
	standings_fini(&s);
	roll_call(n, &tally);
	tally_metrics(&tally, out);
	put_timings(n, out);
}

static struct slice
node_listen(const struct topology *t)
{
	return t->node->listen;
}

const struct process_app node_app = {
	.role = ROLE_NODE,
	.open = node_open,
	.close = node_close,
	.start = node_start,
	.adopt = node_adopt,
	.durable = node_durable,
	.drain = node_drain,
	.cut = node_cut,
	.idle = node_idle,
	.stop = node_stop,
	.sweep = node_sweep,
	.ready = node_ready,
	.fits = node_fits,
	.metrics = node_metrics,
	.listen = node_listen,
	.routes = node_admin_routes,
	.routes_count = NODE_ADMIN_ROUTES,
};
