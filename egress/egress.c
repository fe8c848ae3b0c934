#include "egress/egress.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/member/capacity.h"
#include "common/member/gatehouse.h"
#include "common/member/limits.h"
#include "common/member/timing.h"
#include "common/member/worker.h"
#include "common/net/loop.h"
#include "common/store/epoch.h"
#include "common/store/ledger.h"
#include "common/store/recovery.h"
#include "egress/account.h"
#include "egress/admin.h"
#include "egress/call.h"
#include "egress/capacity.h"
#include "egress/downlink.h"
#include "egress/extract.h"
#include "egress/notary.h"
#include "egress/offer.h"
#include "egress/outlay.h"
#include "egress/patience.h"
#include "egress/ration.h"
#include "topology/load.h"

#define EPOCH_KEY_BITS (63 - CAPACITY_BOOT_BITS)
#define BOOTS_SINCE_MS (INT64_C(1767225600) * 1000) /* 2026-01-01, UTC */
#define SWEEP_US       (2 * (int64_t)US_PER_SECOND)

/*
 * What the boot's number is at least: milliseconds since 2026, so that a store
 * that is restored as it was goes on beyond all boots that were since, and
 * none of their chains is written once more.
 */
static int64_t
least_boot(int64_t wall_us)
{
	const int64_t most = INT64_C(1) << (CAPACITY_BOOT_BITS - 1);
	int64_t ms = wall_us / US_PER_MS - BOOTS_SINCE_MS;

	/* Beyond is a clock that is wrong: it must not use the numbers up. */
	return ms > 0 && ms < most ? ms : 0;
}

/*
 * The boot's number under the identity: an egress that is enrolled anew under
 * its old name must not write into old chains, whatever its clock says.
 */
static int64_t
epoch_of(const struct public_key *identity, int64_t boot)
{
	int64_t above = 0;
	size_t i;

	for (i = 0; i < sizeof(uint32_t); i++)
		above = above << 8 | identity->bytes[i];
	above >>= 32 - EPOCH_KEY_BITS;
	return above << CAPACITY_BOOT_BITS | boot;
}

/* As mesh.yaml has them. */
static struct limit_terms
find_terms(const struct topology *t, const struct limits_who *who)
{
	const struct limit_terms none = { .rates = { 0 } };
	const struct team *team = NULL;

	if (who->level == SCOPE_TEAM)
		team = mesh_team(&t->mesh, who->name);
	return team != NULL ? team->limits : none;
}

/* A row changed the sums in the store: so do those in memory. */
static void
on_spend(void *arg, const struct attempt_row *row, const struct spend *more)
{
	const struct limits_who team = { SCOPE_TEAM, row->team, slice_of("") };
	struct egress *g = arg;

	limits_post(g->limits, &team, more);
}

static bool
open_limits(struct egress *g, struct process *p)
{
	const struct limits_source source = { find_terms };
	const struct ledger_watch watch = { .attempt = on_spend, .arg = g };

	g->limits = limits_open(p->ledger, p->topology, &source);
	if (g->limits == NULL)
		return false;
	g->outlays = outlays_open(p->ledger);
	if (g->outlays == NULL)
		return false;
	g->gates = gatehouse_new(limits_used_us(g->limits));
	ledger_watch(p->ledger, &watch);
	return true;
}

static void
meet_providers(struct egress *g, const struct topology *t)
{
	size_t i;

	for (i = 0; i < t->egress->providers_count; i++)
		timings_meet(g->timings, t->egress->providers[i].name);
}

static bool
egress_open(struct process *p, struct buf *why)
{
	struct egress *g = xcalloc(1, sizeof(*g));
	struct recovery recovery = { .egress = g };
	int64_t closed;

	g->process = p;
	p->shared = g;
	pthread_mutex_init(&g->lock, NULL);
	map_init(&g->claims);
	list_init(&recovery.chains);
	g->extracts = extracts_new();
	if (!epoch_next(p->ledger, "boot_epoch", least_boot(clock_wall_us()),
		&g->epoch) ||
	    g->epoch >> CAPACITY_BOOT_BITS != 0) {
		buf_puts(why, "the store took no boot epoch\n");
		return false;
	}
	g->epoch = epoch_of(&p->identity.public, g->epoch);
	g->accounts = accounts_new(g->epoch);
	g->timings = timings_new();
	meet_providers(g, p->topology);
	closed = ledger_recover(p->ledger, notary_recover, &recovery);
	recovery_fini(&recovery);
	if (closed < 0) {
		buf_puts(why, "the store could not be recovered\n");
		return false;
	}
	if (!open_limits(g, p)) {
		buf_puts(why, "what was spent could not be read\n");
		return false;
	}
	if (closed > 0)
		log_warn("closed calls that the last stop interrupted",
		    log_int("count", closed));
	return true;
}

static void
egress_close(struct process *p)
{
	struct egress *g = p->shared;

	if (g == NULL)
		return;
	accounts_free(g->accounts);
	timings_free(g->timings);
	extracts_free(g->extracts);
	gatehouse_free(g->gates);
	outlays_close(g->outlays);
	limits_close(g->limits);
	map_fini(&g->claims);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

static void
on_sweep(void *arg)
{
	struct dock *d = arg;

	list_each(item, &d->calls) {
		patience_tick(container_of(item, struct call, link),
		    clock_mono_us());
	}
	downlinks_sweep(d);
	extracts_tell(d);
	capacity_tell_all(d);
	loop_timer_set(d->sweep, SWEEP_US);
}

static void
set_dock(struct dock *d, struct dock *there)
{
	struct egress *g = d->egress;

	pthread_mutex_lock(&g->lock);
	g->docks[d->worker->index] = there;
	pthread_mutex_unlock(&g->lock);
}

static void
egress_start(struct worker *w)
{
	struct dock *d = xcalloc(1, sizeof(*d));
	struct link_config config;

	d->worker = w;
	d->egress = w->process->shared;
	w->app = d;
	list_init(&d->links);
	list_init(&d->calls);
	bell_init(&d->bell, w->loop);
	/* The notary's part of COMMIT comes before the ledger's. */
	d->notary = notary_new(d);
	w->turn = ledger_turn_new(w->process->ledger, w->loop);
	d->sweep = loop_timer_new(w->loop, on_sweep, d);
	loop_timer_set(d->sweep, SWEEP_US);
	downlink_config(d, &config);
	d->listener = link_listen(&config, w->listen_fd);
	set_dock(d, d);
}

static void
egress_adopt(struct worker *w, const struct topology *old)
{
	struct dock *d = w->app;

	capacity_adopt(d);
	if (w->topology == old)
		return;
	meet_providers(d->egress, w->topology);
	limits_adopt(d->egress->limits, w->topology);
	ration_adopt(d);
	offer_forget(d);
	downlinks_adopt(d);
}

static void
egress_durable(struct worker *w)
{
	(void)w; /* nodes acknowledge, the egress does not */
}

static void
egress_drain(struct worker *w)
{
	struct dock *d = w->app;

	d->draining = true;
	link_listener_free(d->listener);
	d->listener = NULL;
	downlinks_drain(d);
}

static void
egress_cut(struct worker *w)
{
	struct dock *d = w->app;

	list_each(item, &d->calls) {
		call_interrupt(container_of(item, struct call, link),
		    FAIL_SHUTTING_DOWN);
	}
}

static bool
egress_idle(struct worker *w)
{
	struct dock *d = w->app;

	return d->calls_count == 0;
}

static void
egress_leave(struct worker *w)
{
	struct dock *d = w->app;

	link_listener_free(d->listener);
	d->listener = NULL;
	downlinks_close(d);
}

static void
egress_stop(struct worker *w)
{
	struct dock *d = w->app;

	set_dock(d, NULL);
	ledger_turn_free(w->turn);
	notary_free(d->notary);
	loop_timer_free(d->sweep);
	bell_fini(&d->bell);
	offer_forget(d);
	free(d);
}

static bool
egress_ready(struct process *p, struct buf *why)
{
	(void)p;
	(void)why;
	return true;
}

static struct slice
egress_listen(const struct topology *t)
{
	return t->egress->listen;
}

const struct process_app egress_app = {
	.role = ROLE_EGRESS,
	.open = egress_open,
	.close = egress_close,
	.start = egress_start,
	.adopt = egress_adopt,
	.durable = egress_durable,
	.drain = egress_drain,
	.cut = egress_cut,
	.idle = egress_idle,
	.leave = egress_leave,
	.stop = egress_stop,
	.ready = egress_ready,
	.metrics = egress_metrics,
	.listen = egress_listen,
	.routes = egress_admin_routes,
	.routes_count = EGRESS_ADMIN_ROUTES,
};
