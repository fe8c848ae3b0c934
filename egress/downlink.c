#include "egress/downlink.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/llm/envelope.h"
#include "common/member/worker.h"
#include "common/store/custody.h"
#include "common/store/receipt.h"
#include "egress/call.h"
#include "egress/capacity.h"
#include "egress/checkpoint.h"
#include "egress/egress.h"
#include "egress/extract.h"
#include "egress/notary.h"
#include "egress/offer.h"
#include "egress/outlay.h"
#include "topology/load.h"

#define SWEEP_RECEIPTS 512                 /* sent again at a time */
#define SWEEP_AGE_US   (3 * US_PER_SECOND) /* younger ones may be on the way */
#define ACK_DELETES    65536               /* a message may acknowledge */

struct downlink {
	struct list link;
	struct dock *dock;
	struct link *net;
	struct extract_pass pass;
};

static bool
allow(void *arg, struct slice name, const struct public_key *key,
    struct link_peer *peer)
{
	struct dock *d = arg;
	const struct topology *t = d->worker->topology;
	const struct member *m = mesh_member(&t->mesh, name);
	size_t i;
	bool child = false;

	if (m == NULL || m->role != ROLE_NODE || !member_has_key(m, key) ||
	    name.len > LINK_NAME_MAX)
		return false;
	for (i = 0; i < m->parents_count; i++)
		child = child || slice_eq(m->parents[i], t->self->name);
	if (!child)
		return false;
	memcpy(peer->name, name.ptr, name.len);
	peer->name[name.len] = '\0';
	peer->role = LINK_NODE;
	peer->key = *key;
	return true;
}

static struct hash
topology_hash(void *arg)
{
	struct dock *d = arg;

	return d->worker->topology->mesh_hash;
}

static const struct team *
team_of(const struct downlink *dl)
{
	const struct mesh *mesh = &dl->dock->worker->topology->mesh;
	const struct member *m =
	    mesh_member(mesh, slice_of(link_peer(dl->net)->name));

	return m != NULL ? mesh_team(mesh, m->team) : NULL;
}

/* What there is, and then how that stands. */
static void
offer(struct downlink *dl)
{
	const struct topology *t = dl->dock->worker->topology;
	const struct team *team = team_of(dl);
	struct buf message;

	if (team == NULL)
		return;
	buf_init(&message, LINK_MESSAGE_MAX);
	offer_write(&message, t, team, offer_book(dl->dock, team));
	if (message.failed)
		log_error("the catalog is too large to send");
	else
		link_send(dl->net, LINK_CATALOG, buf_slice(&message));
	buf_fini(&message);
	capacity_tell(dl->dock, dl->net, team);
}

static void
on_up(void *arg, struct link *l)
{
	struct dock *d = arg;
	struct downlink *dl = xcalloc(1, sizeof(*dl));

	dl->dock = d;
	dl->net = l;
	link_set_owner(l, dl);
	list_push(&d->links, &dl->link);
	atomic_fetch_add(&d->egress->links_up, 1);
	log_info("link up", log_str("peer", link_peer(l)->name),
	    log_int("lane", link_peer_lane(l)));
	offer(dl);
	if (d->draining)
		link_drain(l);
}

static void
on_down(void *arg, struct link *l, const char *why)
{
	struct dock *d = arg;
	struct downlink *dl = link_owner(l);

	if (dl == NULL)
		return;
	list_remove(&dl->link);
	free(dl);
	atomic_fetch_sub(&d->egress->links_up, 1);
	log_info("link down", log_str("peer", link_peer(l)->name),
	    log_str("why", why));
}

static void
on_open(void *arg, struct link *l, struct stream *s,
    const struct open_request *open)
{
	call_begin(arg, l, s, open);
}

static void
forget_range(struct dock *d, struct slice origin, const struct ack_range *r)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	char outbox[OUTBOX_KEY_MAX];
	int64_t seq;
	int i;

	memcpy(key, r->chain, CHAIN_ID_BYTES);
	for (seq = r->from; seq <= r->to; seq++) {
		for (i = 0; i < 8; i++)
			key[CHAIN_ID_BYTES + i] =
			    (uint8_t)((uint64_t)seq >> (56 - 8 * i));
		ledger_delete(d->worker->turn, LEDGER_SETTLEMENTS,
		    FAMILY_OUTBOX, outbox_key(outbox, origin, key));
	}
}

/* Only this peer's own outbox can be meant. */
static void
on_ack(struct dock *d, struct link *l, struct slice message)
{
	struct ack_range ranges[ACK_RANGES_MAX];
	int i, count = ack_read(ranges, message);
	int64_t left = ACK_DELETES;

	for (i = 0; i < count; i++) {
		if (ranges[i].from < 1 || ranges[i].to < ranges[i].from ||
		    ranges[i].to - ranges[i].from >= left)
			continue;
		left -= ranges[i].to - ranges[i].from + 1;
		forget_range(d, slice_of(link_peer(l)->name), &ranges[i]);
	}
	if (count < 0)
		log_warn("ACK is not readable",
		    log_str("peer", link_peer(l)->name));
}

static void
on_report(struct dock *d, struct link *l, struct slice message)
{
	const struct team *team = team_of(link_owner(l));

	if (team == NULL)
		return;
	outlay_hear(d,
	    &(struct outlay_teller){ slice_of(link_peer(l)->name), team->name,
		&link_peer(l)->key },
	    message);
}

static void
on_ledger_ask(struct dock *d, struct link *l, struct slice message)
{
	struct downlink *dl = link_owner(l);

	extracts_hear(d, l, &dl->pass, message);
}

static void
on_message(void *arg, struct link *l, enum link_message type,
    struct slice bytes)
{
	if (type == LINK_ACK)
		on_ack(arg, l, bytes);
	else if (type == LINK_REPORT)
		on_report(arg, l, bytes);
	else if (type == LINK_CHECKPOINT)
		checkpoints_hear(arg, link_peer(l), bytes);
	else if (type == LINK_LEDGER_ASK)
		on_ledger_ask(arg, l, bytes);
}

static void
on_twin(void *arg, struct link *l)
{
	(void)arg;
	log_error("two processes use one identity: revoke the key unless a "
		  "restart explains it",
	    log_str("peer", link_peer(l)->name));
}

void
downlink_config(struct dock *d, struct link_config *config)
{
	struct process *p = d->egress->process;

	*config = (struct link_config){
		.loop = d->worker->loop,
		.tls = p->tls,
		.identity = p->identity.key,
		.name = p->identity.name,
		.role = LINK_EGRESS,
		.boot = p->boot,
		.lane = d->worker->index,
		.allow = allow,
		.topology = topology_hash,
		.events = { .on_up = on_up,
		    .on_down = on_down,
		    .on_open = on_open,
		    .on_message = on_message,
		    .on_twin = on_twin },
		.arg = d,
	};
}

void
downlinks_adopt(struct dock *d)
{
	list_each(item, &d->links) {
		struct downlink *dl = container_of(item, struct downlink, link);

		link_recheck(dl->net);
		if (link_is_up(dl->net))
			offer(dl);
	}
}

void
downlinks_tell_capacity(struct dock *d)
{
	list_each(item, &d->links) {
		struct downlink *dl = container_of(item, struct downlink, link);
		const struct team *team = team_of(dl);

		if (team != NULL && link_is_up(dl->net))
			capacity_tell(d, dl->net, team);
	}
}

void
downlinks_tell(struct dock *d, const struct receipt_way *way,
    struct slice receipt)
{
	struct link *any = NULL;

	list_each(item, &d->links) {
		struct downlink *dl = container_of(item, struct downlink, link);

		if (!link_is_up(dl->net) ||
		    !slice_is(way->origin, link_peer(dl->net)->name))
			continue;
		any = dl->net;
		if (link_peer_lane(any) == way->lane)
			break;
	}
	if (any != NULL)
		link_send(any, LINK_RECEIPT, receipt);
}

void
downlinks_tell_page(struct dock *d, uint64_t ticket, struct slice page)
{
	list_each(item, &d->links) {
		struct downlink *dl = container_of(item, struct downlink, link);

		if (dl->pass.ticket != ticket)
			continue;
		dl->pass.ticket = 0;
		link_send(dl->net, LINK_LEDGER_PAGE, page);
	}
}

static bool
is_old(struct slice message, int64_t now_us)
{
	struct receipt r;

	return receipt_read(&r, message) &&
	       now_us - r.row.started_at - r.row.total_us > SWEEP_AGE_US;
}

/* Retention took the receipt before its node did. */
static void
forget_dropped(struct dock *d, struct slice entry, struct slice key)
{
	struct ledger *l = d->egress->process->ledger;

	if (key.len == RECEIPT_KEY_BYTES &&
	    custody_receipt_gone(ledger_custody(l), (const uint8_t *)key.ptr))
		ledger_delete(d->worker->turn, LEDGER_SETTLEMENTS,
		    FAMILY_OUTBOX, entry);
}

static void
resend(struct dock *d, struct link *l)
{
	struct db *db = ledger_db(d->egress->process->ledger);
	struct slice origin = slice_of(link_peer(l)->name), key, empty, entry;
	char from[OUTBOX_KEY_MAX], to[OUTBOX_KEY_MAX];
	int64_t now = clock_wall_us();
	struct db_scan *scan;
	struct buf message;
	size_t sent = 0, seen = 0;

	buf_init(&message, RECEIPT_MAX);
	scan = db_scan_new(db, FAMILY_OUTBOX, outbox_prefix(from, origin, '\0'),
	    outbox_prefix(to, origin, '\1'), false);
	while (seen++ < 2 * SWEEP_RECEIPTS && sent < SWEEP_RECEIPTS &&
	       db_scan_next(scan, &key, &empty)) {
		entry = key;
		key = slice_after(key, origin.len + 1);
		if (!db_get(db, FAMILY_RECEIPT, key, &message)) {
			forget_dropped(d, entry, key);
			continue;
		}
		if (!is_old(buf_slice(&message), now))
			continue;
		link_send(l, LINK_RECEIPT, buf_slice(&message));
		sent++;
	}
	db_scan_free(scan);
	buf_fini(&message);
}

/* One link of a node is enough: its first lane. */
void
downlinks_sweep(struct dock *d)
{
	list_each(item, &d->links) {
		struct downlink *dl = container_of(item, struct downlink, link);

		if (link_is_up(dl->net) && link_peer_lane(dl->net) == 0)
			resend(d, dl->net);
	}
}

void
downlinks_drain(struct dock *d)
{
	list_each(item, &d->links) {
		link_drain(container_of(item, struct downlink, link)->net);
	}
}

void
downlinks_close(struct dock *d)
{
	list_each(item, &d->links) {
		link_close(container_of(item, struct downlink, link)->net,
		    "shutting down");
	}
}

bool
claim_take(struct dock *d, struct claim *c, const struct envelope *e)
{
	struct egress *g = d->egress;
	struct slice key;
	bool first;

	assert(e->origin.len <= NAME_CHARS_MAX);
	memcpy(c->key, e->request.bytes, ID_BYTES);
	c->key[ID_BYTES] = (uint8_t)e->attempt;
	memcpy(c->key + ID_BYTES + 1, e->origin.ptr, e->origin.len);
	c->len = ID_BYTES + 1 + e->origin.len;
	key = slice_make(c->key, c->len);
	pthread_mutex_lock(&g->lock);
	first = map_find(&g->claims, key) == NULL;
	if (first)
		map_put(&g->claims, key, c);
	pthread_mutex_unlock(&g->lock);
	if (!first) {
		c->len = 0;
		return false;
	}
	if (!ledger_knows(g->process->ledger, &e->request, e->attempt,
		e->origin))
		return true;
	claim_release(d, c);
	return false;
}

void
claim_release(struct dock *d, struct claim *c)
{
	struct egress *g = d->egress;

	if (c->len == 0)
		return;
	pthread_mutex_lock(&g->lock);
	map_remove(&g->claims, slice_make(c->key, c->len));
	pthread_mutex_unlock(&g->lock);
	c->len = 0;
}
