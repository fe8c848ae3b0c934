#include "node/uplink.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/llm/catalog.h"
#include "common/member/capacity.h"
#include "common/member/journal.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/book.h"
#include "common/store/ledger.h"
#include "common/store/sum.h"
#include "node/attempt.h"
#include "node/extract.h"
#include "node/node.h"
#include "node/outlay.h"
#include "node/parent.h"

#define CATALOG_KEY_MAX    96
#define CATALOG_WHY_MAX    512
#define CAPACITY_ARENA_MAX (1024 * 1024)
#define OPEN_MAX           64 /* of a turn */
#define ACK_MAX            (32 * ACK_RANGES_MAX)

/* Receipts that are not acknowledged yet. */
struct unacked {
	struct ack_range ranges[ACK_RANGES_MAX];
	size_t count;
	uint64_t commit; /* durable once the ledger has synced this commit */
};

struct uplink {
	struct desk *desk;
	struct link *link;
	char parent[LINK_NAME_MAX + 1];
	struct catalog *catalog;
	struct list attempts; /* struct attempt.waiting */
	struct seal_memory seals;
	/* Put in this turn; committed; committed and waiting for an fsync. */
	struct unacked pending, fresh, waiting;
	struct ledger_wait written;
	/* Requests that were open when a receipt of theirs came. */
	struct id open[OPEN_MAX];
	size_t open_count;
	struct extract_line extracts;
	bool up, judges;  /* see uplink_judges */
	struct list left; /* in the desk's list: no parent any more */
};

static bool
is_parent(const struct topology *t, struct slice name)
{
	size_t i;

	for (i = 0; i < t->self->parents_count; i++)
		if (slice_eq(t->self->parents[i], name))
			return true;
	return false;
}

static bool
allow(void *arg, struct slice name, const struct public_key *key,
    struct link_peer *peer)
{
	struct uplink *u = arg;
	const struct topology *t = u->desk->worker->topology;
	const struct member *m = mesh_member(&t->mesh, name);

	if (m == NULL || !is_parent(t, name) || m->role != ROLE_EGRESS ||
	    !member_has_key(m, key) || name.len > LINK_NAME_MAX)
		return false;
	memcpy(peer->name, name.ptr, name.len);
	peer->name[name.len] = '\0';
	peer->role = LINK_EGRESS;
	peer->key = *key;
	return true;
}

static struct hash
topology_hash(void *arg)
{
	struct uplink *u = arg;

	return u->desk->worker->topology->mesh_hash;
}

static void
note_parent(struct uplink *u, enum parent_has what, bool has)
{
	parents_note(u->desk->node->parents, u->parent, u->desk->worker->index,
	    what, has);
}

static void
on_up(void *arg, struct link *l)
{
	struct uplink *u = arg;

	u->up = true;
	outlay_again(u->desk);
	note_parent(u, PARENT_LINK, true);
	log_info("link up", log_str("parent", link_peer(l)->name),
	    log_int("lane", u->desk->worker->index));
}

static void
on_down(void *arg, struct link *l, const char *why)
{
	struct uplink *u = arg;

	(void)l;
	u->judges = false;
	extract_on_loss(&u->extracts);
	if (!u->up)
		return;
	u->up = false;
	note_parent(u, PARENT_LINK, false);
	log_warn("link down", log_str("parent", u->parent),
	    log_int("lane", u->desk->worker->index), log_str("why", why));
}

static struct slice
catalog_key(struct slice parent, char key[CATALOG_KEY_MAX])
{
	int n =
	    snprintf(key, CATALOG_KEY_MAX, "catalog/%.*s", SLICE_FMT(parent));

	return slice_make(key, (size_t)n);
}

static void
take_catalog(struct uplink *u, struct catalog *c)
{
	catalog_release(u->catalog);
	u->catalog = c;
	book_keep_offer(u->desk->worker->turn, c);
	note_parent(u, PARENT_CATALOG, true);
}

static void
on_catalog(struct uplink *u, struct slice bytes)
{
	char key[CATALOG_KEY_MAX];
	struct catalog *c;
	struct buf why;

	buf_init(&why, CATALOG_WHY_MAX);
	c = catalog_read(bytes, &why);
	if (c != NULL && !slice_is(c->egress, u->parent)) {
		buf_puts(&why, "it is of another egress");
		catalog_release(c);
		c = NULL;
	}
	if (c == NULL)
		log_warn("catalog refused; the last one goes on serving",
		    log_str("parent", u->parent),
		    log_slice("why", buf_slice(&why)));
	buf_fini(&why);
	if (c == NULL)
		return;
	take_catalog(u, c);
	if (u->desk->worker->index == 0)
		ledger_put(u->desk->worker->turn, LEDGER_SETTLEMENTS,
		    FAMILY_META, catalog_key(slice_of(u->parent), key), bytes);
	log_info("catalog", log_str("parent", u->parent),
	    log_int("targets", (int64_t)c->count),
	    log_slice("price_book", c->price_book));
}

static void
on_change(void *arg, struct slice target, const struct target_change *change)
{
	struct worker *w = arg;

	journal_target(w->turn, &w->ids, target, change);
}

static void
on_capacity(struct uplink *u, struct slice bytes)
{
	struct node *n = u->desk->node;
	struct worker *w = u->desk->worker;
	struct capacity c;
	struct arena arena;

	arena_init(&arena, CAPACITY_ARENA_MAX);
	if (!capacity_read(&c, &arena, bytes) ||
	    !slice_is(c.egress, u->parent)) {
		log_warn("CAPACITY is not readable",
		    log_str("parent", u->parent));
	} else {
		u->judges = true;
		outlook_hear(&n->outlook, n->targets, &c, clock_mono_us(),
		    &(struct outlook_events){ on_change, w });
	}
	arena_fini(&arena);
}

/* Is it the parent's own, and does any key of it vouch for it? */
static bool
verified(struct uplink *u, const struct receipt *r)
{
	const struct topology *t = u->desk->worker->topology;
	const struct member *m = mesh_member(&t->mesh, r->row.egress);
	size_t i;

	if (m == NULL || m->role != ROLE_EGRESS ||
	    !slice_is(r->row.egress, u->parent) ||
	    !slice_eq(r->row.origin, t->self->name))
		return false;
	for (i = 0; i < m->keys_count; i++)
		if (seal_check_again(&u->seals, &r->seal, &m->keys[i],
			RECEIPT_CONTEXT, r->object))
			return true;
	return false;
}

static struct attempt *
find_attempt(struct uplink *u, const struct receipt_row *row)
{
	list_each(item, &u->attempts) {
		struct attempt *a = container_of(item, struct attempt, waiting);

		if (a->number == row->attempt &&
		    memcmp(&a->request, &row->request, ID_BYTES) == 0)
			return a;
	}
	return NULL;
}

/* Beyond the table one is not acknowledged now, and will be sent again. */
static void
note(struct unacked *un, const struct ack_range *range)
{
	struct ack_range *last = &un->ranges[un->count];

	if (un->count > 0 && last[-1].to + 1 == range->from &&
	    memcmp(last[-1].chain, range->chain, CHAIN_ID_BYTES) == 0)
		last[-1].to = range->to;
	else if (un->count < ACK_RANGES_MAX)
		un->ranges[un->count++] = *range;
}

static void
forget(struct uplink *u)
{
	list_remove(&u->left);
	ledger_wait_cancel(&u->written);
	catalog_release(u->catalog);
	free(u);
}

static void
on_written(void *arg, bool written)
{
	struct uplink *u = arg;
	struct ledger *ledger = u->desk->node->process->ledger;
	size_t i;

	assert(written); /* settlements are kept until they are */
	for (i = 0; i < u->pending.count; i++)
		note(&u->fresh, &u->pending.ranges[i]);
	u->pending.count = 0;
	for (i = 0; i < u->open_count; i++)
		sum_correct(u->desk->worker->turn, &u->open[i]);
	u->open_count = 0;
	u->fresh.commit = ledger_committed(ledger);
	if (!list_empty(&u->left))
		forget(u);
	else if (ledger_durable(ledger) == u->fresh.commit)
		uplink_durable(u); /* all were known: no fsync follows */
}

/* It will be acknowledged once this turn's rows are durable. */
static void
acknowledge_later(struct uplink *u, const struct receipt *r)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	struct ack_range range;
	bool made = receipt_key(key, &r->row);

	assert(made);
	memcpy(range.chain, key, CHAIN_ID_BYTES);
	range.from = range.to = r->row.seq;
	if (u->pending.count == 0)
		ledger_await(u->desk->worker->turn, LEDGER_SETTLEMENTS,
		    &u->written);
	note(&u->pending, &range);
}

void
uplink_keep(struct desk *d, const struct receipt *r, struct slice message)
{
	struct uplink *u = desk_uplink(d, r->row.egress);

	receipt_put(d->worker->turn, r, message);
	if (u != NULL)
		acknowledge_later(u, r);
}

static void
on_receipt(struct uplink *u, struct slice message)
{
	struct ledger *ledger = u->desk->node->process->ledger;
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt r;
	struct attempt *a;

	if (!receipt_read(&r, message) || !receipt_key(key, &r.row) ||
	    !verified(u, &r)) {
		stat_add(STAT_RECEIPTS_BAD, 1);
		log_error("receipt refused: its signature does not verify",
		    log_str("parent", u->parent));
		return;
	}
	stat_add(STAT_RECEIPTS, 1);
	a = find_attempt(u, &r.row);
	if (a != NULL) {
		attempt_on_receipt(a, message);
		return;
	}
	if (receipt_keep(ledger, u->desk->worker->turn, &r, message, true) &&
	    u->open_count < OPEN_MAX)
		u->open[u->open_count++] = r.row.request;
	acknowledge_later(u, &r);
}

static void
on_message(void *arg, struct link *l, enum link_message type,
    struct slice bytes)
{
	struct uplink *u = arg;

	(void)l;
	if (type == LINK_CATALOG)
		on_catalog(u, bytes);
	else if (type == LINK_CAPACITY)
		on_capacity(u, bytes);
	else if (type == LINK_RECEIPT)
		on_receipt(u, bytes);
	else if (type == LINK_LEDGER_PAGE)
		extract_on_page(&u->extracts, bytes);
}

static void
on_twin(void *arg, struct link *l)
{
	struct uplink *u = arg;

	log_error("two processes use one identity: revoke the key unless a "
		  "restart explains it",
	    log_str("parent", link_peer(l)->name),
	    log_str("seen_from", u->desk->node->process->identity.name));
}

static void
acknowledge(struct uplink *u)
{
	struct buf message;

	buf_init(&message, ACK_MAX);
	ack_write(&message, u->waiting.ranges, u->waiting.count);
	if (link_is_up(u->link))
		link_send(u->link, LINK_ACK, buf_slice(&message));
	buf_fini(&message);
	u->waiting.count = 0;
}

/* What waits is frozen, or steady traffic would put its fsync off for ever. */
void
uplink_durable(struct uplink *u)
{
	uint64_t durable = ledger_durable(u->desk->node->process->ledger);

	if (u->waiting.count > 0 && durable >= u->waiting.commit)
		acknowledge(u);
	if (u->waiting.count > 0 || u->fresh.count == 0)
		return;
	u->waiting = u->fresh;
	u->fresh.count = 0;
	if (durable >= u->waiting.commit)
		acknowledge(u);
}

struct catalog *
uplink_stored_catalog(struct ledger *ledger, struct slice parent)
{
	char key[CATALOG_KEY_MAX];
	struct catalog *c = NULL;
	struct buf bytes;

	buf_init(&bytes, LINK_MESSAGE_MAX);
	if (db_get(ledger_db(ledger), FAMILY_META, catalog_key(parent, key),
		&bytes))
		c = catalog_read(buf_slice(&bytes), NULL);
	buf_fini(&bytes);
	return c;
}

static void
load_catalog(struct uplink *u)
{
	struct catalog *c =
	    uplink_stored_catalog(u->desk->node->process->ledger,
		slice_of(u->parent));

	if (c != NULL)
		take_catalog(u, c);
}

static struct uplink *
new_uplink(struct desk *d, const struct member *parent)
{
	struct process *p = d->node->process;
	struct uplink *u = xcalloc(1, sizeof(*u));

	u->desk = d;
	list_init(&u->attempts);
	list_init(&u->left);
	ledger_wait_init(&u->written, on_written, u);
	extract_line_init(&u->extracts, d->worker->loop);
	memcpy(u->parent, parent->name.ptr,
	    min_size(parent->name.len, LINK_NAME_MAX));
	load_catalog(u);
	const struct link_config config = {
		.loop = d->worker->loop,
		.tls = p->tls,
		.identity = p->identity.key,
		.name = p->identity.name,
		.role = LINK_NODE,
		.boot = p->boot,
		.lane = d->worker->index,
		.allow = allow,
		.topology = topology_hash,
		.events = { .on_up = on_up,
		    .on_down = on_down,
		    .on_message = on_message,
		    .on_twin = on_twin },
		.arg = u,
	};
	u->link = link_dial(&config, parent->address.ptr, u->parent);
	return u;
}

/* Its streams are told in here; what they left is told behind it. */
static void
cut(struct uplink *u)
{
	link_free(u->link);
	u->link = NULL;
	extract_line_fini(&u->extracts);
	note_parent(u, PARENT_LINK, false);
	note_parent(u, PARENT_CATALOG, false);
	list_each(item, &u->attempts) {
		attempt_on_loss(container_of(item, struct attempt, waiting));
	}
	assert(list_empty(&u->attempts));
}

/* Rows of this turn that are not written yet are still to be told of. */
static void
leave(struct desk *d, struct uplink *u)
{
	log_info("a parent has left", log_str("parent", u->parent),
	    log_int("lane", d->worker->index));
	cut(u);
	/* A link that is down comes back, and its word with it: not before. */
	outlook_forget(&d->node->outlook, d->node->targets, slice_of(u->parent),
	    clock_mono_us(), &(struct outlook_events){ on_change, d->worker });
	list_push(&d->left_uplinks, &u->left);
	if (u->pending.count == 0)
		forget(u);
}

/* Take it out of those that were. */
static struct uplink *
take(struct uplink **all, size_t count, struct slice name)
{
	struct uplink *u;
	size_t i;

	for (i = 0; i < count; i++) {
		u = all[i];
		if (u == NULL || !slice_is(name, u->parent))
			continue;
		all[i] = NULL;
		return u;
	}
	return NULL;
}

void
uplinks_adopt(struct desk *d)
{
	const struct topology *t = d->worker->topology;
	const struct member *self = t->self, *parent;
	struct uplink *old[MEMBER_PARENTS_MAX], *u;
	size_t old_count = d->uplinks_count, i;

	memcpy(old, d->uplinks, sizeof(old));
	d->uplinks_count = 0;
	for (i = 0; i < self->parents_count; i++) {
		parent = mesh_member(&t->mesh, self->parents[i]);
		u = take(old, old_count, parent->name);
		if (u == NULL) {
			u = new_uplink(d, parent);
		} else {
			link_set_address(u->link, parent->address.ptr);
			link_recheck(u->link);
		}
		d->uplinks[d->uplinks_count++] = u;
	}
	for (i = 0; i < old_count; i++)
		if (old[i] != NULL)
			leave(d, old[i]);
}

void
uplinks_free(struct desk *d)
{
	size_t i;

	for (i = 0; i < d->uplinks_count; i++) {
		assert(list_empty(&d->uplinks[i]->attempts));
		cut(d->uplinks[i]);
		forget(d->uplinks[i]);
	}
	d->uplinks_count = 0;
	list_each(item, &d->left_uplinks) {
		forget(container_of(item, struct uplink, left));
	}
}

const char *
uplink_parent(const struct uplink *u)
{
	return u->parent;
}

struct link *
uplink_link(const struct uplink *u)
{
	return u->link;
}

bool
uplink_judges(const struct uplink *u)
{
	return u->judges;
}

struct extract_line *
uplink_extract_line(struct uplink *u)
{
	return &u->extracts;
}

struct catalog *
uplink_catalog(const struct uplink *u)
{
	return u->catalog;
}

void
uplink_expect(struct uplink *u, struct attempt *a)
{
	list_push(&u->attempts, &a->waiting);
}
