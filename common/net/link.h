#pragma once
/*
 * link: one authenticated connection between members, carrying streams and
 * messages as docs/PROTOCOL.md says; lives on one loop.  The dialling side (a
 * child: a node) opens streams, the accepting side (a parent) serves them.
 * A dialler reconnects by itself and lives until link_free; an accepted link
 * dies with its connection (on_down is the last call).  Frames queued in a
 * turn leave in its FLUSH phase, later ones (RELEASE) before it ends; OPENs
 * that leave together share one signature.  Only link_free calls back.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"
#include "common/base/seal.h"
#include "common/net/stream.h"

struct loop;
struct link;
struct link_listener;
struct tls_boot;
#define LINK_NAME_MAX    63 /* of a member */
#define LINK_HOPS_MAX    8
#define LINK_MESSAGE_MAX (2 * 1024 * 1024)
#define OPEN_CONTEXT     "gsr/open/v1"

enum link_role { LINK_NODE, LINK_EGRESS };

/* Messages that a link carries without reading them. */
enum link_message {
	LINK_CATALOG,    /* parent to child: egress/catalog */
	LINK_RECEIPT,    /* parent to child: a sealed receipt */
	LINK_ACK,        /* child to parent: receipts that are durable */
	LINK_CAPACITY,   /* parent to child: how its targets stand */
	LINK_REVOKE,     /* either way: an operator's revocation (later) */
	LINK_REPORT,     /* child to parent: what it spent by itself, by day */
	LINK_CHECKPOINT, /* child to parent: how far it has receipts; signed */
	LINK_LEDGER_ASK, /* child to parent: what it has of the child's calls */
	LINK_LEDGER_PAGE /* parent to child: some of that */
};

/* Who is at the other end, as the topology knows it. */
struct link_peer {
	char name[LINK_NAME_MAX + 1];
	enum link_role role;
	struct public_key key; /* identity */
};

/* What the origin says of a request beside the signed envelope. */
struct open_hop {
	const char *const *path; /* members so far, origin first */
	size_t path_len;
	int64_t remaining_ms; /* deadline of the request */
	int64_t max_wait_ms;  /* how long it may queue for capacity */
};

/* An OPEN that came in; slices are good during on_open. */
struct open_request {
	struct slice envelope; /* signed bytes */
	struct seal seal;      /* checked by the application */
	struct slice path[LINK_HOPS_MAX];
	size_t path_len; /* the sending peer is the last */
	int64_t remaining_ms, max_wait_ms;
};

struct link_events {
	/* AUTH was seen from the other side: it may be used. */
	void (*on_up)(void *arg, struct link *l);
	/* No longer; streams have had their on_end.  An accepted one dies. */
	void (*on_down)(void *arg, struct link *l, const char *why);
	/* The parent's side: serve it (stream_accept) or refuse it. */
	void (*on_open)(void *arg, struct link *l, struct stream *s,
	    const struct open_request *open);
	void (*on_message)(void *arg, struct link *l, enum link_message type,
	    struct slice bytes);
	/* Another process with the same key is, or was just, connected. */
	void (*on_twin)(void *arg, struct link *l);
};

struct link_config {
	struct loop *loop;
	const struct tls_boot *tls; /* this boot's certificate; shared */
	const struct secret *identity;
	const char *name;
	enum link_role role;
	struct id boot; /* random, of this process */
	unsigned lane;  /* index of the worker */
	/* May this key, under this name, be at the other end now?  Fills
	 * *peer.  Called during the handshake, before any frame is read, and
	 * again for every live link by link_recheck. */
	bool (*allow)(void *arg, struct slice name,
	    const struct public_key *key, struct link_peer *peer);
	/* The hash to tell in AUTH; differing ones are recorded only. */
	struct hash (*topology)(void *arg);
	struct link_events events;
	void *arg;
};

/* Make this boot's TLS key and certificate, which the identity signs:
 * once per process, shared by its loops, freed after them and their links.
 * NULL is fatal: logged. */
struct tls_boot *tls_boot_new(const struct secret *identity, const char *name);
void tls_boot_free(struct tls_boot *b);

/* A link that dials `address` ("host:port") and expects `parent` there. */
struct link *link_dial(const struct link_config *config, const char *address,
    const char *parent);
void link_set_address(struct link *l, const char *address); /* of the next */

/* Accept links on a listening socket, which the listener closes. */
struct link_listener *link_listen(const struct link_config *config,
    int listen_fd);
void link_listener_free(struct link_listener *ll); /* live links go on */

bool link_is_up(const struct link *l);
const struct link_peer *link_peer(const struct link *l);
void link_set_owner(struct link *l, void *owner);
void *link_owner(const struct link *l);
struct hash link_peer_topology(const struct link *l);
struct id link_peer_boot(const struct link *l);
unsigned link_peer_lane(const struct link *l);
bool link_answers_ledger(const struct link *l); /* the peer does */
size_t link_streams(const struct link *l);
bool link_is_full(const struct link *l);   /* all streams are taken */
int64_t link_rtt_us(const struct link *l); /* of the last PING; 0: none yet */

/* Ask `allow` again; close the link when it says no. */
void link_recheck(struct link *l);

/*
 * Two-step GOAWAY: the peer opens nothing new, streams finish, then the
 * connection closes and on_down comes.  A dialler does not dial again.
 */
void link_drain(struct link *l);

/* Close at once; on_down comes at the end of the turn for accepted links. */
void link_close(struct link *l, const char *why);

/* A dialler's end; streams get on_end in here.  NULL is fine. */
void link_free(struct link *l);

/* At most LINK_MESSAGE_MAX bytes, copied; dropped when the link is down. */
void link_send(struct link *l, enum link_message type, struct slice bytes);

/*
 * Open a stream: envelope and hop are copied, the OPEN leaves at the next
 * flush.  Our own name is put at the end of the path unless it is there.  NULL
 * when the link is down, draining or has no free stream.
 */
struct stream *link_open(struct link *l, struct slice envelope,
    const struct open_hop *hop, const struct stream_events *events, void *arg);
