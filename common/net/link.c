#include "common/net/link.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/net/conn.h"
#include "common/net/dial.h"
#include "common/net/greeting.h"
#include "common/net/listener.h"
#include "common/net/lookout.h"
#include "common/net/roster.h"

#define ACCEPT_US (5LL * US_PER_SECOND)  /* to be up, for who came in */
#define DIAL_US   (10LL * US_PER_SECOND) /* for us; the other may be busy */
#define WELL_US   (60LL * US_PER_SECOND) /* up for so long: it did well */

struct link {
	struct link_config config;
	struct host *host;
	struct conn *conn; /* NULL: not connected */
	struct link_peer peer;
	bool known; /* peer is set: TLS found it allowed */
	bool up, draining;
	bool freed;               /* by the application; rests */
	struct loop_timer *timer; /* deadline to be up, then liveness */
	struct loop_task chore;
	struct loop_task rest;
	int64_t up_us;  /* since when */
	uint64_t twins; /* noticed so far */
	void *owner;
	struct dial *dial;               /* NULL: it was accepted */
	char *parent;                    /* who is dialled */
	const char *fault;               /* last cause that was logged */
	struct beacon *beacon;           /* NULL: accepted, and not up yet */
	char claimed[LINK_NAME_MAX + 1]; /* who wants to be there */
	struct link_listener *listener;  /* while it is half open */
	struct list half_open;
};

static void
on_twin(void *arg)
{
	struct link *l = arg;

	log_warn("another process has this peer's key",
	    log_str("peer", l->peer.name));
	l->config.events.on_twin(l->config.arg, l);
}

static void
look_for_twins(struct link *l, uint64_t twins)
{
	if (twins == l->twins)
		return;
	l->twins = twins;
	session_send_twin(l->conn->session);
	on_twin(l);
}

static void
settle(struct link *l)
{
	if (l->listener != NULL)
		listener_settled(l->listener, &l->half_open);
	l->listener = NULL;
}

static void
set_timer(struct link *l)
{
	struct session *s = l->conn->session;
	int64_t now_us = clock_mono_us();

	loop_timer_set(l->timer, session_tick(s, now_us) - now_us);
}

static struct lookout *
lookout_of(const struct link *l)
{
	return roster_lookout(tls_roster(l->config.tls));
}

static void
show_up(struct link *l)
{
	struct session *s = l->conn->session;
	struct beacon_look look = {
		.dialled = l->dial != NULL,
		.egress = l->peer.role == LINK_EGRESS,
		.lane = l->config.lane,
		.peer_lane = s->peer_lane,
		.state = BEACON_UP,
		.boot = s->peer_boot,
		.topology = s->peer_topology,
		.our_topology = s->config.topology,
	};

	memcpy(look.peer, l->peer.name, sizeof(look.peer));
	if (l->beacon == NULL)
		l->beacon = lookout_add(lookout_of(l), &look);
	else
		beacon_rise(l->beacon, &look);
	s->config.beacon = l->beacon;
}

static void
dial_later(struct link *l, bool did_well, const char *why)
{
	dial_again(l->dial, did_well);
	beacon_wait(l->beacon, dial_wait_us(l->dial), why);
}

static void
on_up(void *arg)
{
	struct link *l = arg;
	const struct session *s = l->conn->session;
	struct roster *roster = tls_roster(l->config.tls);
	uint64_t twins;

	settle(l);
	l->up = true;
	l->up_us = clock_mono_us();
	l->fault = NULL;
	show_up(l);
	stat_add(STAT_LINKS_UP, 1);
	log_debug("link is up", log_str("peer", l->peer.name),
	    log_int("lane", s->peer_lane));
	l->twins = roster_twins(roster, &l->peer.key);
	twins = roster_enter(roster, &l->peer.key, &s->peer_boot);
	set_timer(l);
	l->config.events.on_up(l->config.arg, l);
	if (l->up)
		look_for_twins(l, twins);
}

static void
on_open(void *arg, struct stream *st, const struct open_request *open)
{
	struct link *l = arg;

	l->config.events.on_open(l->config.arg, l, st, open);
}

static void
on_message(void *arg, enum link_message type, struct slice bytes)
{
	struct link *l = arg;

	l->config.events.on_message(l->config.arg, l, type, bytes);
}

static void
on_dirty(void *arg)
{
	struct link *l = arg;

	conn_wake(l->conn);
}

static void
on_chore(void *arg)
{
	struct link *l = arg;

	loop_soon(l->config.loop, &l->chore);
}

static void
run_chore(void *arg)
{
	struct link *l = arg;
	struct conn *conn = l->conn;

	if (conn == NULL || conn->session == NULL)
		return;
	conn_enter(conn);
	session_tell(conn->session);
	conn_leave(conn);
}

static void
on_secure(void *arg)
{
	struct link *l = arg;
	const struct link_config *c = &l->config;
	struct session_config config = {
		.dialler = l->dial != NULL,
		.link = l,
		.identity = c->identity,
		.name = c->name,
		.role = c->role,
		.boot = c->boot,
		.lane = c->lane,
		.topology = c->topology(c->arg),
		.peer = l->peer,
		.events = { on_up, on_open, on_message, on_twin, on_dirty,
		    on_chore },
		.arg = l,
	};

	if (!l->known || !tls_export(l->conn->tls, config.exporter)) {
		conn_end(l->conn, "no secret of the connection");
		return;
	}
	l->conn->session = session_new(&config, clock_mono_us());
	crypto_wipe(config.exporter, sizeof(config.exporter));
}

/* Asked in the TLS handshake: may they be there? */
static bool
check(void *arg, struct slice name, const struct public_key *key)
{
	struct link *l = arg;
	struct public_key ours = sign_public(l->config.identity);

	assert(name.len <= LINK_NAME_MAX);
	memcpy(l->claimed, name.ptr, name.len);
	l->claimed[name.len] = '\0';
	if (crypto_equal(&ours, key, sizeof(ours)))
		return false;
	if (l->parent != NULL && !slice_is(name, l->parent))
		return false;
	if (!l->config.allow(l->config.arg, name, key, &l->peer))
		return false;
	memcpy(l->peer.name, l->claimed, sizeof(l->claimed));
	l->peer.key = *key;
	l->known = true;
	return true;
}

static void
on_timer(void *arg)
{
	struct link *l = arg;
	struct conn *conn = l->conn;

	if (conn == NULL)
		return;
	if (!l->up) {
		conn_end(conn, "handshake took too long");
		return;
	}
	set_timer(l);
	conn_enter(conn);
	look_for_twins(l,
	    roster_twins(tls_roster(l->config.tls), &l->peer.key));
	conn_leave(conn);
}

static void
log_fault(struct link *l, const char *why)
{
	const char *peer = l->known ? l->peer.name : l->parent;

	if (l->fault != NULL && strcmp(l->fault, why) == 0)
		return;
	l->fault = why;
	log_warn("link cannot be made", log_str("peer", peer),
	    log_str("cause", why));
}

/* No longer up: leave the roster, tell the streams. */
static void
fall(struct link *l)
{
	struct session *s = l->conn->session;
	bool was_up = l->up;

	l->up = false;
	loop_timer_clear(l->timer);
	loop_task_cancel(&l->chore);
	if (was_up) {
		stat_add(STAT_LINKS_DOWN, 1);
		roster_leave(tls_roster(l->config.tls), &l->peer.key,
		    &s->peer_boot);
	}
	if (s != NULL)
		session_lose(s);
}

static void
finish(struct link *l)
{
	loop_timer_free(l->timer);
	loop_task_cancel(&l->chore);
	loop_task_cancel(&l->rest);
	beacon_free(l->beacon);
	dial_free(l->dial);
	free(l->parent);
	free(l);
}

static void
on_rest(void *arg)
{
	struct link *l = arg;

	finish(l);
}

/* An accepted link: nobody else knows that it was there. */
static void
remember(struct link *l, bool was_up, const char *why)
{
	lookout_end(lookout_of(l), l->claimed, was_up, why);
	beacon_free(l->beacon);
	l->beacon = NULL;
}

/* Its connection is over; the turn ends. */
static void
on_over(void *arg, const char *why)
{
	struct link *l = arg;
	struct conn *conn = l->conn;
	bool was_up = l->up;
	bool did_well = was_up && clock_mono_us() - l->up_us >= WELL_US;

	settle(l);
	if (tls_stranger(conn->tls)) {
		stat_add(STAT_LINK_STRANGERS, 1);
		lookout_stranger(lookout_of(l),
		    l->dial != NULL ? l->parent : l->claimed, why);
	}
	fall(l);
	if (was_up && !l->freed) {
		log_debug("link is down", log_str("peer", l->peer.name),
		    log_str("cause", why));
		l->config.events.on_down(l->config.arg, l, why);
	} else if (!l->freed) {
		log_fault(l, why);
	}
	if (l->freed)
		return;
	l->conn = NULL;
	l->known = false;
	conn_free(conn);
	if (l->dial == NULL) {
		remember(l, was_up, why);
		loop_rest(l->config.loop, &l->rest);
	} else if (l->draining) {
		beacon_wait(l->beacon, 0, why);
	} else {
		dial_later(l, did_well, why);
	}
}

static struct link *
new_link(const struct link_config *config)
{
	struct link *l = xcalloc(1, sizeof(*l));

	l->config = *config;
	l->host = roster_host(tls_roster(config->tls), config->loop);
	l->timer = loop_timer_new(config->loop, on_timer, l);
	loop_task_init(&l->chore, run_chore, l);
	loop_task_init(&l->rest, on_rest, l);
	list_init(&l->half_open);
	return l;
}

static void
connect_link(struct link *l, int fd)
{
	struct conn_config config = { l->host, l->config.tls, { check, l },
		{ on_secure, on_over }, l };
	bool accept = l->dial == NULL;

	l->conn = conn_new(&config, fd, accept);
	loop_timer_set(l->timer, accept ? ACCEPT_US : DIAL_US);
}

static void
on_socket(void *arg, int fd)
{
	struct link *l = arg;

	if (fd >= 0) {
		connect_link(l, fd);
		beacon_dial(l->beacon);
		return;
	}
	log_fault(l, "address cannot be reached");
	dial_later(l, false, "address cannot be reached");
}

struct link *
link_dial(const struct link_config *config, const char *address,
    const char *parent)
{
	struct link *l = new_link(config);
	struct beacon_look look = { .dialled = true,
		.egress = true, /* nobody else is dialled */
		.lane = config->lane };

	snprintf(look.peer, sizeof(look.peer), "%s", parent);
	l->beacon = lookout_add(lookout_of(l), &look);
	l->parent = xstrdup(parent);
	l->dial = dial_new(config->loop, address, on_socket, l);
	dial_start(l->dial);
	return l;
}

void
link_set_address(struct link *l, const char *address)
{
	dial_set_address(l->dial, address);
}

struct link *
link_accept(const struct link_config *config, struct link_listener *ll, int fd)
{
	struct link *l = new_link(config);

	l->listener = ll;
	listener_enlist(ll, &l->half_open);
	connect_link(l, fd);
	return l;
}

void
link_abandon(struct list *half_open)
{
	struct link *l = container_of(half_open, struct link, half_open);

	l->listener = NULL;
	if (l->conn->busy) {
		conn_end(l->conn, "nobody listens any more");
		return;
	}
	fall(l);
	conn_free(l->conn);
	finish(l);
}

void
link_evict(struct list *half_open)
{
	struct link *l = container_of(half_open, struct link, half_open);

	settle(l);
	conn_end(l->conn, "too many links half open");
}

bool
link_is_up(const struct link *l)
{
	return l->up && l->conn->session->state == SESSION_UP;
}

const struct link_peer *
link_peer(const struct link *l)
{
	return &l->peer;
}

void
link_set_owner(struct link *l, void *owner)
{
	l->owner = owner;
}

void *
link_owner(const struct link *l)
{
	return l->owner;
}

struct hash
link_peer_topology(const struct link *l)
{
	return l->up ? l->conn->session->peer_topology : (struct hash){ 0 };
}

struct id
link_peer_boot(const struct link *l)
{
	return l->up ? l->conn->session->peer_boot : (struct id){ 0 };
}

unsigned
link_peer_lane(const struct link *l)
{
	return l->up ? l->conn->session->peer_lane : 0;
}

bool
link_answers_ledger(const struct link *l)
{
	return l->up &&
	       (l->conn->session->peer_features & GREETING_ANSWERS_LEDGER) != 0;
}

size_t
link_streams(const struct link *l)
{
	return l->up ? l->conn->session->slots : 0;
}

bool
link_is_full(const struct link *l)
{
	return l->up &&
	       l->conn->session->slots >= l->conn->session->streams_max;
}

int64_t
link_rtt_us(const struct link *l)
{
	return l->up ? l->conn->session->rtt_us : 0;
}

void
link_recheck(struct link *l)
{
	struct link_peer peer = l->peer;

	if (l->conn == NULL || !l->known)
		return;
	if (!l->config.allow(l->config.arg, slice_of(l->peer.name),
		&l->peer.key, &peer) ||
	    peer.role != l->peer.role)
		conn_end(l->conn, "no longer allowed by the topology");
}

void
link_drain(struct link *l)
{
	l->draining = true;
	if (l->dial != NULL)
		dial_stop(l->dial);
	if (l->conn == NULL)
		return;
	if (l->conn->session != NULL)
		session_drain(l->conn->session, "shutting down");
	else
		conn_end(l->conn, "shutting down");
}

void
link_close(struct link *l, const char *why)
{
	if (l->conn != NULL)
		conn_end(l->conn, why);
}

void
link_free(struct link *l)
{
	bool in_use;

	if (l == NULL)
		return;
	assert(l->dial != NULL && !l->freed);
	l->freed = true;
	dial_stop(l->dial);
	if (l->conn == NULL) {
		finish(l);
		return;
	}
	in_use = l->conn->busy;
	fall(l);
	conn_free(l->conn);
	/* One of its callbacks may be what calls us. */
	if (in_use)
		loop_rest(l->config.loop, &l->rest);
	else
		finish(l);
}

void
link_send(struct link *l, enum link_message type, struct slice bytes)
{
	if (l->up)
		session_send(l->conn->session, type, bytes);
}

struct stream *
link_open(struct link *l, struct slice envelope, const struct open_hop *hop,
    const struct stream_events *events, void *arg)
{
	if (!l->up)
		return NULL;
	return session_open(l->conn->session, envelope, hop, events, arg);
}
