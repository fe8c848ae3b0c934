#pragma once
/*
 * session: the protocol of one connection, without its socket: bytes in give
 * events, what is queued gives bytes out.  Its struct is shared by its organs:
 * session.c (packets in, liveness, drain), greeting.c (HELLO, AUTH, SETTINGS),
 * stream.c (what applications call), arrival.c (stream frames in), queue.c
 * (packets out), message.c (messages in parts).  SESSION_OVER is for good.
 */
#include "common/base/list.h"
#include "common/base/map.h"
#include "common/net/frame.h"
#include "common/net/link.h"
#include "common/net/lookout.h"
#include "common/net/message.h"
#include "common/net/packet.h"

#define SESSION_STREAMS  1024          /* that a parent serves at once */
#define STREAM_CREDIT    (64 * 1024)   /* bytes on their way, of a stream */
#define STREAM_SMALL     (16 * 1024)   /* the same beyond SESSION_WIDE */
#define SESSION_WIDE     256           /* streams with the full credit */
#define SESSION_CREDIT   (1024 * 1024) /* bytes on their way, of all streams */
#define STREAM_QUEUE_MAX (64 * 1024)   /* bytes waiting to leave, of a stream */

enum session_state {
	SESSION_HELLO,    /* waits for the peer's HELLO */
	SESSION_AUTH,     /* for its AUTH */
	SESSION_SETTINGS, /* for its SETTINGS */
	SESSION_UP,
	SESSION_OVER /* `why` says it */
};

/* What the owner is told; never from inside a call of the application. */
struct session_events {
	void (*on_up)(void *arg);
	void (*on_open)(void *arg, struct stream *s,
	    const struct open_request *open);
	void (
	    *on_message)(void *arg, enum link_message type, struct slice bytes);
	void (*on_twin)(void *arg);
	/* Something waits to be sent or freed: flush it in this turn. */
	void (*on_dirty)(void *arg);
	/* session_tell has something to tell; or the session is over. */
	void (*on_chore)(void *arg);
};

struct session_config {
	bool dialler;
	struct link *link;             /* may be NULL in tests */
	const struct secret *identity; /* kept by the owner */
	const char *name;              /* ours; kept by the owner */
	enum link_role role;
	struct id boot;
	unsigned lane;
	uint8_t exporter[KEY_BYTES];
	struct hash topology;
	struct link_peer peer; /* who TLS says is there */
	struct beacon *beacon; /* kept up to date; may be NULL */
	struct session_events events;
	void *arg;
};

struct session {
	struct session_config config;
	enum session_state state;
	const char *why;
	int64_t now_us; /* of the last call that told the time */

	struct packet_way in_way, out_way;
	struct buf in;        /* the beginning of a packet */
	struct buf out;       /* packets that were not sent yet */
	struct hash hello[2]; /* of HELLOs: dialler's, other's */
	struct id peer_boot;
	unsigned peer_lane;
	int64_t peer_features; /* bits of greeting.h */
	struct hash peer_topology;

	struct map by_id;       /* streams that have an id and a slot */
	struct list streams;    /* all that have a slot */
	struct list opening;    /* whose OPEN waits */
	struct list ready;      /* that may send */
	struct list parked;     /* that would, but for the link's credit */
	struct list telling;    /* that session_tell visits */
	struct list dead, pool; /* to be reused after the turn; for reuse */
	size_t slots, pooled;
	size_t streams_max;                     /* the parent's limit */
	int64_t last_id;                        /* of the youngest stream */
	int64_t send_credit, recv_credit, owed; /* of the link, bytes */

	struct buf control;   /* frames, each behind a u16 length */
	size_t control_at;    /* those before are sent */
	struct list messages; /* to be sent */
	size_t message_bytes;
	struct assembly assembly;

	int64_t heard_us; /* when the last packet came */
	int64_t ping_us;  /* when the open PING was queued; 0: none */
	int64_t quiet_us; /* silence before the next PING */
	int64_t ping_token, rtt_us, pinged_us;
	int64_t pass_us; /* begin of the minute of `passed` */
	unsigned passed, pongs;
	int64_t cancels;    /* that the peer may send now, in millionths */
	int64_t cancels_us; /* when that was so */

	struct beacon_figures figures;
	int goaway_sent, goaway_got; /* step: 0, 1, 2 */
	int64_t goaway_token;        /* PING that follows our first step */
	const char *goaway_why;
};

/* HELLO is in `out` at once.  Before it is freed, session_lose. */
struct session *session_new(const struct session_config *config,
    int64_t now_us);
void session_free(struct session *s);

/* Bytes of the peer; what is incomplete is kept. */
void session_feed(struct session *s, struct slice bytes, int64_t now_us);

/* Put what waits into `out`, if that is empty.  False: nothing to send. */
bool session_fill(struct session *s, int64_t now_us);

/* PING, or notice that the peer is dead; gives when to call again. */
int64_t session_tick(struct session *s, int64_t now_us);
/* on_room and what could not be told when it happened. */
void session_tell(struct session *s);
/* Every stream's on_end(STREAM_LOST); the session is over. */
void session_lose(struct session *s);
/* Reuse what died in this turn. */
void session_rest(struct session *s);

void session_drain(struct session *s, const char *why);

/* Drained, by either side, and nothing is left to send. */
bool session_drained(const struct session *s);

/* Tell the peer that another boot with its key is there. */
void session_send_twin(struct session *s);
void session_send(struct session *s, enum link_message type,
    struct slice bytes);

/* As link_open, which see. */
struct stream *session_open(struct session *s, struct slice envelope,
    const struct open_hop *hop, const struct stream_events *events, void *arg);

/* End it; `why` is a constant. */
void session_stop(struct session *s, const char *why);

/* The peer broke the protocol: counts, and ends it. */
void session_violate(struct session *s, const char *why);
