#pragma once
/*
 * lookout: what any thread may know of the links of this process.  Each link
 * keeps its beacon up to date from its own loop; of those that ended, and of
 * those that were refused, the last ones are remembered.  Owned by the roster;
 * locks are short.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"
#include "common/base/list.h"

struct lookout;
struct beacon;

#define BEACON_NAME_MAX  63
#define LOOKOUT_ENDS_MAX 64 /* of each kind that are remembered */

/* Plain numbers of a link, as its session counts them. */
struct beacon_figures {
	int64_t bytes_in, bytes_out; /* of frames, since it is up */
	int64_t streams, streams_total;
	int64_t queued_bytes; /* wait to be sent */
	int64_t summed_us;    /* mono: those were summed */
	int64_t rtt_us;       /* of the last PING; 0: none yet */
	int64_t draining;     /* either side has said goodbye */
};

enum beacon_state {
	BEACON_CONNECTING, /* dials or shakes hands */
	BEACON_WAITING,    /* will dial at next_us */
	BEACON_UP,
	BEACON_DRAINING /* says goodbye, or heard it */
};
const char *beacon_state_name(enum beacon_state s);

struct beacon_look {
	char peer[BEACON_NAME_MAX + 1];
	bool dialled; /* by us */
	bool egress;  /* that is what the peer is */
	unsigned lane, peer_lane;
	enum beacon_state state;
	int64_t since_us; /* wall: up, or not */
	int64_t next_us;  /* wall: of the next try */
	const char *why;  /* it is not up: last cause; a constant; or "" */
	int64_t downs;    /* how often it was lost */
	struct id boot;   /* the peer's */
	/* Of mesh.yaml, as each side told when it came up. */
	struct hash topology, our_topology;
	struct beacon_figures figures;
};

/* One that is no more, or never was. */
struct beacon_end {
	char peer[BEACON_NAME_MAX + 1]; /* whom it claimed to be; may be "" */
	bool was_up;
	const char *why;
	int64_t at_us; /* wall: the last time */
	int64_t count; /* of this peer and cause, in a row */
};

struct lookout *lookout_new(void);
void lookout_free(struct lookout *lo);

/* A link is there: whose, and how; `since_us` and `why` are not looked at. */
struct beacon *lookout_add(struct lookout *lo, const struct beacon_look *look);

/* For the link's own loop: it is up, and so; or is not, and why. */
void beacon_rise(struct beacon *s, const struct beacon_look *look);
void beacon_dial(struct beacon *s);
void beacon_wait(struct beacon *s, int64_t wait_us, const char *why);

/* Cheap: each turn of a link that is up.  NULL is fine. */
void beacon_note(struct beacon *s, const struct beacon_figures *figures);

/* The link is freed.  NULL is fine. */
void beacon_free(struct beacon *s);

/* An accepted link ended, or was not let in; `why` is a constant. */
void lookout_end(struct lookout *lo, const char *peer, bool was_up,
    const char *why);

/*
 * The key of a peer was refused, or it had none: whom it claimed to be, or
 * who was dialled.  `on_stranger` hears of each, on the thread of its link;
 * said once, before there are links.
 */
void lookout_stranger(struct lookout *lo, const char *peer, const char *why);
void lookout_watch(struct lookout *lo,
    void (*on_stranger)(void *arg, const char *peer, const char *why),
    void *arg);

/* Copies, as many as there is room for, oldest first; gives how many. */
size_t lookout_links(struct lookout *lo, struct beacon_look *looks,
    size_t room);
size_t lookout_ends(struct lookout *lo,
    struct beacon_end ends[LOOKOUT_ENDS_MAX], bool were_up);
